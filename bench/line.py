"""The line under real load: real feeds in, the real service as a child, signed webhooks and mails out, all counted.

`python -m bench.line` serves the items of some days at an hour per second and compares what arrives with what
`setwire backtest` predicts for the same items. `--kills 20` kills the service that many times on the way.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from bench.farm import Farm, TimeLine, open_farm, plant
from bench.sinks import Call, Mailbox, Receiver, open_mailbox, open_receiver
from bench.stream import CATALOGUE, SHARED, StreamItem, read_stream
from config.films import load_films
from core.values import DeliveryState
from core.webhooks import new_secret
from scheduler.output import console
from store.deliveries import delivery_counts
from store.engine import Session, Store, open_store
from store.entries import desk_lag, recent_entries
from store.sources import all_sources

_HERE = Path(__file__).parent
_TRADES = {"Deadline", "Variety", "The Hollywood Reporter", "IndieWire", "Rolling Stone"}
_PATIENCE = 120.0  # seconds for the service to come up, or to drain

_LAST_POLLS = 10.0  # seconds after the end in which every feed is asked at least once more

AlertKey = tuple[str, str, str, str]


@dataclass(slots=True)
class Service:
    """The service as a child process: started, killed, started again, its CPU time added up."""

    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    cpu_seconds: float = 0.0
    kills: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "scheduler", "run"],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def has_died(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def end(self, number: signal.Signals) -> int:
        """Send `number`, wait, and return the exit code (negative: the signal that ended it)."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.cpu_seconds += usage.ru_utime + usage.ru_stime
        code = os.waitstatus_to_exitcode(status)
        self.process.returncode = code
        self.process = None
        return code


@dataclass(slots=True)
class Result:
    """What a run came to; every count is 0 where all is well unless it says how many."""

    items: int
    entries: int
    missed: int
    repeated: int
    unserved: int
    alerts_expected: int
    alerts_received: int
    lost: int
    extra: int
    repeats: int
    repeats_with_other_id: int
    bad_signatures: int
    mails_expected: int
    mails_received: int
    mail_repeats: int
    polls: dict[int, int] = field(default_factory=dict)
    latency_p50: float = 0.0
    latency_p99: float = 0.0
    latency_from_feed_p50: float = 0.0
    latency_from_feed_p99: float = 0.0
    cpu_seconds: float = 0.0
    cpu_per_1000_entries: float = 0.0
    kills: int = 0
    exit_code: int = 0
    differs_from_true_order: int = 0

    @property
    def is_exact(self) -> bool:
        wrong = (self.missed, self.repeated, self.lost, self.extra, self.repeats_with_other_id, self.bad_signatures)
        return not any(wrong) and self.mails_expected == self.mails_received and self.exit_code == 0


def main() -> None:
    options = _parse_arguments()
    if not SHARED.is_dir():
        sys.exit(f"bench.line needs the shared stream; {SHARED} is not there. Set SETWIRE_SHARED to its folder.")
    result = run(options)
    console.print_json(json.dumps({name: getattr(result, name) for name in Result.__slots__}))
    console.print("exact" if result.is_exact else "NOT exact")
    sys.exit(0 if result.is_exact else 1)


