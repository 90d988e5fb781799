"""Draw the pictures of docs/screenshots: `python -m tests.web.screenshots [FOLDER]`. Not a test; invented news only.

`python -m tests.web.screenshots --mail FILE.eml [FOLDER]` draws a mail, such as one that `setwire demo` wrote, as a
phone shows it.
"""

import random
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, ViewportSize, sync_playwright
from pydantic import SecretStr

from config.settings import Settings
from core.values import (
    Cadence,
    Delivered,
    DeliveryState,
    FetchOutcome,
    Film,
    FilmId,
    Mute,
    Retry,
    Salience,
    Source,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    Tier,
    Timing,
)
from store.engine import Session, Store
from store.subscriptions import add_subscription
from tests.web.newsroom import (
    CALL_SHEET,
    EVENING,
    FILMS,
    GAZETTE,
    MAILBOX,
    MATCH,
    MERIDIAN,
    NOW,
    ORCHARD,
    REPORTS,
    WEBHOOK,
    Report,
    attempt,
    declare,
    fetch,
    file_reports,
    film_tag,
    make_sources,
    make_store,
    owe,
    subscribe,
    topic_tag,
)
from tests.web.test_web_browser import CHROMIUM, FLAGS, serving
from web.app import create_app

Trouble = tuple[FetchOutcome, str]


class Picture(NamedTuple):
    name: str
    path: str
    width: int
    scheme: Literal["light", "dark"]


PICTURES = (
    Picture("stories", "/", 1280, "light"),
    Picture("stories", "/", 390, "dark"),
    Picture("story", "/stories/8", 390, "light"),
    Picture("status", "/status", 1280, "light"),
    Picture("subscriptions", "/subscriptions", 1280, "light"),
)
TROUBLES: dict[str, Trouble] = {
    "Reel Courier": (FetchOutcome.BLOCKED, "The server answered 403 Forbidden"),
    "Second Unit": (FetchOutcome.NOT_A_FEED, "The address answers with a web page instead of a feed"),
}
FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
MORE_FILMS = (
    Film(film_id=FilmId("salt-year"), title="Salt Year"),
    Film(film_id=FilmId("copper-moth"), title="The Copper Moth"),
    Film(film_id=FilmId("last-tram"), title="Last Tram to Vesna"),
)
NAMES = (
    "Callboard Weekly", "Dolly Grip Daily", "Lens & Ladder", "Northlight Studios", "On Set Observer", "Reel Courier",
    "Second Unit", "Slate and Clapper", "The Gaffer’s Post", "Vesna Film Office",
)  # fmt: skip


def _film(film_id: str, words: str, *, mentions: bool = False) -> Tag:
    return film_tag(film_id, words, salience=Salience.MENTIONS if mentions else Salience.ABOUT)


EARLIER = (
    Report(
        title="A tram depot becomes a ballroom: inside the sets of Last Tram to Vesna",
        outlet=EVENING,
        summary="Forty carpenters, nine weeks and a chandelier that had to be lowered through the roof. The production "
        "designer walks us through the biggest build the city has seen.",
        tags=(_film("last-tram", "Last Tram to Vesna"), topic_tag("set-photos", "inside the sets")),
        age=timedelta(hours=29),
    ),
    Report(
        title="Salt Year finds its villain",
        outlet=CALL_SHEET,
        summary="The deal closed on Friday; the part was written for an older actor.",
        tags=(_film("salt-year", "Salt Year"), topic_tag("casting", "finds its villain")),
        age=timedelta(hours=27),
    ),
    Report(
        title="The Copper Moth stunt team on falling forty metres without a wire",
        outlet=GAZETTE,
        summary="“You breathe out before the ledge,” says the woman who did it eleven times in one night.",
        tags=(_film("copper-moth", "The Copper Moth"), topic_tag("stunts", "falling forty metres")),
        age=timedelta(hours=9),
    ),
    Report(
        title="First pictures: a burning pier and a drowned piano for Salt Year",
        outlet=GAZETTE,
        summary="The crew closed the north beach at dawn. Seen from the dunes: two cranes, a piano, much foam.",
        tags=(
            _film("salt-year", "Salt Year"),
            _film("harbour-lights", "Harbour Lights", mentions=True),
            topic_tag("set-photos", "First pictures"),
        ),
        age=timedelta(hours=5),
    ),
    Report(
        title="Meridian starts the cameras on The Tin Orchard’s night shoots",
        outlet=MERIDIAN,
        summary="Eleven nights, three rooftops, one director who prefers mornings.",
        tags=(ORCHARD,),
        age=timedelta(hours=4),
    ),
)


WISHES = (
    Subscription(
        subscription_id=SubscriptionId("falls"),
        name="Stunts and falls",
        query='(stunts OR "forty metres") AND NOT rumour',
        films=(FilmId("copper-moth"),),
        endpoints=(MAILBOX.endpoint_id,),
        timing=Timing(cadence=Cadence.DAILY, zone="Europe/Paris"),
        mutes=(Mute(ref="topic:casting", until=NOW + timedelta(days=9)),),
    ),
    Subscription(
        subscription_id=SubscriptionId("vesna"),
        name="Anything from Vesna",
        words=("Vesna",),
        endpoints=(WEBHOOK.endpoint_id,),
        is_enabled=False,
    ),
)


