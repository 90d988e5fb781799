"""The application over a filled database, asked without a socket."""

import asyncio
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from config.settings import Settings
from core.values import Film, Source
from store.engine import Store, open_store
from tests.web.newsroom import FILMS, NAME, NOW, Report, address_in, declare, fetch, file_reports, fill, make_store
from web.app import create_app

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("blank")
    make_store(folder).close()
    return folder / NAME


@pytest.fixture(scope="session")
def filled(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A working day, made once: tests only read it."""
    opened = open_store(address_in(Path(shutil.copy(blank, tmp_path_factory.mktemp("filled")))))
    fill(opened)
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path, blank: Path) -> Iterator[Store]:
    """An empty database of this test's own."""
    opened = open_store(address_in(Path(shutil.copy(blank, tmp_path))))
    yield opened
    opened.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, base_url="https://wire.example")


@pytest.fixture
def app(request: pytest.FixtureRequest, settings: Settings) -> FastAPI:
    """The application over the working day if the test asks for `filled`, else over its own `store`."""
    asked = "filled" if "filled" in request.fixturenames else "store"
    return create_app(request.getfixturevalue(asked), settings=settings, now=lambda: NOW)


@pytest.fixture
def ask(app: FastAPI) -> Ask:
    return asker(app)


@pytest.fixture
def file(store: Store) -> Callable[..., None]:
    """File these reports over healthy sources."""

    def file_all(reports: Sequence[Report], *, films: Sequence[Film] = FILMS, sources: Sequence[Source] = ()) -> None:
        with store.write() as tx:
            declare(tx, sources, films=films)
            for source in sources:
                fetch(tx, source)
            file_reports(tx, reports)

    return file_all


def asker(app: FastAPI) -> Ask:
    """Return a function that sends one request; a bug in a handler comes back as its 500 page."""

    async def send(method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            return await client.request(method, path, headers=headers)

    def ask_once(path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
        return asyncio.run(send(method, path, headers))

    return ask_once
