"""Chappe: a self-hosted event hub and registry for CloudEvents.

    from chappe import Client, Consumer, Event, SchemaMismatch

What programs use stands here by name (docs/client.md) and is imported when it is asked for (PEP 562), so
that `import chappe` costs nothing; the types are in `__init__.pyi`. None of it imports the server.
"""

__version__ = "0.1.0"

_MODULES = {
    "chappe.client.arrived": ("Arrived",),
    "chappe.client.client": ("Client",),
    "chappe.client.declared": ("Schema",),
    "chappe.client.deliveries": ("Deliveries", "Delivery"),
    "chappe.client.publisher": ("Pending", "Publisher"),
    "chappe.client.sync": ("SyncClient",),
    "chappe.client.tail": ("Streamed",),
    "chappe.client.trying": ("Retry",),
    "chappe.client.views": ("BatchReceipt", "Judged", "Receipt", "Trace"),
    "chappe.consumer": ("Consumer", "Outcome", "Reject"),
    "chappe.domain.event": ("Event",),
    "chappe.domain.errors": (
        "Ambiguous",
        "CallerError",
        "ChappeError",
        "Conflict",
        "Forbidden",
        "InvalidBatch",
        "InvalidEvent",
        "Malformed",
        "NotFound",
        "OutOfSpace",
        "Overloaded",
        "SchemaMismatch",
        "TooLarge",
        "Unauthenticated",
        "Unavailable",
        "UnsupportedFormat",
    ),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> object:
    """A public name, imported when it is asked for the first time."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'chappe' has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """The public names."""
    return sorted({*globals(), *_HOME})
