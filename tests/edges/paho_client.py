"""Eclipse Paho, the witness: what an independent MQTT client sees of what the hub sent, and sends itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from tests.edges.broker_clients import until

WITHIN_S = 20.0


class Paho:
    """A client in a thread of its own; `messages` are those that came."""

    def __init__(self, port: int, *, level: int = 5, user: str = "", password: str = "") -> None:
        protocol = paho.MQTTv5 if level == 5 else paho.MQTTv311
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=protocol)
        if user:
            self.client.username_pw_set(user, password)
        self.level = level
        self.messages: list[paho.MQTTMessage] = []
        self._subscribed = threading.Event()
        self.client.on_message = lambda client, data, message: self.messages.append(message)
        self.client.on_subscribe = lambda *said: self._subscribed.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    async def subscribe(self, topic: str) -> None:
        if self.level == 5:
            self.client.subscribe(topic, options=SubscribeOptions(qos=2))
        else:
            self.client.subscribe(topic, qos=2)
        assert await asyncio.to_thread(self._subscribed.wait, WITHIN_S)

    async def got(self, count: int = 1) -> list[paho.MQTTMessage]:
        await until(lambda: len(self.messages) >= count, within_s=WITHIN_S)
        return self.messages

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, **more: Any) -> None:
        """Done once the broker has it. `more`: content_type, user (pairs), retain."""
        properties = None
        if self.level == 5:
            properties = Properties(PacketTypes.PUBLISH)
            if "content_type" in more:
                properties.ContentType = more["content_type"]
            if "user" in more:
                properties.UserProperty = list(more["user"])
        sent = self.client.publish(
            topic, payload, qos=qos, retain=more.get("retain", False), properties=properties
        )
        sent.wait_for_publish(WITHIN_S)
        assert sent.is_published()


@contextmanager
def paho_client(port: int, **more: Any) -> Iterator[Paho]:
    client = Paho(port, **more)
    try:
        yield client
    finally:
        client.close()
