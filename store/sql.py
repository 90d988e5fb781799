"""The few statements whose spelling is shared: insert-or-leave, upsert, counters, chunks. Knows no noun."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Dialect, Select, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store.columns import Bind, are_plain, write_text
from store.tables import meta

T = TypeVar("T")
Columns = Mapping[str, Any]
# What is written to SQLite in one go: enough to spread the cost of a call, and little memory.
_ROWS_AT_ONCE = 250
CHUNK = 1000  # SQLite takes 32,766 parameters a statement, psycopg 65,535


def insert_into(tx: Session, table: Table) -> Any:
    """The dialect's own INSERT, which has ON CONFLICT; SQLAlchemy has no portable one."""
    return (sqlite if is_sqlite(tx) else postgresql).insert(table)


def is_sqlite(tx: Session) -> bool:
    return tx.get_bind().dialect.name == "sqlite"


def insert_new(tx: Session, table: Table, rows: Sequence[Columns]) -> None:
    """Insert the rows that contradict no unique key; leave what is there."""
    run_many(tx, _insert_or_leave(table, is_sqlite(tx)), rows)


@lru_cache(maxsize=64)
def _insert_or_leave(table: Table, is_sqlite: bool) -> Any:
    return (sqlite if is_sqlite else postgresql).insert(table).on_conflict_do_nothing()


def run_many(tx: Session, statement: Any, rows: Sequence[Columns]) -> None:
    """Execute a statement once for each row; all rows have the same keys, in the same order.

    `statement` must be one object for all calls: on SQLite its text and what writes its values are made once, as
    SQLAlchemy's own way takes as long for a row as SQLite does.
    """
    if not rows:
        return
    if not is_sqlite(tx):
        tx.execute(statement, rows)
        return
    words, writers = _prepare(statement, tuple(rows[0]), tx.get_bind().dialect)
    for some in chunks(rows, _ROWS_AT_ONCE):
        columns = [_write_column(write, [row[name] for row in some]) for name, write in writers]
        tx.connection().exec_driver_sql(words, list(zip(*columns, strict=True)))


def _write_column(write: Bind | None, values: list[Any]) -> list[Any]:
    """Write the values of one column; one that is the same in all rows is written once."""
    if write is None:
        return values
    if values.count(values[0]) == len(values):
        return [write(values[0])] * len(values)
    if write is write_text and are_plain(values):
        return values
    return [write(value) for value in values]


def read_rows(tx: Session, statement: Any, values: Columns) -> list[dict[str, Any]]:
    """Execute a statement that gives rows, each by column name; prepared once, and for one object, as in `run_many`."""
    if not is_sqlite(tx):
        return [dict(row) for row in tx.execute(statement, values).mappings()]
    dialect = tx.get_bind().dialect
    words, writers = _prepare(statement, tuple(values), dialect)
    constants, names, readers = _prepare_reading(statement, dialect)
    given = {**constants, **values}
    asked = tuple([write(given[name]) if write else given[name] for name, write in writers])
    rows = [dict(zip(names, found, strict=True)) for found in tx.connection().exec_driver_sql(words, asked)]
    for row in rows:
        for name, read in readers:
            if row[name] is not None:
                row[name] = read(row[name])
    return rows


@lru_cache(maxsize=64)
def _prepare_reading(
    statement: Any, dialect: Dialect
) -> tuple[Columns, tuple[str, ...], tuple[tuple[str, Callable[[Any], Any]], ...]]:
    """What a statement brings along: the values it states itself, the names of its columns, and what reads them."""
    binds = statement.compile(dialect=dialect).binds
    constants = {name: bind.effective_value for name, bind in binds.items() if not bind.required}
    columns = statement.exported_columns
    types = ((name, column.type.dialect_impl(dialect)) for name, column in columns.items())
    readers = ((name, kind.result_processor(dialect, None)) for name, kind in types)
    return constants, tuple(columns.keys()), tuple((name, read) for name, read in readers if read is not None)


@lru_cache(maxsize=256)
def _prepare(
    statement: Any, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[tuple[str, Bind | None], ...]]:
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    types = {name: compiled.binds[name].type.dialect_impl(dialect) for name in compiled.positiontup}
    writers = ((name, types[name].bind_processor(dialect)) for name in compiled.positiontup)
    return str(compiled), tuple(writers)


def upsert(tx: Session, table: Table, rows: Sequence[Columns]) -> None:
    """Insert rows, or overwrite the given columns of those whose primary key is there. All rows have the same keys."""
    if not rows:
        return
    statement = insert_into(tx, table)
    key = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in rows[0] if name not in key}
    statement = statement.on_conflict_do_update(index_elements=key, set_=changes)
    for some in chunks(rows):
        tx.execute(statement, some)


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Cut into lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def read_number(tx: Session, name: str) -> int:
    """A counter of `meta`; 0 when never set."""
    return tx.execute(select(meta.c.number).where(meta.c.name == name)).scalar() or 0


def raise_number(tx: Session, name: str, number: int) -> None:
    """Set a counter unless it is higher already."""
    if number > read_number(tx, name):
        upsert(tx, meta, [{"name": name, "number": number}])


def add_one(tx: Session, name: str) -> None:
    """Count one up, also when two processes do so at once."""
    count_up(tx, name, by=1)


def count_up(tx: Session, name: str, *, by: int) -> int:
    """Raise a counter; the number it has now. Who counts at the same time waits for this transaction to end."""
    statement = insert_into(tx, meta).values(name=name, number=by)
    raised = statement.on_conflict_do_update(index_elements=["name"], set_={"number": meta.c.number + by})
    return int(tx.execute(raised.returning(meta.c.number)).scalar_one())


def chosen_once(query: Select[Any]) -> Select[Any]:
    """Make a locked and limited choice stand for all of the statement it is read in.

    PostgreSQL may run a subquery again for each row it compares, and one that skips locked rows then chooses others
    and passes its LIMIT. A CTE that locks is run once.
    """
    chosen = query.cte("chosen")
    return select(*chosen.c)


def change(tx: Session, statement: Any) -> int:
    """Execute an UPDATE or DELETE; the number of rows it found."""
    return cast("CursorResult[Any]", tx.execute(statement)).rowcount
