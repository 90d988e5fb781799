"""Corrections through the front door: a running service, the command line beside it, kill -9, pages and API."""

import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.values import ParsedEntry, Publisher, PublisherSlug, Source, SourceId, SourceKind
from scheduler.loopback import QuietHandler, serve_loopback
from store.engine import open_store
from store.entries import add_entries
from store.sources import add_source
from tests.scheduler.test_service import environment, get, running

CAST = "Odile Brandtner joins the cast of ‘The Salt Meridian’"
TRAILER = "‘Winter Ferry’ trailer: first look at Jonas Hallberg in the sea drama"
TRAILER_AGAIN = "Jonas Hallberg in first ‘Winter Ferry’ trailer: a look at the sea drama"
SENTINEL = "Lighthouse museum hires a new keeper for the winter"


@dataclass(slots=True)
class Receiver:
    """A webhook's end: what it was told, in order. What comes again with its id, as after a kill, it has already."""

    told: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)
    ids: set[str] = field(default_factory=set)

    def take(self, message_id: str, body: bytes) -> None:
        if message_id not in self.ids:
            self.ids.add(message_id)
            self.told.put(json.loads(body))

    def next(self) -> tuple[str, int, str]:
        """Wait for an alert: its event, story and article."""
        payload = self.told.get(timeout=30)
        return payload["type"], payload["data"]["story"]["id"], payload["data"]["article"]["title"]


class _Handler(QuietHandler):
    def __init__(self, receiver: Receiver, *args: object) -> None:
        self._receiver = receiver
        super().__init__(*args)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self._receiver.take(self.headers["webhook-id"], body)
        self.answer(204, "text/plain", b"")


@dataclass(slots=True)
class Folder:
    """A service's folder with its command line, and outlets that report into its database."""

    path: Path
    settings: dict[str, str]
    count: int = 0

    def setwire(self, *words: str) -> str:
        result = subprocess.run(
            [sys.executable, "-m", "scheduler", *words],
            env=environment(self.path, **self.settings),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    @contextmanager
    def service(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        with running(self.path, **self.settings) as found:
            yield found

    def report(self, title: str, slug: str) -> None:
        """Store a report as a visit would; the running service edits it at its next tick."""
        self.count += 1
        now = datetime.now(UTC)
        source = Source(
            source_id=SourceId(slug),
            publisher=Publisher(slug=PublisherSlug(slug), name=slug.title()),
            kind=SourceKind.FEED,
            url="http://127.0.0.1:9/feed",
        )
        item = ParsedEntry(
            guid=str(self.count), url=f"https://{slug}.example/{self.count}", title=title, published_at=now
        )
        store = open_store(f"sqlite:///{self.path / 'data' / 'setwire.db'}")
        with store.write() as tx:
            add_source(tx, source, now=now)
            add_entries(tx, source, [item], now=now, is_backlog=False)
        store.close()


@contextmanager
def furnished(path: Path) -> Iterator[tuple[Folder, Receiver]]:
    receiver = Receiver()
    allowed = {"SETWIRE_ALLOW_PRIVATE_HOSTS": "127.0.0.1", "SETWIRE_WEBHOOK_ALLOW_HTTP": "true"}
    folder = Folder(path, allowed)
    with serve_loopback(partial(_Handler, receiver)) as address:
        folder.setwire("migrate")
        folder.setwire("subscriptions", "add", "All", "--everything", "--webhook", f"{address}/hook")
        yield folder, receiver


@pytest.mark.timeout(300)
def test_the_operators_word_counts_for_good(tmp_path: Path) -> None:
    with furnished(tmp_path) as (folder, receiver):
        with folder.service() as (process, _):
            folder.report(CAST, "ledger")
            assert receiver.next() == ("story.created", 1, CAST)
            folder.report(TRAILER, "ledger")
            assert receiver.next() == ("story.created", 2, TRAILER)
            assert "merged into story 1" in folder.setwire("stories", "merge", "1", "2", "--note", "one evening")
            folder.report(TRAILER_AGAIN, "dispatch")
            folder.report(SENTINEL, "dispatch")
            assert receiver.next() == ("story.created", 3, SENTINEL), "the merged story was not told again"
            process.kill()
            process.wait()
        assert "is new and has article 3" in folder.setwire("stories", "split", "1", "3")
        with folder.service() as (_, address):
            assert receiver.next() == ("story.created", 4, TRAILER_AGAIN), "what the split showed is told once"
            folder.report("Cinema on the pier closes for good", "ledger")
            assert receiver.next()[2] == "Cinema on the pier closes for good"
            status, page = get(f"{address}/stories/2")
            assert status == 200
            assert "one evening" in page
            assert 'href="/stories/4"' in page
            answer = json.loads(get(f"{address}/api/v1/stories/2")[1])
        assert (answer["id"], answer["merged_into"], answer["first_outlet"]) == (1, 1, "Ledger")
        assert [made["kind"] for made in answer["corrections"]] == ["merge", "split"]
        assert "story 2 was merged into story 1" in folder.setwire("stories", "show", "2")
        assert receiver.told.empty()
