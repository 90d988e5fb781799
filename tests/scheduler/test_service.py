"""The service through its front door: a child process, pages on a port, signals, the lock on its folder, the demo."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START = re.compile(r"setwire \S+ on (http://\S+)")


def environment(folder: Path, **settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SETWIRE_")}
    (folder / "sources.toml").write_text(
        '[[publisher]]\nslug = "nowhere"\nname = "Nowhere"\ntier = "fan"\n\n'
        '[[source]]\nid = "nowhere"\npublisher = "nowhere"\nkind = "feed"\n'
        'url = "http://127.0.0.1:9/feed"\nseen_at = "invented"\n',
        encoding="utf-8",
    )
    ours = {"SETWIRE_DATA_DIR": str(folder / "data"), "SETWIRE_PORT": "0", "SETWIRE_TICK": "0.1s"}
    return inherited | ours | {"SETWIRE_SOURCES_FILE": str(folder / "sources.toml")} | settings


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `setwire run` in `folder`; yield the process and its address; kill it if the test did not end it."""
    with subprocess.Popen(
        [sys.executable, "-m", "scheduler", "run"],
        env=environment(folder, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout
            address = next((m[1] for line in process.stdout if (m := START.search(line))), None)
            assert address, "the service ended before it said where it is"
            yield process, address
        finally:
            process.kill()


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status, response.read().decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as (process, address):
        status, body = get(f"{address}/healthz")
        assert (status, json.loads(body)["status"]) == (200, "ok")
        assert get(f"{address}/status")[0] == 200
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "nothing is lost" in out
        assert "Traceback" not in out


def test_without_a_network_terminal_and_page_say_so_in_one_line(tmp_path: Path) -> None:
    with running(tmp_path) as (process, address):
        assert process.stdout
        line = next(line for line in process.stdout if "can be reached" in line)
        assert "make demo" in line
        page = get(f"{address}/")[1]
        assert "make demo" in page


def test_a_second_service_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with running(tmp_path):
        second = subprocess.run(
            [sys.executable, "-m", "scheduler", "run"],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert second.returncode == 1
    assert "Another setwire runs on the data folder" in second.stderr


def test_a_killed_service_starts_again_on_what_it_left(tmp_path: Path) -> None:
    with running(tmp_path) as (process, _):
        process.kill()
        process.wait()
    with running(tmp_path) as (_, address):
        assert get(f"{address}/healthz")[0] == 200


def test_the_demo_tells_each_story_once(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "scheduler", "demo", "--leave", "--port", "0"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    told = [line for line in result.stdout.splitlines() if line.startswith("●")]
    assert len(told) == 4, result.stdout
    assert sum("lifeboat" in line for line in told) == 1
    assert sum("Brandtner" in line for line in told) == 1
    assert not any("cruise" in line for line in told)
    assert len([line for line in result.stdout.splitlines() if line.startswith("✉")]) == 3
    assert not list(tmp_path.glob("setwire-data*"))
