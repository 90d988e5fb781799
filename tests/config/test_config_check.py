"""The check of the whole configuration finds each of many broken ones, and says nothing of a good one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.check import check_configuration

SOURCES = """
[[publisher]]
slug = "kino"
name = "Kino Courier"
tier = "trade"
[[source]]
id = "kino-film"
publisher = "kino"
url = "https://kino.example/feed"
"""
FILMS = '[[film]]\nid = "lantern-bay-2027"\ntitle = "Lantern Bay"\nyear = 2027\n'
TOPICS = '[[topic]]\nslug = "stunts"\nname = "Stunts"\ncues = ["stunt"]\n'
SUBSCRIPTIONS = '[[subscription]]\nid = "bay"\nfilms = ["lantern-bay-2027"]\ntopics = ["stunts"]\n'
FILES = {"sources": SOURCES, "films": FILMS, "topics": TOPICS, "subscriptions": SUBSCRIPTIONS}


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a good configuration, and the settings that name it."""
    for name in list(os.environ):
        if name.upper().startswith("SETWIRE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / f"{name}.toml").write_text(text)
        monkeypatch.setenv(f"SETWIRE_{name.upper()}_FILE", f"{name}.toml")
    return tmp_path


def test_a_good_configuration_has_no_problem_and_is_left_untouched(folder: Path) -> None:
    before = sorted(folder.iterdir())
    assert check_configuration() == []
    assert sorted(folder.iterdir()) == before


def test_the_shipped_configuration_is_good(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FILES:
        monkeypatch.delenv(f"SETWIRE_{name.upper()}_FILE")
    assert check_configuration() == []
    assert not (folder / "setwire-data").exists()


def replace(file: str, old: str, new: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        path = folder / f"{file}.toml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return damage


def set_variable(name: str, value: str) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        with (folder / ".env").open("a") as file:
            file.write(f"SETWIRE_{name}={value}\n")

    return damage


def remove(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / f"{file}.toml").unlink()


def write_file(name: str, text: str = "in the way") -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "bad TOML": (replace("sources", "[[source]]", "[[source]"), "sources.toml: is no valid TOML"),
    "file missing": (remove("films"), "films.toml: cannot be read"),
    "source id twice": (
        write_file("sources.toml", SOURCES + "[[source]]" + SOURCES.rpartition("[[source]]")[2]),
        "id: is taken by another source",
    ),
    "bad URL": (replace("sources", "https://", "htp:/"), "url: 'htp:/kino.example/feed' is no web address"),
    "unknown kind": (replace("sources", "publisher =", 'kind = "rss"\npublisher ='), "kind: 'rss' is not known"),
    "unknown tier": (replace("sources", "trade", "best"), "tier: 'best' is not known"),
    "unknown publisher": (
        replace("sources", 'publisher = "kino"', 'publisher = "kono"'),
        "there is no publisher 'kono'",
    ),
    "bad duration": (replace("sources", "publisher =", 'interval = "5"\npublisher ='), "interval: '5' is no duration"),
    "listing without selectors": (
        replace("sources", "publisher =", 'kind = "listing"\npublisher ='),
        "selectors: are missing",
    ),
    "bad CSS selector": (
        replace("sources", "publisher =", 'kind = "listing"\nselectors = { item = "li[" }\npublisher ='),
        "item: 'li[' is no CSS selector",
    ),
    "every source disabled": (
        replace("sources", "publisher =", "enabled = false\npublisher ="),
        "every source is disabled; set enabled = true for one",
    ),
    "film without title": (replace("films", 'title = "Lantern Bay"', ""), "title: is missing"),
    "film id twice": (
        write_file("films.toml", FILMS + FILMS),
        "stands more than once",
    ),
    "topic cue empty": (replace("topics", '"stunt"', '""'), "cues: holds an empty text"),
    "unknown film": (replace("subscriptions", "lantern-bay-2027", "lantern"), "there is no film 'lantern'"),
    "unknown topic": (
        replace("subscriptions", '"stunts"', '"stunt"'),
        "there is no topic 'stunt'; did you mean 'stunts'",
    ),
    "unknown endpoint": (
        replace("subscriptions", "films", 'endpoints = ["x"]\nfilms'),
        "there is no endpoint 'x'; none is defined",
    ),
    "webhook secret malformed": (
        replace(
            "subscriptions",
            "[[sub",
            '[[endpoint]]\nid = "e"\nkind = "webhook"\naddress = "https://h.example"\nsecret = "s"\n[[sub',
        ),
        "secret: is no signing secret",
    ),
    "webhook without TLS": (
        replace(
            "subscriptions",
            "[[sub",
            '[[endpoint]]\nid = "e"\nkind = "webhook"\naddress = "http://h.example"\n'
            f'secret = "whsec_{"A" * 44}"\n[[sub',
        ),
        "'http://h.example' is not encrypted",
    ),
    "data folder is a file": (write_file("setwire-data"), "SETWIRE_DATA_DIR: 'setwire-data' cannot be written"),
    "SMTP user without password": (
        set_variable("SMTP_USER", "u\nSETWIRE_SMTP_HOST=m"),
        "SMTP_USER: is set without a password",
    ),
    "SMTP port and security disagree": (
        set_variable("SMTP_HOST", "m\nSETWIRE_SMTP_PORT=465"),
        "465 speaks TLS from the start",
    ),
    "port out of range": (set_variable("PORT", "70000"), "PORT: '70000' is too large"),
    "base URL invalid": (set_variable("BASE_URL", "wire.example"), "BASE_URL: 'wire.example' is no web address"),
    "unknown setting": (
        set_variable("PROT", "1"),
        "SETWIRE_PROT: there is no such setting; did you mean SETWIRE_PORT?",
    ),
    "setting of no duration": (set_variable("TICK", "soon"), "TICK: 'soon' is no duration"),
    "database unknown": (set_variable("DATABASE_URL", "redis://h"), "DATABASE_URL: 'redis://h' is no database address"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_finds(folder: Path, name: str) -> None:
    damage, sentence = BROKEN[name]
    damage(folder)
    problems = [str(problem) for problem in check_configuration()]
    assert any(sentence in problem for problem in problems), problems
    assert all("\n" not in problem for problem in problems)


def test_a_folder_under_a_file_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "plain").write_text("")
    monkeypatch.setenv("SETWIRE_DATA_DIR", "plain/deep/data")
    problems = [str(problem) for problem in check_configuration()]
    assert problems[0] == (
        "environment: SETWIRE_DATA_DIR: 'plain/deep/data' cannot be written (Not a directory); "
        "name a folder this user may write to"
    )


def test_an_override_is_checked_too(folder: Path) -> None:
    assert folder.is_dir()
    assert [problem.key for problem in check_configuration(port=-1)] == ["SETWIRE_PORT"]
