"""Stories put together and parted, and unknown films, by the API and by forms: the command line's own way."""

from dataclasses import replace

import pytest

from config.settings import Settings
from core.unknown import UnknownTitle
from core.values import Film, FilmId
from store.engine import Store
from store.films import find_film
from store.stories import load_window
from store.suggestions import find_suggestion, note_titles
from tests.web.client import KEY, TOKEN, Client, open_to_operator
from tests.web.newsroom import FILMS, NOW, fill


@pytest.fixture
def client(store: Store, settings: Settings) -> Client:
    fill(store)
    return Client(open_to_operator(store, settings))


@pytest.fixture
def suggested(client: Client, store: Store) -> int:
    """The number of a title that two outlets name."""
    title = UnknownTitle("Low Tide", "low tide", "Petra Hall joins the thriller ‘Low Tide’.", 2027, ("Petra Hall",))
    with store.write() as tx:
        articles = [known.article for known in load_window(tx, since=NOW.replace(year=2025)).articles]
        note_titles(tx, [(article, title) for article in articles[:2]], now=NOW)
    [one] = client.get("/api/v1/suggestions").json()["suggestions"]
    assert isinstance(one["id"], int)
    return one["id"]


def articles_of(client: Client, story: int) -> list[int]:
    return [article["id"] for article in client.get(f"/api/v1/stories/{story}").json()["articles"]]


def test_a_story_is_parted_and_put_together_again_by_the_api(client: Client) -> None:
    first, second = articles_of(client, 1)
    asked = {"articles": [second], "note": "another coast"}
    parted = client.post("/api/v1/stories/1/split", json=asked, headers=KEY).json()
    new = parted["other_id"]
    assert parted == {"changed": True, "story_id": 1, "other_id": new, "moved": [second], "kept": [first]}
    assert (articles_of(client, 1), articles_of(client, new)) == ([first], [second])
    assert client.post("/api/v1/stories/1/split", json=asked, headers=KEY).json()["changed"] is False
    merged = client.post("/api/v1/stories/1/merge", json={"other": new}, headers=KEY).json()
    assert (merged["changed"], merged["moved"]) == (True, [second])
    assert articles_of(client, 1) == [first, second]
    assert client.get(f"/api/v1/stories/{new}").json()["merged_into"] == 1
    corrections = client.get("/api/v1/stories/1").json()["corrections"]
    assert [(one["kind"], one["note"]) for one in corrections] == [("split", "another coast"), ("merge", "")]


@pytest.mark.parametrize(
    ("path", "asked", "status", "says"),
    [
        ("1/merge", {"other": 1}, 409, "Story 1 cannot be merged with itself; name two stories."),
        ("1/merge", {"other": 99}, 404, "There is no story 99"),
        ("99/split", {"articles": [1]}, 404, "There is no story 99"),
        ("1/split", {"articles": []}, 400, "articles: "),
        ("1/split", {"articles": [9]}, 409, "Article 9 is not in story 1"),
        ("2/split", {"articles": [4]}, 409, "A split parts some articles of story 2 from the others"),
        ("1/split", {"articles": [3]}, 409, "Article 3 repeats article 1 and goes where that goes"),
        ("1/merge", {}, 400, "other: "),
        ("1/split", {"articles": [2**63]}, 400, ""),
    ],
)
def test_what_cannot_be_is_one_sentence(
    client: Client, path: str, asked: dict[str, object], status: int, says: str
) -> None:
    answer = client.post(f"/api/v1/stories/{path}", json=asked, headers=KEY)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(says)
    assert client.post(f"/api/v1/stories/{path}", json=asked).status_code == 403


def test_the_page_of_a_story_parts_it_and_puts_it_together(client: Client) -> None:
    first, second = articles_of(client, 1)
    page = client.get("/stories/1").text
    assert f'name="article" value="{second}"' in page
    form = {"article": [str(second)], "token": "wrong", "note": "another coast"}
    assert client.post("/stories/1/split", data=form).status_code == 403
    assert articles_of(client, 1) == [first, second]
    assert "Tick the articles" in client.post("/stories/1/split", data={"token": TOKEN}).text
    said = client.post("/stories/1/split", data=form | {"token": TOKEN}).text
    assert "is new and has 1 article; story 1 keeps 1." in said
    assert articles_of(client, 1) == [first]
    new = int(said.partition('href="/stories/')[2].partition('"')[0])
    assert articles_of(client, new) == [second]
    assert "by its number" in client.post("/stories/1/merge", data={"other": "x", "token": TOKEN}).text
    merged = client.post("/stories/1/merge", data={"other": str(new), "token": TOKEN}).text
    assert f"Story {new} is part of story 1 now; 1 article went there." in merged
    assert articles_of(client, 1) == [first, second]


