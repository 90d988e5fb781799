"""Builds webhook payloads and signs or verifies them after Standard Webhooks 1.0.0; it sends nothing."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from core.facts.telling import say_fact
from core.query import Field, QueryError, Term, parse_query, wanted_terms
from core.sentences import SENTENCE_END
from core.values import (
    Article,
    Endpoint,
    EventType,
    Evidence,
    Film,
    FilmId,
    Match,
    Source,
    SourceState,
    Story,
    Subscription,
    Tag,
    TagKind,
    Topic,
    TopicSlug,
)

# Section "Payload size" recommends less than 20 kB; read here as 20,000 bytes of UTF-8.
MAX_PAYLOAD_BYTES = 20_000
# The tolerance of the reference libraries.
TOLERANCE = timedelta(minutes=5)

_MAX_MESSAGE_BYTES = 2_000
_SECRET_PREFIX = "whsec_"  # noqa: S105 - a public prefix
_MIN_SECRET_BYTES, _MAX_SECRET_BYTES = 24, 64
_MAX_TIMESTAMP_DIGITS = 12
_MESSAGE_ID = re.compile(r"[!-\-/-~]{1,200}")

_Json = dict[str, object]


class SignatureError(ValueError):
    """A webhook that cannot be signed or believed; its text is one sentence that says why."""


def new_secret(random_bytes: bytes) -> str:
    """Write 24 to 64 random bytes as a signing secret. Errors: `ValueError` on any other length."""
    if not _MIN_SECRET_BYTES <= len(random_bytes) <= _MAX_SECRET_BYTES:
        raise ValueError(f"a secret is made of {_MIN_SECRET_BYTES} to {_MAX_SECRET_BYTES} bytes")
    return _SECRET_PREFIX + base64.b64encode(random_bytes).decode()


def sign(*, secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Make the three headers of one attempt.

    Shape: `secret` may hold several secrets separated by spaces while one is being replaced; each adds a signature.
    Errors: `SignatureError` for an unusable secret, a naive time, or an id with a full stop (it delimits the
    signed text) or characters a header cannot carry.
    """
    _check_message_id(message_id)
    timestamp = str(_unix_seconds(sent_at))
    signatures = [_signature(key, message_id, timestamp, body) for key in _keys(secret)]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join([f"v1,{signature}" for signature in signatures]),
    }


def signing_secrets(endpoint: Endpoint, *, now: datetime) -> str:
    """Return what signs now: the secret, and while it replaces another one also that, as `sign` takes them."""
    is_replacing = endpoint.old_secret_until_at is not None and now < endpoint.old_secret_until_at
    return f"{endpoint.secret} {endpoint.old_secret}" if is_replacing else endpoint.secret


