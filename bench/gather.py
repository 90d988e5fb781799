"""Gathering beside PyPI `reader`: CPU of each on the same loopback feeds, first, with nothing new, with 5 % new.

    python -m bench.gather --feeds 1000 --reader PYTHON      (PYTHON: of an environment that has `reader`)

Both refresh in a process of their own each time, the server runs in a third. `refresh` is the CPU that process spent
on refreshing, `process` includes starting it. `--latency` measures how long publishers that answer in 300 ms take at
200 connections.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ROUNDS = ("first refresh", "nothing changed", "5 % changed")
_TARGETS = (10, 20, 15)
_READER = Path(__file__).parent / "gather_reader.py"


@contextmanager
def _serve() -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.feedserver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.stdin.close()
        server.wait(10)


def _tell(port: int, state: str) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/state?{state}") as answer:
        answer.read()


def _run(*command: str) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _prepare(database: Path) -> None:
    subprocess.run([sys.executable, "-m", "bench.gather_setwire", str(database)], check=True)


def _compare(feeds: int, reader: str, folder: Path) -> None:
    print(f"{feeds:,} feeds of 30 items; CPU milliseconds a feed")
    print(f"{'':16} {'setwire':>18} {'reader':>18} {'times less':>11} {'wanted':>7}   peak MB")
    with _serve() as port:
        _prepare(folder / "s.db")
        for name, wanted in zip(_ROUNDS, _TARGETS, strict=True):
            if name == _ROUNDS[2]:
                _tell(port, "changed=0.05")
            common = (str(port), str(feeds), "50")
            ours = _run(sys.executable, "-m", "bench.gather_setwire", str(folder / "s.db"), *common)
            theirs = _run(reader, str(_READER), str(folder / "r.db"), str(port), "0", str(feeds)) if reader else None
            _print_row(name, feeds, ours, theirs, wanted)


def _print_row(name: str, feeds: int, ours: dict[str, Any], theirs: dict[str, Any] | None, wanted: int) -> None:
    def cell(figures: dict[str, Any]) -> str:
        return f"{figures['refresh_cpu'] / feeds * 1000:8.2f} ({figures['process_cpu'] / feeds * 1000:6.2f})"

    times = f"{theirs['refresh_cpu'] / ours['refresh_cpu']:.1f}" if theirs else ""
    beside = cell(theirs) if theirs else ""
    print(f"{name:16} {cell(ours):>18} {beside:>18} {times:>11} {wanted:>7}   {ours['peak_mb']:.0f}", flush=True)


def _measure_latency(feeds: int, folder: Path) -> None:
    with _serve() as port:
        _prepare(folder / "l.db")
        ask = (sys.executable, "-m", "bench.gather_setwire", str(folder / "l.db"), str(port), str(feeds), "200")
        _run(*ask)
        _tell(port, "delay=0.3")
        took = _run(*ask)
        bound = feeds * 0.3 / 200
        print(
            f"{feeds:,} publishers that answer in 300 ms, 200 connections: {took['seconds']:.1f} s, "
            f"{took['seconds'] / bound:.1f} times the bound of {bound:.1f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=1000)
    parser.add_argument("--reader", default="", help="the Python of an environment that has `reader`")
    parser.add_argument("--latency", action="store_true", help="measure slow publishers instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.latency:
            _measure_latency(options.feeds, Path(folder))
        else:
            _compare(options.feeds, options.reader, Path(folder))


if __name__ == "__main__":
    main()
