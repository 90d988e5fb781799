"""One service to a database: the second is refused, also from another data folder, until the first ends."""

import pytest

from store.alone import alone_on
from store.engine import StoreError
from tests.conftest import Postgres


def test_a_second_service_on_one_postgresql_is_refused_until_the_first_ends(postgres: Postgres) -> None:
    url = postgres.url_of("kept")
    with alone_on(url), pytest.raises(StoreError, match="Another setwire works on"), alone_on(url):
        pytest.fail("two services hold the database")
    with alone_on(url):
        pass


def test_an_sqlite_file_is_left_to_the_lock_on_its_folder(sqlite_url: str) -> None:
    with alone_on(sqlite_url), alone_on(sqlite_url):
        pass
