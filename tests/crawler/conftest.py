"""Fixtures of the crawler's tests: the shared material, where it is there."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def robots_vectors() -> Path:
    """Robots decisions of an independent implementation; they belong to others, so they are not in the project."""
    shared = Path(os.environ.get("SETWIRE_SHARED", "../shared"))
    path = shared / "suites" / "robots" / "google_robotstxt_vectors.json"
    if not path.exists():
        pytest.skip(f"{path} is not here; set SETWIRE_SHARED")
    return path
