"""The `setwire` command: the composition root. Each command reads the settings, builds what it needs and runs it."""

import asyncio
import logging
import os
import sys
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.logging import RichHandler

from config.check import check_all
from config.settings import ConfigError, Settings, load_settings
from crawler.errors import FetchError
from crawler.fetch import Gateway
from scheduler.backtest import ArchiveError
from scheduler.commands import deliveries, feedback, films, review, sources, stories, subscriptions
from scheduler.commands.backtest import backtest
from scheduler.commands.options import AsJson, CommandError
from scheduler.demo import run_demo
from scheduler.output import console, errors, in_words, show_json
from scheduler.service import ServiceError, fetch_settings, prepare_store, serve
from store.engine import StoreError, backup, migrate, restore

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A newswire for films in the making: gathers production news, tells each story once.",
)
app.add_typer(sources.app, name="sources")
app.add_typer(films.app, name="films")
app.add_typer(films.topics_app, name="topics")
app.add_typer(subscriptions.app, name="subscriptions")
app.add_typer(stories.app, name="stories")
app.add_typer(feedback.app, name="feedback")
app.add_typer(review.app, name="review")
app.add_typer(deliveries.app, name="deliveries")


class Terminal:
    """Tells the operator's terminal, one line each, what the service does."""

    def started(self, settings: Settings, url: str, *, sources: int, films: int) -> None:
        console.print(f"setwire {version('setwire')} on {url}", style="bold", markup=False)
        console.print(f"  {sources} sources, {films} films; data in {settings.data_dir.resolve()}", markup=False)
        if settings.smtp_host:
            console.print(f"  mails go out by {settings.smtp_host}:{settings.smtp_port}", markup=False)
        else:
            console.print(f"  no SMTP server set: mails land in {settings.mail_dir.resolve()}", markup=False)
        console.print("  stop with Ctrl-C")

    def first_round(self, *, answered: int, sources: int, next_try_at: datetime) -> None:
        if answered == sources:
            console.print(f"all {sources} sources answered")
        elif answered:
            console.print(f"{answered} of {sources} sources answered; /status says what keeps the others")
        else:
            console.print(
                f"None of the {sources} sources can be reached (no network?); next try at "
                f"{in_words(next_try_at)}. To see setwire work without a network: make demo"
            )

    def stopped(self) -> None:
        console.print("setwire stopped; nothing is lost, what is owed goes on at the next start")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if show_version:
        console.print(f"setwire {version('setwire')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        console.print(context.get_help(), markup=False)


@app.command("run")
def run(
    *,
    host: Annotated[str | None, typer.Option(help="Address the pages listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port the pages listen on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of everything the service keeps.")] = None,
) -> None:
    """Run the service: clock, workers and web pages in one process."""
    settings = load_settings(host=host, port=port, data_dir=data_dir)
    _log_to_terminal(settings.log_level)
    asyncio.run(serve(settings, Terminal()))


@app.command("demo")
def demo(
    *,
    port: Annotated[int, typer.Option(help="Port of the page; 0 takes any free one.")] = 8080,
    leave: Annotated[
        bool, typer.Option("--leave", help="Stop once all is told instead of leaving the page open.")
    ] = False,
) -> None:
    """Show the whole line on invented publishers, on this machine only."""
    _log_to_terminal("error")
    asyncio.run(run_demo(port=port, leave=leave))


@app.command("check")
def check(*, as_json: AsJson = False) -> None:
    """Validate all configuration: settings, sources, films, topics, subscriptions."""
    try:
        settings = load_settings()
        problems = list(check_all(settings))
    except ConfigError as error:
        problems = list(error.problems)
    if as_json:
        show_json(problems)
    else:
        for problem in problems:
            errors.print(f"setwire: {problem}", markup=False)
        if not problems:
            console.print("the configuration is fine")
    if problems:
        raise typer.Exit(1)


@app.command("migrate")
def migrate_store() -> None:
    """Bring the database schema up to date and take over the configuration files; `run` does both too."""
    settings = load_settings()
    applied = migrate(settings.database_url)
    prepare_store(settings).close()
    console.print("\n".join(f"applied {name}" for name in applied) or "the schema is up to date", markup=False)


@app.command("backup")
def backup_store(path: Annotated[Path, typer.Argument(help="File to write; the same for both databases.")]) -> None:
    """Write everything into one file while the service runs on."""
    backup(load_settings().database_url, path)
    console.print(f"backup written to {path} ({path.stat().st_size / 1e6:.1f} MB)", markup=False)


@app.command("restore")
def restore_store(
    path: Annotated[Path, typer.Argument(help="A file written by `setwire backup`.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace what the database holds.")] = False,
) -> None:
    """Fill the database from a backup. Stop the service first."""
    settings = load_settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    restore(path, settings.database_url, force=force)
    console.print(f"restored from {path}", markup=False)


@app.command("healthcheck")
def healthcheck(
    *,
    url: Annotated[str, typer.Option(help="Address of the service; default: the one the settings name.")] = "",
) -> None:
    """Ask the running service whether it is well; exit 1 if not."""
    settings = load_settings()
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 a comparison
    status, body = asyncio.run(_ask(f"{url.rstrip('/') or f'http://{host}:{settings.port}'}/healthz", settings))
    if status != 200:
        raise CommandError(f"The service is not well ({status}): {body.strip()}")
    console.print(body.strip(), markup=False)


app.command("backtest")(backtest)


async def _ask(url: str, settings: Settings) -> tuple[int, str]:
    allowed = fetch_settings(settings).allow_private_hosts | {str(urlsplit(url).hostname)}
    try:
        async with Gateway(settings=replace(fetch_settings(settings), allow_private_hosts=allowed)) as gateway:
            response = await gateway.get(url)
    except FetchError as error:
        raise CommandError(f"The service does not answer: {error}") from error
    return response.status, response.body.decode("utf-8", "replace")


def _log_to_terminal(level: str) -> None:
    """Log to stderr: coloured on a terminal, plain lines with the time elsewhere."""
    handler: logging.Handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if sys.stderr.isatty():
        handler = RichHandler(console=errors, show_path=False)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("apscheduler", "alembic", "asyncio", "uvicorn", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def main() -> None:
    """Run the command; whatever a person can cause ends in one sentence and a non-zero exit."""
    try:
        app()
    except (ConfigError, StoreError, ServiceError, CommandError, ArchiveError) as error:
        for line in str(error).splitlines():
            errors.print(f"setwire: {line}", markup=False)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
