"""Where lines break in the text of a file, as Confluent's registry breaks them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def apart(
    sections: Iterable[Iterable[str]], *, indent: str = "", first: bool = True
) -> Iterator[str]:
    """The lines of all sections, an empty line between two; before the first too unless `first`.

    Empty lines have the block's own `indent`, without which texts, and so their ids, are others.
    """
    for section in sections:
        for at, line in enumerate(section):
            if at == 0 and not first:
                yield indent
            first = False
            yield line


def block(start: str, lines: Iterable[str]) -> Iterator[str]:
    """What stands in braces; `start` ends with the opening one: "message Empty {}"."""
    indent = start[: len(start) - len(start.lstrip())]
    inner = list(lines)
    if not inner:
        yield start + "}"
        return
    yield start
    yield from inner
    yield indent + "}"


def bracketed(told: Iterable[str], indent: str) -> str:
    """Options after a field of that indent: one beside it, several on lines of their own."""
    options = [each.replace("\n", f"\n{indent}") for each in told]
    if len(options) < 2:
        return f" [{options[0]}]" if options else ""
    lines = f",\n{indent}".join(options).replace("\n", "\n  ")
    return f" [\n{indent}  {lines}\n{indent}]"
