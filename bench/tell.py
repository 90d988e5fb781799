"""How fast alerts leave, beside what one would use instead, in the same run and against the same sinks on loopback.

`python -m bench.tell`: signed webhooks from our outbox in the database against Apprise's `json://`, which has none;
mails over one kept connection against smtplib with EmailMessage. Needs `pip install apprise` for the first.
"""

import argparse
import asyncio
import json
import smtplib
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from importlib import import_module
from pathlib import Path

from bench.chaos import MAIL, FailingNotifier, Failpoint, build_jobs, furnish, hook, mailbox, now, owe, reading
from bench.rude import Sinks, open_sinks
from core.values import Delivered, Delivery
from notifier.gate import Gate
from notifier.senders import Notifier
from notifier.smtp import Security, SmtpSender, SmtpSettings
from notifier.webhook import WebhookSender, WebhookSettings
from scheduler.embedded import EmbeddedDispatcher
from scheduler.journal import Journal
from store.deliveries import add_deliveries, next_due_at
from store.engine import Store
from store.sql import chunks
from store.subscriptions import all_endpoints

_WARM_UP = 100  # messages before the clock starts, on both sides


@dataclass(frozen=True, slots=True)
class Speed:
    """Messages a second, and milliseconds of the processor for each, our process alone."""

    per_second: float
    cpu_ms: float


def measure(count: int, run: Callable[[], None]) -> Speed:
    started, cpu = time.perf_counter(), time.process_time()
    run()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    return Speed(count / seconds, cpu_seconds / count * 1000)


def tell_hooks(url: str, folder: Path, count: int) -> Speed:
    """Owe and tell `count` webhooks from the database, every attempt recorded."""
    with reading(url) as store:
        with store.read() as tx:
            endpoints = all_endpoints(tx)
        owed = [owe(endpoints[n % len(endpoints)]) for n in range(count + _WARM_UP)]

        def run(deliveries: list[Delivery]) -> None:
            for batch in chunks(deliveries, 50):
                with store.write() as tx:
                    add_deliveries(tx, [(None, delivery) for delivery in batch])
            asyncio.run(_drain(store, folder))

        run(owed[:_WARM_UP])
        return measure(count, lambda: run(owed[_WARM_UP:]))


async def _drain(store: Store, folder: Path) -> None:
    gate = Gate()
    settings = WebhookSettings(allow_private_hosts=frozenset({"127.0.0.1"}), allow_http=True)
    async with WebhookSender(settings, gate=gate) as webhook, AsyncExitStack() as stack:
        notifier = FailingNotifier(Notifier(webhook=webhook, mail=webhook), Failpoint())
        journal = stack.enter_context(Journal(folder))
        jobs = build_jobs(store, notifier, timedelta(seconds=60), gate=gate, journal=journal)
        jobs.dispatcher = EmbeddedDispatcher(jobs.handlers(), report=lambda *_: None)
        while await asyncio.to_thread(_is_owed, store):
            jobs.dispatcher.enqueue("tell", unique="tell", lock="tell")
            await asyncio.sleep(0.2)
        await jobs.dispatcher.stop(grace=timedelta(seconds=5))


def _is_owed(store: Store) -> bool:
    with store.read() as tx:
        return next_due_at(tx) is not None


def tell_apprise(sinks: Sinks, endpoints: int, count: int) -> Speed | None:
    """Notify by Apprise, as many messages to as many addresses; None if it is not installed."""
    try:
        apprise = import_module("apprise")
    except ImportError:
        return None
    clients = []
    for n in range(endpoints):
        client = apprise.Apprise()
        client.add(f"json://127.0.0.1:{sinks.web}/well/{n}")
        clients.append(client)
    body = owe(hook(sinks, "/well/0")).payload

    def run(messages: int) -> None:
        for n in range(messages):
            assert clients[n % endpoints].notify(title="setwire", body=body)

    run(_WARM_UP)
    return measure(count, lambda: run(count))


def mail_kept(sinks: Sinks, count: int) -> Speed:
    deliveries = [owe(mailbox(f"reader-{n}")) for n in range(count)]
    settings = SmtpSettings(host="127.0.0.1", port=sinks.mail["well"], security=Security.NONE)

    async def send_all() -> None:
        async with SmtpSender(settings, MAIL) as sender:
            for delivery in deliveries:
                assert isinstance(await sender.send(delivery, now=now()), Delivered)

    return measure(count, lambda: asyncio.run(send_all()))


def mail_smtplib(sinks: Sinks, count: int) -> Speed:
    payload = owe(mailbox("reader")).payload

    def run() -> None:
        for n in range(count):
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "wire@wire.example", f"r{n}@a.example", "setwire: test"
            message["Message-ID"] = f"<{n}@wire.example>"
            message.set_content(payload)
            message.add_alternative(f"<p>{payload}</p>", subtype="html")
            with smtplib.SMTP("127.0.0.1", sinks.mail["well"]) as client:
                client.send_message(message)

    return measure(count, run)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--webhooks", type=int, default=4_000)
    parser.add_argument("--endpoints", type=int, default=20)
    parser.add_argument("--mails", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, open_sinks(Path(folder) / "arrivals") as sinks:
        url = furnish(Path(folder), [hook(sinks, f"/well/{n}") for n in range(options.endpoints)])
        hooks = tell_hooks(url, Path(folder), options.webhooks)
        apprise = tell_apprise(sinks, options.endpoints, options.webhooks // 4)
        report = {
            "webhooks": _compare(hooks, apprise, "Apprise json://"),
            "mails": _compare(mail_kept(sinks, options.mails), mail_smtplib(sinks, options.mails), "smtplib"),
        }
    print(json.dumps(report, indent=2))


def _compare(ours: Speed, theirs: Speed | None, name: str) -> dict[str, float | None]:
    """Figures by the clock and by the processor: on a busy machine only the second say much."""
    return {
        "a second": round(ours.per_second),
        "CPU ms each": round(ours.cpu_ms, 3),
        f"{name} a second": round(theirs.per_second) if theirs else None,
        f"{name} CPU ms each": round(theirs.cpu_ms, 3) if theirs else None,
        f"times {name}": round(ours.per_second / theirs.per_second, 1) if theirs else None,
        f"times {name} by CPU": round(theirs.cpu_ms / ours.cpu_ms, 1) if theirs else None,
    }


if __name__ == "__main__":
    main()
