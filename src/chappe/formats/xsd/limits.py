"""How large, deep and costly a schema may be; each bound with what was measured beyond it."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 1 << 20
"""Of one document, its references included one by one."""

MAX_TOTAL_BYTES: Final = 2 << 20
"""Of all documents together."""

MAX_DOCUMENTS: Final = 200
"""Documents that take part, each once for every namespace that includes it."""

MAX_NODES: Final = 5_000
"""Elements of all documents but annotations; reading, weighing and compiling takes some 15 µs each."""

MAX_TAGS: Final = 50_000
"""Tags of one document, its annotations counted, before it is parsed."""

MAX_PREFIXES: Final = 100
"""Namespace prefixes that are known in one place."""

MAX_DEPTH: Final = 60
"""Elements within elements; models are walked by functions that call themselves."""

MAX_CHAIN: Final = 60
"""Types derived from types, groups within groups, union members within members."""

MAX_PARTICLES: Final = 10_000
"""Particles after groups, bases and substitution groups are put in: 2^26 fit into 4 KB of groups."""

MAX_TRANSITIONS: Final = 4_000_000
"""Pairs of elements that may follow the same place: libxml2 compares all. 1,000 optional elements in
a sequence are 3·10^8 of them and took 3.1 s; 200 are 2.7·10^6."""

MAX_MEMBERS: Final = 1_000
"""Member types of one union after unions within are put in: each is tried for each value."""

MAX_ATTRIBUTES: Final = 10_000
"""Attributes of all types after groups and bases are put in."""

MAX_OCCURS: Final = 1_000_000_000
"""libxml2 counts occurrences in 32 bits."""

MAX_PATTERN: Final = 1_000
"""Characters of a pattern."""

MAX_PATTERNS: Final = 1_000
"""Patterns of a schema."""
