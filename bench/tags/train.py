"""Fits the tagging model on all labels and the stream, and writes config/models/tags.json.gz.

usage: python -m bench.tags.train
"""

import gzip
import json
from typing import Any

from bench.tags.corpus import GOLD, MODEL, OWN_LABELS, read_films, read_labels, read_stream, read_topics
from bench.tags.invented import INVENTED_ITEMS, read_invented
from bench.tags.learn import learn


def main() -> None:
    articles = read_stream()
    labels = [label for path in GOLD for label in read_labels(path, articles, is_own=False)]
    known = {label.article.canonical_url for label in labels}
    labels += [x for x in read_labels(OWN_LABELS, articles, is_own=True) if x.article.canonical_url not in known]
    films = read_films()
    invented = read_invented(INVENTED_ITEMS, films)
    model = learn([*labels, *invented], list(articles.values()), films, read_topics())
    write(model)
    print(f"{MODEL.name}: {MODEL.stat().st_size:,} bytes, {len(labels)} labels, {len(invented)} invented items")


def write(model: dict[str, Any]) -> None:
    """Write the model so that the same model gives the same bytes."""
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(model, separators=(",", ":"), ensure_ascii=False)
    MODEL.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()
