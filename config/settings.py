"""Every setting of the service: name, default, bounds, one line of what it does. Reads environment and `.env`."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config.durations import format_duration, format_size, parse_duration, parse_size
from config.problems import ConfigError, Problem

__all__ = ["ConfigError", "Problem", "SettingLine", "Settings", "describe_settings", "load_settings", "mask_password"]

PREFIX = "SETWIRE_"
_HERE = Path(__file__).parent
_ENV_FILE = ".env"
# Ours, but no settings of the service: test material, and switches of the test and bench suites.
_RESERVED = ("SETWIRE_SHARED", "SETWIRE_TEST_", "SETWIRE_BENCH_")


def _check_positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError("'0' is no duration here; write one above zero, such as 30s")
    return duration


def _check_url(url: str) -> str:
    """Accept an absolute http(s) address without query or fragment; drop the slash at its end."""
    parts = _split_url(url)
    if parts is None or parts.query or parts.fragment:
        raise ValueError(f"{mask_password(url)!r} is no web address; write one such as https://setwire.example.org")
    return url.rstrip("/")


def _check_proxy(url: str) -> str:
    parts = _split_url(url)
    if parts is None or parts.scheme != "http":
        raise ValueError(
            f"{mask_password(url)!r} is no address of an HTTP proxy; write one such as http://proxy.lan:3128"
        )
    return url


def _split_url(url: str) -> Any:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname and not re.search(r"\s", url) else None


def _check_database_url(url: str) -> str:
    if not re.match(r"(sqlite|postgresql)(\+\w+)?://", url):
        raise ValueError(
            f"{mask_password(url)!r} is no database address we know; "
            "write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
        )
    return url


def _check_address(address: str) -> str:
    try:
        parsed = Address(addr_spec=address)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{address!r} is no mail address; write one such as setwire@example.org") from error
    if not (parsed.username and parsed.domain) or re.search(r"\s", address):
        raise ValueError(f"{address!r} is no mail address; write one such as setwire@example.org")
    return address


def _check_optional_address(address: str) -> str:
    return address and _check_address(address)


def _split_list(value: object) -> object:
    if not isinstance(value, str):
        return value
    return frozenset(part.strip().lower() for part in value.split(",") if part.strip())


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(_check_positive)]
FilePath = Annotated[Path, AfterValidator(Path.expanduser)]
HttpUrl = Annotated[str, AfterValidator(_check_url)]
ProxyUrl = Annotated[str, AfterValidator(_check_proxy)]
Hosts = Annotated[frozenset[str], NoDecode, BeforeValidator(_split_list)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
Security = Annotated[Literal["starttls", "tls", "none"], BeforeValidator(_lower)]


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def _seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def _default_database_url(values: dict[str, Any]) -> str:
    return f"sqlite:///{values['data_dir'] / 'setwire.db'}"


def _default_base_url(values: dict[str, Any]) -> str:
    host = values["host"]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{reachable}:{values['port']}"


def _default_mail_dir(values: dict[str, Any]) -> Path:
    return Path(values["data_dir"]) / "mail"


class Settings(BaseSettings):
    """The settings, frozen. Those with a derived default (`database_url`, `base_url`, `mail_dir`) are never empty."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=_ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    data_dir: FilePath = Field(
        default=Path("setwire-data"),
        description="Folder of everything the service keeps: the database file and, without SMTP, the mails.",
    )
    database_url: Annotated[str, AfterValidator(_check_database_url)] = Field(
        default_factory=_default_database_url,
        description="Database address; empty means the SQLite file setwire.db in the data folder.",
    )
    database_url_file: FilePath | None = Field(
        default=None, description="File that holds the database address, for container secrets."
    )
    host: str = Field(default="127.0.0.1", description="Address the pages and the API listen on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port they listen on; 0 takes any free one.")
    base_url: HttpUrl = Field(
        default_factory=_default_base_url,
        description="Address people reach the service at, used in links; empty means derived from host and port.",
    )
    sources_file: FilePath = Field(
        default=_HERE / "sources.toml",
        description="The publishers and sources to read; empty means the shipped list.",
    )
    films_file: FilePath = Field(
        default=_HERE / "films.toml",
        description="The film catalogue (TOML, JSONL, JSONL.gz or CSV); empty means the shipped starter list.",
    )
    sync_tmdb: bool = Field(default=False, description="Keep the catalogue in step with TMDB; needs a key.")
    sync_wikidata: bool = Field(
        default=False, description="Keep the catalogue in step with Wikidata; needs SETWIRE_CONTACT_URL."
    )
    sync_interval: Duration = Field(default=_days(1), description="How often the catalogue is brought in step.")
    tmdb_key: SecretStr = Field(
        default=SecretStr(""), description="API key or read access token of your TMDB account; never shown."
    )
    tmdb_key_file: FilePath | None = Field(
        default=None, description="File that holds the TMDB key, for container secrets."
    )
    tmdb_url: HttpUrl = Field(default="https://api.themoviedb.org/3", description="Where TMDB's interface is.")
    wikidata_url: HttpUrl = Field(
        default="https://query.wikidata.org/sparql", description="Where Wikidata's query service is."
    )
    topics_file: FilePath = Field(
        default=_HERE / "topics.toml", description="The topic vocabulary; empty means the shipped one."
    )
    subscriptions_file: FilePath | None = Field(
        default=None, description="Endpoints and subscriptions to bring in at start; empty means none."
    )
    contact_url: HttpUrl | Literal[""] = Field(
        default="", description="A page about you that publishers can turn to; it goes into the User-Agent."
    )
    min_interval: Duration = Field(
        default=_minutes(5), description="No source is asked more often than this, whatever it or we say."
    )
    default_interval: Duration = Field(
        default=_minutes(30), description="How often a source is asked that says nothing about it."
    )
    tick: Duration = Field(default=_seconds(1), description="How often the clock looks for work that is due.")
    fetch_deadline: Duration = Field(
        default=_seconds(30), description="Longest time one request may take, redirects and body included."
    )
    fetch_max_bytes: Annotated[int, BeforeValidator(parse_size)] = Field(
        default=10 * 2**20,
        ge=1024,
        le=2**30,
        description="Largest body accepted, counted after decompression.",
    )
    fetch_concurrency: int = Field(default=32, ge=1, le=1000, description="Requests under way at once, all hosts.")
    fetch_per_host: int = Field(default=1, ge=1, le=10, description="Requests under way at once to one host.")
    crawl_deadline: Duration = Field(
        default=_seconds(120),
        description="Longest time one crawl of a listing, sitemap or batch of pages may take.",
    )
    allow_private_hosts: Hosts = Field(
        default=frozenset(),
        description="Hosts in private networks that may be read or told all the same, separated by commas.",
    )
    browser: str = Field(
        default="",
        description="Chromium for listings made by script (setwire[javascript]); empty means Playwright's own.",
    )
    proxy: ProxyUrl | Literal[""] = Field(default="", description="HTTP proxy for reading sources; empty means none.")
    story_window: Duration = Field(default=_days(5), description="How far back an article can join a story.")
    max_alert_age: Duration = Field(
        default=_days(7), description="An article older than this when it is found alerts nobody."
    )
    text_patience: Duration = Field(
        default=_minutes(2), description="How long an entry waits for its page before it is edited without."
    )
    webhook_allow_http: bool = Field(
        default=False,
        description="Accept webhook addresses without TLS (http://); for tests and inner networks.",
    )
    webhook_deadline: Duration = Field(default=_seconds(15), description="Longest time one webhook call may take.")
    delivery_concurrency: int = Field(default=16, ge=1, le=1000, description="Deliveries under way at once.")
    delivery_lease: Duration = Field(
        default=_seconds(60), description="After this long without a result a delivery is taken up again."
    )
    smtp_host: str = Field(
        default="", description="Mail server; empty means mails are written as .eml files to the mail folder."
    )
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Its port: 587 for starttls, 465 for tls.")
    smtp_user: str = Field(default="", description="Name to log in with; empty means no login.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password to log in with; never shown.")
    smtp_password_file: FilePath | None = Field(
        default=None, description="File that holds the password, for container secrets."
    )
    smtp_security: Security = Field(
        default="starttls", description="How the mail connection is secured: starttls, tls or none."
    )
    mail_from: Annotated[str, AfterValidator(_check_address)] = Field(
        default="setwire@localhost", description="Sender address of the mails."
    )
    operator_token: SecretStr = Field(
        default=SecretStr(""),
        description="Token by which pages and API take what only the operator may do; empty: the command line only.",
    )
    operator_mail: Annotated[str, AfterValidator(_check_optional_address)] = Field(
        default="",
        description=(
            "Mail address told when a source breaks or falls silent, or an endpoint is disabled; empty means nobody."
        ),
    )
    mail_dir: FilePath = Field(
        default_factory=_default_mail_dir,
        description="Folder for mails when no mail server is set; empty means mail in the data folder.",
    )
    retention_entries: Duration = Field(default=_days(30), description="How long entries are kept once edited.")
    retention_articles: Duration = Field(default=_days(365), description="How long articles and stories are kept.")
    retention_fetches: Duration = Field(default=_days(30), description="How long the record of fetches is kept.")
    retention_deliveries: Duration = Field(
        default=_days(180), description="How long deliveries are kept that are over, delivered or not."
    )
    retention_attempts: Duration = Field(
        default=_days(90), description="How long the answers of endpoints are kept, attempt by attempt."
    )
    log_level: LogLevel = Field(default="info", description="How much is logged: debug, info, warning or error.")

    @property
    def shared_dir(self) -> Path:
        """Where processes leave word for each other about hosts: turns, rests, what robots.txt said."""
        return (self.data_dir / "services").absolute()  # crawls run in another working directory

    @property
    def user_agent(self) -> str:
        """Say who asks, and where publishers can complain when a contact is set."""
        contact = f" (+{self.contact_url})" if self.contact_url else ""
        return f"setwire/{version('setwire')}{contact}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingLine:
    """One setting as the documents show it."""

    variable: str
    default: str
    description: str


