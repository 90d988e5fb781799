"""Corrections and reviews on pages and by the API: only with the operator's token, as the command line does."""

import pytest
from pydantic import SecretStr

from config.settings import Settings
from core.values import EndpointId, FilmId, StoryId
from store.engine import Store
from store.links import Doubt, add_doubt
from store.reviews import open_reviews
from tests.web.client import KEY, TOKEN, Client
from tests.web.newsroom import NOW, fill
from web.app import create_app

WRONG = {"words": [{"kind": "wrong-film", "ref": "harbour-lights", "note": "a lamp shop"}]}


@pytest.fixture
def client(store: Store, settings: Settings) -> Client:
    fill(store)
    given = settings.model_copy(update={"operator_token": SecretStr(TOKEN)})
    return Client(create_app(store, settings=given, now=lambda: NOW))


def films(client: Client, story_id: int = 1) -> list[str]:
    return [film["id"] for film in client.get(f"/api/v1/stories/{story_id}").json()["films"]]


def test_the_api_corrects_a_story_with_the_token_only(client: Client) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}):
        assert client.post("/api/v1/stories/1/feedback", json=WRONG, headers=headers).status_code == 403
    assert films(client) == ["harbour-lights"]
    answer = client.post("/api/v1/stories/1/feedback", json=WRONG, headers=KEY).json()
    assert [word["says"] for word in answer["feedback"]] == ["not about the film harbour-lights"]
    assert films(client) == []
    assert client.get("/api/v1/stories/1/feedback").json()["feedback"] == answer["feedback"]


@pytest.mark.parametrize(
    ("story", "words", "status", "says"),
    [
        (99, [{"kind": "not-news"}], 404, "no story 99"),
        (1, [{"kind": "right-film", "ref": "nope"}], 404, "no film 'nope'"),
        (1, [{"kind": "wrong-film"}], 400, "needs the film's id"),
        (1, [{"kind": "odd"}], 400, "kind"),
        (1, [], 400, "words"),
    ],
)
def test_a_wrong_word_is_answered_with_one_sentence(
    client: Client, story: int, words: list[dict[str, str]], status: int, says: str
) -> None:
    answer = client.post(f"/api/v1/stories/{story}/feedback", json={"words": words}, headers=KEY)
    assert answer.status_code == status
    assert says in answer.text


def test_without_a_token_in_the_settings_nobody_corrects(filled: Store, settings: Settings) -> None:
    client = Client(create_app(filled, settings=settings, now=lambda: NOW))
    for headers in ({}, KEY, {"authorization": "Bearer "}):
        answer = client.post("/api/v1/stories/1/feedback", json=WRONG, headers=headers)
        assert answer.status_code == 403
        assert "SETWIRE_OPERATOR_TOKEN" in answer.text
    assert "works without" in client.get("/stories/1/correct").text


def test_the_token_cannot_be_guessed_for_long(client: Client) -> None:
    tries = [client.post("/api/v1/reviews/1", json={"accept": True}).status_code for _ in range(25)]
    assert tries == [403] * 20 + [429] * 5
    assert client.post("/api/v1/stories/1/feedback", json=WRONG, headers=KEY).status_code == 200


def test_what_nobody_could_mean_is_not_read_to_its_end(client: Client) -> None:
    for headers in ({}, KEY):
        answer = client.post("/api/v1/stories/1/feedback", content=b"[" * 300_000, headers=headers)
        assert (answer.status_code, answer.json()) == (
            413,
            {"error": "That is longer than 262,144 bytes; send less at a time."},
        )


def test_the_page_of_a_story_leads_to_a_form_that_corrects_it(client: Client) -> None:
    assert "/stories/1/correct" in client.get("/stories/1").text
    assert "Operator’s token" in client.get("/stories/1/correct").text
    form = {"kind": "wrong-topic", "ref": "set-photos", "note": "<b>drawn</b>", "token": "wrong"}
    assert client.post("/stories/1/correct", data=form).status_code == 403
    assert "is corrected" in client.post("/stories/1/correct", data=form | {"token": TOKEN}).text
    page = client.get("/stories/1/correct").text
    assert "not on the topic set-photos" in page
    assert "&lt;b&gt;drawn&lt;/b&gt;" in page
    assert client.post("/stories/1/correct", data=form | {"token": TOKEN, "kind": "odd"}).status_code == 400
    assert client.post("/stories/1/correct", content=b"x" * 9000).status_code == 413


def test_a_readers_doubt_is_shown_without_the_reader_and_decided(client: Client, store: Store) -> None:
    with store.write() as tx:
        doubt = Doubt(
            story_id=StoryId(1), film_id=FilmId("harbour-lights"), endpoint_id=EndpointId("mail-9f"), doubted_at=NOW
        )
        add_doubt(tx, doubt)
        [review] = open_reviews(tx, limit=9)
    page = client.get("/review").text
    assert "Harbour Lights" in page
    assert "mail-9f" not in page + client.get("/api/v1/reviews").text
    url = f"/api/v1/reviews/{review.review_id}"
    assert client.get(url).json()["verdict"] == ""
    assert client.post(f"/review/{review.review_id}", data={"verdict": "accept"}).status_code == 403
    said = client.post(f"/review/{review.review_id}", data={"verdict": "accept", "token": TOKEN})
    assert "is accepted" in said.text
    assert films(client) == []
    assert client.get("/api/v1/reviews").json() == {"reviews": []}
    assert client.post(url, json={"accept": False}, headers=KEY).status_code == 409
    assert client.post(url, json={"accept": True}, headers=KEY).json()["verdict"] == "accepted"
    assert client.get("/api/v1/reviews/99").status_code == 404
