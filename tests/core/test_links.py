"""Links of mails: what we wrote is read back, nothing else is."""

import random
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.links import Link, LinkAction, LinkError, read_token, write_link, write_token

NOW = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
KEY = bytes(range(32))
LINK = Link(
    action=LinkAction.MUTE, endpoint_id="email-1", subscription_id="salt", ref="film:night-ferry", story_id=4711
)


def mutate(token: str, chance: random.Random) -> str:
    """Change a token as accident and malice do: a character, a cut, a swap, an insertion, other base64."""
    place = chance.randrange(len(token))
    character = chance.choice(string.ascii_letters + string.digits + "-_.=+/ é")
    return chance.choice(
        (
            token[:place] + character + token[place + 1 :],
            token[:place] + character + token[place:],
            token[:place] + token[place + 1 :],
            token[:place],
            token[place:] + token[:place],
            token + character,
            token + "=",
            token[:-1] + chance.choice(string.ascii_letters),
            token.swapcase(),
        )
    )


def test_ten_thousand_mutated_tokens_are_refused() -> None:
    chance, token = random.Random(7), write_token(LINK, key=KEY)
    once = [mutate(token, chance) or token for _ in range(15_000)]
    mutants = {*once, *(mutate(mutant, chance) for mutant in once)} - {token}
    accepted = [mutant for mutant in mutants if is_accepted(mutant)]
    assert len(mutants) >= 10_000
    assert accepted == []


def is_accepted(token: str) -> bool:
    try:
        read_token(token, key=KEY, now=NOW)
    except LinkError:
        return False
    return True


@given(st.text(max_size=80))
def test_no_text_is_a_token(text: str) -> None:
    assert not is_accepted(text)


@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 2**40))
def test_what_was_written_is_read(endpoint_id: str, ref: str, story_id: int) -> None:
    link = Link(action=LinkAction.WRONG_FILM, endpoint_id=endpoint_id, ref=ref, story_id=story_id)
    if all(not 0xD800 <= ord(character) <= 0xDFFF for character in endpoint_id + ref):
        assert read_token(write_token(link, key=KEY), key=KEY, now=NOW) == link


def test_another_key_and_another_day() -> None:
    link = Link(action=LinkAction.CONFIRM, endpoint_id="e", expires_at=NOW + timedelta(hours=48))
    token = write_token(link, key=KEY)
    assert read_token(token, key=KEY, now=NOW + timedelta(hours=47)) == link
    with pytest.raises(LinkError, match="no longer good"):
        read_token(token, key=KEY, now=NOW + timedelta(hours=49))
    with pytest.raises(LinkError, match="not one of ours"):
        read_token(token, key=bytes(32), now=NOW)


def test_a_link_is_a_plain_web_address() -> None:
    url = write_link(LINK, key=KEY, base_url="https://wire.example/news/")
    assert url.startswith("https://wire.example/news/u/")
    assert url.isascii()
    assert len(url) < 400
