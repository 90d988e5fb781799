"""The container's files keep their promises; building and running them is compose-check's work."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """The lines that count: no comments, no blank lines."""
    lines = (ROOT / "docker-compose.yml").read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def test_the_image_is_built_in_two_stages_on_slim_python(dockerfile: str) -> None:
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["python:3.11-slim"] * 2


def test_dependencies_are_hash_checked(dockerfile: str) -> None:
    assert "--require-hashes -r requirements/base.txt" in dockerfile
    assert "--no-deps --no-build-isolation ." in dockerfile


def test_the_image_runs_as_nobody_special_and_asks_itself_how_it_is(dockerfile: str) -> None:
    final = dockerfile.rpartition("FROM ")[2]
    assert re.search(r"^USER 10001:10001$", final, re.MULTILINE)
    assert 'CMD ["setwire", "healthcheck"]' in final
    assert "STOPSIGNAL SIGTERM" in final
    assert "curl" not in dockerfile
    assert "apt-get" not in dockerfile


def test_what_the_wheel_needs_reaches_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    packages = re.search(r"^packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages
    for name in re.findall(r'"(\w+)"', packages[1]):
        assert f"!{name}/" in ignored
    for name in ("LICENSE", "README.md", "pyproject.toml", "requirements/base.txt"):
        assert f"!{name}" in ignored
        assert (ROOT / name).is_file()


def test_the_service_is_locked_down(compose: list[str]) -> None:
    for line in (
        "read_only: true",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
        "init: true",
        "- /tmp:size=64m,mode=1777",
    ):
        assert line in compose
    assert not any(line.startswith(("privileged", "cap_add", "network_mode", "user: root")) for line in compose)


def test_only_this_machine_reaches_the_port(compose: list[str]) -> None:
    assert compose[compose.index("ports:") + 1] == '- "127.0.0.1:8080:8080"'
    assert sum(":8080" in line for line in compose) == 1


def test_everything_kept_is_in_one_volume(compose: list[str]) -> None:
    assert compose[compose.index("volumes:") + 1] == "- data:/data"
    assert compose[-2:] == ["volumes:", "data:"]
    assert [line for line in compose if line.startswith("SETWIRE_")] == ["SETWIRE_DATA_DIR: /data"]


def test_logs_are_rotated_and_stops_are_patient(compose: list[str]) -> None:
    for line in (
        "max-size: 10m",
        'max-file: "5"',
        "stop_grace_period: 30s",
        'command: ["setwire", "run", "--host", "0.0.0.0"]',
        'test: ["CMD", "setwire", "healthcheck"]',
    ):
        assert line in compose


def test_no_password_is_given() -> None:
    for name in ("Dockerfile", "docker-compose.yml"):
        text = (ROOT / name).read_text()
        assert not re.search(r"password: *\S|://\w+:\w+@", text, re.IGNORECASE)


def test_ci_is_a_script_that_runs_the_checks() -> None:
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    text = script.read_text()
    assert "set -euo pipefail" in text
    assert text.rstrip().endswith("exec make check")
    subprocess.run(["bash", "-n", str(script)], check=True)
