"""An AMQP 1.0 peer in this process, made with Qpid Proton's own container: it answers as the test says.

    with AmqpPeer(answer=lambda message: "rejected") as peer:
        ... send to peer.url + "/orders" ...
        peer.received

Its container runs in a thread, over a real socket. Needs chappe[amqp].
"""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from proton import Condition, Delivery, Endpoint, Event, Message
from proton.handlers import MessagingHandler
from proton.reactor import ApplicationEvent, Container, EventInjector
from typing_extensions import override

_STATES: Final[Mapping[str, int]] = {
    "accepted": Delivery.ACCEPTED,
    "rejected": Delivery.REJECTED,
    "released": Delivery.RELEASED,
    "modified": Delivery.MODIFIED,
    "undeliverable": Delivery.MODIFIED,
}


class AmqpPeer:
    """Listens at a port of 127.0.0.1. What comes is `received`; `queue` is offered to who asks.

    `answer` gives the outcome of a message: accepted, rejected, released, modified, undeliverable, a
    condition (rejected with it), or "" (none at all). `outcomes` are what receivers said of what was
    offered, with the message's id and the condition.
    """

    def __init__(
        self,
        answer: Callable[[Message], str] = lambda message: "accepted",
        *,
        refuses: str = "",
        credit: int = 100,
        max_message_size: int = 0,
    ) -> None:
        self.received: list[Message] = []
        self.outcomes: list[tuple[object, str, str]] = []
        self.links: list[str] = []
        self.targets: list[str | None] = []
        self.link_properties: list[object] = []
        self._handler = _Handler(self, answer, refuses, credit, max_message_size)
        self._ready = threading.Event()
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port: int = one.getsockname()[1]
        self._container = Container(self._handler)
        self._injector = EventInjector()
        self._container.selectable(self._injector)
        self._thread = threading.Thread(target=self._container.run, name="amqp peer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._injector.trigger(ApplicationEvent("leave"))
        self._injector.close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        """`amqp://127.0.0.1:40123`."""
        return f"amqp://127.0.0.1:{self.port}"

    def offer(self, *messages: Message) -> None:
        """Put messages into the queue; before somebody reads."""
        self._handler.queue.extend(messages)

    def listening(self) -> None:
        """The port is open."""
        self._ready.set()


class _Handler(MessagingHandler):  # type: ignore[misc]  # its types are not known
    def __init__(
        self,
        peer: AmqpPeer,
        answer: Callable[[Message], str],
        refuses: str,
        credit: int,
        max_message_size: int,
    ) -> None:
        super().__init__(prefetch=0, auto_accept=False, auto_settle=False)
        self.queue: deque[Message] = deque()
        self._peer = peer
        self._answer = answer
        self._refuses = refuses
        self._credit = credit
        self._max_message_size = max_message_size
        self._offered: dict[str, Message] = {}

    @override
    def on_start(self, event: Event) -> None:
        self._acceptor = event.container.listen(f"127.0.0.1:{self._peer.port}")
        self._peer.listening()

    def on_leave(self, event: Any) -> None:
        self._acceptor.close()

    def on_link_opening(self, event: Event) -> None:
        link: Any = event.link
        self._peer.links.append(link.name)
        self._peer.targets.append(link.remote_target.address)
        self._peer.link_properties.append(link.remote_properties)
        if link.is_sender:
            link.source.address = link.remote_source.address
        else:
            link.target.address = link.remote_target.address
            link.max_message_size = self._max_message_size
        if link.state & Endpoint.LOCAL_UNINIT:
            link.open()
        if link.is_receiver and not self._refuses:
            link.flow(self._credit)

    def on_link_opened(self, event: Event) -> None:
        link: Any = event.link
        if self._refuses:
            link.condition = Condition(self._refuses, "says the test")
            link.close()

    @override
    def on_sendable(self, event: Event) -> None:
        sender: Any = event.sender
        while sender.credit and self.queue:
            message = self.queue.popleft()
            delivery = sender.send(message)
            self._offered[delivery.tag] = message

    @override
    def on_message(self, event: Event) -> None:
        delivery: Any = event.delivery
        self._peer.received.append(event.message)
        answer = self._answer(event.message)
        if delivery.settled:
            delivery.settle()
        elif answer:
            if answer not in _STATES:
                delivery.local.condition = Condition(answer, "says the test")
            if answer == "undeliverable":
                delivery.local.undeliverable = True
            delivery.update(_STATES.get(answer, Delivery.REJECTED))
            delivery.settle()
        delivery.link.flow(1)

    def on_delivery(self, event: Event) -> None:
        delivery: Any = event.delivery
        if not delivery.link.is_sender or not delivery.updated:
            return
        state = next(
            (name for name, value in _STATES.items() if value == delivery.remote_state), "none"
        )
        condition = delivery.remote.condition
        message = self._offered.pop(delivery.tag, None)
        said = "" if condition is None else f"{condition.name}: {condition.description}"
        self._peer.outcomes.append((None if message is None else message.id, state, said))
        delivery.settle()
