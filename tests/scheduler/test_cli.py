"""The command line: what a person can get wrong ends in one sentence and a non-zero exit; lists speak JSON."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scheduler.cli import main
from scheduler.commands.subscriptions import app as subscriptions_app
from store.engine import open_store
from tests.crawler.servers import answer, serve

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sqlite_url: str, tmp_path: Path) -> Run:
    """Run `setwire WORDS…` in an empty folder on a migrated store; return exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SETWIRE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SETWIRE_DATABASE_URL", sqlite_url)

    def run(*words: str, **environment: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["setwire", *words])
        with monkeypatch.context() as given:
            for name, value in environment.items():
                given.setenv(name, value)
            try:
                main()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        out, err = capsys.readouterr()
        return code, out, err

    return run


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["stories", "show", "99"], "no story 99", id="unknown story"),
        pytest.param(["stories", "merge", "98", "99"], "no story 98", id="merge unknown stories"),
        pytest.param(["stories", "split", "99", "1"], "no story 99", id="split an unknown story"),
        pytest.param(["films", "show", "nope"], "no film 'nope'", id="unknown film"),
        pytest.param(["films", "import", "nope.jsonl"], "nope.jsonl", id="films file missing"),
        pytest.param(["sources", "show", "nope"], "no source 'nope'", id="unknown source"),
        pytest.param(["sources", "disable", "nope"], "no source 'nope'", id="disable unknown source"),
        pytest.param(["sources", "add", "ftp://x.example/feed"], "cannot be a source", id="bad source address"),
        pytest.param(["sources", "test", "http://user:pw@x.example/"], "cannot be a source", id="credentials in a URL"),
        pytest.param(["deliveries", "show", "msg_x"], "no delivery 'msg_x'", id="unknown delivery"),
        pytest.param(["deliveries", "redeliver", "msg_x"], "no delivery 'msg_x'", id="redeliver unknown"),
        pytest.param(["subscriptions", "show", "nope"], "no subscription 'nope'", id="unknown subscription"),
        pytest.param(["subscriptions", "remove", "nope"], "no subscription 'nope'", id="remove unknown"),
        pytest.param(["subscriptions", "add", "x"], "Nobody to tell", id="nobody to tell"),
        pytest.param(["subscriptions", "add", "x", "--email", "not-an-address"], "no mail address", id="bad mail"),
        pytest.param(["subscriptions", "add", "x", "--webhook", "gopher://h"], "cannot be a webhook", id="bad webhook"),
        pytest.param(
            ["subscriptions", "add", "x", "--email", "a@b.example", "--film", "nope"], "Unknown film 'nope'", id="film"
        ),
        pytest.param(
            ["subscriptions", "add", "x", "--email", "a@b.example", "--topic", "nope"],
            "Unknown topic 'nope'",
            id="topic",
        ),
        pytest.param(
            ["subscriptions", "add", "x", "--email", "a@b.example", "--zone", "Mars"], "no time zone", id="zone"
        ),
        pytest.param(
            ["subscriptions", "add", "x", "--email", "a@b.example", "--quiet", "22"], "no quiet hours", id="quiet"
        ),
        pytest.param(["subscriptions", "mute", "x", "salt", "--until", "2030-01-01"], "can not be muted", id="mute"),
        pytest.param(["deliveries", "why", "salt", "7"], "no subscription 'salt' or no story 7", id="why unknown"),
        pytest.param(["subscriptions", "import", "nope.toml"], "nope.toml", id="subscriptions file missing"),
        pytest.param(["backtest", "nope.jsonl"], "no file nope.jsonl", id="archive missing"),
        pytest.param(["restore", "nope.backup"], "nope.backup", id="backup missing"),
        pytest.param(["healthcheck", "--url", "http://127.0.0.1:1"], "does not answer", id="nobody listens"),
    ],
)
def test_a_wrong_command_ends_in_one_sentence(run: Run, words: list[str], says: str) -> None:
    code, out, err = run(*words)
    assert code != 0
    assert says in err
    assert err.startswith("setwire: ")
    assert "Traceback" not in out + err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param("{", "line 1: not JSON", id="not JSON"),
        pytest.param("[]", "not a JSON object", id="no object"),
        pytest.param('{"outlet": "A", "url": "u", "published": "2026-01-01"}', '"title" must be a text', id="no title"),
        pytest.param('{"outlet": "A", "url": "u", "title": "t"}', "neither", id="no time"),
        pytest.param('{"outlet": "A", "url": "u", "title": "t", "published": "soon"}', "no time", id="bad time"),
        pytest.param(
            '{"outlet": "A", "url": "u", "title": "t", "published": "2026-01-01", "categories": "x"}',
            "must be a list",
            id="bad categories",
        ),
        pytest.param("", "holds no items", id="empty"),
    ],
)
def test_a_bad_archive_names_file_and_line(run: Run, tmp_path: Path, line: str, says: str) -> None:
    code, _, err = run("backtest", write(tmp_path / "items.jsonl", line))
    assert (code, says in err) == (1, True)
    assert "items.jsonl" in err


