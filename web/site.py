"""What every page and endpoint is handed: the store, the settings, the clock, and the templates."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config.settings import Settings
from store.engine import Store
from web import words
from web.filters import StoryFilter

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`heartbeat` returns the seconds since the clock last ticked; None where no clock runs in this process."""

    store: Store
    settings: Settings
    now: Callable[[], datetime]
    heartbeat: Callable[[], float] | None = None

    @property
    def has_operator(self) -> bool:
        """Whether anybody may change anything here: with the operator's token."""
        return bool(self.settings.operator_token.get_secret_value())

    @property
    def root(self) -> str:
        """The path below which people reach the pages, without a slash at its end; empty without a proxy's prefix."""
        return urlsplit(self.settings.base_url).path.rstrip("/")

    def render(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Fill a template. Every page may use `now`, `root` and `link(filter, **changes)`."""

        def link(stories: StoryFilter, **changes: Any) -> str:
            return f"{self.root}/{stories.change(**changes).query()}"

        shared = {"now": self.now(), "root": self.root, "link": link, "here": ""}
        text = _environment().get_template(template).render(shared | context)
        return HTMLResponse(text, status_code=status)


@cache
def _environment() -> Environment:
    """Build the template environment: everything escaped, an unknown name is an error, no blank lines left over."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        age=words.say_age,
        until=words.say_until,
        moment=words.say_moment,
        span=words.say_span,
        count=words.say_count,
        web_address=words.web_address,
        tiers=words.TIERS,
        edition=_edition(),
    )
    return environment


def _edition() -> str:
    """Name the state of our static files, so that a browser never shows a page with an old sheet."""
    content = b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()) if path.is_file())
    return hashlib.sha256(content).hexdigest()[:10]
