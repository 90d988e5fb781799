"""Chooses the sender of a delivery by the kind of its endpoint."""

from datetime import datetime
from typing import Protocol, assert_never

from core.values import Delivery, EndpointKind, Outcome, Retry


class Sender(Protocol):
    """Makes one attempt at one delivery; every trouble is an outcome."""

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome: ...


class Notifier:
    """Tells the world: one sender for each kind of endpoint, opened and closed by whoever made them."""

    def __init__(self, *, webhook: Sender, mail: Sender, chat: Sender | None = None) -> None:
        self._webhook = webhook
        self._mail = mail
        self._chat = chat

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        sender = self._choose(delivery.endpoint.kind)
        if sender is None:
            return Retry(reason="This process was started without anything that tells chats.")
        return await sender.send(delivery, now=now)

    def _choose(self, kind: EndpointKind) -> Sender | None:
        match kind:
            case EndpointKind.WEBHOOK:
                return self._webhook
            case EndpointKind.EMAIL:
                return self._mail
            case EndpointKind.CHAT:
                return self._chat
            case _:
                assert_never(kind)