def run(options: argparse.Namespace) -> Result:
    items = read_stream(options.first, options.last)
    first_at = datetime.combine(options.first, datetime.min.time(), items[0].visible_at.tzinfo)
    timeline = TimeLine(first_at, first_at + (options.last - options.first) + timedelta(days=1), options.seconds)
    farm = plant(items, timeline, window=options.window)
    with ExitStack() as stack:
        folder = Path(options.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="setwire-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        secret = new_secret(os.urandom(32))
        receiver, mailbox = Receiver(secret), Mailbox()
        address = stack.enter_context(open_farm(farm))
        hook = stack.enter_context(open_receiver(receiver))
        smtp_port = stack.enter_context(open_mailbox(mailbox, _free_port()))
        _write_configuration(folder, farm, address, hook, secret, more=options.subscriptions)
        service = Service(_environment(folder, smtp_port), folder / "service.log")
        stack.callback(_end_if_running, service)
        service.start()
        store = _open_when_ready(folder, service)
        stack.callback(store.close)
        _wait_for("first contact with every feed", lambda: _has_met_all(store), service)
        timeline.start()
        _play(service, timeline, kills=options.kills, rng=random.Random(options.seed))
        _wait_for("everything told", lambda: _is_drained(store, farm), service)
        exit_code = service.end(signal.SIGTERM)
        return _compare(store, folder, farm, receiver.calls, service, mailbox, receiver.refused, exit_code)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.line", description=__doc__)
    parser.add_argument("--first", type=date.fromisoformat, default=date(2026, 5, 18), help="first day served")
    parser.add_argument("--last", type=date.fromisoformat, default=date(2026, 5, 22), help="last day served")
    parser.add_argument("--seconds", type=float, default=1.0, help="seconds that an hour of the stream takes")
    parser.add_argument("--window", type=int, default=None, help="items a feed shows (30; 100 with --kills)")
    parser.add_argument("--kills", type=int, default=0, help="kill -9 the service this often at random moments")
    parser.add_argument("--seed", type=int, default=1, help="seed of the moments")
    parser.add_argument("--subscriptions", type=int, default=0, help="so many more subscriptions, a film each")
    parser.add_argument("--keep", help="folder for data and logs, kept after the run")
    options = parser.parse_args()
    options.window = options.window or (100 if options.kills else 30)
    return options


def _play(service: Service, timeline: TimeLine, *, kills: int, rng: random.Random) -> None:
    """Let the stream run to its end; kill and restart the service at random moments of it."""
    end = timeline.wall_time(timeline.last_at)
    now = time.time()
    for moment in sorted(rng.uniform(now + 1, end) for _ in range(kills)):
        time.sleep(max(0.0, moment - time.time()))  # the stream runs by the clock on the wall
        service.end(signal.SIGKILL)
        service.kills += 1
        service.start()
    while (left := end - time.time()) > 0:
        console.print(f"{left:.0f} s of the stream left, {service.kills} kills")
        time.sleep(min(left, 20))  # as above; a line of progress in between


def _write_configuration(folder: Path, farm: Farm, address: str, hook: str, secret: str, *, more: int) -> None:
    sources = (
        f'[[publisher]]\nslug = "outlet-{n}"\nname = "{outlet}"\n'
        f'tier = "{"trade" if outlet in _TRADES else "fan"}"\n\n'
        f'[[source]]\nid = "outlet-{n}"\npublisher = "outlet-{n}"\nkind = "feed"\n'
        f'url = "{address}/feeds/{n}.xml"\ninterval = "1s"\nseen_at = "the bench"\n'
        for n, outlet in enumerate(sorted(farm.feeds))
    )
    (folder / "sources.toml").write_text("\n".join(sources), encoding="utf-8")
    template = (_HERE / "subscriptions.toml.in").read_text(encoding="utf-8")
    text = template.replace("RECEIVER", hook, 2).replace("SECRET", secret)
    films = [film.film_id for film in load_films(CATALOGUE)]
    further = (
        f'[[subscription]]\nid = "more-{n}"\nname = "More {n}"\n'
        f'films = ["{films[n % len(films)]}"]\nendpoints = ["hook"]\n'
        for n in range(more)
    )
    (folder / "subscriptions.toml").write_text("\n".join((text, *further)), encoding="utf-8")


def _environment(folder: Path, smtp_port: int) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SETWIRE_")}
    return inherited | {
        "SETWIRE_DATA_DIR": str(folder / "data"),
        "SETWIRE_PORT": "0",
        "SETWIRE_BASE_URL": "http://127.0.0.1:8080",
        "SETWIRE_SOURCES_FILE": str(folder / "sources.toml"),
        "SETWIRE_FILMS_FILE": str(CATALOGUE.resolve()),
        "SETWIRE_SUBSCRIPTIONS_FILE": str(folder / "subscriptions.toml"),
        "SETWIRE_ALLOW_PRIVATE_HOSTS": "127.0.0.1",
        "SETWIRE_WEBHOOK_ALLOW_HTTP": "true",
        "SETWIRE_MIN_INTERVAL": "1s",
        "SETWIRE_TICK": "0.1s",
        "SETWIRE_FETCH_PER_HOST": "8",
        "SETWIRE_SMTP_HOST": "127.0.0.1",
        "SETWIRE_SMTP_PORT": str(smtp_port),
        "SETWIRE_SMTP_SECURITY": "none",
        "SETWIRE_LOG_LEVEL": "warning",
    }


def _open_when_ready(folder: Path, service: Service) -> Store:
    path = folder / "data" / "setwire.db"
    _wait_for("the database", lambda: path.exists() and _can_open(path), service)
    return open_store(f"sqlite:///{path}")


def _can_open(path: Path) -> bool:
    result = subprocess.run(
        [sys.executable, "-m", "scheduler", "sources", "list", "--json"],
        env=os.environ | {"SETWIRE_DATABASE_URL": f"sqlite:///{path}"},
        capture_output=True,
        check=False,
    )
    return result.returncode == 0


def _has_met_all(store: Store) -> bool:
    with store.read() as tx:
        states = [state for _, state in all_sources(tx)]
    return bool(states) and all(state.first_contact_at for state in states)


def _is_drained(store: Store, farm: Farm) -> bool:
    with store.read() as tx:
        pending, _ = desk_lag(tx, now=datetime.now().astimezone())
        counts = delivery_counts(tx)
        entries = len(_desk_order(tx))
    owed = sum(counts.get(s, 0) for s in (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.RETRYING))
    items = sum(len(feed) for feed in farm.feeds.values())
    is_overdue = time.time() > farm.timeline.wall_time(farm.timeline.last_at) + _LAST_POLLS
    return pending == 0 and owed == 0 and (entries >= items or is_overdue)


def _desk_order(tx: Session) -> list[tuple[str, datetime]]:
    """Return URL and first sighting of every entry in the order the desk takes them."""
    found = (e for source, _ in all_sources(tx) for e in recent_entries(tx, source.source_id, limit=10**6))
    return [(entry.url, entry.first_seen_at) for entry in sorted(found, key=lambda entry: entry.entry_id)]


def _wait_for(what: str, is_done: Callable[[], bool], service: Service) -> None:
    """Wait, or end the bench with the service's last words when it died or takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while not is_done():
        if service.has_died() or time.monotonic() > deadline:
            last_words = service.log.read_text(encoding="utf-8")[-2000:]
            sys.exit(f"gave up waiting for {what}; the service's log ends:\n{last_words}")
        time.sleep(0.25)  # the service is another process, and nothing of it wakes us


def _compare(
    store: Store,
    folder: Path,
    farm: Farm,
    calls: Sequence[Call],
    service: Service,
    mailbox: Mailbox,
    bad_signatures: int,
    exit_code: int,
) -> Result:
    items = {item.url: item for feed in farm.feeds.values() for item in feed}
    with store.read() as tx:
        order = _desk_order(tx)
    stored = Counter(url for url, _ in order)
    in_service_order = [(items[url], seen_at) for url, seen_at in _rising(order) if url in items]
    expected = _predict(folder, "service-order", farm.timeline, in_service_order)
    true_order = [
        (item, farm.timeline.dated(item.visible_at)) for item in sorted(items.values(), key=lambda i: i.visible_at)
    ]
    by_true_order = _predict(folder, "true-order", farm.timeline, true_order)
    received = {_key(call): call for call in reversed(calls)}
    ids_by_key: dict[AlertKey, set[str]] = {}
    for call in calls:
        ids_by_key.setdefault(_key(call), set()).add(call.webhook_id)
    latencies = sorted(
        call.received - farm.timeline.wall_time(items[key[3]].visible_at) for key, call in received.items()
    )
    from_feed = sorted(call.received - farm.served[key[3]] for key, call in received.items())
    mails = Counter(mailbox.message_ids)
    mail_subscriptions = _mail_subscriptions(folder)
    return Result(
        items=len(items),
        entries=sum(stored.values()),
        missed=len(set(items) - set(stored)),
        repeated=sum(count - 1 for count in stored.values()),
        unserved=len(set(items) - farm.served.keys()),
        alerts_expected=len(expected),
        alerts_received=len(received),
        lost=len(expected - set(received)),
        extra=len(set(received) - expected),
        repeats=len(calls) - len(received),
        repeats_with_other_id=sum(len(ids) - 1 for ids in ids_by_key.values()),
        bad_signatures=bad_signatures,
        mails_expected=sum(key[0] in mail_subscriptions for key in expected),
        mails_received=len(mails),
        mail_repeats=sum(mails.values()) - len(mails),
        polls=dict(farm.statuses),
        latency_p50=_quantile(latencies, 0.5),
        latency_p99=_quantile(latencies, 0.99),
        latency_from_feed_p50=_quantile(from_feed, 0.5),
        latency_from_feed_p99=_quantile(from_feed, 0.99),
        cpu_seconds=round(service.cpu_seconds, 1),
        cpu_per_1000_entries=round(service.cpu_seconds / max(1, len(stored)) * 1000, 1),
        kills=service.kills,
        exit_code=exit_code,
        differs_from_true_order=len(expected ^ by_true_order),
    )


def _quantile(rising: Sequence[float], share: float) -> float:
    return round(rising[int(len(rising) * share)], 3) if rising else 0.0


def _rising(order: Sequence[tuple[str, datetime]]) -> Iterator[tuple[str, datetime]]:
    """Make the times rise with the order the desk took: a reader sorts by time, and commits may cross by a moment."""
    latest: datetime | None = None
    for url, seen_at in order:
        latest = seen_at if latest is None or seen_at > latest else latest
        yield url, latest


def _predict(
    folder: Path, name: str, timeline: TimeLine, items: Sequence[tuple[StreamItem, datetime]]
) -> set[AlertKey]:
    """Return what `setwire backtest` says of the items in this order, through its own front door."""
    archive, alerts = folder / f"{name}.jsonl", folder / f"{name}-alerts.jsonl"
    with archive.open("w", encoding="utf-8") as lines:
        for item, seen_at in items:
            print(json.dumps(_archive_line(item, seen_at, timeline), ensure_ascii=False), file=lines)
    subprocess.run(
        [
            *(sys.executable, "-m", "scheduler", "backtest", str(archive), "--films", str(CATALOGUE)),
            *("--sources", str(folder / "sources.toml"), "--subscriptions", str(folder / "subscriptions.toml")),
            *("--alerts", str(alerts)),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    rows = (json.loads(line) for line in alerts.read_text(encoding="utf-8").splitlines())
    return {(row["subscription"], row["event"], row["development"], row["url"]) for row in rows}


def _archive_line(item: StreamItem, seen_at: datetime, timeline: TimeLine) -> dict[str, object]:
    dated = timeline.dated(item.published_at).replace(microsecond=0) if item.published_at else None
    return {
        "outlet": item.outlet,
        "url": item.url,
        "title": item.title,
        "summary": item.summary,
        "categories": list(item.categories),
        "published": dated.isoformat() if dated else None,
        "first_seen": seen_at.timestamp(),
    }


def _key(call: Call) -> AlertKey:
    data = call.payload["data"]
    assert isinstance(data, dict)
    match = data["match"]
    return match["subscription_id"], str(call.payload["type"]), data.get("development") or "", data["article"]["url"]


def _mail_subscriptions(folder: Path) -> set[str]:
    world = tomllib.loads((folder / "subscriptions.toml").read_text(encoding="utf-8"))
    return {s["id"] for s in world["subscription"] if "mailbox" in s["endpoints"]}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _end_if_running(service: Service) -> None:
    if service.process is not None:
        service.end(signal.SIGKILL)


if __name__ == "__main__":
    main()
