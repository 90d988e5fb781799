"""Endpoints and subscriptions from a file, and a sentence for every mistake."""

import base64
import os
from datetime import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.problems import ConfigError
from config.subscriptions import is_webhook_secret, load_subscriptions
from core.values import Cadence, EndpointKind, EventType, Salience, Subscription, Tier, Timing, Weekday

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
HOOK = f"""
[[endpoint]]
id = "desk"
kind = "webhook"
address = "https://hooks.example/in"
secret = "{SECRET}"
"""
MAIL = """
[[endpoint]]
id = "ann"
kind = "email"
address = "ann@mail.example"
"""
STUNTS = """
[[subscription]]
id = "bay-stunts"
films = ["lantern-bay-2027"]
topics = ["stunts"]
endpoints = ["desk"]
"""
FILMS = {"lantern-bay-2027"}
TOPICS = {"stunts", "set-video"}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "subs.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_with_defaults(tmp_path: Path) -> None:
    (subscription,), (endpoint,) = load_subscriptions(write(tmp_path, HOOK + STUNTS), films=FILMS, topics=TOPICS)
    plain = Subscription(subscription_id=subscription.subscription_id, name="bay-stunts")
    assert endpoint.kind is EndpointKind.WEBHOOK
    assert endpoint.secret == SECRET
    assert subscription.name == "bay-stunts"
    assert subscription.films == ("lantern-bay-2027",)
    assert (subscription.events, subscription.saliences) == (plain.events, plain.saliences)
    assert (subscription.production_only, subscription.min_tier, subscription.is_enabled) == (True, Tier.FAN, True)


def test_reads_everything(tmp_path: Path) -> None:
    text = MAIL + (
        '[[subscription]]\nid = "all"\nname = "All of it"\nwords = ["set video"]\nnot_words = ["lego"]\n'
        'outlets = ["variety"]\nsaliences = ["about", "mentions"]\nevents = ["story.created"]\n'
        'production_only = false\nmin_tier = "trade"\nendpoints = ["ann", "known"]\nenabled = false\n'
    )
    (subscription,), _ = load_subscriptions(write(tmp_path, text), endpoints={"known"})
    assert subscription.saliences == (Salience.ABOUT, Salience.MENTIONS)
    assert subscription.events == (EventType.STORY_CREATED,)
    assert (subscription.min_tier, subscription.is_enabled) == (Tier.TRADE, False)
    assert subscription.endpoints == ("ann", "known")


def test_reads_a_query_and_when_to_speak(tmp_path: Path) -> None:
    text = (
        HOOK
        + STUNTS
        + (
            'query = "film:lantern-bay-2027 NOT rumour"\ncadence = "weekly"\nweekday = "friday"\nat = "18:30"\n'
            'zone = "Europe/Paris"\nquiet_hours = "22:00-07:00"\ncap_per_hour = 12\n'
        )
    )
    (subscription,), _ = load_subscriptions(write(tmp_path, text), films=FILMS, topics=TOPICS)
    assert subscription.query == "film:lantern-bay-2027 NOT rumour"
    assert subscription.timing == Timing(
        cadence=Cadence.WEEKLY,
        weekday=Weekday.FRIDAY,
        at=time(18, 30),
        zone="Europe/Paris",
        quiet_from=time(22),
        quiet_until=time(7),
        cap_per_hour=12,
    )


def test_any_film_and_topic_may_be_named_when_none_are_given(tmp_path: Path) -> None:
    assert load_subscriptions(write(tmp_path, HOOK + STUNTS.replace("stunts", "x")))


