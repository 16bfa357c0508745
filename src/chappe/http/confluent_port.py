"""The Schema Registry API at the root of a port of its own, as Kafka's tools expect it."""

from __future__ import annotations

from collections.abc import Callable

from chappe.http.app import App
from chappe.http.call import Call, WholeCall
from chappe.http.exchange import Response


class ConfluentPort:
    """Serves nothing but that API; its requests count, drain and are logged as the app's."""

    def __init__(self, app: App) -> None:
        self._app = app

    def begin(self, call: WholeCall, answer: Callable[[Response], None]) -> bool:
        """No request of the API is so frequent that a task is worth saving."""
        return False

    async def handle(self, call: Call) -> None:
        """Answer one request."""
        await self._app.handle_confluent(call)
