"""Lets messages leave one at a time, so that a process killed at any moment has at most one that may have arrived."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from core.values import DeliveryId, EndpointId

# An endpoint that takes longer than this holds nobody else up: it is slow until it answers in time again.
PATIENCE_SECONDS = 0.05
# Nobody waits longer than this for the others, whatever they do.
LONGEST_WAIT_SECONDS = 0.25
_LOOK_SECONDS = 0.01

Release = Callable[[], None]


@dataclass(slots=True)
class _Turn:
    endpoint_id: EndpointId
    release: Release
    since: float


@dataclass(slots=True)
class Gate:
    """One gate for all senders of a process. A sender hands over what lets the last byte of a message leave.

    Whoever keeps what came of it says `leave` once it is safe; the next message leaves then. A message whose endpoint
    takes longer than `patience` loses its turn, and its endpoint passes by the gate until it answers in time again.
    Seconds of one monotonic clock.
    """

    patience: float = PATIENCE_SECONDS
    longest_wait: float = LONGEST_WAIT_SECONDS
    _holder: DeliveryId | None = None
    _sent: dict[DeliveryId, _Turn] = field(default_factory=dict)
    _waiting: OrderedDict[DeliveryId, _Turn] = field(default_factory=OrderedDict)
    _slow: set[EndpointId] = field(default_factory=set)
    _look: asyncio.TimerHandle | None = None

    def enter(self, delivery_id: DeliveryId, endpoint_id: EndpointId, release: Release) -> None:
        """Call `release` when it is this message's turn, now or after `longest_wait` at the latest.

        It is not called any more after `leave`, and must not raise.
        """
        turn = _Turn(endpoint_id, release, time.monotonic())
        if endpoint_id in self._slow:
            self._let_go(delivery_id, turn)
        elif self._holder is None:
            self._holder = delivery_id
            self._let_go(delivery_id, turn)
        else:
            self._waiting[delivery_id] = turn
            if self._look is None:
                self._look_again()

    def leave(self, delivery_id: DeliveryId) -> None:
        """Say that what came of a message is kept; saying it twice, or of one that never entered, does nothing."""
        turn = self._sent.pop(delivery_id, None)
        self._waiting.pop(delivery_id, None)
        if turn is not None and time.monotonic() - turn.since <= self.patience:
            self._slow.discard(turn.endpoint_id)
        if delivery_id == self._holder:
            self._pass_on()

    def _let_go(self, delivery_id: DeliveryId, turn: _Turn) -> None:
        turn.since = time.monotonic()
        self._sent[delivery_id] = turn
        turn.release()

    def _pass_on(self) -> None:
        """Give the turn to whoever waits longest."""
        self._holder = None
        if self._waiting:
            self._holder, turn = self._waiting.popitem(last=False)
            self._let_go(self._holder, turn)

    def _look_again(self) -> None:
        self._look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_around)

    def _look_around(self) -> None:
        """Let nobody wait too long. Runs only while somebody waits."""
        self._look = None
        now = time.monotonic()
        held = self._sent.get(self._holder) if self._holder else None
        if held is not None and now - held.since > self.patience:
            self._slow.add(held.endpoint_id)
            self._pass_on()
        while self._waiting:
            delivery_id, turn = next(iter(self._waiting.items()))
            if now - turn.since <= self.longest_wait:
                self._look_again()
                return
            del self._waiting[delivery_id]
            self._let_go(delivery_id, turn)