E = "subs.toml: endpoint 'desk'"
B = "subs.toml: subscription 'bay-stunts'"
SAYS_SECRET = "secret: is no signing secret; write whsec_ and 24 to 64 random bytes in base64"
MISTAKES = [
    (HOOK.replace("whsec_", "") + STUNTS, [f"{E}: {SAYS_SECRET}"]),
    (HOOK.replace(SECRET, "whsec_c2hvcnQ=") + STUNTS, [f"{E}: {SAYS_SECRET}"]),
    (HOOK.replace(f'secret = "{SECRET}"', "") + STUNTS, [f"{E}: {SAYS_SECRET}"]),
    (
        HOOK.replace("https://hooks", "//hooks") + STUNTS,
        [f"{E}: address: '//hooks.example/in' is no web address; write one that starts with https://"],
    ),
    (
        HOOK.replace("https", "http") + STUNTS,
        [
            (
                f"{E}: address: 'http://hooks.example/in' is not encrypted; "
                "use https:// or set SETWIRE_WEBHOOK_ALLOW_HTTP=true"
            )
        ],
    ),
    (
        HOOK.replace('"webhook"', '"slack"') + STUNTS,
        [f"{E}: kind: 'slack' is not known; write one of webhook, email, chat"],
    ),
    (HOOK + HOOK + STUNTS, [f"{E}: id: is taken by another endpoint; choose another id"]),
    (
        MAIL.replace("ann@mail.example", "Ann <ann@mail.example>"),
        [
            (
                "subs.toml: endpoint 'ann': address: 'Ann <ann@mail.example>' is no mail address; "
                "write one such as ann@example.org"
            )
        ],
    ),
    (
        HOOK + STUNTS.replace("lantern-bay-2027", "lantern-bay-2026"),
        [f"{B}: films: there is no film 'lantern-bay-2026'; did you mean 'lantern-bay-2027'?"],
    ),
    (
        HOOK + STUNTS.replace('"stunts"', '"explosions"'),
        [f"{B}: topics: there is no topic 'explosions'; known are set-video, stunts"],
    ),
    (STUNTS, [f"{B}: endpoints: there is no endpoint 'desk'; none is defined"]),
    (HOOK + STUNTS + STUNTS, [f"{B}: id: is taken by another subscription; choose another id"]),
    (
        HOOK + STUNTS + 'events = ["story.deleted"]',
        [
            (
                f"{B}: events: 'story.deleted' is not known; write one of story.created, story.updated, "
                "source.failing, source.restored, source.silent, source.heard, endpoint.disabled, "
                "subscription.requested, digest, test"
            )
        ],
    ),
    (
        HOOK + STUNTS + 'min_tier = "top"',
        [f"{B}: min_tier: 'top' is not known; write one of official, trade, press, fan"],
    ),
    (
        HOOK + STUNTS + 'query = "lifeboat AND film:lantern"',
        [f"{B}: query: character 19: there is no film 'lantern'"],
    ),
    (HOOK + STUNTS + 'query = "(a"', [f"{B}: query: character 1: this parenthesis is never closed"]),
    (
        HOOK + STUNTS + 'zone = "Mars"\nat = "8"\nquiet_hours = "22:00"\ncap_per_hour = -1\ncadence = "yearly"',
        [
            f"{B}: quiet_hours: '22:00' are no quiet hours; write them as 22:00-07:00",
            f"{B}: cadence: 'yearly' is not known; write one of at-once, hourly, daily, weekly",
            f"{B}: zone: 'Mars' is no time zone; write one such as Europe/Paris",
            f"{B}: at: '8' is no time of day; write HH:MM, such as 07:30",
            f"{B}: cap_per_hour: -1 is no count; write a whole number, 0 for none",
        ],
    ),
    (HOOK + STUNTS + 'film = ["x"]', [f"{B}: film: is no key of this record; did you mean 'films'?"]),
]


@pytest.mark.parametrize(("text", "sentences"), MISTAKES)
def test_a_mistake_is_a_sentence(tmp_path: Path, text: str, sentences: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_subscriptions(write(tmp_path, text), films=FILMS, topics=TOPICS, allow_http=False)
    assert [str(problem) for problem in caught.value.problems] == sentences


def test_no_sentence_shows_a_secret(tmp_path: Path) -> None:
    text = HOOK.replace(SECRET, "hunter2") + STUNTS
    with pytest.raises(ConfigError) as caught:
        load_subscriptions(write(tmp_path, text))
    assert "hunter2" not in str(caught.value)


@given(st.binary(min_size=24, max_size=64))
def test_24_to_64_bytes_are_a_secret(key: bytes) -> None:
    assert is_webhook_secret("whsec_" + base64.b64encode(key).decode())


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "whsec_ünïcode", "xwhsec_" + "A" * 44])
def test_anything_else_is_none(secret: str) -> None:
    assert not is_webhook_secret(secret)


def test_random_keys_of_wrong_size_are_none() -> None:
    for size in (1, 23, 65, 200):
        assert not is_webhook_secret("whsec_" + base64.b64encode(os.urandom(size)).decode())
