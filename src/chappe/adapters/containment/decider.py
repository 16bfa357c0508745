"""Decides containment in one long-lived helper process with limits.

jsonschema_rs decides most pairs in a millisecond and some small ones in seconds, and nobody else runs
while it does. So it has a process of its own, and each decision a deadline.
"""

from __future__ import annotations

import logging
from typing import Final, get_args

from chappe.adapters.containment import helper
from chappe.formats.json_compat.containment import Answer, Contains
from chappe.formats.json_compat.documents import Documents
from chappe.kit.helper_process import Helped, HelperProcess, NoHelper, TooCostly

MEMORY_BYTES: Final = 1 << 30
CPU_S: Final = 1
WATCHDOG_S: Final = 5.0
TURN_S: Final = 5.0
"""How long one waits for the decisions of others."""

_ANSWERS: Final = frozenset(get_args(Answer))

_log = logging.getLogger("chappe.containment")


class HelpedContainment(Helped):
    """Whether one schema accepts all that another does; from any thread. `close` it: it owns a process."""

    def __init__(
        self,
        *,
        memory_bytes: int = MEMORY_BYTES,
        cpu_s: int = CPU_S,
        watchdog_s: float = WATCHDOG_S,
    ) -> None:
        super().__init__(
            HelperProcess(
                helper.__name__,
                [str(memory_bytes).encode(), str(cpu_s).encode()],
                prefix=helper.DIRECTORY_PREFIX,
                cpu_s=cpu_s,
                watchdog_s=watchdog_s,
                most_answer_bytes=helper.MAX_ANSWER_BYTES,
            )
        )

    def __call__(self, new: Documents, old: Documents, drafts: tuple[int, int]) -> Answer:
        """See `Contains`: "too long" where the deadline, or the memory, does not suffice."""
        try:
            (answer,) = self._helper.ask(helper.packed(new, old, drafts), turn_s=TURN_S)
        except TooCostly:
            return "too long"
        except NoHelper as exc:
            _log.warning("schemas are not compared by what they mean: the helper %s", exc)
            return "too long"
        text = answer.decode()
        return text if text in _ANSWERS else "too long"  # type: ignore[return-value]


_: type[Contains] = HelpedContainment
