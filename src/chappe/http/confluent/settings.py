"""Configuration and modes: /config and /mode, of everything, of a context, or of a subject."""

from __future__ import annotations

from typing import Any

from chappe.flows.confluent import Confluent
from chappe.formats.confluent.contracts import text_or_none
from chappe.formats.confluent.errors import no_subject_config, no_subject_mode
from chappe.formats.confluent.names import Name, parse_name, valid_name
from chappe.formats.confluent.requests import parse_object
from chappe.formats.confluent.scope import (
    config_in_scope,
    mode_in_scope,
    own_config,
    own_mode,
)
from chappe.formats.confluent.setting import (
    drop_config,
    drop_mode,
    parse_mode,
    set_config,
    set_mode,
)
from chappe.http.confluent.asked import Asked


def scope_of(asked: Asked) -> Name:
    """The scope that the path names; the default context without one."""
    return parse_name(asked.params.get("subject", ""))


async def get_config(confluent: Confluent, asked: Asked) -> Any:
    """The configuration of a scope; what holds there with defaultToGlobal."""
    name, index = scope_of(asked), confluent.index()
    if asked.flag("defaultToGlobal"):
        return config_in_scope(index, name).shown()
    config = own_config(index, name)
    if config is None:
        raise no_subject_config(name.text)
    return config.shown()


async def put_config(confluent: Confluent, asked: Asked) -> Any:
    """Change the configuration of a scope."""
    changes = parse_object(asked.body)
    name = valid_name(asked.params.get("subject", ""), for_settings=True)
    config = await confluent.write(lambda edit: set_config(edit, name, changes), by=asked.by)
    return config.shown(level="compatibility")


async def delete_config(confluent: Confluent, asked: Asked) -> Any:
    """Take back the configuration of a scope; as it was."""
    name = scope_of(asked)
    config = await confluent.write(lambda edit: drop_config(edit, name), by=asked.by)
    return config.shown()


async def get_mode(confluent: Confluent, asked: Asked) -> Any:
    """The mode of a scope; the one that holds there with defaultToGlobal."""
    name, index = scope_of(asked), confluent.index()
    if asked.flag("defaultToGlobal"):
        return {"mode": mode_in_scope(index, name)}
    mode = own_mode(index, name)
    if mode is None:
        raise no_subject_mode(name.text)
    return {"mode": mode}


async def put_mode(confluent: Confluent, asked: Asked) -> Any:
    """Set the mode of a scope."""
    body = parse_object(asked.body)
    mode = text_or_none(body.get("mode"), "mode")
    name = valid_name(asked.params.get("subject", ""), for_settings=True)
    parse_mode(mode, name)
    force = asked.flag("force")
    await confluent.write(lambda edit: set_mode(edit, name, mode, force=force), by=asked.by)
    return {"mode": mode} if "mode" in body else {}


async def delete_mode(confluent: Confluent, asked: Asked) -> Any:
    """Take back the mode of a scope; as it was."""
    name, recursive = scope_of(asked), asked.flag("recursive")
    mode = await confluent.write(
        lambda edit: drop_mode(edit, name, recursive=recursive), by=asked.by
    )
    return {} if mode is None else {"mode": mode}
