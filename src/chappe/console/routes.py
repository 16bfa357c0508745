"""The table of contents of the console: every page, and the menu."""

from __future__ import annotations

from collections.abc import Sequence

from chappe.console.page import Nav, Route
from chappe.console.pages import (
    deliveries,
    event,
    find,
    health,
    live,
    map,
    schema,
    schemas,
    subscribe,
    subscription,
    subscriptions,
    trace,
    type,
    type_docs,
    type_flow,
    type_live,
    type_subscribe,
    type_versions,
)

ROUTES: Sequence[Route] = (
    *find.ROUTES,
    *type.ROUTES,
    *type_flow.ROUTES,
    *type_live.ROUTES,
    *type_versions.ROUTES,
    *type_subscribe.ROUTES,
    *type_docs.ROUTES,
    *schemas.ROUTES,
    *schema.ROUTES,
    *event.ROUTES,
    *trace.ROUTES,
    *subscriptions.ROUTES,
    *subscribe.ROUTES,
    *subscription.ROUTES,
    *deliveries.ROUTES,
    *live.ROUTES,
    *map.ROUTES,
    *health.ROUTES,
)

NAV: Sequence[Nav] = (
    Nav(name="find", path="", label="Find", key="t"),
    Nav(name="schemas", path="schemas", label="Schemas", key="c"),
    Nav(name="live", path="live", label="Live", key="l"),
    Nav(name="subscriptions", path="subscriptions", label="Subscriptions", key="s"),
    Nav(name="deliveries", path="deliveries", label="Deliveries", key="d"),
    Nav(name="map", path="map", label="Map", key="m"),
    Nav(name="health", path="health", label="Health", key="h"),
)
"""The menu, in its order; `g` and the key go there."""