def describe_settings() -> list[SettingLine]:
    """List every setting in order with its default as one would write it; `derived` where it follows from others."""
    return [
        SettingLine(
            variable=_variable(name),
            default="derived" if field.default_factory else _write_default(name, field.default),
            description=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _write_default(name: str, default: object) -> str:
    match default:
        case bool():
            return str(default).lower()
        case timedelta():
            return format_duration(default)
        case int() if name.endswith("_bytes"):
            return format_size(default)
        case Path():
            return "shipped" if default.is_relative_to(_HERE) else str(default)
        case SecretStr() | frozenset() | None | "":
            return "empty"
        case _:
            return str(default)


def mask_password(url: str) -> str:
    """Replace the password of a database or proxy address by stars; anything else stays as it is."""
    return re.sub(r"(://[^:/@\s]*):.*@", r"\1:***@", url)


def load_settings(*, env_file: Path | None = Path(_ENV_FILE), **overrides: object) -> Settings:
    """Read the settings: `overrides` win over `SETWIRE_…` variables, these over `env_file`; None overrides nothing.

    Raises ConfigError with one sentence for every wrong setting, unknown variable or combination.
    """
    given = _given_variables(env_file)
    problems = list(_find_unknown(given))
    options: dict[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    options["_env_file"] = env_file
    try:
        settings = _read_secret_files(Settings(**options))
    except ValidationError as error:
        raise ConfigError([*problems, *_explain(error.errors())]) from None
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    problems.extend(_find_disagreements(settings))
    if problems:
        raise ConfigError(problems)
    return settings


def _given_variables(env_file: Path | None) -> Mapping[str, str]:
    """Return every `SETWIRE_…` variable that is set, with where it was set."""
    names = dict.fromkeys(os.environ, "environment")
    if env_file and env_file.is_file():
        names = dict.fromkeys(_read_env_names(env_file), str(env_file)) | names
    return {name: where for name, where in names.items() if name.upper().startswith(PREFIX)}


def _read_env_names(env_file: Path) -> Iterable[str]:
    try:
        return tuple(dotenv_values(env_file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [
                Problem(
                    file=str(env_file),
                    says=f"cannot be read ({error}); make it readable UTF-8 text or remove it",
                )
            ]
        ) from None


def _find_unknown(given: Mapping[str, str]) -> Iterator[Problem]:
    known = [f"{PREFIX}{name}".upper() for name in Settings.model_fields]
    for name, where in given.items():
        if name.upper() in known or name.upper().startswith(_RESERVED):
            continue
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
        advice = f"did you mean {near[0]}?" if near else "remove it; docs/operations.md lists the settings"
        yield Problem(file=where, key=name, says=f"there is no such setting; {advice}")


def _read_secret_files(settings: Settings) -> Settings:
    """Fill `x` from the file named by `x_file`. Raises ConfigError when both are set or the file cannot be read."""
    update: dict[str, object] = {}
    for name in ("database_url", "smtp_password", "tmdb_key"):
        path: Path | None = getattr(settings, f"{name}_file")
        if path is None:
            continue
        if name in settings.model_fields_set:
            raise ConfigError([_setting_problem(f"{name}_file", f"{_variable(name)} is set too; keep only one")])
        update[name] = _read_secret(f"{name}_file", path)
    if not update:
        return settings
    secrets = settings.model_dump(include=settings.model_fields_set) | update
    return Settings.model_validate(secrets)


def _read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise ConfigError(
            [_setting_problem(name, f"{str(path)!r} cannot be read ({reason}); name a readable file")]
        ) from None


def _find_disagreements(settings: Settings) -> Iterator[Problem]:
    """Find settings that are right alone and wrong together."""
    has_password = bool(settings.smtp_password.get_secret_value())
    if settings.smtp_user and not settings.smtp_host:
        yield _setting_problem("smtp_user", "is set without a mail server; set SETWIRE_SMTP_HOST or remove it")
    if settings.smtp_user and not has_password:
        yield _setting_problem("smtp_user", "is set without a password; set SETWIRE_SMTP_PASSWORD or its _FILE")
    if has_password and not settings.smtp_user:
        yield _setting_problem("smtp_password", "is set without a name; set SETWIRE_SMTP_USER or remove it")
    if has_password and settings.smtp_security == "none":
        yield _setting_problem(
            "smtp_security", "'none' would send the password in the clear; use starttls or tls, or no login"
        )
    if settings.smtp_security == "starttls" and settings.smtp_port == 465:
        yield _setting_problem("smtp_port", "465 speaks TLS from the start; set SETWIRE_SMTP_SECURITY=tls or port 587")
    yield from _find_sync_disagreements(settings)
    if settings.default_interval < settings.min_interval:
        yield _setting_problem(
            "default_interval", "is shorter than SETWIRE_MIN_INTERVAL; raise the one or lower the other"
        )
    if settings.delivery_lease <= settings.webhook_deadline:
        yield _setting_problem(
            "delivery_lease",
            "must be longer than SETWIRE_WEBHOOK_DEADLINE, or a slow call is made twice; raise it",
        )


def _find_sync_disagreements(settings: Settings) -> Iterator[Problem]:
    if settings.sync_tmdb and not settings.tmdb_key.get_secret_value():
        yield _setting_problem("sync_tmdb", "is set without a key; set SETWIRE_TMDB_KEY or its _FILE")
    if settings.sync_wikidata and not settings.contact_url:
        yield _setting_problem("sync_wikidata", "is set without an address to complain to; set SETWIRE_CONTACT_URL")
    if settings.sync_interval < timedelta(hours=1):
        yield _setting_problem("sync_interval", "is shorter than an hour, which no catalogue is worth; raise it")


def _variable(name: str) -> str:
    return f"{PREFIX}{name}".upper()


def _setting_problem(name: str, says: str) -> Problem:
    return Problem(file="environment", key=_variable(name), says=says)


# pydantic's error types as our remedies; {placeholders} are pydantic's context.
_REMEDIES = {
    "int_parsing": "is no whole number; write one such as 8",
    "int_from_float": "is no whole number; write one such as 8",
    "bool_parsing": "is neither true nor false; write one of them",
    "greater_than_equal": "is too small; write {ge} or more",
    "less_than_equal": "is too large; write {le} or less",
    "literal_error": "is not known; write one of {expected}",
}


def _explain(errors: Iterable[ErrorDetails]) -> Iterator[Problem]:
    """Turn pydantic's errors into sentences: the first of each setting, none that only follows from another."""
    seen: set[str] = set()
    for error in errors:
        name = str(error["loc"][0]) if error["loc"] else ""
        if name in seen or error["type"] == "default_factory_not_called":
            continue
        seen.add(name)
        yield _setting_problem(name, _explain_one(name, error))


def _explain_one(name: str, error: ErrorDetails) -> str:
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    remedy = _REMEDIES.get(error["type"], f"cannot be used ({error['msg']})").format_map(error.get("ctx", {}))
    return f"{_show(name, error['input'])} {remedy}"


def _show(name: str, value: object) -> str:
    field = Settings.model_fields.get(name)
    is_secret = field is not None and SecretStr in (field.annotation, *get_args(field.annotation))
    return "the value" if is_secret else repr(value)
