"""Asks a feed whether it has changed and reads its entries; it decides nothing about when to come back."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

from core.parsing.entries import AskKnown, know_none
from core.parsing.feeds import parse_feed
from core.parsing.xml import lacks_end
from core.sources import address_of, validators_to_send
from core.values import Fetch, FetchOutcome, ParsedEntry, ParsedFeed, Source, SourceState, Validators
from core.websub import HubOffer, find_hub
from crawler.fetch import FetchError, Gateway, Response
from crawler.outcomes import Verdict, is_html, judge_error, judge_response, next_validators, read_pace

# Reading is Python's work, one thing at a time: a second thread would wait for the first, and cost a tenth more by it.
_READERS = ThreadPoolExecutor(1, thread_name_prefix="read")
_NO_VALIDATORS = Validators()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What one visit to a source brought: the exchange, its entries in the document's order, and what was odd."""

    fetch: Fetch
    entries: tuple[ParsedEntry, ...] = ()
    problems: tuple[str, ...] = ()
    hub: HubOffer | None = None


async def gather_feed(
    source: Source,
    state: SourceState,
    *,
    gateway: Gateway,
    now: Callable[[], datetime],
    known: AskKnown = know_none,
) -> Gathered:
    """Fetch a feed and read what is new in the exchange's own terms.

    `known` says which guids are stored already; it is called in a thread, and their entries are left out.

    Every trouble is an outcome with one sentence in `fetch.error`. An unchanged body is `ok` with no entries; the
    validators and the hash of the last good document stay when this visit brought none.
    """
    started_at = now()
    validators = validators_to_send(state, now=started_at)
    try:
        response = await gateway.get(address_of(source, state), validators=validators)
    except FetchError as error:
        return Gathered(fetch=_note_error(source, state, started_at, now() - started_at, error))
    verdict = judge_response(response, is_conditional=validators != _NO_VALIDATORS)
    at = now()
    fetch = _note_response(source, state, started_at, response, verdict or (FetchOutcome.OK, ""), at)
    if verdict is not None:
        return Gathered(fetch=fetch, problems=_note_move(response))
    return await _read_document(fetch, response, state, at, known)


def _note_error(
    source: Source, state: SourceState, started_at: datetime, duration: timedelta, error: FetchError
) -> Fetch:
    outcome, sentence = judge_error(error)
    return Fetch(
        source_id=source.source_id,
        started_at=started_at,
        duration=duration,
        outcome=outcome,
        error=sentence,
        validators=state.validators,
        body_sha256=state.body_sha256,
    )


def _note_response(
    source: Source, state: SourceState, started_at: datetime, response: Response, verdict: Verdict, at: datetime
) -> Fetch:
    """Note an answer; what its document brings is noted when it was read."""
    outcome, sentence = verdict
    is_unchanged = outcome is FetchOutcome.NOT_MODIFIED
    return Fetch(
        source_id=source.source_id,
        started_at=started_at,
        duration=response.duration,
        outcome=outcome,
        error=sentence,
        status=response.status,
        body_bytes=len(response.body),
        validators=next_validators(response, state.validators) if is_unchanged else state.validators,
        body_sha256=state.body_sha256,
        pace=read_pace(response, now=at),
        final_url=response.final_url,
        permanent_url=response.permanent_url or "",
    )


async def _read_document(
    fetch: Fetch, response: Response, state: SourceState, now: datetime, known: AskKnown
) -> Gathered:
    digest = sha256(response.body).hexdigest()
    validators = next_validators(response, state.validators)
    if digest == state.body_sha256:
        return Gathered(fetch=replace(fetch, validators=validators), problems=_note_move(response))
    # Reading takes 2-50 ms, and `known` asks the database: off the loop with it.
    read = partial(
        parse_feed,
        response.body,
        url=response.final_url,
        content_type=response.headers.get("content-type", ""),
        now=now,
        known=known,
    )
    parsed = await asyncio.get_running_loop().run_in_executor(_READERS, read)
    if not parsed.is_feed:
        return Gathered(
            fetch=replace(fetch, outcome=FetchOutcome.NOT_A_FEED, error=_describe_stranger(response, parsed)),
            problems=parsed.problems + _note_move(response),
        )
    return Gathered(
        fetch=replace(
            fetch,
            # A server that repeats "not modified" of a document that broke off would keep the rest from us.
            validators=_NO_VALIDATORS if parsed.problems and lacks_end(response.body) else validators,
            body_sha256=digest,
            entry_count=len(parsed.entries) + parsed.known_count,
            pace=replace(fetch.pace, ttl=parsed.pace.ttl),
        ),
        entries=parsed.entries,
        problems=parsed.problems + _note_move(response),
        hub=find_hub(response.body, link_header=response.headers.get("link", ""), url=response.final_url),
    )


def _describe_stranger(response: Response, parsed: ParsedFeed) -> str:
    where = response.final_url
    if not response.body.strip():
        return f"{where} answered with an empty body; it is tried again later"
    if is_html(response):
        return f"{where} answered with a web page, not a feed; look for the feed's address on the publisher's site"
    reason = parsed.problems[0].rstrip(".") if parsed.problems else "it cannot be read"
    return f"{where} answered with something that is no feed: {reason}; check the address"


def _note_move(response: Response) -> tuple[str, ...]:
    if response.permanent_url is None:
        return ()
    return (f"The source has moved for good to {response.permanent_url}; change its URL.",)
