"""`setwire films`: the catalogue that stories are tagged from."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.filmfiles import write_films
from config.films import stream_films
from core.values import Alias, Film, FilmId
from scheduler.commands.options import AsJson, CommandError, Limit, reading, writing
from scheduler.output import console, reading_progress, show_fields, show_json, show_rows
from store.films import all_films, all_topics, find_film, search_films, upsert_films

app = typer.Typer(no_args_is_help=True, help="Films: the catalogue that stories are tagged from.")
topics_app = typer.Typer(no_args_is_help=True, help="Topics: the vocabulary of production news.")


@app.command("list")
def list_films(
    *,
    search: Annotated[str, typer.Option("--search", "-s", help="Only films whose title or alias holds this.")] = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List films of the catalogue by title."""
    with reading() as tx:
        films = search_films(tx, search, limit=limit) if search else all_films(tx)[:limit]
    columns = {
        "id": lambda f: f.film_id,
        "title": lambda f: f.title,
        "year": lambda f: f.year,
        "status": lambda f: f.status,
        "directors": lambda f: f.directors,
        "aliases": lambda f: [alias.title for alias in f.aliases],
    }
    show_rows(films, columns, as_json=as_json)


@app.command("show")
def show_film(film_id: Annotated[str, typer.Argument(help="The film's id.")], *, as_json: AsJson = False) -> None:
    """Show one film with aliases and people."""
    with reading() as tx:
        film = find_film(tx, FilmId(film_id))
    if film is None:
        raise CommandError(f"There is no film {film_id!r}; `setwire films list --search WORD` finds its id.")
    if as_json:
        show_json(film)
        return
    show_fields(
        [
            ("id", film.film_id),
            ("title", film.title),
            ("year", film.year),
            ("status", film.status),
            ("aliases", list(map(_say_alias, film.aliases))),
            ("directors", film.directors),
            ("cast", [f"{name} as {film.roles[name]}" if name in film.roles else name for name in film.cast]),
            ("franchise", film.franchise),
            ("studio", film.studio),
            *film.external_ids.items(),
        ]
    )


def _say_alias(alias: Alias) -> str:
    """`Low Tide (working-title, needs context, until 2026-03-01)`."""
    words = [
        str(alias.type),
        *(["needs context"] if alias.needs_context else []),
        *(f"{name} {day}" for name, day in (("since", alias.since), ("until", alias.until)) if day),
    ]
    return f"{alias.title} ({', '.join(words)})"


@app.command("import")
def import_films(
    path: Annotated[Path, typer.Argument(help="TOML, JSONL, JSONL.gz or CSV; ids already known are replaced.")],
) -> None:
    """Add or replace films from a file, all or none; a running service takes them up with its next batch."""
    film_count = sum(1 for _ in _read(path, "Checking"))
    with writing() as tx:
        count = upsert_films(tx, _read(path, "Importing"), now=datetime.now(UTC))
    same = film_count - count
    console.print(f"{count} films imported from {path}" + (f"; {same} were there already" * bool(same)), markup=False)


def _read(path: Path, task: str) -> Iterator[Film]:
    with reading_progress(task, path.stat().st_size if path.is_file() else 0) as progress:
        yield from stream_films(path, progress=progress)


@app.command("export")
def export_films(
    path: Annotated[Path, typer.Argument(help="The file to write: .toml, .jsonl, .jsonl.gz or .csv.")],
) -> None:
    """Write the catalogue, with what syncs have added, to a file that `films import` reads."""
    with reading() as tx:
        films = all_films(tx)
    try:
        count = write_films(path, films)
    except ValueError as error:
        raise CommandError(f"Nothing was written: {error}; name the file so.") from error
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}); name a file in a folder that is.") from error
    console.print(f"{count} films written to {path}", markup=False)


@topics_app.command("list")
def list_topics(*, as_json: AsJson = False) -> None:
    """List the topics with their definitions."""
    with reading() as tx:
        topics = all_topics(tx)
    columns = {"slug": lambda t: t.slug, "name": lambda t: t.name, "definition": lambda t: t.definition}
    show_rows(topics, columns, as_json=as_json)
