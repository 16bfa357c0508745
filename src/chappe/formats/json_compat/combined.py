"""allOf, anyOf, oneOf compared: a product may shrink, a sum may grow, and branches find partners."""

from __future__ import annotations

from chappe.formats.json_compat.changes import Comparison, Found
from chappe.formats.json_compat.pairing import Pairing
from chappe.formats.json_compat.shapes import Combined, Shape, kind_name
from chappe.formats.json_compat.wording import told


def compare_combined(found: Found, old: Combined, new: Combined) -> Comparison:
    """Two combined schemas; branches that are equal count once."""
    if old.criterion != new.criterion:
        extended = (
            new.criterion == "anyOf"
            or (len(old.parts) == 1 and (len(new.parts) == 1 or new.criterion == "oneOf"))
            or (len(new.parts) == 1 and old.criterion == "allOf")
        )
        code = f"COMBINED_TYPE_{'EXTENDED' if extended else 'CHANGED'}"
        found.add(code, old=kind_name(old), new=kind_name(new))
        if not extended:
            return
    before, after = list(dict.fromkeys(old.parts)), list(dict.fromkeys(new.parts))
    _compare_sizes(found, old, new, len(before), len(after))
    pairing = Pairing(before, after)
    yield from pairing.search()
    partners = pairing.partners
    for left, right in enumerate(partners):
        if right >= 0:
            at = () if old.implied else (old.criterion, str(left))
            found.extend(pairing.outcomes[left, right], *at)
    alone = [left for left, right in enumerate(partners) if right == -1]
    if len(before) - len(alone) < min(len(before), len(after)):
        what = _told(old, before, alone)
        found.add(
            "COMBINED_TYPE_SUBSCHEMAS_CHANGED", old=what, new=_unmatched(new, after, partners)
        )


def _compare_sizes(found: Found, old: Combined, new: Combined, before: int, after: int) -> None:
    texts = {"old": str(before), "new": str(after)}
    if before < after:
        found.add(f"{'PRODUCT' if new.criterion == 'allOf' else 'SUM'}_TYPE_EXTENDED", **texts)
    elif before > after:
        found.add(f"{'PRODUCT' if old.criterion == 'allOf' else 'SUM'}_TYPE_NARROWED", **texts)


def compare_with_one(found: Found, old: Shape, new: Shape) -> Comparison:
    """A combined schema and one that is not: True when some branch makes them compatible."""
    match old, new:
        case Combined(), Combined():
            return
        case _, Combined(criterion=criterion, parts=parts):
            usable, code = len(parts) == 1 or criterion != "allOf", "SUM_TYPE_EXTENDED"
            pairs = [(old, part) for part in parts]
        case Combined(criterion=criterion, parts=parts), _:
            usable, code = len(parts) == 1 or criterion == "allOf", "PRODUCT_TYPE_NARROWED"
            pairs = [(part, new) for part in parts]
        case _:
            return
    if not usable:
        return
    for pair in pairs:
        outcome = yield pair
        if outcome.compatible:
            found.extend(outcome)
            if len(pairs) > 1:
                found.add(code, old=kind_name(old), new=kind_name(new))
            found.settled = True
            return


def _told(shape: Combined, parts: list[Shape], alone: list[int]) -> str:
    some = ", ".join(f"{_name(shape, left)} {told(parts[left])}" for left in alone[:3])
    return some if len(alone) <= 3 else f"{some} and {len(alone) - 3} more"


def _unmatched(shape: Combined, parts: list[Shape], partners: list[int]) -> str:
    left = [right for right in range(len(parts)) if right not in partners]
    return f" (the new schema has {_told(shape, parts, left)} left)" if left else ""


def _name(shape: Combined, index: int) -> str:
    return kind_name(shape.parts[index]) if shape.implied else f"{shape.criterion}/{index}"
