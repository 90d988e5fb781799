"""Webhook payloads and signatures: the shared vectors, an independent verifier, and the laws of size and order."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import standardwebhooks
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import ValidationError

from core.digests import Coverage, Silence, build_digest
from core.values import (
    Article,
    ArticleId,
    Certainty,
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    Evidence,
    Fact,
    FactKind,
    Film,
    FilmId,
    Hold,
    Match,
    Publisher,
    PublisherSlug,
    Source,
    SourceId,
    SourceKind,
    SourceState,
    Story,
    StoryId,
    Subscription,
    SubscriptionId,
    Tag,
    TagKind,
    Tier,
    Topic,
    TopicSlug,
)
from core.webhooks import (
    MAX_PAYLOAD_BYTES,
    SignatureError,
    build_disabled_payload,
    build_payload,
    build_request_payload,
    build_source_payload,
    build_test_payload,
    find_sentence,
    new_secret,
    sign,
    signing_secrets,
    verify,
)
from tests.schema import SCHEMA, check_event

NOW = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
SECRET = new_secret(bytes(range(32)))
FERRY, FILMING = FilmId("night-ferry-2027"), TopicSlug("filming")
DOC = Path(__file__).parents[2] / "docs" / "webhooks.md"
SHARED = Path(os.environ.get("SETWIRE_SHARED", Path(__file__).parents[2] / ".." / "shared"))
VECTORS = SHARED / "suites" / "standard-webhooks" / "vectors.json"

ARTICLE = Article(
    article_id=ArticleId(7),
    canonical_url="https://lantern.example/ferry",
    url="https://lantern.example/ferry?a=1",
    publisher=Publisher(slug=PublisherSlug("lantern"), name="The Lantern Wire", tier=Tier.TRADE),
    title="Cameras Roll on ‘Night Ferry’",
    summary="It is raining in Lisbon. Principal photography on Night Ferry began on Monday. More rain is due.",
    text="The docks were shut. A stunt boat crossed the harbour at noon! Nobody was hurt.",
    image_url="https://images.example/ferry.jpg",
    published_at=NOW - timedelta(hours=1),
    first_seen_at=NOW,
    event_at=NOW,
)
STORY = Story(
    story_id=StoryId(4711),
    title="Night Ferry starts filming",
    url=ARTICLE.url,
    outlet="The Lantern Wire",
    first_article_id=ArticleId(7),
    lead_article_id=ArticleId(7),
    created_at=NOW - timedelta(hours=1),
    updated_at=NOW,
    article_count=3,
    outlet_count=2,
    tags=(
        Tag(
            kind=TagKind.TOPIC,
            ref=FILMING,
            score=0.91234,
            evidence=(Evidence(field="summary", words="principal photography"),),
        ),
        Tag(
            kind=TagKind.FILM,
            ref=FERRY,
            score=0.97,
            evidence=(Evidence(field="title", words="Night Ferry"), Evidence(field="summary", words="Night Ferry")),
        ),
        Tag(kind=TagKind.TOPIC, ref="stunts", score=0.5, evidence=(Evidence(field="text", words="stunt boat"),)),
    ),
    facts=(
        Fact(
            kind=FactKind.RELEASE,
            film_id=FERRY,
            certainty=Certainty.REPORTED,
            subject="May 22, 2027",
            was="March 6, 2027",
            day="2027-05-22",
            sentence="Night Ferry moves from March 6 to May 22, 2027.",
            field="title",
            article_id=ArticleId(3),
        ),
        Fact(
            kind=FactKind.SHOOT_STARTS,
            film_id=FERRY,
            certainty=Certainty.CONFIRMED,
            sentence="Principal photography on Night Ferry began on Monday.",
            field="summary",
            article_id=ARTICLE.article_id,
        ),
    ),
)
SUBSCRIPTION = Subscription(
    subscription_id=SubscriptionId("ferry"), name="Night Ferry from the set", films=(FERRY,), topics=(FILMING,)
)
MATCH = Match(
    subscription_id=SubscriptionId("ferry"),
    story_id=STORY.story_id,
    event=EventType.STORY_UPDATED,
    development="topic:filming",
    article_id=ArticleId(7),
    reasons=("film Night Ferry", "topic Filming"),
)
FILMS = {FERRY: Film(film_id=FERRY, title="Night Ferry", year=2027, external_ids={"tmdb": "99", "imdb": "tt0000099"})}
TOPICS = {FILMING: Topic(slug=FILMING, name="Filming")}


def build(
    *,
    event: EventType = EventType.STORY_UPDATED,
    at: datetime = NOW,
    story: Story = STORY,
    article: Article = ARTICLE,
    subscription: Subscription = SUBSCRIPTION,
    match: Match = MATCH,
    base_url: str = "https://wire.example/",
) -> str:
    return build_payload(
        event=event,
        at=at,
        story=story,
        article=article,
        subscription=subscription,
        match=match,
        films=FILMS,
        topics=TOPICS,
        base_url=base_url,
    )


def build_data(**changes: Any) -> dict[str, Any]:
    data = json.loads(build(**changes))["data"]
    assert isinstance(data, dict)
    return data


def load_vectors() -> list[Any]:
    if not VECTORS.exists():
        return []
    return [pytest.param(vector, id=vector["name"]) for vector in json.loads(VECTORS.read_text())["vectors"]]


@pytest.mark.shared
@pytest.mark.skipif(not VECTORS.exists(), reason="suites/standard-webhooks/vectors.json is absent (SETWIRE_SHARED)")
@pytest.mark.parametrize("vector", load_vectors())
def test_shared_vectors_are_judged_as_written(vector: dict[str, Any]) -> None:
    def check() -> None:
        now = datetime.fromtimestamp(vector["now"], UTC)
        verify(secret=vector["secret"], headers=vector["headers"], body=vector["body"].encode(), now=now)

    if vector["valid"]:
        check()
        return
    with pytest.raises(SignatureError):
        check()


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_is_prefixed_base64(length: int) -> None:
    secret = new_secret(b"\xff" * length)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]+=*", secret)


@pytest.mark.parametrize("length", [0, 23, 65])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        new_secret(bytes(length))


@settings(deadline=None)
@given(
    key=st.binary(min_size=24, max_size=64),
    body=st.text().map(str.encode),
    message_id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    ago=st.integers(-299, 299),
)
def test_what_we_sign_we_verify(key: bytes, body: bytes, message_id: str, ago: int) -> None:
    headers = sign(secret=new_secret(key), message_id=message_id, sent_at=NOW - timedelta(seconds=ago), body=body)
    verify(secret=new_secret(key), headers=headers, body=body, now=NOW)
    with pytest.raises(SignatureError, match="no v1 signature"):
        verify(secret=new_secret(key), headers=headers, body=body + b" ", now=NOW)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9, minutes=30)), timezone(-timedelta(hours=11))])
def test_the_independent_library_verifies_us_in_every_time_zone(zone: timezone) -> None:
    body = '{"title":"Café ‘Ferry’"}'
    headers = sign(secret=SECRET, message_id="dlv_1", sent_at=datetime.now(zone), body=body.encode())
    assert standardwebhooks.Webhook(SECRET).verify(body, headers) == {"title": "Café ‘Ferry’"}


def test_the_timestamp_is_whole_seconds_rounded_down() -> None:
    at = datetime(2021, 2, 25, 16, 2, 10, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert sign(secret=SECRET, message_id="m", sent_at=at, body=b"")["webhook-timestamp"] == "1614265330"


def test_two_secrets_while_one_is_replaced_give_two_signatures() -> None:
    new = new_secret(b"n" * 24)
    headers = sign(secret=f"{new} {SECRET}", message_id="m", sent_at=NOW, body=b"{}")
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (new, SECRET):
        verify(secret=secret, headers=headers, body=b"{}", now=NOW)


@pytest.mark.parametrize("secret", ["", " ", "whsec_", "whsec_!!!!", "whsec_ä", "whsec_A"])
def test_an_unusable_secret_signs_nothing_and_verifies_nothing(secret: str) -> None:
    with pytest.raises(SignatureError, match="secret"):
        sign(secret=secret, message_id="m", sent_at=NOW, body=b"")
    with pytest.raises(SignatureError, match="secret"):
        verify(secret=secret, headers={}, body=b"", now=NOW)


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "a\r\nx", "ä", "x" * 201])
def test_an_id_that_could_shift_the_signed_text_is_refused(message_id: str) -> None:
    with pytest.raises(SignatureError, match="message id"):
        sign(secret=SECRET, message_id=message_id, sent_at=NOW, body=b"")


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(SignatureError, match="no zone"):
        sign(secret=SECRET, message_id="m", sent_at=NOW.replace(tzinfo=None), body=b"")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("webhook-id", "", "webhook-id is missing"),
        ("webhook-timestamp", "", "webhook-timestamp is missing"),
        ("webhook-signature", "", "webhook-signature is missing"),
        ("webhook-timestamp", "1e9", "not a number"),
        ("webhook-timestamp", "-5", "not a number"),
        ("webhook-timestamp", "١٢٣", "not a number"),
        ("webhook-timestamp", "9" * 5000, "not a number"),
        ("webhook-timestamp", "1000", "in the past"),
        ("webhook-timestamp", "99999999999", "in the future"),
        ("webhook-signature", "v1", "no v1 signature"),
        ("webhook-signature", "v1,", "no v1 signature"),
        ("webhook-signature", ",,, v1a,abc  v1,\ud800", "no v1 signature"),
    ],
)
def test_malformed_headers_are_a_signature_error(name: str, value: str, sentence: str) -> None:
    headers = {**sign(secret=SECRET, message_id="m", sent_at=NOW, body=b""), name: value}
    with pytest.raises(SignatureError, match=sentence):
        verify(secret=SECRET, headers=headers, body=b"", now=NOW)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.text()),
    st.binary(),
)
def test_strange_headers_never_raise_anything_else(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(SignatureError):
        verify(secret=SECRET, headers=headers, body=body, now=NOW)


def test_a_payload_says_what_happened_to_whom_and_why() -> None:
    document = json.loads(build())
    assert list(document) == ["type", "timestamp", "data"]
    assert document["type"] == "story.updated"
    assert document["timestamp"] == "2026-03-03T14:05:00.000Z"
    data = document["data"]
    assert list(data) == ["story", "article", "films", "topics", "facts", "development", "match", "evidence"]
    assert data["story"]["url"] == "https://wire.example/stories/4711"
    assert data["story"]["outlet_count"] == 2
    assert data["article"]["tier"] == "trade"
    assert data["article"]["published_at"] == "2026-03-03T13:05:00.000Z"
    assert data["films"] == [
        {
            "id": "night-ferry-2027",
            "title": "Night Ferry",
            "year": 2027,
            "tmdb_id": "99",
            "imdb_id": "tt0000099",
            "salience": "about",
            "score": 0.97,
            "evidence": [
                {"field": "title", "words": "Night Ferry"},
                {"field": "summary", "words": "Night Ferry"},
            ],
        }
    ]
    assert [(topic["slug"], topic["name"], topic["score"]) for topic in data["topics"]] == [
        ("filming", "Filming", 0.912),
        ("stunts", "stunts", 0.5),
    ]
    assert data["facts"] == [
        {
            "kind": "shoot-starts",
            "film_id": "night-ferry-2027",
            "certainty": "confirmed",
            "says": "shooting has started",
            "subject": "",
            "detail": "",
            "was": "",
            "date": "",
            "sentence": "Principal photography on Night Ferry began on Monday.",
            "is_new": True,
        },
        {
            "kind": "release",
            "film_id": "night-ferry-2027",
            "certainty": "reported",
            "says": "release: May 22, 2027, moved from March 6, 2027",
            "subject": "May 22, 2027",
            "detail": "",
            "was": "March 6, 2027",
            "date": "2027-05-22",
            "sentence": "Night Ferry moves from March 6 to May 22, 2027.",
            "is_new": False,
        },
    ]
    assert data["development"] == "topic:filming"
    assert data["match"]["reasons"] == ["film Night Ferry", "topic Filming"]


def test_a_new_story_has_no_news_before_it() -> None:
    created = build_data(match=replace(MATCH, event=EventType.STORY_CREATED, development=""))
    assert [fact["is_new"] for fact in created["facts"]] == [False, False]


def test_evidence_quotes_the_sentences_behind_what_was_asked_for() -> None:
    assert build_data()["evidence"] == [
        {"sentence": "Cameras Roll on ‘Night Ferry’", "field": "title", "words": ["Night Ferry"]},
        {
            "sentence": "Principal photography on Night Ferry began on Monday.",
            "field": "summary",
            "words": ["Night Ferry", "principal photography"],
        },
    ]


def test_evidence_of_a_subscription_by_words_quotes_the_words() -> None:
    asked = replace(SUBSCRIPTION, films=(), topics=(), words=("harbour",))
    story = replace(STORY, tags=())
    assert build_data(subscription=asked, story=story)["evidence"] == [
        {"sentence": "A stunt boat crossed the harbour at noon!", "field": "text", "words": ["harbour"]}
    ]


def test_evidence_is_the_headline_where_nothing_better_is_known() -> None:
    assert build_data(story=replace(STORY, tags=()))["evidence"] == [
        {"sentence": ARTICLE.title, "field": "title", "words": []}
    ]


def test_evidence_from_an_earlier_article_of_the_story_is_quoted_as_its_words() -> None:
    tag = Tag(kind=TagKind.FILM, ref=FERRY, score=1, evidence=(Evidence(field="categories", words="Ferry films"),))
    assert build_data(story=replace(STORY, tags=(tag,)))["evidence"] == [
        {"sentence": "Ferry films", "field": "categories", "words": ["Ferry films"]}
    ]


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        ("One. Two three. Four.", "three", "Two three."),
        ("One. Two three. Four.", "ONE", "One."),
        ("One. Two three. Four", "four", "Four"),
        ("Directed by J. R. Vale in St. Ives. It rains.", "Vale", "Directed by J. R. Vale in St. Ives."),
        ("“Is it on?” It is. Good.", "on", "“Is it on?”"),
        ("It cost 3.5 million. Too much.", "million", "It cost 3.5 million."),
        ("First line\nSecond line", "second", "Second line"),
        ("One. Two.", "ne. Tw", "One. Two."),
        ("One.", "absent", ""),
        ("One.", "", ""),
        ("a (b", "(b", "a (b"),
    ],
)
def test_the_sentence_around_words(text: str, words: str, sentence: str) -> None:
    assert find_sentence(text, words) == sentence


@settings(deadline=None)
@given(st.text(), st.text(min_size=1))
def test_a_sentence_stands_in_its_text(text: str, words: str) -> None:
    sentence = find_sentence(text, words)
    assert sentence in text
    assert sentence or not words.strip() or words not in text


def test_the_same_values_give_the_same_text_in_any_order_of_tags() -> None:
    assert build() == build(story=replace(STORY, tags=STORY.tags[::-1]))


def test_controls_and_turned_writing_are_dropped() -> None:
    article = replace(ARTICLE, title="A\x00B\u202eC\r\nBcc: d\ud800")
    assert build_data(article=article)["article"]["title"] == "A B C Bcc: d"


def test_a_url_too_long_is_left_empty_rather_than_cut() -> None:
    article = replace(ARTICLE, url="https://a.example/" + "x" * 2000, image_url='https://a.example/"<\\ x')
    described = build_data(article=article)["article"]
    assert described["url"] == ""
    assert described["image_url"] == "https://a.example/%22%3C%5C%20x"


def test_long_texts_are_cut_at_an_ellipsis() -> None:
    summary = build_data(article=replace(ARTICLE, summary="näht " * 3000))["article"]["summary"]
    assert summary.endswith("…")
    assert 1900 < len(summary.encode()) <= 2000


def test_a_long_sentence_is_cut_around_its_words() -> None:
    article = replace(ARTICLE, summary="rain and " * 300 + "principal photography " + "and rain " * 300)
    quotes = build_data(article=article)["evidence"]
    assert any("principal photography" in quote["sentence"] for quote in quotes)


long_texts = st.tuples(st.text(max_size=20), st.integers(0, 500)).map(lambda pair: pair[0] * pair[1])
tags = st.builds(
    Tag,
    kind=st.sampled_from(TagKind),
    ref=long_texts,
    score=st.floats(0, 1),
    evidence=st.lists(st.builds(Evidence, field=long_texts, words=long_texts), max_size=4).map(tuple),
)


@settings(max_examples=40, deadline=None)
@given(
    title=long_texts,
    summary=long_texts,
    url=long_texts,
    tags=st.lists(tags, max_size=12).map(tuple),
    words=st.lists(long_texts, max_size=8).map(tuple),
)
def test_a_payload_never_outgrows_its_cap(
    title: str, summary: str, url: str, tags: tuple[Tag, ...], words: tuple[str, ...]
) -> None:
    publisher = Publisher(slug=PublisherSlug("p"), name=summary, tier=Tier.FAN)
    text = build(
        story=replace(STORY, title=title, tags=tags),
        article=replace(
            ARTICLE, title=title, summary=summary, text=summary, url=url, image_url=url, publisher=publisher
        ),
        subscription=replace(SUBSCRIPTION, subscription_id=SubscriptionId(title), name=summary, words=words),
        match=replace(MATCH, development=title, reasons=(summary, *words)),
    )
    assert len(text.encode()) <= MAX_PAYLOAD_BYTES
    assert json.loads(text)["type"] == "story.updated"


def a_fact(words: str, number: int) -> Fact:
    return replace(
        STORY.facts[1],
        film_id=FilmId(f"{number}{words}"),
        subject=words,
        detail=words,
        was=words,
        sentence=words,
        article_id=ARTICLE.article_id,
    )


@pytest.mark.parametrize("character", ['"', "\\", "é", "😀", "x"])
def test_the_cap_holds_when_everything_is_long_at_once(character: str) -> None:
    long = character * 5000
    crowd = tuple(
        Tag(
            kind=kind,
            ref=f"{number}{long}",
            score=1 / (number + 1),
            evidence=tuple(Evidence(field=f"{part}{long}", words=f"{part}{long}") for part in range(9)),
        )
        for number in range(30)
        for kind in TagKind
    )
    url = "https://a.example/" + "x" * 1980
    text = build(
        story=replace(STORY, title=long, tags=crowd, facts=tuple(a_fact(long, n) for n in range(30))),
        article=replace(ARTICLE, title=long, summary=long, text=long, url=url, image_url=url),
        subscription=Subscription(subscription_id=SubscriptionId(long), name=long),
        match=replace(MATCH, development=long, reasons=(long,) * 30),
        base_url=url[:1950],
    )
    assert len(text.encode()) <= MAX_PAYLOAD_BYTES
    check_event(text)


def test_the_test_payload_names_its_endpoint_and_not_its_secret() -> None:
    endpoint = Endpoint(
        endpoint_id=EndpointId("ops"), kind=EndpointKind.WEBHOOK, address="https://a.example", secret=SECRET
    )
    text = build_test_payload(at=NOW, endpoint=endpoint)
    assert json.loads(text)["type"] == "test"
    assert json.loads(text)["data"]["endpoint"] == {"id": "ops", "kind": "webhook"}
    assert SECRET not in text


BROKEN = Source(
    source_id=SourceId("lantern"), publisher=ARTICLE.publisher, kind=SourceKind.FEED, url="https://lantern.example/rss"
)
STANDING = SourceState(
    source_id=BROKEN.source_id, next_check_at=NOW, last_error="503", error_count=9, failing_since_at=NOW
)
GONE = Endpoint(endpoint_id=EndpointId("ops"), kind=EndpointKind.WEBHOOK, address="https://a.example/?key=hidden")
NOTICES = (
    build_source_payload(event=EventType.SOURCE_FAILING, at=NOW, source=BROKEN, state=STANDING),
    build_source_payload(
        event=EventType.SOURCE_RESTORED, at=NOW, source=BROKEN, state=replace(STANDING, failing_since_at=None)
    ),
    build_disabled_payload(at=NOW, endpoint=GONE, reason="It has only failed for 5 days."),
    build_request_payload(at=NOW, name="Night Ferry", url="https://wire.example/u/token"),
    build_digest(
        at=NOW,
        since=NOW - timedelta(days=1),
        subscription=SUBSCRIPTION,
        hold=Hold.DIGEST,
        alerts=[build()],
        coverage=Coverage(
            source_count=2,
            silences=(
                Silence(
                    source_id=SourceId("lantern"), publisher="The Lantern", error="503", failed_count=9, check_count=9
                ),
            ),
        ),
    ),
)


@pytest.mark.parametrize("payload", [build(), *NOTICES, build_test_payload(at=NOW, endpoint=GONE)])
def test_every_event_satisfies_the_schema(payload: str) -> None:
    check_event(payload)
    assert "hidden" not in payload


def test_the_schema_knows_every_event_and_refuses_what_lacks_a_field() -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert set(schema["properties"]["type"]["enum"]) == {event.value for event in EventType}
    document = json.loads(build())
    del document["data"]["films"][0]["tmdb_id"]
    with pytest.raises(ValidationError):
        check_event(json.dumps(document))


def test_both_secrets_sign_while_one_replaces_the_other() -> None:
    other = new_secret(bytes(range(24)))
    replaced = replace(GONE, secret=other, old_secret=SECRET, old_secret_until_at=NOW + timedelta(hours=24))
    for at, fits in ((NOW, (other, SECRET)), (NOW + timedelta(hours=24), (other,))):
        headers = sign(secret=signing_secrets(replaced, now=at), message_id="m", sent_at=at, body=b"{}")
        assert headers["webhook-signature"].count("v1,") == len(fits)
        for secret in fits:
            verify(secret=secret, headers=headers, body=b"{}", now=at)


def iterate_keys(value: object, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, child in value.items():
            here = f"{path}.{key}" if path else key
            yield here
            yield from iterate_keys(child, here)
    elif isinstance(value, list):
        for child in value:
            yield from iterate_keys(child, f"{path}[]")


def test_every_key_of_every_payload_is_documented() -> None:
    endpoint = Endpoint(endpoint_id=EndpointId("ops"), kind=EndpointKind.EMAIL, address="a@b.example")
    payloads = [build(), build_test_payload(at=NOW, endpoint=endpoint), *NOTICES]
    keys = {key for payload in payloads for key in iterate_keys(json.loads(payload))}
    documented = set(re.findall(r"^\| `([^`]+)` \|", DOC.read_text(), re.MULTILINE))
    assert keys - documented == set()
    assert {name for name in documented if name.startswith("data")} - keys == set()


def test_every_event_type_is_documented() -> None:
    text = DOC.read_text()
    assert [event for event in EventType if f"`{event.value}`" not in text] == []


def test_the_documented_verification_works() -> None:
    source = re.search(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    assert source is not None
    names: dict[str, Any] = {}
    exec(source[1], names)
    body = build().encode()
    headers = sign(secret=SECRET, message_id="dlv_1", sent_at=datetime.now(UTC), body=body)
    assert names["is_genuine"](SECRET, headers, body)
    assert not names["is_genuine"](SECRET, headers, body + b" ")
    old = sign(secret=SECRET, message_id="dlv_1", sent_at=datetime.now(UTC) - timedelta(hours=1), body=body)
    assert not names["is_genuine"](SECRET, old, body)
