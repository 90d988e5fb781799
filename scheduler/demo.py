"""`setwire demo`: invented publishers on loopback, the real line behind them, and the alerts as they arrive."""

import asyncio
import html
import json
import shutil
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from config.settings import Settings, load_settings
from core.webhooks import SignatureError, new_secret, verify
from scheduler.loopback import QuietHandler, serve_loopback
from scheduler.output import console
from scheduler.service import serve, utc_now
from store.engine import open_store
from store.entries import gathered_since

_SECRET = new_secret(b"setwire demo, not a secret at all")  # the receiver lives and dies with the demo
_SETTLED = 4.0  # seconds without news after the last item before the demo sums up
_LISTING_EVERY = 4
_FEED_EVERY = 1

Item = Mapping[str, str | int]


@dataclass(slots=True)
class Stage:
    """The invented world: what each outlet shows at a moment, and what the receiver got."""

    outlets: list[Mapping[str, str | bool]]
    films: list[Mapping[str, object]]
    items: list[Item]
    started: float = field(default_factory=time.monotonic)
    received: list[dict[str, object]] = field(default_factory=list)

    def visible(self, outlet: str) -> list[tuple[int, Item]]:
        """Return what `outlet` shows now, newest first."""
        elapsed = time.monotonic() - self.started
        shown = [
            (n, item) for n, item in enumerate(self.items) if item["outlet"] == outlet and int(item["after"]) <= elapsed
        ]
        return shown[::-1]

    @property
    def ends_after(self) -> float:
        return max(int(item["after"]) for item in self.items)


async def run_demo(*, port: int, leave: bool) -> None:
    """Run the demo; with `leave` stop once all is told, else keep the page open until interrupted."""
    stage = _read_stage()
    folder = Path(tempfile.mkdtemp(prefix="setwire-demo-"))
    stop = asyncio.Event()
    try:
        with serve_loopback(partial(_StageHandler, stage)) as address:
            settings = _settings(stage, address, folder, port)
            host = _Host(stage, settings)
            story = asyncio.create_task(host.tell_the_story(stop if leave else None))
            await serve(settings, host, stop=stop)
            story.cancel()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Host:
    """Announces what happens on the terminal."""

    def __init__(self, stage: Stage, settings: Settings) -> None:
        self._stage = stage
        self._settings = settings
        self._url = ""
        self._met_at = utc_now()
        self._alert_count = 0
        self._mails: set[Path] = set()

    def started(self, settings: Settings, url: str, *, sources: int, films: int) -> None:
        self._url = url
        self._stage.started = time.monotonic()
        console.print(f"setwire demo: {sources} invented outlets, {films} invented films, on this machine only")
        console.print(f"  page   {url}", markup=False)
        console.print(f"  mails  {settings.mail_dir}", markup=False)
        console.print("The outlets publish for half a minute; alerts appear here as they arrive.\n")

    def first_round(self, *, answered: int, sources: int, next_try_at: datetime) -> None:
        del next_try_at
        self._met_at = utc_now()
        console.print(f"{answered} of {sources} outlets answered; their backlog is imported silently\n")

    def stopped(self) -> None:
        console.print("demo over")

    async def tell_the_story(self, stop: asyncio.Event | None) -> None:
        """Print alerts and mails as they come; sum up when nothing more comes; then set `stop`."""
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < _SETTLED:
            await asyncio.sleep(0.1)
            is_playing = time.monotonic() - self._stage.started < self._stage.ends_after
            if self._print_news() or is_playing:
                quiet_since = time.monotonic()
        self._sum_up()
        if stop is not None:
            stop.set()
        else:
            console.print(f"Look around: {self._url} (Ctrl-C stops the demo and deletes its files)", markup=False)

    def _print_news(self) -> bool:
        """Print what arrived since the last call; say whether anything did."""
        alerts = self._stage.received[self._alert_count :]
        mails = set(self._settings.mail_dir.glob("*.eml")) - self._mails
        for alert in alerts:
            _print_alert(alert)
        for path in sorted(mails):
            _print_mail(path)
        self._alert_count += len(alerts)
        self._mails |= mails
        return bool(alerts or mails)

    def _sum_up(self) -> None:
        store = open_store(self._settings.database_url)
        with store.read() as tx:
            came = gathered_since(tx, self._met_at)
        store.close()
        console.print(
            f"\n{came.entries} texts came in and made {came.stories} new stories; the other "
            f"{came.entries - came.stories} repeat what is known. Two subscriptions got {self._alert_count} "
            f"webhook alerts and {len(self._mails)} mails: each story once."
        )


