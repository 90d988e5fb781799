"""How well stories and tags agree with the gold labels, against pinned floors.

`python -m bench.quality` runs `setwire backtest` over the whole stream, scores what it wrote with the shared scorers
and fails when a figure is below its floor in `floors.json`. The floors belong to one corpus, named by its digest;
`--pin` writes today's figures as the floors, which is the only way to lower one.

The shipped models have learned from these gold sets, so the floors catch a change that breaks something and claim
nothing: what to expect of other days is what `bench.stories.evaluate --folds` and `bench.tags.evaluate` print.
"""

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.stream import CATALOGUE, SHARED, STREAM
from scheduler.output import console, show_rows

_FLOORS = Path(__file__).parent / "floors.json"
_GOLD = SHARED / "data" / "gold"
_TOOLS = SHARED / "tools"

# Scores swing by this much from a change that helps as often as it hurts; a floor is not a trap for those.
_SLACK = 0.002

Figures = dict[str, float]


def main() -> None:
    options = _parse_arguments()
    if not SHARED.is_dir():
        sys.exit(f"bench.quality needs the shared gold sets; {SHARED} is not there. Set SETWIRE_SHARED to its folder.")
    with tempfile.TemporaryDirectory(prefix="setwire-quality-") as folder:
        out, bare_out = Path(folder) / "out.jsonl", Path(folder) / "bare.jsonl"
        _backtest(STREAM, out)
        bare = Path(folder) / "bare.jsonl.gz"
        _drop_categories(bare)
        _backtest(bare, bare_out)
        figures = _score(out) | {f"{name}, no publisher tags": f for name, f in _score_tags(bare_out).items()}
    digest = _digest([STREAM, CATALOGUE, *sorted(_GOLD.glob("*.jsonl"))])
    if options.pin:
        _FLOORS.write_text(json.dumps({"corpus": digest, "floors": figures}, indent=1) + "\n", encoding="utf-8")
    sys.exit(_judge(figures, digest))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--pin", action="store_true", help="write today's figures as the floors")
    return parser.parse_args()


def _backtest(items: Path, out: Path) -> None:
    command = [sys.executable, "-m", "scheduler", "backtest", str(items), "--films", str(CATALOGUE), "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _drop_categories(path: Path) -> None:
    """Write the stream without the publishers' own tags: the trades give none, and figures must hold there too."""
    with gzip.open(STREAM, "rt", encoding="utf-8") as lines, gzip.open(path, "wt", encoding="utf-8") as bare:
        bare.writelines(json.dumps({**json.loads(line), "categories": []}) + "\n" for line in lines)


def _score(out: Path) -> Figures:
    windows = sorted(_GOLD.glob("stories_dev_*.jsonl"))
    pooled = _run_scorer("score_stories.py", [*windows, out])
    figures = {f"stories {name}": float(pooled["pairwise"][name]) for name in ("precision", "recall", "f1")}
    return figures | _score_tags(out)


def _score_tags(out: Path) -> Figures:
    scores = _run_scorer("score_tags.py", [*sorted(_GOLD.glob("tags_dev*.jsonl")), out])
    wanted = (
        ("production news f1", "production_news", "f1"),
        ("topics micro f1", "topics_micro", "f1"),
        ("films about precision", "films_about", "precision"),
        ("films about recall", "films_about", "recall"),
    )
    return {name: float(scores[part][figure]) for name, part, figure in wanted}


def _run_scorer(name: str, paths: Iterable[Path]) -> Mapping[str, Mapping[str, float]]:
    command = [sys.executable, str(_TOOLS / name), *map(str, paths)]
    scores: Mapping[str, Mapping[str, float]] = json.loads(
        subprocess.run(command, check=True, capture_output=True).stdout
    )
    return scores


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _judge(figures: Figures, digest: str) -> int:
    """Print each figure beside its floor; return the exit code: 1 where one is below, or the corpus is another."""
    pinned = json.loads(_FLOORS.read_text(encoding="utf-8"))
    floors: Figures = pinned["floors"]
    columns = {
        "figure": lambda row: row[0],
        "now": lambda row: f"{row[1]:.4f}",
        "floor": lambda row: f"{floors.get(row[0], 0.0):.4f}",
    }
    show_rows(list(figures.items()), columns, as_json=False)
    if pinned["corpus"] != digest:
        console.print("The gold sets are not those the floors were pinned on; look at the figures, then run --pin.")
        return 1
    below = [name for name, figure in figures.items() if figure < floors.get(name, 0.0) - _SLACK]
    console.print(f"below the floor: {', '.join(below)}" if below else "every figure holds its floor")
    return 1 if below else 0


if __name__ == "__main__":
    main()
