"""Takes in what a visit or a push brought: what is new of it, and what of that is news."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from core.habits import is_flood
from core.storms import FEWEST, find_republished, text_key
from core.values import ParsedEntry, Source, SourceState
from store.entries import Haul, add_hauls, known_texts, leave_known

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """Entries of one visit or push that are treated alike: `is_first` makes all of them backlog."""

    source: Source
    entries: Sequence[ParsedEntry]
    is_first: bool


def sort_out(source: Source, state: SourceState, entries: Sequence[ParsedEntry], *, now: datetime) -> Iterator[Parcel]:
    """Tell news from what was there before, of new entries; `state` is the source's before they came.

    In a flood dates do, and what bears none is not believed to be news.
    """
    if not entries:
        return
    is_first = state.first_contact_at is None
    if is_first or not is_flood(state, len(entries), now=now):
        yield Parcel(source, entries, is_first)
        return
    dated = tuple(entry for entry in entries if entry.published_at)
    undated = tuple(entry for entry in entries if not entry.published_at)
    words = f"{len(entries)} entries were new at once: an archive, or all ids have changed; "
    words += f"{len(undated)} of them bear no date and alert nobody"
    logger.warning("source %s: %s", source.source_id, words)
    yield Parcel(source, dated, is_first=False)
    yield Parcel(source, undated, is_first=True)


def take_in(tx: Session, parcels: Sequence[Parcel], *, now: datetime) -> list[int]:
    """Store what is new in each parcel and say how much; a first contact and an archive that comes again are backlog.

    No two parcels of a source may hold the same entry.
    """
    fresh = leave_known(tx, [(parcel.source.source_id, parcel.entries) for parcel in parcels], now=now)
    old_guids = _find_republished(tx, parcels, fresh)
    hauls = [
        Haul(source=parcel.source, items=items, is_backlog=parcel.is_first, old_guids=old)
        for parcel, items, old in zip(parcels, fresh, old_guids, strict=True)
    ]
    add_hauls(tx, hauls, now=now)
    return [len(items) for items in fresh]


def _find_republished(
    tx: Session, parcels: Sequence[Parcel], fresh: Sequence[Sequence[ParsedEntry]]
) -> list[dict[str, str]]:
    """Find in each parcel what its publisher published before, by guid, and why that is thought."""
    keys = [
        {} if parcel.is_first or len(items) < FEWEST else _text_keys(parcel.source, items)
        for parcel, items in zip(parcels, fresh, strict=True)
    ]
    known = known_texts(tx, {key for some in keys for key in some.values() if key})
    found = [find_republished(some, known) for some in keys]
    for parcel, old in zip(parcels, found, strict=True):
        if old:
            name = parcel.source.source_id
            logger.warning("source %s published %s old texts again; they alert nobody", name, len(old))
    return found


def _text_keys(source: Source, items: Sequence[ParsedEntry]) -> dict[str, str | None]:
    return {item.guid: text_key(source.publisher.slug, item.title, item.summary) for item in items}
