"""The capabilities of the registry (core/spec.md "Registry Capabilities"): present, offered, changed.

A map of capabilities is always whole: every key is there, its arrays are sorted, without regard to
case unique, and hold the names as they are offered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from chappe.registry.errors import RegistryError

SPECVERSION: Final = "1.0-rc4"
SUBJECT: Final = "/capabilities"

FLAGS: Final = (
    "binary", "collections", "doc", "epoch", "filter", "ignore", "inline", "setdefaultversionid",
    "sort", "specversion",
)  # fmt: skip
IGNORES: Final = (
    "capabilities", "defaultversionid", "defaultversionsticky", "epoch", "id", "modelsource",
    "readonly",
)  # fmt: skip
VERSIONMODES: Final = ("createdat", "manual", "modifiedat", "semver")

MAY_BE_MUTABLE: Final[Mapping[str, bool]] = {
    ".xregistry": False,
    "capabilities": True,
    "capabilitiesoffered": False,
    "entities": True,
    "export": False,
    "model": False,
    "modelsource": True,
}
"""What can be available, and whether a client can be let change it."""

ALWAYS_AVAILABLE: Final[Mapping[str, bool]] = {
    "capabilities": False,
    "entities": True,
    "model": False,
}
"""What MUST be listed (core/spec.md "`available` Capability"), and whether it is mutable where a
request does not say."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What can be switched on besides what the specification itself defines.

    `compatibilities` are the rules that can be checked, by the name of the format, which may hold
    "*"; its keys are the formats. `versionmodes` are the ways of ordering versions.
    """

    compatibilities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    versionmodes: Sequence[str] = VERSIONMODES


NO_FORMATS: Final = Offer()


def initial(offer: Offer = NO_FORMATS) -> dict[str, Any]:
    """What a registry can do that nobody has configured: all but what costs its readers something."""
    return {
        "available": {name: {"mutable": may} for name, may in MAY_BE_MUTABLE.items()},
        "compatibilities": {
            format: sorted(rules) for format, rules in offer.compatibilities.items() if rules
        },
        "flags": list(FLAGS),
        "formats": sorted(offer.compatibilities),
        "ignores": list(IGNORES),
        "pagination": False,
        "shortself": False,
        "specversions": [SPECVERSION],
        "versionmodes": sorted(offer.versionmodes),
    }


DEFAULT: Final[Mapping[str, Any]] = initial()
"""`initial` where no formats are known."""

UNSPECIFIED: Final[Mapping[str, Any]] = {
    "available": {name: {"mutable": may} for name, may in ALWAYS_AVAILABLE.items()},
    "compatibilities": {},
    "flags": [],
    "formats": [],
    "ignores": [],
    "pagination": False,
    "shortself": False,
    "specversions": [SPECVERSION],
    "versionmodes": ["manual"],
}
"""Each capability's value "when not specified"."""


def updated(
    present: Mapping[str, Any], body: Any, *, patch: bool, offer: Offer = NO_FORMATS
) -> dict[str, Any]:
    """The capabilities after a request (core/spec.md "Updating the Capabilities of a Server").

    Args:
        present: the whole map before it.
        body: the map as a client sent it; None resets all to `initial`.
        patch: whether a key that is missing stays as it is; else it is reset.
        offer: what can be switched on.

    Raises:
        RegistryError: one of the kinds capability_….
    """
    if body is None:
        return initial(offer)
    if not isinstance(body, Mapping):
        raise RegistryError(
            "capability_error", SUBJECT, error_detail="they must be a map of capabilities"
        )
    result = dict(present if patch else UNSPECIFIED)
    for name, value in body.items():
        if name not in UNSPECIFIED:
            raise RegistryError("capability_unknown", SUBJECT, field=name)
        result[name] = UNSPECIFIED[name] if value is None else _read(name, value, offer)
    result["compatibilities"] = _checked(result["compatibilities"], result["formats"], offer)
    return result


def is_available(capabilities: Mapping[str, Any], name: str) -> bool:
    """Whether a type of metadata can be read at all."""
    return name in capabilities["available"]


def is_mutable(capabilities: Mapping[str, Any], name: str) -> bool:
    """Whether clients can change a type of metadata."""
    found = capabilities["available"].get(name)
    return found is not None and found["mutable"] is True


def offered(offer: Offer = NO_FORMATS) -> dict[str, Any]:
    """The map of what a client can choose (core/spec.md "Offered Capabilities")."""
    return {
        "available": {
            "type": "object",
            "attributes": {
                name: {
                    "type": "object",
                    "attributes": {
                        "mutable": {"type": "boolean", "enum": [False, True] if may else [False]}
                    },
                }
                for name, may in MAY_BE_MUTABLE.items()
            },
        },
        "compatibilities": {
            "type": "object",
            "attributes": {
                format: _strings(rules) for format, rules in sorted(offer.compatibilities.items())
            },
        },
        "flags": _strings(FLAGS),
        "formats": _strings(offer.compatibilities),
        "ignores": _strings(IGNORES),
        "pagination": {"type": "boolean", "enum": [False, True]},
        "shortself": {"type": "boolean", "enum": [False, True]},
        "specversions": _strings([SPECVERSION]),
        "versionmodes": _strings(offer.versionmodes),
    }


_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.\d+)?(-[a-z0-9.-]+)?", re.ASCII)


