"""What ships is sane: the sources are many, polite and accounted for; the films are well formed."""

import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import config
from config.films import load_films
from config.sources import load_sources
from config.topics import load_topics
from core.catalogue import make_film_id
from core.values import AliasType, Film, Source, SourceKind, Tier

FOLDER = Path(config.__file__).parent


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    return load_sources(FOLDER / "sources.toml")


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return load_films(FOLDER / "films.toml")


def test_at_least_sixty_sources_are_enabled(sources: list[Source]) -> None:
    assert sum(source.enabled for source in sources) >= 60


def test_every_kind_and_tier_is_there(sources: list[Source]) -> None:
    kinds = Counter(source.kind for source in sources)
    assert kinds[SourceKind.SITEMAP] >= 2
    assert kinds[SourceKind.LISTING] >= 2
    assert {source.publisher.tier for source in sources} == set(Tier)
    assert len({source.language for source in sources}) >= 4


def test_every_address_is_https_and_accounted_for(sources: list[Source]) -> None:
    for source in sources:
        assert source.url.startswith("https://"), source.source_id
        assert len(source.seen_at) > 20, source.source_id
        assert source.publisher.homepage.startswith("https://"), source.source_id


def test_every_source_is_polled_politely(sources: list[Source]) -> None:
    for source in sources:
        assert source.interval is not None
        assert timedelta(minutes=15) <= source.interval <= timedelta(hours=1), source.source_id


@pytest.mark.parametrize("host", ["www.reddit.com", "www.youtube.com"])
def test_hosts_that_count_requests_are_asked_rarely(sources: list[Source], host: str) -> None:
    polled = [source for source in sources if urlsplit(source.url).hostname == host]
    assert len(polled) >= 4
    assert all(source.interval and source.interval >= timedelta(minutes=30) for source in polled)


def test_channel_ids_have_their_form(sources: list[Source]) -> None:
    channels = [source.url for source in sources if "youtube.com" in source.url]
    assert all(re.search(r"\?channel_id=UC[\w-]{22}$", url) for url in channels)


def test_a_listing_nobody_verified_is_disabled(sources: list[Source]) -> None:
    assert not [source for source in sources if source.kind is SourceKind.LISTING and source.enabled]


def test_the_starter_catalogue_is_well_formed(films: list[Film]) -> None:
    assert 60 <= len(films) <= 120
    for film in films:
        assert film.film_id == make_film_id(film.title, film.year)
        assert film.studio, film.title
        assert not {alias.title for alias in film.aliases} & {film.title}


def test_short_aliases_of_one_common_word_need_context(films: list[Film]) -> None:
    bare = [
        alias.title
        for film in films
        for alias in film.aliases
        if alias.type is AliasType.SHORT and " " not in alias.title and not alias.needs_context
    ]
    assert bare == []


def test_no_alias_means_two_films(films: list[Film]) -> None:
    names = Counter(alias.title.lower() for film in films for alias in film.aliases)
    assert [name for name, count in names.items() if count > 1] == []


def test_the_topics_can_be_read() -> None:
    assert len(load_topics(FOLDER / "topics.toml")) >= 10
