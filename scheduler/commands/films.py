"""`setwire films`: the catalogue that stories are tagged from."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.films import load_films, make_film_id
from core.values import Film, FilmId
from scheduler.commands.options import AsJson, CommandError, Limit, reading, writing
from scheduler.output import console, show_fields, show_json, show_rows
from store.films import all_films, all_topics, find_film, search_films, upsert_films
from store.suggestions import (
    SuggestionError,
    accept_suggestion,
    dismiss_suggestion,
    find_suggestion,
    open_suggestions,
)

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
            ("aliases", [f"{a.title} ({a.type})" for a in film.aliases]),
            ("directors", film.directors),
            ("cast", film.cast),
            ("franchise", film.franchise),
            ("studio", film.studio),
            *film.external_ids.items(),
        ]
    )


@app.command("suggestions")
def list_suggestions(*, limit: Limit = 30, as_json: AsJson = False) -> None:
    """List titles that keep appearing as films and are in no catalogue, the best attested first."""
    with reading() as tx:
        found = open_suggestions(tx, limit=limit)
    columns = {
        "id": lambda s: s.suggestion_id,
        "title": lambda s: s.title,
        "year": lambda s: s.year,
        "articles": lambda s: s.article_count,
        "days": lambda s: len(s.days),
        "outlets": lambda s: s.outlets,
        "people": lambda s: s.people,
        "last sentence": lambda s: s.sightings[-1]["sentence"],
    }
    show_rows(found, columns, as_json=as_json)


@app.command("accept")
def accept(
    suggestion_id: Annotated[int, typer.Argument(metavar="SUGGESTION", min=1, help="The number in the list.")],
    *,
    title: Annotated[str, typer.Option(help="Its full title, if the suggested one is not.")] = "",
    year: Annotated[int | None, typer.Option(min=1880, max=2100, help="Its year, if known.")] = None,
) -> None:
    """Add a suggested film to the catalogue; a running service takes it up with its next batch."""
    try:
        with writing() as tx:
            name = title.strip() or find_suggestion(tx, suggestion_id).title
            film = Film(film_id=FilmId(make_film_id(name, year)), title=name, year=year)
            accept_suggestion(tx, suggestion_id, film, now=datetime.now(UTC))
    except SuggestionError as error:
        raise CommandError(str(error)) from error
    console.print(f"film {film.film_id} is in the catalogue; `setwire films import` adds its people", markup=False)


@app.command("dismiss")
def dismiss(
    suggestion_id: Annotated[int, typer.Argument(metavar="SUGGESTION", min=1, help="The number in the list.")],
) -> None:
    """Never suggest a title again."""
    try:
        with writing() as tx:
            dismiss_suggestion(tx, suggestion_id, now=datetime.now(UTC))
    except SuggestionError as error:
        raise CommandError(str(error)) from error
    console.print(f"suggestion {suggestion_id} is dismissed", markup=False)


@app.command("import")
def import_films(
    path: Annotated[Path, typer.Argument(help="TOML, JSONL, JSONL.gz or CSV; ids already known are replaced.")],
) -> None:
    """Add or replace films from a file; a running service takes them up with its next batch."""
    films = load_films(path)
    with writing() as tx:
        count = upsert_films(tx, films, now=datetime.now(UTC))
    console.print(f"{count} films imported from {path}", markup=False)


@topics_app.command("list")
def list_topics(*, as_json: AsJson = False) -> None:
    """List the topics with their definitions."""
    with reading() as tx:
        topics = all_topics(tx)
    columns = {"slug": lambda t: t.slug, "name": lambda t: t.name, "definition": lambda t: t.definition}
    show_rows(topics, columns, as_json=as_json)