def order_reports() -> list[Report]:
    """Number the stories as the desk would, the oldest first; the one with two articles is the newest."""
    told = [report for report in REPORTS if report.story in (2, 3)]
    singles = sorted((*EARLIER, *told), key=lambda report: -report.age)
    opening = [report for report in REPORTS if report.story == 1 or report.duplicate_of]
    newest = [replace(report, story=len(singles) + 1) if report.story else report for report in opening]
    return [*newest, *(replace(report, story=number) for number, report in enumerate(singles, 1))]


def name_sources(chance: random.Random) -> list[Source]:
    known, invented = make_sources(4), make_sources(14)[4:]
    named = [
        replace(source, publisher=replace(source.publisher, name=name, tier=chance.choice(list(Tier))))
        for source, name in zip(invented, NAMES, strict=True)
    ]
    return [*known, *named]


def poll(tx: Session, source: Source, trouble: Trouble | None, chance: random.Random) -> None:
    """Fetch a source for a night, with a hiccup here and there, and end in its trouble if it has one."""
    for days in range(29, 0, -1):
        weather = chance.choices((FetchOutcome.OK, FetchOutcome.NOT_MODIFIED, FetchOutcome.TIMEOUT), (9, 3, 0.5))[0]
        outcome, error = (weather, "") if days > 4 or trouble is None else trouble
        new = chance.randint(1, 12) if outcome is FetchOutcome.OK else 0
        error = error or ("" if outcome.is_healthy else "The server did not answer within 30 s")
        fetch(tx, source, outcome, age=timedelta(days=days), error=error, new=new)
    for half_hours in range(19, 7 if trouble else 0, -1):
        outcome = chance.choices((FetchOutcome.OK, FetchOutcome.NOT_MODIFIED, FetchOutcome.TIMEOUT), (5, 6, 0.3))[0]
        error = "" if outcome.is_healthy else "The server did not answer within 30 s"
        fetch(tx, source, outcome, age=timedelta(minutes=30 * half_hours + 4), error=error)
    outcome, error = trouble or (FetchOutcome.OK, "")
    for half_hours in range(7 if trouble else 0, 0, -1):
        fetch(tx, source, outcome, age=timedelta(minutes=30 * half_hours + 3), error=error)
    fetch(tx, source, outcome, age=timedelta(minutes=chance.randint(1, 9)), error=error, new=0 if trouble else 2)


def fill_picture(store: Store) -> None:
    chance = random.Random(11)
    sources, reports = name_sources(chance), order_reports()
    with store.write() as tx:
        declare(tx, sources, films=(*FILMS, *MORE_FILMS))
        for source in sources:
            poll(tx, source, TROUBLES.get(source.publisher.name), chance)
        subscribe(tx)
        for one in WISHES:
            add_subscription(tx, one, now=NOW)
        (matched,) = file_reports(tx, reports, matches=[replace(MATCH, story_id=StoryId(reports[0].story))])
        hook = owe(tx, matched, WEBHOOK, name="msg_hook")
        attempt(tx, hook, Retry(reason="The receiver answered 502 Bad Gateway", status=502), DeliveryState.RETRYING)
        mail = owe(tx, matched, MAILBOX, name="msg_mail")
        attempt(tx, mail, Delivered(detail="250 accepted"), DeliveryState.DELIVERED)


def draw(browser: Browser, address: str, picture: Picture, folder: Path) -> None:
    height = 800 if picture.width > 500 else 844
    context = browser.new_context(viewport={"width": picture.width, "height": height}, color_scheme=picture.scheme)
    page = context.new_page()
    page.goto(address + picture.path)
    page.screenshot(path=folder / f"{picture.name}-{picture.width}-{picture.scheme}.png")
    context.close()


def draw_all(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        store = make_store(Path(scratch))
        fill_picture(store)
        settings = Settings(data_dir=Path(scratch), operator_token=SecretStr("drawn"))
        app = create_app(store, settings=settings, now=lambda: NOW)
        with serving(app) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            for picture in PICTURES:
                draw(browser, address, picture, folder)
            browser.close()
        store.close()


def draw_mail(mail: Path, folder: Path) -> None:
    """Draw the HTML part of a mail at the width of a phone, light and dark, twice as fine as it is wide."""
    message = message_from_bytes(mail.read_bytes(), policy=policy.default)
    part = message.get_body(("html",))
    assert part is not None
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            size: ViewportSize = {"width": 390, "height": 300}
            context = browser.new_context(viewport=size, color_scheme=scheme, device_scale_factor=2)
            page = context.new_page()
            page.set_content(part.get_content())
            page.screenshot(path=folder / f"mail-390-{scheme}.png", full_page=True)
            context.close()
        browser.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--mail"]:
        draw_mail(Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else FOLDER)
    else:
        draw_all(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
