"""The gate: one message in doubt at a time, and nobody held up by the slow."""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from core.values import DeliveryId, EndpointId
from notifier.gate import Gate


@dataclass(slots=True)
class Left:
    """The messages that have left, in order."""

    names: list[str] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, name: str) -> None:
        self.names.append(name)
        self.more.set()

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.names) < count:
                self.more.clear()
                await self.more.wait()


def enter(gate: Gate, name: str, left: Left, endpoint: str = "") -> None:
    gate.enter(DeliveryId(name), EndpointId(endpoint or name), partial(left.add, name))


def leave(gate: Gate, name: str) -> None:
    gate.leave(DeliveryId(name))


def test_the_next_message_leaves_when_what_came_of_the_last_is_kept() -> None:
    async def run() -> None:
        gate, left = Gate(patience=60, longest_wait=60), Left()
        for name in "abc":
            enter(gate, name, left)
        assert left.names == ["a"]
        leave(gate, "a")
        assert left.names == ["a", "b"]
        leave(gate, "a")
        leave(gate, "never entered")
        assert left.names == ["a", "b"]
        leave(gate, "b")
        assert left.names == ["a", "b", "c"]

    asyncio.run(run())


def test_whoever_gives_up_while_waiting_never_leaves() -> None:
    async def run() -> None:
        gate, left = Gate(patience=60, longest_wait=60), Left()
        for name in "abc":
            enter(gate, name, left)
        leave(gate, "b")
        leave(gate, "a")
        assert left.names == ["a", "c"]

    asyncio.run(run())


def test_a_slow_endpoint_loses_its_turn_and_passes_by_until_it_is_quick_again() -> None:
    async def run() -> None:
        gate, left = Gate(patience=0.3, longest_wait=60), Left()
        enter(gate, "a1", left, "slow")
        enter(gate, "b", left)
        await left.wait(2)
        assert left.names == ["a1", "b"]
        leave(gate, "a1")
        enter(gate, "a2", left, "slow")
        assert left.names == ["a1", "b", "a2"], "a slow endpoint waits for nobody, and nobody waits for it"
        leave(gate, "a2")
        leave(gate, "b")
        enter(gate, "a3", left, "slow")
        enter(gate, "c", left)
        assert left.names == ["a1", "b", "a2", "a3"], "it has answered in time and takes its turn again"
        leave(gate, "a3")
        assert left.names[-1] == "c"
        leave(gate, "c")

    asyncio.run(run())


def test_nobody_waits_longer_than_the_longest_wait() -> None:
    async def run() -> None:
        gate, left = Gate(patience=60, longest_wait=0.02), Left()
        for name in "abc":
            enter(gate, name, left)
        await left.wait(3)
        for name in "cab":
            leave(gate, name)
        enter(gate, "d", left)
        enter(gate, "e", left)
        assert left.names == ["a", "b", "c", "d"], "one at a time again"
        leave(gate, "d")
        leave(gate, "e")

    asyncio.run(run())