def _print_alert(alert: Mapping[str, object]) -> None:
    data = alert["data"]
    assert isinstance(data, dict)
    story, article = data["article"], data["match"]
    console.print(f"● webhook  {story['title']}", style="bold", markup=False)
    console.print(
        f"           {story['outlet']} · for “{article['name']}” · {', '.join(article['reasons'])}", markup=False
    )


def _print_mail(path: Path) -> None:
    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    console.print(f"✉ mail     {mail['Subject']}", markup=False)
    console.print(f"           to {mail['To']} · {path.name}", markup=False)


def _read_stage() -> Stage:
    world = tomllib.loads(files("scheduler").joinpath("demo_news.toml").read_text(encoding="utf-8"))
    return Stage(outlets=world["outlet"], films=world["film"], items=world["item"])


def _settings(stage: Stage, address: str, folder: Path, port: int) -> Settings:
    files_to_write = {
        "sources.toml": _sources_toml(stage, address),
        "films.toml": _films_toml(stage),
        "subscriptions.toml": _subscriptions_toml(address),
    }
    for name, text in files_to_write.items():
        (folder / name).write_text(text, encoding="utf-8")
    return load_settings(
        env_file=None,
        data_dir=folder,
        port=port,
        sources_file=folder / "sources.toml",
        films_file=folder / "films.toml",
        subscriptions_file=folder / "subscriptions.toml",
        allow_private_hosts=frozenset({"127.0.0.1"}),
        webhook_allow_http=True,
        min_interval=timedelta(seconds=1),
        tick=timedelta(milliseconds=500),
        text_patience=timedelta(seconds=10),
        database_url=f"sqlite:///{folder / 'setwire.db'}",
        mail_dir=folder / "mail",
        smtp_host="",
        log_level="error",
    )


def _sources_toml(stage: Stage, address: str) -> str:
    return "\n".join(_source_toml(outlet, address) for outlet in stage.outlets)


def _source_toml(outlet: Mapping[str, str | bool], address: str) -> str:
    is_listing = outlet["kind"] == "listing"
    selectors = 'selectors = { item = "article", link = "a::attr(href)", title = "a::text", summary = "p::text" }'
    return f"""
[[publisher]]
slug = {json.dumps(outlet["slug"])}
name = {json.dumps(outlet["name"], ensure_ascii=False)}
tier = {json.dumps(outlet["tier"])}

[[source]]
id = {json.dumps(outlet["slug"])}
publisher = {json.dumps(outlet["slug"])}
kind = {json.dumps(outlet["kind"])}
url = {json.dumps(f"{address}/{outlet['slug']}/")}
interval = "{_LISTING_EVERY if is_listing else _FEED_EVERY}s"
full_text = {json.dumps(bool(outlet.get("full_text")))}
seen_at = "invented for the demo"
{selectors if is_listing else ""}
"""


def _films_toml(stage: Stage) -> str:
    return "\n".join(
        "[[film]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in film.items()) for film in stage.films
    )


