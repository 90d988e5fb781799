"""Reads the topic vocabulary (`topics.toml`) into values and finds every mistake in it."""

from pathlib import Path

from config.problems import Problem
from config.tables import Table, raise_problems, read_toml
from core.values import Topic, TopicSlug


def load_topics(path: Path) -> list[Topic]:
    """Read the topics in file order; slugs are unique, and every topic has a cue.

    Raises ConfigError with every problem of the file.
    """
    problems: list[Problem] = []
    root = read_toml(path, problems)
    topics: list[Topic] = []
    for table in root.records("topic", name_key="slug"):
        topic = _read_topic(table)
        if topic.slug in {known.slug for known in topics}:
            table.complain("slug", "is taken by another topic; choose another slug")
        topics.append(topic)
    root.finish()
    if not topics and not problems:
        root.complain("topic", "there is none; add a [[topic]]")
    raise_problems(problems)
    return topics


def _read_topic(table: Table) -> Topic:
    if not table.has("cues"):
        table.complain("cues", "are missing; list the words that speak for this topic")
    topic = Topic(
        slug=TopicSlug(table.slug("slug")),
        name=table.text("name", is_required=True),
        definition=table.text("definition"),
        cues=table.texts("cues"),
        blockers=table.texts("blockers"),
        is_production=table.flag("is_production", default=True),
    )
    table.finish()
    return topic
