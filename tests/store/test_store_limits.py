"""A claim never takes more than it was asked for, whichever plan the database chooses."""

from sqlalchemy import text

from store.engine import Store
from store.sources import due_sources
from tests.store.samples import DAY, NOW, add_config, claim_due, publish

# Without these PostgreSQL joins by running the inner side again for each outer row.
OTHER_PLANS = ("hashjoin", "mergejoin", "hashagg", "material", "memoize", "sort", "indexscan", "bitmapscan")


def test_a_claim_keeps_its_limit_where_a_subquery_is_run_again(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        publish(tx, 5)
        if not store.is_sqlite:
            for name in OTHER_PLANS:
                tx.execute(text(f"SET LOCAL enable_{name} = off"))
        assert len(claim_due(tx, each=2)) == 2
        assert len(due_sources(tx, now=NOW + DAY, limit=1, lease=DAY)) == 1