def _subscriptions_toml(address: str) -> str:
    return f"""
[[endpoint]]
id = "demo-webhook"
kind = "webhook"
address = "{address}/hook"
secret = "{_SECRET}"

[[endpoint]]
id = "demo-mailbox"
kind = "email"
address = "you@setwire.example"

[[subscription]]
id = "salt-meridian"
name = "Everything on The Salt Meridian"
films = ["the-salt-meridian"]
endpoints = ["demo-webhook", "demo-mailbox"]

[[subscription]]
id = "trailers"
name = "Every trailer"
topics = ["trailer"]
endpoints = ["demo-webhook"]
"""


class _StageHandler(QuietHandler):
    """Serves the outlets, and receives the webhook."""

    def __init__(self, stage: Stage, *args: object) -> None:
        self._stage = stage
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        slug, _, rest = self.path.strip("/").partition("/")
        outlet = next((o for o in self._stage.outlets if o["slug"] == slug), None)
        if outlet is None:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "nothing here")
        elif rest:
            self._answer(HTTPStatus.OK, "text/html", self._page(rest))
        elif outlet["kind"] == "listing":
            self._answer(HTTPStatus.OK, "text/html", self._listing(slug))
        else:
            self._answer(HTTPStatus.OK, "application/rss+xml", self._feed(outlet))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            verify(secret=_SECRET, headers=dict(self.headers.items()), body=body, now=datetime.now(UTC))
        except SignatureError as error:
            self._answer(HTTPStatus.UNAUTHORIZED, "text/plain", str(error))
            return
        self._stage.received.append(json.loads(body))
        self._answer(HTTPStatus.OK, "text/plain", "thank you")

    def _answer(self, status: HTTPStatus, content_type: str, text: str) -> None:
        self.answer(status, f"{content_type}; charset=utf-8", text.encode())

    def _feed(self, outlet: Mapping[str, str | bool]) -> str:
        now = datetime.now(UTC)
        items = "".join(
            f"<item><title>{title}</title><link>{link}</link><guid>{guid}</guid>"
            f"<description>{summary}</description><pubDate>{format_datetime(now)}</pubDate></item>"
            for title, link, guid, summary in self._texts(str(outlet["slug"]))
        )
        return f'<rss version="2.0"><channel><title>{html.escape(str(outlet["name"]))}</title>{items}</channel></rss>'

    def _listing(self, slug: str) -> str:
        items = "".join(
            f'<article><h2><a href="{link}">{title}</a></h2><p>{summary}</p></article>'
            for title, link, _, summary in self._texts(slug)
        )
        return f"<!doctype html><title>Newsroom</title><main>{items}</main>"

    def _texts(self, slug: str) -> Iterable[tuple[str, str, str, str]]:
        """Return title, link, guid and summary, escaped; a copy has a new guid and a tracked link."""
        for number, item in self._stage.visible(slug):
            original = self._original(item)
            link = f"http://{self.headers['Host']}/{slug}/{self._stage.items.index(original)}"
            tracked = link if original is item else f"{link}?utm_source=newsletter"
            yield (
                html.escape(str(original["title"])),
                html.escape(tracked),
                f"{slug}-{number}",
                html.escape(str(original["summary"])),
            )

    def _original(self, item: Item) -> Item:
        return next((o for o in self._stage.items if o.get("title") == item.get("copy_of", item.get("title"))), item)

    def _page(self, name: str) -> str:
        number = int(name.partition("?")[0]) if name.partition("?")[0].isdigit() else -1
        item = self._stage.items[number] if 0 <= number < len(self._stage.items) else {}
        title, summary = html.escape(str(item.get("title", ""))), html.escape(str(item.get("summary", "")))
        paragraphs = "".join(f"<p>{html.escape(p)}</p>" for p in str(item.get("text", "")).split("\n\n"))
        return (
            f'<!doctype html><html lang="en"><head><title>{title}</title><meta name="description" content="{summary}">'
            f"</head><body><article><h1>{title}</h1><p>{summary}</p>{paragraphs}</article></body></html>"
        )
