"""Shapes the status page: sources with the broken first, their recent fetches as cells, figures of the day. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from core.catalogue import Authority, SyncState
from core.health import DAYS_SHOWN, Health, HealthState, SourceDay, judge_day, judge_health
from core.sources import lane_of_source
from core.values import DeliveryState, Fetch, FetchOutcome, Tier
from core.websub import HubSubscription, is_pushing
from store.views import Gathered, SourceView
from web.cards import DeliveryTone, judge_state
from web.standing import PATIENCE, PostStanding, is_failing
from web.words import KINDS, OUTCOMES, STATES, public_address, say_clock, say_count, say_size, say_span

CellTone = Literal["ok", "same", "bad", "wall", "none"]
RowTone = Literal["bad", "off", ""]

_DAY_TONES: Mapping[HealthState, CellTone] = {
    HealthState.OK: "ok",
    HealthState.QUIET: "same",
    HealthState.FAILING: "bad",
    HealthState.BLOCKED: "wall",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One fetch in the strip: its colour and what a pointer or a reader's voice says of it."""

    tone: CellTone
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A line of the sources table. `cells` run from the oldest to the newest fetch, `days` over the last thirty days.

    `name` is the source's id, by which commands know it; `hub` says how a hub pushes, empty where none was asked.
    """

    name: str
    publisher: str
    url: str
    tier: Tier
    kind: str
    tone: RowTone
    outcome: str
    health: HealthState
    error: str
    last_fetch_at: datetime | None
    next_check_at: datetime | None
    entries: str
    cells: tuple[Cell, ...]
    strip_text: str
    days: tuple[Cell, ...]
    days_text: str
    hub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    name: str
    value: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRow:
    """A line on a catalogue we sync with. `credit` is what it asks those who show its data to say."""

    name: str
    tone: RowTone
    outcome: str
    error: str
    succeeded_at: datetime | None
    due_at: datetime
    films: str
    credit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCount:
    name: str
    count: int
    tone: DeliveryTone


def make_source_rows(
    views: Sequence[SourceView], now: datetime, *, rests: Mapping[str, datetime] = MappingProxyType({})
) -> list[SourceRow]:
    """Failing sources first, the longest failing on top; then by publisher; what is switched off last.

    `rests`: until when each lane is left alone.
    """
    return [_source_row(view, now, rests) for view in sorted(views, key=_urgency)]


def _urgency(view: SourceView) -> tuple[bool, bool, float, str]:
    since = view.state.failing_since_at
    failing = is_failing((view.source, view.state))
    failed_at = since.timestamp() if failing and since else 0.0
    return not view.source.enabled, not failing, failed_at, view.source.publisher.name.casefold()


def _source_row(view: SourceView, now: datetime, rests: Mapping[str, datetime]) -> SourceRow:
    source, state = view.source, view.state
    failing = is_failing((source, state))
    health = judge_health(source, state, now=now, durations=[fetch.duration for fetch in view.fetches])
    trouble = _say_trouble(view, now) if failing else _say_condition(health, now)
    cells = tuple(make_cell(fetch) for fetch in reversed(view.fetches))
    days = make_days(view.days, now)
    return SourceRow(
        name=source.source_id,
        publisher=source.publisher.name,
        url=public_address(source.url),
        tier=source.publisher.tier,
        kind=KINDS[source.kind],
        tone=("bad" if failing else "") if source.enabled else "off",
        outcome=OUTCOMES[state.last_outcome] if state.last_outcome else "not asked yet",
        health=health.state,
        error=" ".join(filter(None, (trouble, _say_rest(view, rests)))),
        last_fetch_at=state.last_fetch_at,
        next_check_at=state.next_check_at if source.enabled else None,
        entries=f"{view.entries_last_day:,}",
        cells=cells,
        strip_text=say_strip(cells),
        days=days,
        days_text=say_days(days),
        hub=say_hub(view.hub, now) if view.hub else "",
    )


def _say_rest(view: SourceView, rests: Mapping[str, datetime]) -> str:
    until = rests.get(lane_of_source(view.source, view.state)) if view.source.enabled else None
    return f"Its host asked us to wait, so nothing there is asked before {say_clock(until)}." if until else ""


def _say_condition(health: Health, now: datetime) -> str:
    """Say what is odd about a source that answers; empty when nothing is."""
    if health.state not in (HealthState.QUIET, HealthState.SLOW, HealthState.FAILING):
        return ""
    since = f" Last news {say_span(now - health.since_at)} ago." if health.since_at else ""
    return f"{health.words}.{since}"


def _say_trouble(view: SourceView, now: datetime) -> str:
    since = view.state.failing_since_at
    tries = say_count(view.state.error_count, "try", "tries")
    history = f" Failing for {say_span(now - since)}, {tries}." if since else ""
    error = (view.state.last_error or "It failed without a word").rstrip(".")
    return f"{error}.{history}"


def make_cell(fetch: Fetch) -> Cell:
    said = fetch.error or OUTCOMES[fetch.outcome]
    took = f"{fetch.duration.total_seconds():.1f} s"
    brought = f", {say_count(fetch.entry_count, 'entry', 'entries')}, {say_size(fetch.body_bytes)}"
    is_answer = fetch.outcome is FetchOutcome.OK
    return Cell(tone=_tone_of(fetch.outcome), text=f"{say_clock(fetch.started_at)} {said}, {took}{brought * is_answer}")


def _tone_of(outcome: FetchOutcome) -> CellTone:
    if not outcome.is_healthy:
        return "bad"
    return "ok" if outcome is FetchOutcome.OK else "same"


def say_strip(cells: Sequence[Cell]) -> str:
    """Say a strip aloud: `Last 20 fetches: 18 answered, 2 failed`."""
    failed = sum(cell.tone == "bad" for cell in cells)
    return f"Last {say_count(len(cells), 'fetch', 'fetches')}: {len(cells) - failed} answered, {failed} failed"


def make_days(days: Sequence[SourceDay], now: datetime) -> tuple[Cell, ...]:
    """Draw the last thirty days, oldest first; a day without visits has a cell too."""
    by_day = {day.day: day for day in days}
    dates = [(now - timedelta(days=back)).date() for back in range(DAYS_SHOWN - 1, -1, -1)]
    return tuple(_day_cell(by_day.get(date, SourceDay(day=date))) for date in dates)


def _day_cell(day: SourceDay) -> Cell:
    state = judge_day(day)
    if state is HealthState.NEW:
        return Cell(tone="none", text=f"{day.day:%d %b}: not asked")
    counts = [
        (day.answered_count, "answered"),
        (day.failed_count, "failed"),
        (day.blocked_count, "blocked"),
        (day.entry_count, "new"),
    ]
    said = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    return Cell(tone=_DAY_TONES[state], text=f"{day.day:%d %b}: {state}; {said}")


def say_days(cells: Sequence[Cell]) -> str:
    """Say the days aloud: `Last 30 days: 20 ok, 6 quiet, 1 failing, 3 not asked`."""
    names: dict[CellTone, str] = {"ok": "ok", "same": "quiet", "bad": "failing", "wall": "blocked", "none": "not asked"}
    counted = Counter(cell.tone for cell in cells)
    said = ", ".join(f"{counted[tone]} {name}" for tone, name in names.items() if counted[tone])
    return f"Last {len(cells)} days: {said}"


def say_hub(hub: HubSubscription, now: datetime) -> str:
    """Say how a hub stands to a source."""
    host = urlsplit(hub.hub).hostname or hub.hub
    if hub.lease_until is None or hub.lease_until <= now:
        why = hub.error.rstrip(".") or ("its lease has ended" if hub.lease_until else "it has not answered yet")
        return f"Hub {host} does not push: {why}."
    if hub.pushed_at is None:
        return f"Hub {host} will push; nothing came yet."
    word = "pushes" if is_pushing(hub, now=now) else "may push"
    return f"Hub {host} {word}; last {say_span(now - hub.pushed_at)} ago."


def make_sync_rows(states: Sequence[SyncState], counts: Mapping[Authority, int], now: datetime) -> list[SyncRow]:
    """One line for each catalogue that was ever asked."""
    return [_sync_row(state, counts.get(state.authority, 0), now) for state in states]


def _sync_row(state: SyncState, count: int, now: datetime) -> SyncRow:
    since = state.failing_since_at
    history = f" Failing for {say_span(now - since)}, {say_count(state.error_count, 'try', 'tries')}." if since else ""
    outcome = "fails" if since else "under way" if state.run_started_at else "in step"
    name, credit = _CATALOGUES[state.authority]
    return SyncRow(
        name=name,
        tone="bad" if since else "",
        outcome=outcome,
        error=f"{state.error}{history}" if since else "",
        succeeded_at=state.succeeded_at,
        due_at=state.due_at,
        films=f"{count:,}",
        credit=credit,
    )


_CATALOGUES = {
    Authority.OWN: ("Operator", ""),
    Authority.TMDB: ("TMDB", "This product uses the TMDB API but is not endorsed or certified by TMDB."),
    Authority.WIKIDATA: ("Wikidata", "Data of Wikidata is free for all under CC0."),
}


def make_figures(post: PostStanding, day: Gathered) -> list[Figure]:
    lag = say_span(post.desk_lag) if post.pending_count else "–"
    waiting = f"{post.pending_count:,}"
    is_behind = bool(post.pending_count) and post.desk_lag > PATIENCE
    return [
        Figure(name="entries wait for the desk", value=waiting, is_bad=is_behind),
        Figure(name="age of the oldest of them", value=lag, is_bad=is_behind),
        Figure(name="fetches in 24 h", value=f"{day.fetches:,}"),
        Figure(name="of these failed", value=f"{day.failed_fetches:,}", is_bad=_is_alarming(day)),
        Figure(name="new entries in 24 h", value=f"{day.entries:,}"),
        Figure(name="new articles in 24 h", value=f"{day.articles:,}"),
        Figure(name="new stories in 24 h", value=f"{day.stories:,}"),
        Figure(name="deliveries in 24 h", value=f"{day.deliveries:,}"),
    ]


def _is_alarming(day: Gathered) -> bool:
    """Half of a day's fetches failing means that the trouble is ours, not a publisher's."""
    return day.failed_fetches * 2 > day.fetches


def make_state_counts(counts: Mapping[DeliveryState, int]) -> list[StateCount]:
    """Every state that holds a delivery, in the order a delivery passes them."""
    return [
        StateCount(name=STATES[state], count=counts[state], tone=judge_state(state))
        for state in DeliveryState
        if counts.get(state)
    ]
