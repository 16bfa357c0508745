"""An event while a decoder reads its attributes one by one, typed as the format has them."""

from __future__ import annotations

from chappe.domain import attributes
from chappe.domain.attributes import Memo
from chappe.domain.errors import InvalidEvent
from chappe.domain.event import AttributeValue, Event

_NAMES: Memo[str, str] = Memo(attributes.check_name)
_CHECKS = {
    **attributes.CHECKS,
    # Those whose values repeat remember them; id, subject and time would only flood the memory.
    **{
        name: Memo(attributes.CHECKS[name]).__getitem__
        for name in ("source", "type", "datacontenttype", "dataschema")
    },
}


class Draft:
    """Takes each attribute once, checked by the rules of the specification."""

    __slots__ = ("_core", "_extensions")

    def __init__(self) -> None:
        self._core: dict[str, str] = {}
        self._extensions: dict[str, AttributeValue] = {}

    @property
    def datacontenttype(self) -> str | None:
        """The media type of the payload, as far as it is known."""
        return self._core.get("datacontenttype")

    def imply(self, datacontenttype: str) -> None:
        """Make the type explicit that the format implies, where none was given."""
        self._core.setdefault("datacontenttype", datacontenttype)

    def put(self, name: str, value: AttributeValue) -> None:
        """Set an attribute.

        Raises:
            InvalidEvent: its name or its value breaks a rule, or it is set already.
        """
        check = _CHECKS.get(name)
        if check is not None:
            if not isinstance(value, str):
                rule = f"MUST be a {'timestamp' if name == 'time' else 'string'}"
                raise InvalidEvent(
                    attribute=name, value=value, rule=rule, spec="spec.md Context Attributes"
                )
            if name in self._core:
                raise attributes.repeated(name, value)
            self._core[name] = check(value)
            return
        name = _NAMES[name]
        if name in self._extensions:
            raise attributes.repeated(name, value)
        if isinstance(value, str):
            attributes.check_string(name, value)
        elif not isinstance(value, bool) and isinstance(value, int):
            attributes.check_integer(name, value)
        self._extensions[name] = value

    def event(self, data: bytes | None, *, text: bool) -> Event:
        """The event with that payload.

        Raises:
            InvalidEvent: a required attribute is missing.
        """
        core = self._core
        if not {"specversion", "id", "source", "type"} <= core.keys():
            raise attributes.missing(core)
        del core["specversion"]
        return Event(
            **core,
            extensions=self._extensions,
            data=data,
            text=text,
        )
