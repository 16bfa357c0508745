"""Names of contexts and subjects, and the ids that they have in the registry.

    "orders-value"         -> context ".",     subject "orders-value"
    ":.shop:orders-value"  -> context ".shop", subject "orders-value"
    ":.shop:"              -> context ".shop" as a whole
    ":*:orders"            -> context "*": of all contexts

An id in the registry is spelt with A-Z a-z 0-9 . _ - : @, differs from others by more than case, and
has at most 128 characters. Other characters of a name become "~" and two hexadecimal digits a byte:
"a/b" -> "a~2fb". A name that begins otherwise than with a letter, a digit or "_" begins with "_~~".
Where two names differ by case alone, the later one has its capitals, or its first letter, escaped as
well. A name that is too long ends with "~~" and a digest; its subject is known from a private attribute alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chappe.formats.confluent.errors import Refused, invalid_subject

DEFAULT: Final = "."
"""The context of names that name none."""
ANY: Final = "*"
GLOBAL: Final = ".__GLOBAL"
"""The context of the settings that hold where none nearer do."""
DEFAULT_GROUP: Final = "default"
MOST_ID: Final = 128

_RESERVED: Final = frozenset({"__GLOBAL", "__EMPTY"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MARK: Final = "_~~"
_DIGESTED: Final = re.compile(r".*[^_]~~[0-9a-f]{32}", re.DOTALL)
_ESCAPED: Final = re.compile(r"(?:~[0-9a-f]{2})+")
_FIRST: Final = re.compile(r"[A-Za-z0-9_]")
_OTHER: Final = re.compile(r"[^A-Za-z0-9._:@-]+")
_OTHER_OR_CAPITAL: Final = re.compile(r"[^a-z0-9._:@-]+")


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A subject, or with `subject` "" a whole context."""

    context: str = DEFAULT
    subject: str = ""

    @property
    def prefix(self) -> str:
        """What stands before a subject of the context: "" or ":.shop:"."""
        return "" if self.context == DEFAULT else f":{self.context}:"

    @property
    def text(self) -> str:
        """As the API shows it."""
        return self.prefix + self.subject

    @property
    def is_default(self) -> bool:
        """Whether it is the default context as a whole."""
        return self.context == DEFAULT and not self.subject

    def beside(self, text: str) -> Name:
        """What a reference or an alias of this subject names: in its context, unless it names one."""
        name = parse_name(text)
        return Name(self.context, text) if name.context == DEFAULT else name


def parse_name(text: str) -> Name:
    """The name as it was sent."""
    if text.startswith(":."):
        context, colon, subject = text[1:].partition(":")
        return Name(context, subject if colon else "")
    if text.startswith(":*:"):
        return Name(ANY, text[3:])
    return Name(DEFAULT, text)


def parse_context(text: str) -> str:
    """The context that a path below /contexts names: "shop", ".shop", ":.shop:" -> ".shop".

    Raises:
        Refused: there is a colon in it.
    """
    inner = text.removeprefix(":").removesuffix(":")
    if ":" in inner:
        raise Refused(400, 400, f"Context name '{inner}' cannot contain a colon")
    return inner if inner.startswith(".") else f".{inner}"


def valid_name(text: str, *, for_settings: bool = False) -> Name:
    """The name of something that can be written to; `for_settings` also the global context.

    Raises:
        Refused: it cannot be a subject.
    """
    name = parse_name(text)
    is_global = name.context == GLOBAL and not for_settings
    if _CONTROL.search(text) or name.subject in _RESERVED or is_global:
        raise invalid_subject(text)
    return name


def subject_ids(subject: str) -> Sequence[str]:
    """The ids that a subject's schema may have, the nicest first: other names may differ by case."""
    escaped = _encoded(subject, _OTHER_OR_CAPITAL)
    if subject and not escaped.startswith(_MARK) and len(escaped) <= MOST_ID - 6:
        marked = _MARK + "".join(f"~{byte:02x}" for byte in subject[0].encode()) + escaped[1:]
    else:
        marked = escaped
    return tuple(dict.fromkeys((_encoded(subject, _OTHER), escaped, marked)))


def group_ids(context: str) -> Sequence[str]:
    """The ids that a context's group may have, the nicest first."""
    if context == DEFAULT:
        return (DEFAULT_GROUP,)
    name = context[1:]
    if name == DEFAULT_GROUP:
        return (_MARK + name,)
    return subject_ids(name)


def subject_of(id: str) -> str:
    """The subject of a schema that no private attribute names: "a~2fb" -> "a/b"."""
    if _DIGESTED.fullmatch(id):
        return id
    return _ESCAPED.sub(_unescaped, id.removeprefix(_MARK))


def context_of(id: str) -> str:
    """The context of a group that no private attribute names."""
    return DEFAULT if id == DEFAULT_GROUP else f".{subject_of(id)}"


def _encoded(name: str, others: re.Pattern[str]) -> str:
    text = others.sub(_escape, name)
    if not _FIRST.match(text) or text.startswith(_MARK):
        text = _MARK + text
    if len(text) > MOST_ID:
        digest = hashlib.md5(name.encode("utf-8", "surrogatepass"), usedforsecurity=False)
        head = text[: MOST_ID - 34].rstrip("~_")
        text = f"{head}~~{digest.hexdigest()}"
    return text


def _escape(found: re.Match[str]) -> str:
    return "".join(f"~{byte:02x}" for byte in found.group().encode("utf-8", "surrogatepass"))


def _unescaped(found: re.Match[str]) -> str:
    return bytes.fromhex(found.group().replace("~", "")).decode("utf-8", "replace")
