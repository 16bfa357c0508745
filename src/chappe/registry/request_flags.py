"""The flags of a request, read from its query (core/spec.md "Request Flags", core/http.md
"Request Flags / Query Parameters").

A query is read as it was sent: it is split at "&", and a list at ",", before it is percent-decoded,
so "%2C" and "%26" are part of a value; "+" is a space, as forms have it. Flags that the registry's
capabilities do not list, and parameters that are no flags, are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from chappe.registry.capabilities import is_available, same_specversion
from chappe.registry.dot import DotError, is_any_item, is_any_member, parse_dot
from chappe.registry.entity import Tree
from chappe.registry.errors import RegistryError
from chappe.registry.filter_flag import EXCLUDE_ALL, parse_filters
from chappe.registry.flags import NOTHING, Condition, Flags, Inline, Sort
from chappe.registry.inline_flag import EXPORT, ROOT_ONLY, parse_inline
from chappe.registry.target import Level, Target

MAX_QUERY_BYTES: Final = 16 * 1024
READS: Final = frozenset({"GET", "HEAD"})

_ONE_RESOURCE = frozenset({Level.RESOURCE, Level.META, Level.VERSIONS, Level.VERSION})
_SINGLE = frozenset({Level.GROUP, Level.RESOURCE, Level.VERSION})
_UINTEGER = re.compile(r"\d{1,20}", re.ASCII)


def parse_flags(
    raw_query: bytes,
    *,
    target: Target,
    method: str,
    tree: Tree,
    path: str = "",
    inline: bool = True,
) -> Flags:
    """What the flags ask for.

    Args:
        raw_query: what stands behind the "?", as it was sent.
        target: what the path names.
        method: the HTTP method.
        tree: the registry; its capabilities tell which flags count.
        path: the request's path for messages; the target's xid where it is not given.
        inline: whether `inline` is looked at; its paths are those of the model that is answered
            with, and a write may bring that itself.

    Raises:
        RegistryError: bad_flag, bad_filter, bad_ignore, bad_inline, inline_noninlineable, bad_sort,
            sort_noncollection, bad_defaultversionid, unsupported_specversion, not_available.
    """
    if not raw_query and target.level is not Level.EXPORT:
        return _NO_FLAGS
    return _Reader(raw_query, target, method, tree, path or target.xid).flags(inline=inline)


_NO_FLAGS: Final = Flags()


class _Reader:
    """One query; `values` are by the flag's name, each None where there was no "="."""

    def __init__(
        self, raw_query: bytes, target: Target, method: str, tree: Tree, path: str
    ) -> None:
        self.target = target
        self.method = method
        self.tree = tree
        self.path = path
        if len(raw_query) > MAX_QUERY_BYTES:
            raise RegistryError(
                "bad_request",
                path,
                error_detail=f"The query is longer than {MAX_QUERY_BYTES} bytes",
            )
        self.path_and_query = f"{path}?{raw_query.decode('utf-8', 'replace')}"
        known = set(tree.capabilities["flags"])
        if tree.capabilities["pagination"] and target.is_collection:
            known |= {"limit", "cursor"}
        self.values: dict[str, list[bytes | None]] = {}
        for part in raw_query.split(b"&"):
            name, equals, value = part.partition(b"=")
            flag = unquote_to_bytes(name).decode("utf-8", "replace")
            if flag in known:
                self.values.setdefault(flag, []).append(value if equals else None)

    def flags(self, *, inline: bool) -> Flags:
        self._check_specversion()
        collections = self._collections()
        filters = self._filters()
        excluded = filters == EXCLUDE_ALL
        if excluded and not self.target.is_collection:
            raise RegistryError(
                "bad_filter",
                self.path_and_query,
                value="excludeall",
                error_detail='"excludeall" must only be used on collections',
            )
        return Flags(
            binary="binary" in self.values,
            collections=collections,
            doc="doc" in self.values or self.target.level is Level.EXPORT,
            epoch=self._epoch(),
            filters=() if excluded else filters,
            exclude_all=excluded,
            ignore=self._ignore(),
            inline=self._inline(collections=collections) if inline else NOTHING,
            setdefaultversionid=self._setdefaultversionid(),
            sort=self._sort(),
            limit=self._limit(),
            cursor=self._one("cursor", "bad_flag") or "",
        )

    def _text(self, flag: str, raw: bytes) -> str:
        try:
            return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
        except UnicodeDecodeError:
            raise self._bad_flag(
                flag, "The value is no UTF-8 once it is percent-decoded."
            ) from None

    def _one(self, flag: str, kind: str) -> str | None:
        """The value of a flag that may stand once; "" where it has none, None where it is absent."""
        values = self.values.get(flag)
        if values is None:
            return None
        if len(values) > 1:
            if kind == "bad_flag":
                raise self._bad_flag(flag, "It may stand once.")
            raise RegistryError(
                kind, self.path_and_query, value=flag, error_detail="the flag may stand once"
            )
        return self._text(flag, values[0] or b"")

    def _items(self, flag: str) -> list[str]:
        """The values of a flag that takes a list, wherever they stand; one without any is "*"."""
        items: list[str] = []
        for value in self.values.get(flag, ()):
            items += [self._text(flag, one) for one in value.split(b",")] if value else ["*"]
        return items

    def _bad_flag(self, flag: str, detail: str = "") -> RegistryError:
        return RegistryError("bad_flag", self.path, detail=detail, flag=flag)

    def _check_specversion(self) -> None:
        asked = self._one("specversion", "bad_flag")
        if asked is None:
            return
        known: Sequence[str] = self.tree.capabilities["specversions"]
        if not any(same_specversion(asked, one) for one in known):
            raise RegistryError(
                "unsupported_specversion", self.path, specversion=asked, list=",".join(known)
            )

    def _collections(self) -> bool:
        if "collections" not in self.values:
            return False
        if self.target.level not in (Level.REGISTRY, Level.EXPORT, Level.GROUP):
            raise self._bad_flag(
                "collections", "It is allowed on the Registry and on a single group."
            )
        return True

    def _epoch(self) -> int | None:
        value = self._one("epoch", "bad_flag")
        if value is None or self.method in READS:
            return None
        if self.method != "DELETE" or self.target.level not in _SINGLE:
            # An "epoch" that is overlooked would let a change through that it was sent to stop.
            raise self._bad_flag("epoch", "It is allowed on a DELETE of a single entity.")
        if not _UINTEGER.fullmatch(value):
            raise self._bad_flag("epoch", f'The value "{value}" is no unsigned integer.')
        return int(value)

    def _filters(self) -> Sequence[Sequence[Condition]]:
        return parse_filters(
            [self._filter_text(value or b"") for value in self.values.get("filter", ())],
            self.path_and_query,
        )

    def _filter_text(self, raw: bytes) -> str:
        if b"%00" in raw or b"\0" in raw:
            raise RegistryError(
                "bad_filter",
                self.path_and_query,
                value=raw.decode("utf-8", "replace"),
                error_detail="has a NUL character",
            )
        # A comma that was encoded is no separator; NUL keeps its place while the rest is decoded.
        return self._text("filter", re.sub(rb"%2[Cc]", b"\0", raw))

    def _ignore(self) -> frozenset[str]:
        if self.method in READS:
            return frozenset()
        possible: Sequence[str] = self.tree.capabilities["ignores"]
        chosen: set[str] = set()
        for item in self._items("ignore"):
            if item == "*":
                chosen.update(possible)
            elif item.lower() in possible:
                chosen.add(item.lower())
            else:
                raise RegistryError(
                    "bad_ignore",
                    self.path_and_query,
                    value=item,
                    error_detail=f"possible: {', '.join(possible)}",
                )
        return frozenset(chosen)

    def _inline(self, *, collections: bool) -> Inline:
        asked = self._items("inline")
        if collections:
            asked.append("*")
        if not asked:
            return self._export() if self.target.level is Level.EXPORT else NOTHING
        found = parse_inline(asked, self.target, self.tree.model, self.path_and_query)
        for name in ROOT_ONLY:
            on_root = self.target.level in (Level.REGISTRY, Level.EXPORT)
            if on_root and name in found.below and not self._available(name):
                raise RegistryError("not_available", f"/{name}")
        return found

    def _export(self) -> Inline:
        """What "/export" inlines of its own accord: what there is to inline."""
        below = {name: one for name, one in EXPORT.below.items() if self._available(name)}
        return Inline(everything=True, below=below)

    def _available(self, name: str) -> bool:
        return is_available(self.tree.capabilities, name)

    def _setdefaultversionid(self) -> str | None:
        if self.method in READS:
            return None
        value = self._one("setdefaultversionid", "bad_defaultversionid")
        if value is None:
            return None
        if self.target.level not in _ONE_RESOURCE:
            raise self._bad_flag("setdefaultversionid")
        if not value:
            raise RegistryError(
                "bad_defaultversionid",
                self.path_and_query,
                value='""',
                error_detail="value must not be empty",
            )
        makes_ids = self.method == "POST" or (
            self.method == "PUT" and self.target.level is Level.RESOURCE
        )
        if value == "request" and not makes_ids:
            raise self._bad_flag(
                "setdefaultversionid", 'The value "request" is allowed where a version is created.'
            )
        return value

    def _sort(self) -> Sort | None:
        value = self._one("sort", "bad_sort")
        if value is None:
            return None
        if not self.target.is_collection:
            raise RegistryError("sort_noncollection", self.path_and_query)
        text, equals, order = value.rpartition("=")
        if not equals:
            text, order = value, "asc"
        if order not in ("asc", "desc"):
            raise self._bad_sort(value, f'the order "{order}" is neither "asc" nor "desc"')
        try:
            parts = parse_dot(text)
        except DotError as error:
            raise self._bad_sort(value, str(error)) from None
        if any(is_any_member(part) or is_any_item(part) for part in parts):
            raise self._bad_sort(value, "a wildcard names no single attribute")
        return Sort(parts, order == "desc")

    def _bad_sort(self, value: str, detail: str) -> RegistryError:
        return RegistryError("bad_sort", self.path_and_query, value=value, error_detail=detail)

    def _limit(self) -> int | None:
        value = self._one("limit", "bad_flag")
        if value is None or self.method not in READS:
            return None
        if not _UINTEGER.fullmatch(value) or not int(value):
            raise self._bad_flag("limit", f'The value "{value}" is no integer above 0.')
        return int(value)
