"""The JSON API: what it answers, that its description is complete, and that docs/api.md tells the truth."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from store.engine import Store
from tests.web.conftest import Ask
from tests.web.newsroom import Report, make_sources

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"


def test_a_story_in_the_list(filled: Store, ask: Ask) -> None:
    (_, story) = ask("/api/v1/stories?film=harbour-lights").json()["stories"]
    assert story["id"] == 1
    assert story["page"] == "https://wire.example/stories/1"
    assert story["outlets"] == [{"name": "The Call Sheet", "tier": "trade"}, {"name": "Set Gazette", "tier": "fan"}]
    assert story["films"] == [
        {
            "id": "harbour-lights",
            "title": "Harbour Lights",
            "salience": "about",
            "score": 0.94,
            "evidence": [{"field": "title", "words": "Harbour Lights"}],
        }
    ]
    assert [topic["slug"] for topic in story["topics"]] == ["filming-wrap", "set-photos"]
    assert story["updated_at"].endswith("Z")


def test_one_story_with_everything_behind_it(filled: Store, ask: Ask) -> None:
    story = ask("/api/v1/stories/1").json()
    assert [article["score"] for article in story["articles"]] == [0.87, 0.87]
    (duplicate,) = story["duplicates"]
    assert duplicate["duplicate_of"] == {
        "article_id": story["articles"][0]["id"],
        "score": 1.0,
        "reason": "the same headline and text",
    }
    assert [match["reasons"] for match in story["matches"]] == [["about Harbour Lights"]]
    assert {delivery["state"] for delivery in story["deliveries"]} == {"retrying", "delivered"}


def test_a_story_states_its_facts_with_their_sentences(filled: Store, ask: Ask) -> None:
    joins, starts = ask("/api/v1/stories/2").json()["facts"]
    assert (joins["kind"], joins["certainty"], joins["film_id"]) == ("joins", "reported", "ninth-ferry")
    assert joins["says"] == "Mara Lindqvist joins"
    assert starts["says"] == "shooting is to start: September"
    assert starts["sentence"] == "Cameras roll in September in two harbours."
    assert ask("/api/v1/stories/3").json()["facts"] == []


@pytest.mark.parametrize(
    ("query", "count"), [("", 3), ("?production=0", 4), ("?topic=stunts", 1), ("?limit=2", 2), ("?before=2", 1)]
)
def test_stories_are_filtered(filled: Store, ask: Ask, query: str, count: int) -> None:
    assert len(ask(f"/api/v1/stories{query}").json()["stories"]) == count


def test_next_leads_through_all_stories(file: Callable[..., None], ask: Ask) -> None:
    file([Report(title=f"Unit {number} moves", story=number) for number in range(1, 24)])
    seen: list[int] = []
    address: str | None = "/api/v1/stories?limit=10"
    while address:
        answer = ask(address).json()
        seen += [story["id"] for story in answer["stories"]]
        address = answer["next"] and answer["next"].removeprefix("https://wire.example")
    assert seen == list(range(23, 0, -1))


def test_sources_deliveries_films_and_topics(filled: Store, ask: Ask) -> None:
    sources = ask("/api/v1/sources").json()["sources"]
    assert {source["id"]: source["outcome"] for source in sources}["meridian-feed"] == "blocked"
    (waiting,) = ask("/api/v1/deliveries?state=retrying").json()["deliveries"]
    assert (waiting["address"], waiting["last_status"]) == ("https://hooks.example/…", 502)
    assert waiting["last_words"] == "https://hooks.example/… answered 502 Bad Gateway."
    (film,) = ask("/api/v1/films?query=beacon").json()["films"]
    assert film["id"] == "harbour-lights"
    assert len(ask("/api/v1/topics").json()["topics"]) == 5


def test_a_source_address_never_shows_its_password(file: Callable[..., None], ask: Ask) -> None:
    (source,) = make_sources(1)
    file([], sources=[replace(source, url="https://rosa:open-sesame@feeds.example/all?x=1")])
    assert ask("/api/v1/sources").json()["sources"][0]["url"] == "https://feeds.example/all?x=1"
    assert "open-sesame" not in ask("/status").text


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("stories?limit=101", 400, "limit"),
        ("stories?limit=0", 400, "limit"),
        ("stories?before=abc", 400, "before"),
        ("stories/999", 404, "no such story"),
        ("deliveries?state=lost", 400, "state"),
        ("films", 400, "query"),
        ("nothing", 404, "no such page"),
    ],
)
def test_faults_are_one_sentence(filled: Store, ask: Ask, path: str, status: int, word: str) -> None:
    answer = ask(f"/api/v1/{path}")
    assert answer.status_code == status
    assert word in answer.json()["error"]


def documented_fields(document: dict[str, Any], name: str) -> set[str]:
    return set(document["components"]["schemas"][name]["properties"])


def test_the_description_names_every_address_with_an_example(app: FastAPI, ask: Ask) -> None:
    document = ask("/openapi.json").json()
    assert set(document["paths"]) == {
        *(f"/api/v1/{name}" for name in ("stories", "stories/{story_id}", "sources", "deliveries", "films", "topics")),
        *(f"/api/v1/{name}" for name in ("stories/{story_id}/feedback", "reviews", "reviews/{review_id}")),
        *(
            f"/api/v1/subscriptions{name}"
            for name in ("", "/{subscription_id}", "/{subscription_id}/mutes", "/preview")
        ),
        *(f"/api/v1/endpoints{name}" for name in ("", "/{endpoint_id}")),
        *(f"/api/v1/endpoints/{{endpoint_id}}/{name}" for name in ("deliveries", "rotate", "test")),
        *(f"/api/v1/suggestions{name}" for name in ("", "/{suggestion_id}")),
        *(f"/api/v1/stories/{{story_id}}/{name}" for name in ("merge", "split")),
        *(f"/api/v1/deliveries/{name}" for name in ("{delivery_id}/redeliver", "replay")),
        "/healthz",
    }
    schema = document["components"]["schemas"]["StoryAnswer"]
    assert set(schema["example"]) == set(schema["properties"])


def test_the_guide_names_every_address_parameter_and_story_field(ask: Ask) -> None:
    document, guide = ask("/openapi.json").json(), GUIDE.read_text(encoding="utf-8")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            address = re.sub(r"\{\w+\}", "{id}", path)
            assert re.search(rf"^\| `{method.upper()} {re.escape(address)}` \|", guide, re.MULTILINE)
            for parameter in operation.get("parameters", ()):
                assert parameter["in"] == "path" or f"`{parameter['name']}`" in guide
    for field in documented_fields(document, "StoryAnswer"):
        assert f'"{field}"' in guide
