"""Mails: what they say, how they thread, and that no text from a feed becomes a header, a recipient or markup."""

import json
import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.links import Link, read_token
from core.mail import MailError, build_mail, check_address, read_sender_address
from core.values import (
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    StoryId,
)
from core.webhooks import build_request_payload, build_test_payload

NOW = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
FROM = "setwire <wire@wire.example>"
KEY = bytes(range(32))
HEADERS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "In-Reply-To", "References", "List-Id",
    "List-Unsubscribe", "MIME-Version", "Content-Type",
]  # fmt: skip


def write_payload(
    *,
    event: EventType = EventType.STORY_CREATED,
    title: str = "Cameras Roll at the Old Harbour",
    summary: str = "A boat chase closed two docks.",
    sentence: str = "Principal photography on Night Ferry began on Monday.",
    url: str = "https://lantern.example/ferry?a=1&b=2",
    image_url: str = "https://images.example/ferry.jpg",
    film: str = "Night Ferry",
    film_id: str = "",
    subscription_id: str = "ferry",
    name: str = "From the set",
    development: str = "",
    outlet: str = "The Lantern Wire",
    facts: list[dict[str, str]] | None = None,
) -> str:
    data = {
        "story": {"id": 4711, "title": title, "url": "https://wire.example/stories/4711", "outlet_count": 3},
        "article": {
            "title": title,
            "url": url,
            "outlet": outlet,
            "tier": "trade",
            "published_at": "2026-03-03T13:05:00.000Z",
            "summary": summary,
            "image_url": image_url,
        },
        "films": [{"id": film_id, "title": film, "year": 2027}] if film else [],
        "topics": [{"slug": "filming", "name": "Filming"}, {"slug": "stunts", "name": "Stunts"}],
        "facts": facts or [],
        "development": development,
        "match": {"subscription_id": subscription_id, "name": name, "reasons": ["film Night Ferry", "topic Stunts"]},
        "evidence": [{"sentence": sentence, "field": "summary", "words": ["Night Ferry"]}],
    }
    return json.dumps({"type": event.value, "timestamp": "2026-03-03T14:05:00.000Z", "data": data})


def make_delivery(
    payload: str, *, address: str = "reader@example.org", delivery_id: str = "dlv_1", story_id: int | None = 4711
) -> Delivery:
    return Delivery(
        delivery_id=DeliveryId(delivery_id),
        endpoint=Endpoint(endpoint_id=EndpointId("e"), kind=EndpointKind.EMAIL, address=address),
        event=EventType.STORY_CREATED,
        story_id=None if story_id is None else StoryId(story_id),
        payload=payload,
        state=DeliveryState.SENDING,
        attempt_count=0,
        created_at=NOW,
        next_attempt_at=NOW,
    )


def build(delivery: Delivery, *, from_address: str = FROM, unsubscribe_url: str = "") -> bytes:
    return build_mail(
        delivery,
        from_address=from_address,
        base_url="https://wire.example",
        now=NOW,
        unsubscribe_url=unsubscribe_url,
    )


