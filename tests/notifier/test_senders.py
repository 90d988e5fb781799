"""The notifier gives each delivery to the sender of its endpoint's kind."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from core.values import (
    Delivered,
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    Outcome,
)
from notifier.senders import Notifier

NOW = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


@dataclass
class Named:
    """A sender that answers with its name."""

    name: str

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        return Delivered(detail=f"{self.name} {delivery.delivery_id} {now:%H:%M}")


@pytest.mark.parametrize("kind", EndpointKind)
def test_each_kind_of_endpoint_has_its_sender(kind: EndpointKind) -> None:
    delivery = Delivery(
        delivery_id=DeliveryId("dlv_1"),
        endpoint=Endpoint(endpoint_id=EndpointId("e"), kind=kind, address="somewhere"),
        event=EventType.TEST,
        story_id=None,
        payload="{}",
        state=DeliveryState.SENDING,
        attempt_count=0,
        created_at=NOW,
        next_attempt_at=NOW,
    )
    notifier = Notifier(webhook=Named("webhook"), mail=Named("email"), chat=Named("chat"))
    assert asyncio.run(notifier.send(delivery, now=NOW)) == Delivered(detail=f"{kind.value} dlv_1 14:05")
