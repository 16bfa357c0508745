"""The forms that `chappe check` prints in: for people, Nagios and its kin, Prometheus, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from chappe.cli.check_measures import Checked, Judged, Status, shown, worst

NAGIOS: Final[dict[Status, int]] = {"ok": 0, "warn": 1, "crit": 2, "unknown": 3}
"""Exit codes of monitoring plugins."""

_WORDS: Final[dict[Status, str]] = {
    "ok": "OK",
    "warn": "WARNING",
    "crit": "CRITICAL",
    "unknown": "UNKNOWN",
}
_UNITS: Final = {"s": "s", "percent": "%", "bytes": "B", "count": "", "states": ""}


def text(checked: Sequence[Checked]) -> Iterator[str]:
    """One line for each thing, and one for each measure below it."""
    for one in checked:
        yield f"{_WORDS[one.status]:<8}  {one.kind} {one.name}" + (
            f"  {one.error or one.note}" if one.error or one.note else ""
        )
        width = max((len(measure.measure.name) for measure in one.measures), default=0)
        for measure in one.measures:
            limits = _limits(measure)
            yield (
                f"  {measure.status:<7} {measure.measure.name:<{width}}  {measure.text}"
                + (f"  ({limits})" if limits else "")
            )


def nagios(checked: Sequence[Checked]) -> Iterator[str]:
    """The plugin's line with its performance data, and a line more for each thing where there are several."""
    status = worst([one.status for one in checked])
    bad = [one for one in checked if one.status == status] if status != "ok" else list(checked)
    if len(checked) == 1:
        said = _summary(checked[0])
    elif status == "ok":
        said = f"{len(checked)} checked"
    else:
        said = "; ".join(_summary(one) for one in bad)
    data = " ".join(_data(one, measure, len(checked) > 1) for one, measure in _numbers(checked))
    yield _plain(f"CHAPPE {_WORDS[status]} - {said}") + (f" | {data}" if data else "")
    if len(checked) > 1:
        for one in checked:
            yield _plain(f"{_WORDS[one.status]}: {_summary(one)}")


def prometheus(checked: Sequence[Checked]) -> Iterator[str]:
    """For the textfile collector: what each check said, and its numbers."""
    yield "# HELP chappe_check_status What the check said: 0 ok, 1 warning, 2 critical, 3 unknown."
    yield "# TYPE chappe_check_status gauge"
    for one in checked:
        yield f"chappe_check_status{_labels(check=one.kind, name=one.name)} {NAGIOS[one.status]}"
    yield "# HELP chappe_check_value What was measured; seconds, bytes, percent or a count."
    yield "# TYPE chappe_check_value gauge"
    for one, measure in _numbers(checked):
        labels = _labels(check=one.kind, name=one.name, measure=measure.measure.name)
        yield f"chappe_check_value{labels} {measure.value}"


def as_json(checked: Sequence[Checked]) -> Iterator[str]:
    """For programs."""
    yield json.dumps(
        {
            "status": worst([one.status for one in checked]),
            "checks": [
                {
                    "check": one.kind,
                    "name": one.name,
                    "status": one.status,
                    "error": one.error or None,
                    "note": one.note or None,
                    "measures": [
                        {
                            "name": measure.measure.name,
                            "status": measure.status,
                            "value": measure.value,
                            "unit": measure.measure.unit,
                            "warn": measure.warn,
                            "crit": measure.crit,
                        }
                        for measure in one.measures
                    ],
                }
                for one in checked
            ],
        },
        ensure_ascii=False,
    )


FORMS: Final[Mapping[str, Callable[[Sequence[Checked]], Iterator[str]]]] = {
    "text": text,
    "nagios": nagios,
    "prometheus": prometheus,
    "json": as_json,
}


def _limits(one: Judged) -> str:
    named = (("warn", one.warn), ("crit", one.crit))
    return ", ".join(
        f"{name} {shown(one.measure, limit)}" for name, limit in named if limit is not None
    )


def _summary(one: Checked) -> str:
    if one.error:
        return f"{one.kind} {one.name}: {one.error}"
    telling = [measure for measure in one.measures if measure.status != "ok"] or one.measures
    said = ", ".join(f"{measure.measure.name} {measure.text}" for measure in telling)
    return f"{one.kind} {one.name}: {said}" + (f" ({one.note})" if one.note else "")


def _numbers(checked: Sequence[Checked]) -> Iterator[tuple[Checked, Judged]]:
    for one in checked:
        for measure in one.measures:
            if not isinstance(measure.value, str):
                yield one, measure


def _data(one: Checked, measure: Judged, several: bool) -> str:
    """'label'=value[unit];warn;crit, as the guidelines of monitoring plugins have it."""
    name = f"{one.name}_{measure.measure.name}" if several else measure.measure.name
    label = _plain(name).replace("'", "''").replace("=", "_")
    colon = ":" if measure.measure.floor else ""
    warn, crit = (
        "" if at is None else f"{_exact(at)}{colon}" for at in (measure.warn, measure.crit)
    )
    assert not isinstance(measure.value, str)
    return f"'{label}'={_exact(measure.value)}{_UNITS[measure.measure.unit]};{warn};{crit}"


def _exact(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.3f}"


def _plain(said: str) -> str:
    # A bar would begin the performance data, a line end the long text.
    return " ".join(said.replace("|", "/").split())


def _labels(**labels: str) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}"
