"""The helper process: answers jobs until its input ends.

    first frame:  limit of memory in bytes, limit of CPU seconds a job
    a job:        two schemas, the new one first, each as its draft, its document and those given with it
    an answer:    formats.json_compat.containment.Answer, or b"memory"

Documents come from the hub's own memory, in pickles that the hub makes; nothing of that kind goes back.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence

from chappe.formats.json_compat.containment import Limits, contains
from chappe.formats.json_compat.documents import Documents
from chappe.kit.helper_side import serve

DIRECTORY_PREFIX = "chappe-containment-"
MAX_ANSWER_BYTES = 100

LIMITS = Limits(values=20_000, ways=3_000, most=64, patterns=64, pattern_length=4_000)
"""Wider than where others wait: most of what they let through is decided in milliseconds, and for the
rest there is a deadline."""


def main() -> None:
    """Serve frames from standard input."""
    serve(_answer, directory_prefix=DIRECTORY_PREFIX)


def packed(new: Documents, old: Documents, drafts: tuple[int, int]) -> list[bytes]:
    """A job."""
    sides = zip((new, old), drafts, strict=True)
    return [pickle.dumps((draft, one.root.node, dict(one.given))) for one, draft in sides]


def _answer(job: Sequence[bytes]) -> list[bytes]:
    try:
        (new, new_draft), (old, old_draft) = map(_unpacked, job)
        return [contains(new, old, (new_draft, old_draft), LIMITS).encode()]
    except MemoryError:
        return [b"memory"]


def _unpacked(sent: bytes) -> tuple[Documents, int]:
    draft, root, given = pickle.loads(sent)  # noqa: S301 - from the hub, see above
    return Documents(root, given, draft=draft), draft