def verify(*, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check that these headers sign this body and are at most five minutes away from `now`.

    Errors: `SignatureError` says what is missing, malformed, too old, too new or not signed.
    """
    keys = _keys(secret)
    found = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (
        _required(found, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    _check_age(timestamp, now)
    expected = [_signature(key, message_id, timestamp, body).encode() for key in keys]
    given = [_given_signature(versioned) for versioned in signatures.split(" ")]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in given):
        raise SignatureError("no v1 signature in webhook-signature fits this body")


@lru_cache(maxsize=1024)
def _keys(secret: str) -> tuple[bytes, ...]:
    keys = tuple(_key(part) for part in secret.split())
    if not keys:
        raise SignatureError("the signing secret is empty")
    return keys


def _key(secret: str) -> bytes:
    text = secret.removeprefix(_SECRET_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError("the signing secret is not base64") from error
    if not key:
        raise SignatureError("the signing secret is empty")
    return key


def _check_message_id(message_id: str) -> None:
    if not _MESSAGE_ID.fullmatch(message_id):
        raise SignatureError("a message id is 1 to 200 ASCII characters without spaces or full stops")


def _unix_seconds(at: datetime) -> int:
    if at.utcoffset() is None:
        raise SignatureError("the time has no zone")
    return int(at.timestamp() // 1)


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((message_id.encode("utf-8", "surrogateescape"), timestamp.encode(), body))
    mac = _keyed(key).copy()
    mac.update(signed)
    return base64.b64encode(mac.digest()).decode()


@lru_cache(maxsize=1024)
def _keyed(key: bytes) -> hmac.HMAC:
    """To set up HMAC costs four times what it costs to sign a payload by it."""
    return hmac.new(key, digestmod=hashlib.sha256)


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise SignatureError(f"the header {name} is missing")
    return value


def _check_age(timestamp: str, now: datetime) -> None:
    if not re.fullmatch(rf"[0-9]{{1,{_MAX_TIMESTAMP_DIGITS}}}", timestamp):
        raise SignatureError("webhook-timestamp is not a number of seconds")
    age = _unix_seconds(now) - int(timestamp)
    if abs(age) > TOLERANCE.total_seconds():
        raise SignatureError(f"webhook-timestamp is {abs(age)} s in the {'past' if age > 0 else 'future'}")


def _given_signature(versioned: str) -> bytes:
    version, _, signature = versioned.partition(",")
    return signature.encode("utf-8", "replace") if version == "v1" else b""


@dataclass(frozen=True, slots=True)
class _Limits:
    """How long each text and each list of a payload may be."""

    text_bytes: int
    items: int


# Texts and lists are cut to the first of these that lets the payload fit. The last one fits whatever the input:
# 3 URLs of 2,000 bytes, and below 10,000 bytes of everything else (the law is in the tests).
_LIMITS = (
    _Limits(2_000, 10),
    _Limits(1_000, 10),
    _Limits(500, 10),
    _Limits(250, 8),
    _Limits(120, 6),
    _Limits(60, 4),
    _Limits(30, 2),
)
_MAX_URL_BYTES = 2_000
_MAX_ID_BYTES = 100
_MAX_SENTENCE_BYTES = 600
_MAX_SEARCHED_CHARS = 100_000
_MAX_REACH_CHARS = 1_000
_MAX_WORDS_CHARS = 200
_MAX_CAUSES = 40
_MAX_QUOTES = 5
_ELLIPSIS = "…"

# Controls, line separators, and the marks that turn writing around: none has business in a headline.
_UNWANTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def build_payload(  # noqa: PLR0913 - an alert is made of exactly these
    *,
    event: EventType,
    at: datetime,
    story: Story,
    article: Article,
    subscription: Subscription,
    match: Match,
    films: Mapping[FilmId, Film],
    topics: Mapping[TopicSlug, Topic],
    base_url: str,
) -> str:
    """Write what one subscription is told of one event, as JSON text of at most `MAX_PAYLOAD_BYTES`.

    Shape: the same values give the same text; keys stand in the order of `docs/webhooks.md`. Long texts are cut at
    an ellipsis, long lists at their end, and a URL over 2,000 bytes is left empty rather than cut.
    """
    tags = sorted(story.tags, key=lambda tag: (-tag.score, tag.ref))
    quotes = _find_quotes(article, _causes(subscription, tags))
    for limits in _LIMITS:
        data: _Json = {
            "story": _describe_story(story, base_url, limits),
            "article": _describe_article(article, limits),
            "films": _describe_tags(tags, TagKind.FILM, films, limits),
            "topics": _describe_tags(tags, TagKind.TOPIC, topics, limits),
            "facts": _describe_facts(story, article, match, limits),
            "development": _trim(match.development if event is EventType.STORY_UPDATED else "", limits.text_bytes),
            "match": _describe_match(subscription, match, limits),
            "evidence": [_describe_quote(quote, limits) for quote in quotes[: limits.items]],
        }
        text = _write_json(event, at, data)
        if len(text.encode()) <= MAX_PAYLOAD_BYTES:
            return text
    raise ValueError(f"the payload cannot be cut to {MAX_PAYLOAD_BYTES:,} bytes")


def build_test_payload(*, at: datetime, endpoint: Endpoint) -> str:
    """Write the event `test`: proof for an operator that an endpoint is reached and verifies."""
    data: _Json = {
        "endpoint": {"id": _trim(endpoint.endpoint_id, _MAX_ID_BYTES), "kind": endpoint.kind.value},
        "message": "This is a test: the endpoint is reached, and nothing has happened to any film.",
    }
    return _write_json(EventType.TEST, at, data)


def build_disabled_payload(*, at: datetime, endpoint: Endpoint, reason: str) -> str:
    """Write the event `endpoint.disabled`, for those who own the endpoint: nothing is sent there any more, and why."""
    host = urlsplit(endpoint.shown_address).hostname or endpoint.shown_address
    said = clean_line(reason).rstrip(".")
    data: _Json = {
        "endpoint": {"id": _trim(endpoint.endpoint_id, _MAX_ID_BYTES), "kind": endpoint.kind.value},
        "reason": _trim(reason, 1_000),
        "message": _trim(
            f"Nothing is sent to {host} any more: {said}. Mend it, then have the operator resume it.", 2_000
        ),
    }
    return _write_json(EventType.ENDPOINT_DISABLED, at, data)


def build_request_payload(*, at: datetime, name: str, url: str) -> str:
    """Write the event `subscription.requested`: the mail by which an address confirms that it wants alerts."""
    data: _Json = {
        "subscription": {"name": _trim(name, 500)},
        "url": _fit_url(url),
        "message": "Somebody asked setwire to send film news to this address. If that was you, confirm it within two "
        "days; if not, do nothing, and no more mail comes.",
    }
    return _write_json(EventType.SUBSCRIPTION_REQUESTED, at, data)


def build_source_payload(
    *, event: EventType, at: datetime, source: Source, state: SourceState, message: str = ""
) -> str:
    """Write one of the `source.` events, for operators: how a source stands since when, and why."""
    since = state.failing_since_at
    name = source.publisher.name
    data: _Json = {
        "source": {
            "id": _trim(source.source_id, _MAX_ID_BYTES),
            "publisher": _trim(name, 500),
            "kind": source.kind.value,
            "url": _fit_url(source.url),
        },
        "failing_since": _iso(since) if since else None,
        "error": _trim(state.last_error or "", 1_000),
        "error_count": state.error_count,
        "message": _trim(
            message or f"{name} answers again."
            if since is None or message
            else f"{name} does not answer: {state.last_error or 'no reason'}",
            2_000,
        ),
    }
    return _write_json(event, at, data)


def _write_json(event: EventType, at: datetime, data: _Json) -> str:
    document = {"type": event.value, "timestamp": _iso(at), "data": data}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _describe_story(story: Story, base_url: str, limits: _Limits) -> _Json:
    return {
        "id": story.story_id,
        "title": _trim(story.title, limits.text_bytes),
        "url": _fit_url(f"{base_url.rstrip('/')}/stories/{story.story_id}"),
        "created_at": _iso(story.created_at),
        "updated_at": _iso(story.updated_at),
        "article_count": story.article_count,
        "outlet_count": story.outlet_count,
        "outlet": _trim(story.outlet, limits.text_bytes),
        "first_outlet": _trim(story.first_outlet, limits.text_bytes),
    }


def _describe_article(article: Article, limits: _Limits) -> _Json:
    return {
        "title": _trim(article.title, limits.text_bytes),
        "url": _fit_url(article.url),
        "outlet": _trim(article.publisher.name, limits.text_bytes),
        "tier": article.publisher.tier.value,
        "published_at": _iso(article.published_at) if article.published_at else None,
        "first_seen_at": _iso(article.first_seen_at),
        "summary": _trim(article.summary, limits.text_bytes),
        "image_url": _fit_url(article.image_url),
    }


def _describe_tags(
    tags: Iterable[Tag],
    kind: TagKind,
    known: Mapping[FilmId, Film] | Mapping[TopicSlug, Topic],
    limits: _Limits,
) -> list[_Json]:
    names: Mapping[str, Film | Topic] = {str(ref): value for ref, value in known.items()}
    chosen = [tag for tag in tags if tag.kind is kind][: limits.items]
    describe = _describe_film if kind is TagKind.FILM else _describe_topic
    return [describe(tag, names.get(tag.ref), limits) for tag in chosen]


def _describe_film(tag: Tag, film: Film | Topic | None, limits: _Limits) -> _Json:
    known = film if isinstance(film, Film) else None
    ids = known.external_ids if known else {}
    return {
        "id": _trim(tag.ref, _MAX_ID_BYTES),
        "title": _trim(known.title if known else tag.ref, limits.text_bytes),
        "year": known.year if known else None,
        "tmdb_id": _trim(ids.get("tmdb", ""), _MAX_ID_BYTES) or None,
        "imdb_id": _trim(ids.get("imdb", ""), _MAX_ID_BYTES) or None,
        "salience": tag.salience.value,
        "score": round(tag.score, 3),
        "evidence": _describe_words(tag.evidence, limits),
    }


def _describe_topic(tag: Tag, topic: Film | Topic | None, limits: _Limits) -> _Json:
    known = topic if isinstance(topic, Topic) else None
    return {
        "slug": _trim(tag.ref, _MAX_ID_BYTES),
        "name": _trim(known.name if known else tag.ref, limits.text_bytes),
        "score": round(tag.score, 3),
        "evidence": _describe_words(tag.evidence, limits),
    }


def _describe_words(evidence: Iterable[Evidence], limits: _Limits) -> list[_Json]:
    return [
        {"field": _trim(item.field, 30), "words": _trim(item.words, min(limits.text_bytes, 200))}
        for item in tuple(evidence)[: min(limits.items, 5)]
    ]


def _describe_facts(story: Story, article: Article, match: Match, limits: _Limits) -> list[_Json]:
    """Those the article of the event brought come first; in an update they are what is new."""
    is_update = match.event is EventType.STORY_UPDATED
    ranked = sorted(story.facts, key=lambda fact: fact.article_id != article.article_id)
    return [
        {
            "kind": fact.kind.value,
            "film_id": _trim(fact.film_id, _MAX_ID_BYTES),
            "certainty": fact.certainty.value,
            "says": _trim(say_fact(fact), min(limits.text_bytes, 200)),
            "subject": _trim(fact.subject, min(limits.text_bytes, 100)),
            "detail": _trim(fact.detail, min(limits.text_bytes, 100)),
            "was": _trim(fact.was, min(limits.text_bytes, 100)),
            "date": fact.day,
            "sentence": _trim(fact.sentence, min(limits.text_bytes, _MAX_SENTENCE_BYTES)),
            "is_new": is_update and fact.article_id == article.article_id,
        }
        for fact in ranked[: limits.items]
    ]


def _describe_match(subscription: Subscription, match: Match, limits: _Limits) -> _Json:
    return {
        "subscription_id": _trim(subscription.subscription_id, _MAX_ID_BYTES),
        "name": _trim(subscription.name, limits.text_bytes),
        "reasons": [_trim(reason, limits.text_bytes) for reason in match.reasons[: limits.items]],
    }


@dataclass(frozen=True, slots=True)
class _Quote:
    """A sentence that caused the alert, the field it stands in, and the words in it that counted."""

    field: str
    sentence: str
    words: tuple[str, ...]


def _causes(subscription: Subscription, tags: Iterable[Tag]) -> list[Evidence]:
    """Collect the evidence behind what the subscription asks for; behind every tag if it asks for none."""
    terms = list(_query_terms(subscription))
    named = (term.value for term in terms if term.field in (Field.FILM, Field.TOPIC))
    wanted: set[str] = {*subscription.films, *subscription.topics, *named}
    tagged = [item for tag in tags if not wanted or tag.ref in wanted for item in tag.evidence]
    said = (term.value for term in terms if term.field in (Field.WORDS, Field.PERSON))
    asked = [Evidence(field="", words=words) for words in (*subscription.words, *said)]
    return [item for item in (*tagged, *asked) if len(item.words) <= _MAX_WORDS_CHARS][:_MAX_CAUSES]


def _query_terms(subscription: Subscription) -> Iterable[Term]:
    try:
        return wanted_terms(parse_query(subscription.query)) if subscription.query else ()
    except QueryError:
        return ()


def _find_quotes(article: Article, causes: Iterable[Evidence]) -> list[_Quote]:
    """Quote each sentence once, with all the words it is quoted for; the headline where nothing better is known."""
    quotes: dict[tuple[str, str], _Quote] = {}
    for cause in causes:
        field, sentence = _find_place(article, cause)
        known = quotes.get((field, sentence), _Quote(field, sentence, ()))
        if field and cause.words not in known.words:
            quotes[field, sentence] = replace(known, words=(*known.words, cause.words))
    return list(quotes.values())[:_MAX_QUOTES] or [_Quote("title", article.title, ())]


def _find_place(article: Article, cause: Evidence) -> tuple[str, str]:
    """Find the field and the sentence of these words; bare words if they are of an earlier article of the story."""
    fields = {"title": article.title, "summary": article.summary, "text": article.text}
    first = [cause.field] if cause.field in fields else []
    for field in (*first, *fields):
        sentence = find_sentence(fields[field], cause.words)
        if sentence:
            return field, sentence
    return cause.field, cause.words


def find_sentence(text: str, words: str) -> str:
    """Return the sentence of `text` in which `words` first stand, whatever their case; empty if they do not.

    Shape: a sentence without an end within 1,000 characters of the words is cut there.
    """
    found = re.search(re.escape(words), text[:_MAX_SEARCHED_CHARS], re.IGNORECASE) if words else None
    if found is None:
        return ""
    start, stop = max(found.start() - _MAX_REACH_CHARS, 0), found.end() + _MAX_REACH_CHARS
    for end in SENTENCE_END.finditer(text, start, stop):
        if end.start() >= found.end() - 1:
            stop = end.end()
            break
        if end.end() <= found.start():
            start = end.end()
    return text[start:stop].strip()


def _describe_quote(quote: _Quote, limits: _Limits) -> _Json:
    max_bytes = min(limits.text_bytes, _MAX_SENTENCE_BYTES)
    return {
        "sentence": _trim_around(quote.sentence, "".join(quote.words[:1]), max_bytes),
        "field": _trim(quote.field, 30),
        "words": [_trim(words, max_bytes) for words in quote.words[: limits.items]],
    }


def _trim_around(sentence: str, words: str, max_bytes: int) -> str:
    trimmed = _trim(sentence, max_bytes)
    start = sentence.lower().find(words.lower())
    if start < 0 or words.lower() in trimmed.lower():
        return trimmed
    return _trim(_ELLIPSIS + sentence[max(start - max_bytes // 8, 0) :], max_bytes)


def clean_line(text: str) -> str:
    """Flatten text from outside to one line: no controls, no turned writing, single spaces, valid UTF-8."""
    return " ".join(_UNWANTED.sub(" ", text).split())


def _trim(text: str, max_bytes: int) -> str:
    # Cleaning costs by the character: look no further than what could fit.
    reach = 4 * max_bytes
    line = clean_line(text[:reach])
    encoded = line.encode()
    if len(encoded) <= max_bytes and len(text) <= reach:
        return line
    return encoded[: max_bytes - len(_ELLIPSIS.encode())].decode(errors="ignore").rstrip() + _ELLIPSIS


def _fit_url(url: str) -> str:
    if len(url) > _MAX_URL_BYTES:
        return ""
    escaped = "".join(_escape_for_url(character) for character in url)
    return escaped if len(escaped.encode()) <= _MAX_URL_BYTES else ""


def _escape_for_url(character: str) -> str:
    is_unsafe = character <= " " or character in '"\\<>' or _UNWANTED.match(character)
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace")) if is_unsafe else character