def read(raw: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(raw)


def read_part(raw: bytes, kind: str) -> str:
    part = read(raw).get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


class TagReader(HTMLParser):
    """Notes every element, every address in an attribute, and all text."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.urls: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.urls += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def read_html(raw: bytes) -> TagReader:
    reader = TagReader()
    reader.feed(read_part(raw, "html"))
    reader.close()
    return reader


def test_a_mail_has_exactly_its_headers() -> None:
    message = read(build(make_delivery(write_payload())))
    assert sorted(message) == sorted(HEADERS)
    assert message["Subject"] == "Night Ferry: Cameras Roll at the Old Harbour"
    assert message["From"] == "setwire <wire@wire.example>"
    assert message["To"] == "reader@example.org"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == "<dlv_1@wire.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "<ferry.setwire.wire.example>"
    assert message["List-Unsubscribe"] == "<mailto:wire@wire.example?subject=unsubscribe%20ferry>"


def test_the_same_delivery_gives_the_same_bytes() -> None:
    assert build(make_delivery(write_payload())) == build(make_delivery(write_payload()))


def test_all_mails_of_a_story_answer_one_root_and_none_is_it() -> None:
    first = read(build(make_delivery(write_payload(), delivery_id="dlv_1")))
    later = read(build(make_delivery(write_payload(event=EventType.STORY_UPDATED), delivery_id="dlv_2")))
    other = read(build(make_delivery(write_payload(), delivery_id="dlv_3", story_id=12)))
    assert first["References"] == first["In-Reply-To"] == later["References"] == "<story-4711@wire.example>"
    assert other["References"] != first["References"]
    assert len({first["Message-ID"], later["Message-ID"], other["Message-ID"], first["References"]}) == 4


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_parts_say_what_why_and_where(kind: str) -> None:
    raw = build(make_delivery(write_payload(development="topic:stunts")))
    text = read_html(raw).text if kind == "html" else read_part(raw, "plain")
    for words in (
        "Cameras Roll at the Old Harbour",
        "The Lantern Wire (trade press)",
        "3 Mar 2026, 13:05\N{NO-BREAK SPACE}UTC",
        "Night Ferry (2027)",
        "Filming, Stunts",
        "3 outlets",
        "“Principal photography on Night Ferry began on Monday.”",
        "A boat chase closed two docks.",
        "your subscription “From the set” matched: film Night Ferry; topic Stunts.",
    ):
        assert words in text


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_parts_say_the_facts_with_their_sentences(kind: str) -> None:
    sentence = "Tomas Vargany leaves <Night Ferry> & the sea."
    facts = [
        {
            "certainty": "denied",
            "says": "denied: Ines Calloway joins",
            "sentence": "Ines Calloway is not in Night Ferry.",
        },
        {"certainty": "reported", "says": "Tomas Vargany leaves", "sentence": sentence},
    ]
    development = "fact:casting:denied: Ines Calloway joins; Tomas Vargany leaves"
    raw = build(make_delivery(write_payload(facts=facts, development=development, event=EventType.STORY_UPDATED)))
    text = read_part(raw, kind) if kind == "plain" else " ".join(read_html(raw).text.split())
    assert "denied: Ines Calloway joins; Tomas Vargany leaves" in text
    assert "Ines Calloway joins — “Ines Calloway is not in Night Ferry.”" in text
    assert f"Tomas Vargany leaves — “{sentence}”" in text
    assert "Denied" in text


def test_a_fact_of_the_headline_does_not_repeat_it() -> None:
    facts = [{"certainty": "confirmed", "says": "Ines Calloway joins", "sentence": "Ines Calloway Joins"}]
    plain = read_part(build(make_delivery(write_payload(title="Ines Calloway Joins", facts=facts))), "plain")
    assert "Confirmed: Ines Calloway joins" in plain.splitlines()


def test_the_html_links_the_article_the_story_the_picture_and_the_way_out() -> None:
    urls = set(read_html(build(make_delivery(write_payload()))).urls)
    assert urls == {
        "https://lantern.example/ferry?a=1&b=2",
        "https://wire.example/stories/4711",
        "https://images.example/ferry.jpg",
        "mailto:wire@wire.example?subject=unsubscribe%20ferry",
    }


def test_a_given_unsubscribe_address_comes_first() -> None:
    raw = build(make_delivery(write_payload()), unsubscribe_url="https://wire.example/unsubscribe/ferry?token=abc")
    assert read(raw)["List-Unsubscribe"] == (
        "<https://wire.example/unsubscribe/ferry?token=abc>, <mailto:wire@wire.example?subject=unsubscribe%20ferry>"
    )
    assert "https://wire.example/unsubscribe/ferry?token=abc" in read_html(raw).urls


def test_the_html_prepares_for_dark_mode_and_small_screens() -> None:
    html = read_part(build(make_delivery(write_payload())), "html")
    assert '<meta name="color-scheme" content="light dark">' in html
    assert "prefers-color-scheme:dark" in html
    assert '<meta name="viewport"' in html


def test_a_test_mail_names_no_story() -> None:
    endpoint = Endpoint(endpoint_id=EndpointId("e"), kind=EndpointKind.EMAIL, address="a@b.example")
    raw = build(make_delivery(build_test_payload(at=NOW, endpoint=endpoint), story_id=None))
    message = read(raw)
    assert sorted(message) == sorted(set(HEADERS) - {"In-Reply-To", "References", "List-Id", "List-Unsubscribe"})
    assert message["Subject"] == "setwire: test"
    assert "This is a test" in read_part(raw, "plain")


@pytest.mark.parametrize(
    ("title", "film", "subject"),
    [
        ("First Look", "Night Ferry", "Night Ferry: First Look"),
        ("NIGHT FERRY sets sail", "Night Ferry", "NIGHT FERRY sets sail"),
        ("First Look", "", "First Look"),
        ("", "", "Untitled story"),
        ("Über ‘Nachtfähre’ 😀", "", "Über ‘Nachtfähre’ 😀"),
        ("one\r\nBcc: e@x.example", "", "one Bcc: e@x.example"),
        ("=?utf-8?q?x=0d=0aBcc:_e=40x.example?=", "", "= ?utf-8?q?x=0d=0aBcc:_e=40x.example?="),
        ("a\u2028Bcc: b\x85c\x0bd", "", "a Bcc: b c d"),
        ("w" * 300, "", "w" * 179 + "…"),
    ],
    ids=["prefix", "said", "no-film", "untitled", "unicode", "newline", "encoded-word", "separators", "long"],
)
def test_the_subject(title: str, film: str, subject: str) -> None:
    assert read(build(make_delivery(write_payload(title=title, film=film))))["Subject"] == subject


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "https://u:p@a.example/", "//a.example", "https://a.example\\@b/", ""],
)
def test_an_unsafe_address_is_no_link(url: str) -> None:
    urls = read_html(build(make_delivery(write_payload(url=url, image_url=url)))).urls
    assert set(urls) == {
        "https://wire.example/stories/4711",
        "mailto:wire@wire.example?subject=unsubscribe%20ferry",
    }


def test_a_picture_without_tls_is_left_out() -> None:
    raw = build(make_delivery(write_payload(image_url="http://images.example/ferry.jpg")))
    assert "img" not in read_html(raw).names


def test_markup_in_a_feed_stays_text() -> None:
    hostile = '</p><script>alert(1)</script><img src=x onerror="y">&lt;'
    plain = read_html(build(make_delivery(write_payload())))
    raw = build(
        make_delivery(
            write_payload(title=hostile, summary=hostile + "s", sentence=hostile + "q", film=hostile, name=hostile)
        )
    )
    found = read_html(raw)
    assert found.names == plain.names
    assert found.attributes == plain.attributes
    assert found.text.count("<script>alert(1)</script>") >= 5


@pytest.mark.parametrize(
    "address",
    [
        "",
        "reader",
        "@example.org",
        "a@b, c@d",
        "a@b\r\nBcc: c@d",
        "A <a@b.example>",
        "a b@c.example",
        '"a b"@c.example',
        "a@b@c",
        "a@-b.example",
        "a..b@c.example",
        "ä@c.example",
        "a@exämple.org",
        "a@b.example\n",
        "a;b@c.example,d@e.example",
        "x" * 65 + "@c.example",
        "a@" + "b." * 130 + "example",
    ],
)
def test_an_address_that_is_not_one_plain_address_is_refused(address: str) -> None:
    with pytest.raises(MailError, match="not one plain e-mail address"):
        build(make_delivery(write_payload(), address=address))
    with pytest.raises(MailError):
        check_address(address)


def test_the_sender_may_have_a_name_and_must_have_an_address() -> None:
    assert read_sender_address("The Wire <wire@wire.example>") == "wire@wire.example"
    assert read_sender_address("wire@localhost") == "wire@localhost"
    with pytest.raises(MailError):
        build(make_delivery(write_payload()), from_address="The Wire")
    raw = build(make_delivery(write_payload()), from_address='"Wïre, \\"the\\" one" <wire@wire.example>')
    assert [address.addr_spec for address in read(raw)["From"].addresses] == ["wire@wire.example"]


@pytest.mark.parametrize(
    "payload", ["", "[]", "{}", '{"type":"nonsense","data":{}}', '{"type":"story.created"}', '{"type":1}', "\x00"]
)
def test_a_payload_that_is_not_ours_is_refused(payload: str) -> None:
    with pytest.raises(MailError, match="not an alert of ours"):
        build(make_delivery(payload))


@pytest.mark.parametrize("payload", ['{"type":"story.created","data":{"story":{}}}', write_payload(url="", film="")])
def test_an_alert_with_little_in_it_is_still_a_mail(payload: str) -> None:
    build(make_delivery(payload.replace('"story":{}', '"story":{},"article":{},"match":{}')))


def test_every_line_is_short_and_ascii() -> None:
    raw = build(make_delivery(write_payload(title="é" * 400, summary="😀 " * 500 + "x" * 3000)))
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78 + 20


feed_texts = st.text() | st.lists(
    st.sampled_from([
        "=?utf-8?q?x=0d=0aBcc:_e=40x.example?=", "=?utf-8?b?DQpCY2M6IGU=?=", "\r\n", "\n", "\r", "\x85", "\u2028",
        "Bcc: e@x.example", "To: e@x.example", "--", " ", "\t", "é", "😀", "<b>", "&", '"', ",", ";", "<e@x.example>",
        "=?", "?=", "=?us-ascii?q?", "w" * 70, "é" * 70, "\ud800", "\u202e", "(", ")", "\\",
    ])
).map("".join)  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(
    title=feed_texts,
    summary=feed_texts,
    film=feed_texts,
    outlet=feed_texts,
    name=feed_texts,
    subscription_id=feed_texts,
    url=feed_texts,
)
def test_no_text_adds_a_header_a_recipient_or_markup(**texts: Any) -> None:
    raw = build(make_delivery(write_payload(**texts)))
    message = read(raw)
    expected = set(HEADERS) - (set() if texts["subscription_id"].strip() else {"List-Id", "List-Unsubscribe"})
    assert set(message) - {"List-Id", "List-Unsubscribe"} == expected - {"List-Id", "List-Unsubscribe"}
    assert len(message.keys()) == len(set(message.keys()))
    assert [address.addr_spec for address in message["To"].addresses] == ["reader@example.org"]
    assert "\n" not in message["Subject"]
    assert set(read_html(raw).names) <= {
        "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "p", "h1", "a", "img", "br",
    }  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=120))
def test_a_subject_reads_back_as_it_was_written(title: str) -> None:
    expected = " ".join(title.split()).replace("=?", "= ?") or "Untitled story"
    raw = build(make_delivery(write_payload(title=title, film="")))
    assert read(raw)["Subject"] == expected


@settings(deadline=None)
@given(st.text())
def test_any_address_is_one_recipient_or_refused(address: str) -> None:
    try:
        raw = build(make_delivery(write_payload(), address=address))
    except MailError:
        return
    assert [found.addr_spec for found in read(raw)["To"].addresses] == [address]


def build_with_links(base_url: str = "https://wire.example") -> bytes:
    return build_mail(
        make_delivery(write_payload(film_id="night-ferry")),
        from_address=FROM,
        base_url=base_url,
        now=NOW,
        link_key=KEY,
    )


def read_links(text: str) -> dict[tuple[str, str], Link]:
    tokens = re.findall(r"https://wire\.example/u/([\w.-]+)", text)
    links = [read_token(token, key=KEY, now=NOW) for token in tokens]
    return {(link.action.value, link.ref): link for link in links}


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_parts_carry_every_way_out(kind: str) -> None:
    links = read_links(read_part(build_with_links(), kind))
    assert set(links) == {
        ("unsubscribe", ""),
        ("mute", "film:night-ferry"),
        ("mute", "topic:filming"),
        ("digest", ""),
        ("wrong-film", "film:night-ferry"),
    }
    assert {(link.endpoint_id, link.subscription_id, link.story_id) for link in links.values()} == {
        ("e", "ferry", 4711)
    }


def test_one_click_unsubscribes_as_rfc_8058_says() -> None:
    raw = build_with_links()
    header = str(read(raw)["List-Unsubscribe"])
    assert re.fullmatch(r"<https://wire\.example/u/[\w.-]+>, <mailto:[^<>]+>", header)
    assert list(read_links(header)) == [("unsubscribe", "")]
    assert read(raw)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert b"=?" not in raw.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b"").partition(b"List-Unsubscribe:")[2]
    assert read(build_with_links("http://wire.example"))["List-Unsubscribe-Post"] is None


def test_a_mail_that_asks_for_confirmation_leads_to_its_page() -> None:
    payload = build_request_payload(at=NOW, name="Night Ferry", url="https://wire.example/u/token")
    raw = build(make_delivery(payload, story_id=None))
    assert read(raw)["List-Unsubscribe"] is None
    assert "Confirm: https://wire.example/u/token" in read_part(raw, "plain")
    assert "https://wire.example/u/token" in read_html(raw).urls