def same_specversion(one: str, other: str) -> bool:
    """Whether two versions of the specification count as one (core/spec.md "SpecVersion Flag").

    The patch number and case do not matter, a suffix does: "1.0.5-RC4" is "1.0-rc4".
    """
    first, second = (_VERSION.fullmatch(text.lower()) for text in (one, other))
    if first is None or second is None:
        return one.lower() == other.lower()
    return first.groups() == second.groups()


def _strings(values: Iterable[str]) -> dict[str, Any]:
    return {"type": "array", "item": {"type": "string"}, "enum": sorted(values)}


def _read(name: str, value: Any, offer: Offer) -> Any:
    match name:
        case "available":
            return _available(value)
        case "compatibilities":
            return value
        case "flags":
            return _chosen(name, value, FLAGS)
        case "formats":
            return _chosen(name, value, tuple(offer.compatibilities))
        case "ignores":
            return _chosen(name, value, IGNORES)
        case "specversions":
            return _specversions(value)
        case "versionmodes":
            modes = _chosen(name, value, offer.versionmodes)
            if "manual" not in modes:
                raise RegistryError("capability_missing_value", SUBJECT, name=name, value="manual")
            return modes
        case _:
            if not isinstance(value, bool):
                _wrong(name, value, ("true", "false"))
            return value


def _available(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        _wrong("available", value, MAY_BE_MUTABLE)
    result = {name: {"mutable": may} for name, may in ALWAYS_AVAILABLE.items()}
    for sent, settings in value.items():
        name = sent.lower()
        if name not in MAY_BE_MUTABLE:
            _wrong("available", sent, MAY_BE_MUTABLE)
        if not isinstance(settings, Mapping) or settings.keys() != {"mutable"}:
            _wrong(f"available.{name}", settings, ('{"mutable": true}', '{"mutable": false}'))
        mutable = settings["mutable"]
        if not isinstance(mutable, bool) or (mutable and not MAY_BE_MUTABLE[name]):
            may = ("false", "true") if MAY_BE_MUTABLE[name] else ("false",)
            _wrong(f"available.{name}.mutable", mutable, may)
        result[name] = {"mutable": mutable}
    return dict(sorted(result.items()))


def _chosen(name: str, value: Any, possible: Sequence[str]) -> list[str]:
    """The names of an array as they are offered, sorted; `["*"]` stands for all."""
    sent = _texts(name, value, possible)
    if "*" in sent:
        if len(sent) > 1:
            raise RegistryError("capability_wildcard", SUBJECT, field=name)
        return sorted(possible)
    by_folded = {one.lower(): one for one in possible}
    for one in sent:
        if one.lower() not in by_folded:
            if name == "formats":  # core/spec.md "`formats` Capability"
                raise RegistryError(
                    "capability_error",
                    SUBJECT,
                    error_detail=f'the format "{one}" is not offered; possible: {_list(possible)}',
                )
            _wrong(name, one, possible)
    return sorted({by_folded[one.lower()] for one in sent})


def _texts(name: str, value: Any, possible: Iterable[str]) -> list[str]:
    if not isinstance(value, list):
        _wrong(name, value, possible)
    for one in value:
        if not isinstance(one, str):
            _wrong(name, one, possible)
    return value


def _specversions(value: Any) -> list[str]:
    sent = _texts("specversions", value, [SPECVERSION])
    if sent == ["*"]:
        return [SPECVERSION]
    if "*" in sent:
        raise RegistryError("capability_wildcard", SUBJECT, field="specversions")
    for one in sent:
        if not same_specversion(one, SPECVERSION):
            _wrong("specversions", one, [SPECVERSION])
    if not sent:
        raise RegistryError(
            "capability_missing_value", SUBJECT, name="specversions", value=SPECVERSION
        )
    return sorted({one.lower() for one in sent})


def _checked(value: Any, formats: Sequence[str], offer: Offer) -> dict[str, list[str]]:
    """`compatibilities`, every key of which is one of `formats`."""
    if not isinstance(value, Mapping):
        _wrong("compatibilities", value, formats)
    by_folded = {one.lower(): one for one in formats}
    result: dict[str, list[str]] = {}
    for sent, rules in value.items():
        format = by_folded.get(sent.lower())
        if format is None:
            raise RegistryError(
                "capability_error",
                SUBJECT,
                error_detail=f'"compatibilities" has "{sent}", which "formats" does not have',
            )
        possible = offer.compatibilities.get(format, ())
        chosen = _texts(f"compatibilities.{format}", rules, possible)
        if "*" in chosen:
            if len(chosen) > 1:
                raise RegistryError(
                    "capability_wildcard", SUBJECT, field=f"compatibilities.{format}"
                )
            chosen = list(possible)
        for rule in chosen:
            if rule.lower() not in possible:
                raise RegistryError(
                    "capability_error",
                    SUBJECT,
                    error_detail=f'the compatibility "{rule}" is not offered for "{format}";'
                    f" possible: {_list(possible)}",
                )
        result[format] = sorted({rule.lower() for rule in chosen})
    return dict(sorted(result.items()))


def _wrong(name: str, value: object, possible: Iterable[str]) -> NoReturn:
    raise RegistryError(
        "capability_value", SUBJECT, field=name, value=_shown(value), list=_list(possible)
    )


def _shown(value: object) -> str:
    """A wrong value in a message: what it is, not all that it holds."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case Mapping():
            return "an object"
        case list():
            return "an array"
        case _:
            return str(value)


def _list(values: Iterable[str]) -> str:
    return ",".join(sorted(values))
