"""`ximportresources` (core/model.md "Reuse of Resource Definitions")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chappe.registry.model_aspects import Aspects, model_error


def imported(
    groups: Mapping[str, Aspects], local: Mapping[str, Sequence[str]]
) -> Mapping[str, Mapping[str, str]]:
    """The types of resources of each type of group: by plural, the xidtype that defines it.

    An import may lead over other groups' imports; `origin` is where the definition itself stands.

    Args:
        groups: the types of groups.
        local: the plural names of the resources that each defines itself.

    Raises:
        RegistryError: model_error, when a reference is malformed, leads nowhere or in a circle, or
            brings a name that is there already.
    """
    references = {plural: _references(group, plural) for plural, group in groups.items()}
    result: dict[str, Mapping[str, str]] = {}
    for plural in groups:
        types = {name: f"/{plural}/{name}" for name in local[plural]}
        for reference in references[plural]:
            if reference.split("/")[1] == plural:
                raise model_error(
                    f'Group "{plural}" has a bad "ximportresources" value ({reference}), it can\'t '
                    "reference its own Group"
                )
            origin = _origin(reference, local, references, [plural])
            if origin is None:
                raise model_error(
                    f'Group "{plural}" references a non-existing Resource "{reference}"'
                )
            name = reference.split("/")[2]
            if name in types:
                raise model_error(
                    f'Group "{plural}" is trying to ximport a Resource ({reference}) but a '
                    f"Resource with that name ({name}) already exists"
                )
            types[name] = origin
        result[plural] = types
    return result


def _references(group: Aspects, plural: str) -> list[str]:
    references: list[str] = []
    for reference in group.array("ximportresources"):
        shown = reference if isinstance(reference, str) else repr(reference)
        if not shown.startswith("/"):
            raise model_error(
                f'Group "{plural}" has an invalid "ximportresources" value ({shown}), must start '
                'with "/" and be of the form "/GROUP/RESOURCE"'
            )
        parts = shown.split("/")
        if len(parts) != 3 or not all(parts[1:]):
            raise model_error(
                f'Group "{plural}" has an invalid "ximportresources" value ({shown}), must be of '
                'the form "/GROUP/RESOURCE"'
            )
        references.append(shown)
    return references


def _origin(
    reference: str,
    local: Mapping[str, Sequence[str]],
    references: Mapping[str, Sequence[str]],
    seen: list[str],
) -> str | None:
    """Where the definition stands; `seen` are the groups on the way, which must not come again."""
    first = reference
    while True:
        _, group, name = reference.split("/")
        if group not in local:
            return None
        if name in local[group]:
            return reference
        if group in seen:
            raise model_error(f'The ximportresources reference "{first}" is circular')
        seen.append(group)
        onward = next((one for one in references[group] if one.split("/")[2] == name), None)
        if onward is None:
            return None
        reference = onward
