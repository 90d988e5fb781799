"""The documents name every setting with its default and what it does, and nothing that is gone."""

import re
from pathlib import Path

import pytest

from config.settings import SettingLine, describe_settings
from config.sources import load_sources
from core.values import Render

ROOT = Path(__file__).parents[2]
LINES = describe_settings()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.variable)
def test_operations_describes_the_setting(line: SettingLine) -> None:
    default = line.default if line.default in ("derived", "empty", "shipped") else f"`{line.default}`"
    row = f"| `{line.variable}` | {default} | {line.description} |"
    assert row in (ROOT / "docs/operations.md").read_text()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.variable)
def test_the_compose_file_has_the_setting_in_place(line: SettingLine) -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.search(rf"^ +(# )?{line.variable}:", text, re.MULTILINE)
    assert line.description in text


@pytest.mark.parametrize("name", ["docs/operations.md", "docs/adding-a-source.md", "docker-compose.yml", "Dockerfile"])
def test_no_document_names_a_setting_that_is_gone(name: str) -> None:
    known = {line.variable for line in LINES}
    named = set(re.findall(r"\bSETWIRE_[A-Z_]+[A-Z]\b", (ROOT / name).read_text()))
    assert named <= known


def test_the_example_of_a_source_is_a_good_source(tmp_path: Path) -> None:
    text = (ROOT / "docs/adding-a-source.md").read_text()
    feed, page, listing, scripted, spider = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "sources.toml"
    path.write_text(feed)
    assert [source.source_id for source in load_sources(path)] == ["example-times-film"]
    path.write_text(feed.replace('kind = "feed"', listing))
    assert load_sources(path)[0].selectors is not None
    path.write_text(feed.replace('kind = "feed"', scripted))
    assert load_sources(path)[0].render is Render.JAVASCRIPT
    path.write_text(feed.replace('kind = "feed"', spider))
    assert load_sources(path)[0].spider == "marvel"
    path.write_text(re.sub(r"^full_text = .*$", lambda _: page, feed, flags=re.MULTILINE))
    assert load_sources(path)[0].page is not None
