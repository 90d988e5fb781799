"""The topic vocabulary: values from a good file, a sentence for every mistake."""

from pathlib import Path

import pytest

from config.problems import ConfigError
from config.topics import load_topics
from core.values import Topic, TopicSlug

TOPIC = """
[[topic]]
slug = "stunts"
name = "Stunts"
cues = ["stunt*", "fight ... rehearsed"]
"""
T = "topics.toml: topic 'stunts'"
MISTAKES = [
    ("", ["topics.toml: topic: there is none; add a [[topic]]"]),
    (TOPIC + TOPIC, [f"{T}: slug: is taken by another topic; choose another slug"]),
    (TOPIC.replace('name = "Stunts"', ""), [f"{T}: name: is missing; add it"]),
    (TOPIC.split("cues", 1)[0], [f"{T}: cues: are missing; list the words that speak for this topic"]),
    (TOPIC.replace('"stunt*"', '""'), [f"{T}: cues: holds an empty text; remove it"]),
    (TOPIC + "cue = []", [f"{T}: cue: is no key of this record; did you mean 'cues'?"]),
    (
        TOPIC + "is_production = 1",
        [f"{T}: is_production: 1 is neither true nor false; write one of them, without quotes"],
    ),
]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "topics.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_a_topic_with_its_defaults(tmp_path: Path) -> None:
    expected = Topic(slug=TopicSlug("stunts"), name="Stunts", cues=("stunt*", "fight ... rehearsed"))
    assert load_topics(write(tmp_path, TOPIC)) == [expected]


@pytest.mark.parametrize(("text", "sentences"), MISTAKES)
def test_a_mistake_is_a_sentence(tmp_path: Path, text: str, sentences: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load_topics(write(tmp_path, text))
    assert [str(problem) for problem in caught.value.problems] == sentences
