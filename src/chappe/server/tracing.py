"""Whether this node traces, and by what: the setting `tracing`, the environment, the extra `otel`."""

from __future__ import annotations

import logging

from chappe import __version__
from chappe.domain.errors import InvalidSetting
from chappe.ports.tracing import Tracing
from chappe.server.settings import Settings

_log = logging.getLogger("chappe")


def open_tracing(settings: Settings, node: str) -> Tracing | None:
    """None where nobody traces.

    Raises:
        InvalidSetting: it is demanded, and the extra `otel` is not installed.
    """
    wanted = settings.tracing == "on" or (settings.tracing == "auto" and settings.otlp_named)
    if not wanted:
        return None
    try:
        from chappe.adapters.otel.export import otlp_tracing
    except ModuleNotFoundError as error:
        missing = f"the package {error.name} is not installed: pip install 'chappe[otel]'"
        if settings.tracing == "on":
            raise InvalidSetting(f"tracing: {missing}", setting="tracing") from error
        _log.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, but no traces are sent: %s", missing)
        return None
    return otlp_tracing(node=node, version=__version__)
