"""Whether a text is a JSONata expression; it is only read here, never evaluated."""

from __future__ import annotations

import sys

from chappe.domain.errors import Malformed


def check_jsonata(expression: str, path: str) -> None:
    """See that the expression can be parsed.

    Raises:
        Malformed: it cannot; the message says where.
    """
    # The library raises the interpreter's own limit when it is loaded, for all that runs in it.
    limit = sys.getrecursionlimit()
    import jsonata  # a fifth of a second of the hub's start otherwise, for what few ask for

    try:
        jsonata.Jsonata(expression)
    except jsonata.JException as error:
        raise Malformed(
            f"{path}: no JSONata expression: {error} (at character {error.location})"
        ) from None
    except RecursionError:
        raise Malformed(f"{path}: nested too deeply") from None
    except (IndexError, ValueError, TypeError, KeyError, AttributeError) as error:
        # The library has no error of its own for some texts.
        raise Malformed(f"{path}: no JSONata expression ({type(error).__name__})") from None
    finally:
        sys.setrecursionlimit(limit)