def test_an_unwritable_result_is_one_sentence(run: Run, tmp_path: Path) -> None:
    item = '{"outlet": "A", "url": "https://a.example/1", "title": "t", "published": "2026-01-01T00:00:00Z"}'
    code, _, err = run("backtest", write(tmp_path / "items.jsonl", item), "--out", str(tmp_path / "no" / "out.jsonl"))
    assert code == 1
    assert "cannot be written" in err


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        pytest.param({"SETWIRE_PORT": "many"}, "SETWIRE_PORT", id="no number"),
        pytest.param({"SETWIRE_TICKS": "1s"}, "SETWIRE_TICK", id="misspelt setting"),
        pytest.param({"SETWIRE_DATABASE_URL": "mysql://h/x"}, "SETWIRE_DATABASE_URL", id="unknown database"),
        pytest.param({"SETWIRE_SOURCES_FILE": "nope.toml"}, "nope.toml", id="sources file missing"),
    ],
)
def test_the_service_does_not_start_on_a_broken_setting(run: Run, environment: dict[str, str], says: str) -> None:
    code, out, err = run("run", **environment)
    assert code == 1
    assert says in err
    assert "Traceback" not in out + err


def test_a_port_in_use_is_one_sentence(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = run("run", "--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "Cannot listen on" in err
    assert "--port" in err


def test_a_database_of_another_schema_says_what_to_do(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    code, _, err = run("stories", "list", SETWIRE_DATABASE_URL=f"sqlite:///{empty}")
    assert code == 1
    assert "setwire migrate" in err


@pytest.mark.parametrize("noun", ["sources", "films", "topics", "subscriptions", "stories", "deliveries"])
def test_every_list_speaks_json(run: Run, noun: str) -> None:
    code, out, _ = run(noun, "list", "--json")
    assert code == 0
    assert json.loads(out) == []


def test_a_subscription_lives_from_add_to_remove(run: Run, tmp_path: Path) -> None:
    films = write(tmp_path / "films.toml", '[[film]]\nid = "salt"\ntitle = "The Salt Meridian"\n')
    assert run("films", "import", films)[0] == 0
    code, out, _ = run(
        *("subscriptions", "add", "Salt & sea", "--film", "salt", "--email", "a@b.example"),
        *("--webhook", "https://hook.example/x", "--updates"),
    )
    assert code == 0
    assert "whsec_" in out
    [kept] = json.loads(run("subscriptions", "list", "--json")[1])
    assert (kept["subscription_id"], kept["films"]) == ("salt-sea", ["salt"])
    assert "whsec_" not in run("subscriptions", "show", "salt-sea")[1]
    shown = json.loads(run("subscriptions", "show", "salt-sea", "--json")[1])
    assert {endpoint["secret"] for endpoint in shown["endpoints"]} == {"", "whsec_***"}
    for verb in ("pause", "resume", "test", "remove"):
        assert run("subscriptions", verb, "salt-sea")[0] == 0
    owed = json.loads(run("deliveries", "list", "--json")[1])
    assert [view["delivery"]["event"] for view in owed] == ["test", "test"]
    assert json.loads(run("subscriptions", "list", "--json")[1]) == []


def test_a_secret_is_replaced_and_both_stay_hidden(run: Run) -> None:
    out = run("subscriptions", "add", "All", "--webhook", "https://hook.example/x")[1]
    code, rotated, _ = run("subscriptions", "rotate-secret", "all")
    assert code == 0
    assert "whsec_" in rotated
    assert rotated.split()[-1] not in out
    [endpoint] = json.loads(run("subscriptions", "show", "all", "--json")[1])["endpoints"]
    assert (endpoint["secret"], endpoint["old_secret"]) == ("whsec_***", "whsec_***")
    assert endpoint["old_secret_until_at"]
    run("subscriptions", "add", "Mails", "--email", "a@b.example")
    assert "no webhook" in run("subscriptions", "rotate-secret", "mails")[2]


def test_deliveries_are_replayed_by_endpoint_and_time(run: Run) -> None:
    run("subscriptions", "add", "All", "--webhook", "https://hook.example/x")
    run("subscriptions", "test", "all")
    assert "0 deliveries" in run("deliveries", "replay", "https://hook.example/x", "--missing")[1]
    assert "0 deliveries" in run("deliveries", "replay", "--since", "2026-01-01")[1]
    assert "no endpoint 'nope'" in run("deliveries", "replay", "nope", "--missing")[2]
    assert "--since" in run("deliveries", "replay")[2]
    [view] = json.loads(run("deliveries", "list", "--json")[1])
    assert '"type":"test"' in run("deliveries", "show", view["delivery"]["delivery_id"], "--log")[1]


def test_a_query_is_refused_at_its_character(run: Run) -> None:
    code, _, err = run("subscriptions", "preview", "--query", "lifeboat AND film:salt")
    assert code == 1
    assert err.splitlines() == [
        "setwire: The query has a mistake at character 19.",
        "setwire: lifeboat AND film:salt",
        "setwire:                   ^ there is no film 'salt'",
    ]


def test_a_subscription_says_when_it_speaks_and_what_it_mutes(run: Run, tmp_path: Path) -> None:
    run("films", "import", write(tmp_path / "films.toml", '[[film]]\nid = "salt"\ntitle = "The Salt Meridian"\n'))
    words = ("--query", "film:salt NOT rumour", "--cadence", "daily", "--at", "07:30", "--zone", "Europe/Paris")
    assert run("subscriptions", "add", "Salt", "--email", "a@b.example", *words, "--quiet", "22:00-07:00")[0] == 0
    assert run("subscriptions", "mute", "salt", "film:salt", "--until", "2100-01-01")[0] == 0
    shown = run("subscriptions", "show", "salt")[1]
    for said in ("film:salt NOT rumour", "daily at 07:30 Europe/Paris", "film:salt until 2100-01-01"):
        assert said in shown
    assert run("subscriptions", "mute", "salt", "film:salt", "--until", "2000-01-01")[0] == 0
    assert "until 2100" not in run("subscriptions", "show", "salt")[1]
    found = json.loads(run("subscriptions", "preview", "--query", "film:salt", "--json")[1])
    assert (found["alert_count"], found["article_count"]) == (0, 0)


def test_a_second_subscription_to_one_address_keeps_its_secret(run: Run, sqlite_url: str) -> None:
    first = run("subscriptions", "add", "one", "--webhook", "https://hook.example/x")[1]
    second = run("subscriptions", "add", "two", "--webhook", "https://hook.example/x")[1]
    assert first.splitlines()[-1] == second.splitlines()[-1]
    store = open_store(sqlite_url)
    store.close()


def test_a_source_lives_from_add_to_remove(run: Run) -> None:
    assert (
        run(
            "sources", "add", "--unseen", "https://ledger.example/feed", "--publisher", "Reel Ledger", "--tier", "trade"
        )[0]
        == 0
    )
    code, _, err = run("sources", "add", "--unseen", "https://ledger.example/feed")
    assert (code, "polled already" in err) == (1, True)
    for verb in ("disable", "enable", "show"):
        assert run("sources", verb, "reel-ledger")[0] == 0
    assert run("sources", "remove", "reel-ledger")[0] == 0


def test_backup_and_restore(run: Run, tmp_path: Path) -> None:
    run("sources", "add", "--unseen", "https://ledger.example/feed", "--publisher", "Reel Ledger")
    saved = str(tmp_path / "all.backup")
    assert run("backup", saved)[0] == 0
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    assert run("restore", saved, SETWIRE_DATABASE_URL=fresh)[0] == 0
    assert "reel-ledger" in run("sources", "list", SETWIRE_DATABASE_URL=fresh)[1]
    code, _, err = run("restore", saved, SETWIRE_DATABASE_URL=fresh)
    assert (code, "--force" in err) == (1, True)


def test_check_is_content_with_what_ships(run: Run) -> None:
    assert run("check")[0] == 0


def test_help_names_every_group(run: Run) -> None:
    _, out, _ = run("--help")
    assert all(word in out for word in ("run", "demo", "check", "backtest", "subscriptions", "deliveries"))
    assert subscriptions_app.info.help


HTML = "text/html; charset=utf-8"
LEDGER = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>Reel Ledger</title>
<item><guid>1</guid><title>Harbour Lights wraps</title><link>https://ledger.example/1</link></item></channel></rss>"""
NEWSROOM = b"""<html><head><link rel="alternate" type="application/rss+xml" title="All" href="/feed"></head><body>
<div class="card"><h2><a href="/1">Harbour Lights wraps</a></h2><time datetime="2026-03-13">Friday</time></div>
<div class="card"><h2><a href="/2">Saltmarsh casts its keeper</a></h2></div></body></html>"""
ROUTES = {"/": answer(body=NEWSROOM, content_type=HTML), "/feed": answer(body=LEDGER), "/robots.txt": answer(404)}
LOOPBACK = {"SETWIRE_ALLOW_PRIVATE_HOSTS": "127.0.0.1"}


def test_a_pages_address_is_tried_and_added_as_its_feed(run: Run) -> None:
    with serve(ROUTES) as server:
        code, out, _ = run("sources", "test", server.url + "/", "--json", **LOOPBACK)
        trial = json.loads(out)
        assert (code, trial["discovered"]) == (0, [f"{server.url}/feed (All)"])
        assert [entry["title"] for entry in trial["entries"]] == ["Harbour Lights wraps"]
        assert run("sources", "add", server.url + "/", "--publisher", "Reel Ledger", **LOOPBACK)[0] == 0
    _, out, _ = run("sources", "show", "reel-ledger", "--json")
    source = json.loads(out)["source"]
    assert source["url"] == f"{server.url}/feed"
    assert source["seen_at"] == f"added by the operator, found from {server.url}/"


def test_a_trial_leaves_no_folder_behind(run: Run, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with serve(ROUTES) as server:
        words = ["sources", "test", server.url + "/", "--item", ".card", "--title", "h2 a::text"]
        assert run(*words, SETWIRE_DATA_DIR=str(nowhere), **LOOPBACK)[0] == 0
    assert not nowhere.exists()


def test_a_page_without_a_feed_is_not_added(run: Run) -> None:
    with serve({"/": answer(body=b"<html><body><p>News</p></body></html>", content_type=HTML)}) as server:
        code, _, err = run("sources", "add", server.url + "/", **LOOPBACK)
    assert code == 1
    assert "names no feed" in err


def test_an_address_that_does_not_answer_is_added_as_it_is(run: Run) -> None:
    code, _, err = run("sources", "add", "http://127.0.0.1:1/feed", **LOOPBACK)
    assert code == 0
    assert "the address is added as it is" in err


def test_selectors_are_tried_live(run: Run) -> None:
    with serve(ROUTES) as server:
        words = ["sources", "test", server.url + "/", "--item", ".card", "--title", "h2 a::text", "--date", "time"]
        code, out, _ = run(*words, "--full-text", "--json", **LOOPBACK)
        trial = json.loads(out)
        assert code == 0
        assert [(entry["title"], bool(entry["published_at"])) for entry in trial["entries"]] == [
            ("Harbour Lights wraps", True),
            ("Saltmarsh casts its keeper", False),
        ]
        assert "HTTP 404" in trial["page"]
        code, out, _ = run("sources", "test", server.url + "/", "--item", ".gone", **LOOPBACK)
        assert (code, "'.gone' finds nothing" in out) == (1, True)
        asked = len(server.asked)
        for option, selector in (("--item", "div["), ("--item", "//div["), ("--title", "h2::")):
            selectors = {"--item": ".card", option: selector}
            words = ["sources", "test", server.url + "/", *(word for pair in selectors.items() for word in pair)]
            code, _, err = run(*words, **LOOPBACK)
            assert (code, f"{option} {selector!r} cannot be read" in err) == (1, True)
        assert len(server.asked) == asked, "nobody is asked for a page that cannot be read"
    code, _, err = run("sources", "test", "https://ledger.example/", "--kind", "listing")
    assert (code, "--item" in err) == (1, True)


def test_sources_travel_as_opml(run: Run, tmp_path: Path, sqlite_url: str) -> None:
    run("sources", "add", "--unseen", "https://ledger.example/feed", "--publisher", "Reel Ledger", "--minutes", "45")
    path = tmp_path / "sources.opml"
    assert run("sources", "export", str(path))[0] == 0
    code, out, _ = run("sources", "import", str(path))
    assert (code, out.strip()) == (0, "0 sources added, 1 were here already")
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    run("migrate", SETWIRE_DATABASE_URL=fresh)
    assert run("sources", "import", str(path), SETWIRE_DATABASE_URL=fresh)[0] == 0
    both = [
        json.loads(run("sources", "show", "reel-ledger", "--json", **where)[1])
        for where in ({}, {"SETWIRE_DATABASE_URL": fresh})
    ]
    assert both[0]["source"] == both[1]["source"]
    assert run("sources", "export")[1] == path.read_text(encoding="utf-8")
    code, _, err = run("sources", "import", write(tmp_path / "bad.opml", "<opml/>"))
    assert (code, "holds no source" in err) == (1, True)
    code, _, err = run("sources", "import", "nope.opml")
    assert (code, "cannot be read" in err) == (1, True)


FILM = '{"id": "salt-2027", "title": "Salt", "year": 2027, "cast": [{"name": "Bo Marsh", "role": "Ash"}]}\n'


def test_films_are_imported_all_or_none_and_the_same_ones_only_once(run: Run, tmp_path: Path) -> None:
    bad = write(tmp_path / "bad.jsonl", FILM + '{"title": "Brine", "year": "soon"}\n{"titel": "Silt"}\n')
    code, _, err = run("films", "import", bad)
    assert code == 1
    assert [line.split(": ")[:4] for line in err.splitlines()] == [
        ["setwire", "bad.jsonl", "line 2", "year"],
        ["setwire", "bad.jsonl", "line 3", "title"],
        ["setwire", "bad.jsonl", "line 3", "titel"],
    ]
    assert json.loads(run("films", "list", "--json")[1]) == []
    good = write(tmp_path / "good.jsonl", FILM)
    assert "1 films imported" in run("films", "import", good)[1]
    assert "0 films imported" in run("films", "import", good)[1]
    assert "Bo Marsh as Ash" in run("films", "show", "salt-2027")[1]


def test_what_is_exported_can_be_imported(run: Run, tmp_path: Path) -> None:
    run("films", "import", write(tmp_path / "films.jsonl", FILM))
    assert "1 films written" in run("films", "export", "copy.csv")[1]
    assert "0 films imported" in run("films", "import", "copy.csv")[1]
    code, _, err = run("films", "export", "copy.xls")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "copy.xls ends in none of" in err
    assert "cannot be written" in run("films", "export", "nowhere/copy.csv")[2]


def test_a_chat_is_added_and_its_address_shown_to_nobody(run: Run) -> None:
    code, _, _ = run("subscriptions", "add", "Salt", "--chat", "ntfy://127.0.0.1:9/our-topic")
    assert code == 1
    given = {"SETWIRE_ALLOW_PRIVATE_HOSTS": "127.0.0.1"}
    code, out, err = run("subscriptions", "add", "Salt", "--chat", "ntfy://127.0.0.1:9/our-topic", **given)
    assert (code, err) == (0, "")
    run("subscriptions", "test", "salt")
    for words in (["subscriptions", "list"], ["subscriptions", "show", "salt"], ["deliveries", "list"]):
        shown = out + run(*words)[1] + run(*words, "--json")[1]
        assert "our-topic" not in shown
        assert "ntfy://…" in run(*words)[1]


def test_a_source_is_asked_at_its_own_pace_unless_told_otherwise(run: Run) -> None:
    run("sources", "add", "--unseen", "https://ledger.example/feed")
    run("sources", "add", "--unseen", "https://gazette.example/feed", "--minutes", "45")
    paces = [
        json.loads(run("sources", "show", name, "--json")[1])["source"]["interval"]
        for name in ("ledger-example", "gazette-example")
    ]
    assert paces[0] is None
    assert paces[1]
