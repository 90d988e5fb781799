"""What came of sends, kept: at once in the journal, and in the database many at a time."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.values import Endpoint, EndpointGone, EventType
from core.webhooks import build_disabled_payload
from scheduler.gathering import owe_notice
from scheduler.journal import Journal
from store.deliveries import Settled, add_deliveries, endpoint_of, record_attempts
from store.engine import Session, Store, StoreError
from store.subscriptions import add_endpoint, companions, disable_endpoint

logger = logging.getLogger(__name__)

# A database that is away this long comes back before what was claimed is due again.
_TRIES = 20
_PAUSE_SECONDS = 1.0
# A transaction costs some milliseconds of the processor: with fewer outcomes than enough it waits for more.
_GATHER_SECONDS = 0.1
_ENOUGH = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """An outcome on its way into the database. `is_safe`: it outlives this process already.

    `stored` belongs to all that are stored with it: wait for it so that nobody's cancelling reaches it.
    """

    is_safe: bool
    stored: asyncio.Future[None]


@dataclass(slots=True)
class _Batch:
    """What is stored together; a future for each would cost as much as the rest of the way through the loop."""

    stored: asyncio.Future[None]
    settled: list[Settled] = field(default_factory=list)


@dataclass(slots=True)
class OutcomeBook:
    """Stores outcomes as they come; while one batch is being stored the next comes together.

    An outcome alone is stored at once. Without a journal it is safe when it is stored.
    """

    store: Store
    now: Callable[[], datetime]
    operator: Callable[[], Endpoint | None] = lambda: None
    journal: Journal | None = None
    _waiting: _Batch | None = None
    _storing: asyncio.Task[None] | None = None
    _stored_at: float = float("-inf")
    _has_failed: bool = False

    def keep(self, settled: Settled) -> Kept:
        """Keep an outcome. What the store raises, `stored` raises."""
        is_safe = self._note(settled)
        if self._waiting is None:
            self._waiting = _Batch(asyncio.get_running_loop().create_future())
        self._waiting.settled.append(settled)
        if self._storing is None:
            self._storing = asyncio.create_task(self._store_waiting())
        return Kept(is_safe, self._waiting.stored)

    def recover(self) -> int:
        """Store what a process that died had only in its journal; how many outcomes those were."""
        if self.journal is None or not (found := self.journal.read()):
            return 0
        with self.store.write() as tx:
            self._write_into(tx, found)
        self.journal.strike_all()
        return len(found)

    def _note(self, settled: Settled) -> bool:
        if self.journal is None:
            return False
        try:
            self.journal.write(settled)
        except OSError as error:
            logger.warning("the journal of outcomes cannot be written: %s", error.strerror or error)
            return False
        return True

    async def _store_waiting(self) -> None:
        try:
            while (batch := self._waiting) is not None:
                await self._gather_some(batch)
                self._waiting = None
                if self.journal is not None and not self._has_failed:
                    self.journal.turn()
                await self._store_batch(batch)
                self._stored_at = time.monotonic()
                # What could not be stored stays in the journal for the next start, and what follows with it.
                if self.journal is not None and not self._has_failed:
                    self.journal.strike()
        finally:
            self._storing = None

    async def _gather_some(self, batch: _Batch) -> None:
        """Under load let a transaction gather more; the first outcome after a rest is stored at once."""
        is_busy = time.monotonic() - self._stored_at < _GATHER_SECONDS
        if self.journal is not None and is_busy and len(batch.settled) < _ENOUGH:
            await asyncio.sleep(_GATHER_SECONDS)

    async def _store_batch(self, batch: _Batch) -> None:
        try:
            await self._store_patiently(batch.settled)
        except asyncio.CancelledError:
            self._has_failed = True
            batch.stored.cancel()
            raise
        except BaseException as raised:  # noqa: BLE001 - it is raised again where the outcomes are waited for
            self._has_failed = True
            batch.stored.set_exception(raised)
        else:
            batch.stored.set_result(None)

    async def _store_patiently(self, settled: Sequence[Settled]) -> None:
        """Store all in one transaction. Nothing can be claimed while the database is away: to wait repeats nothing."""
        for left in reversed(range(_TRIES)):
            try:
                await asyncio.to_thread(self._write, settled)
            except StoreError as error:
                if not left:
                    raise
                logger.warning("%s outcomes wait for the database: %s", len(settled), error)
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    def _write(self, settled: Sequence[Settled]) -> None:
        with self.store.write() as tx:
            self._write_into(tx, settled)

    def _write_into(self, tx: Session, settled: Sequence[Settled]) -> None:
        record_attempts(tx, settled)
        for one in settled:
            outcome = one.attempt.outcome
            if isinstance(outcome, EndpointGone):
                endpoint = endpoint_of(tx, one.attempt.delivery_id)
                if endpoint is not None:
                    self.disable(tx, endpoint, outcome.reason)

    def disable(self, tx: Session, endpoint: Endpoint, reason: str) -> None:
        """Disable an endpoint and owe a notice to its owner and the operator, in the same transaction."""
        now = self.now()
        if not disable_endpoint(tx, endpoint.endpoint_id, reason, now=now):
            return
        logger.warning("endpoint %s is disabled: %s", endpoint.endpoint_id, reason)
        payload = build_disabled_payload(at=now, endpoint=endpoint, reason=reason)
        told = {owner.endpoint_id: owner for owner in companions(tx, endpoint.endpoint_id)}
        operator = self.operator()
        if operator is not None and operator.address != endpoint.address:
            add_endpoint(tx, operator, now=now)
            told[operator.endpoint_id] = operator
        add_deliveries(
            tx, [(None, owe_notice(owner, EventType.ENDPOINT_DISABLED, payload, now=now)) for owner in told.values()]
        )