def test_without_a_token_in_the_settings_the_story_offers_nothing(filled: Store, settings: Settings) -> None:
    client = Client(open_to_operator(filled, settings, operator_token=settings.operator_token))
    assert "/split" not in client.get("/stories/1").text


def test_an_unknown_film_is_shown_with_its_sentences_and_accepted(client: Client, store: Store, suggested: int) -> None:
    [one] = client.get("/api/v1/suggestions").json()["suggestions"]
    assert (one["title"], one["year"], one["article_count"]) == ("Low Tide", 2027, 2)
    assert one["outlets"] == ["The Call Sheet", "Set Gazette"]
    assert one["sightings"][0]["sentence"] == "Petra Hall joins the thriller ‘Low Tide’."
    path = f"/api/v1/suggestions/{suggested}"
    asked = {"accept": True, "title": "Low Tide Rising", "year": 2028}
    assert client.post(path, json=asked).status_code == 403
    taken = client.post(path, json=asked, headers=KEY).json()
    assert (taken["film_id"], taken["verdict"]) == ("low-tide-rising-2028", "accepted")
    with store.read() as tx:
        film = find_film(tx, FilmId("low-tide-rising-2028"))
    assert film == Film(film_id=FilmId("low-tide-rising-2028"), title="Low Tide Rising", year=2028)
    assert client.get("/api/v1/suggestions").json() == {"suggestions": []}
    assert client.post(path, json=asked, headers=KEY).json() == taken
    dismissed = client.post(path, json={"accept": False}, headers=KEY)
    assert (dismissed.status_code, "was accepted" in dismissed.text) == (409, True)


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({"accept": True, "id": "harbour-lights"}, 409, "There is a film harbour-lights already, Harbour Lights"),
        ({"accept": True, "id": "Low Tide"}, 409, "'Low Tide' is no id"),
        ({"accept": True, "title": "Прилив"}, 409, "No id can be made of 'Прилив'"),
        ({"accept": True, "year": 1700}, 400, "year: "),
    ],
)
def test_a_film_that_is_there_keeps_its_people(
    client: Client, store: Store, suggested: int, asked: dict[str, object], status: int, says: str
) -> None:
    answer = client.post(f"/api/v1/suggestions/{suggested}", json=asked, headers=KEY)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(says)
    with store.read() as tx:
        assert find_film(tx, FILMS[0].film_id) == replace(FILMS[0])
        assert find_suggestion(tx, suggested).verdict == ""


def test_unknown_films_are_decided_on_the_page_of_reviews(client: Client, store: Store, suggested: int) -> None:
    page = client.get("/review").text
    assert "Petra Hall joins the thriller ‘Low Tide’." in page
    path = f"/suggestions/{suggested}"
    form = {"verdict": "accept", "title": "Low Tide", "year": "20x", "token": TOKEN}
    assert client.post(path, data=form | {"token": "wrong"}).status_code == 403
    assert "That is no year" in client.post(path, data=form).text
    assert "Film low-tide-2027 is in the catalogue" in client.post(path, data=form | {"year": "2027"}).text
    assert "Low Tide" not in client.get("/review").text
    assert client.post("/suggestions/99", data=form | {"verdict": "dismiss"}).status_code == 404
    with store.read() as tx:
        assert find_film(tx, FilmId("low-tide-2027")) is not None


def test_a_title_that_is_no_film_is_not_suggested_again(client: Client, suggested: int) -> None:
    said = client.post(f"/suggestions/{suggested}", data={"verdict": "dismiss", "token": TOKEN}).text
    assert "not suggested again" in said
    assert client.get("/api/v1/suggestions").json() == {"suggestions": []}
    missing = client.post("/api/v1/suggestions/99", json={"accept": False}, headers=KEY)
    assert (missing.status_code, "There is no suggestion 99" in missing.text) == (404, True)
