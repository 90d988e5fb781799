"""Lets the operator in by the token, and reads the forms of the pages; decides nothing on news.

The pages ask for the token in each form, so that no other site can make a browser send it.
"""

import hmac
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse

from web.answers import FaultAnswer
from web.limits import Allowance
from web.site import Site

MAX_ID = 2**63 - 1
_MAX_FORM_BYTES = 8_192
_MAX_FIELDS = 300
_CLOSED = "Nobody may change anything here: the operator has set no SETWIRE_OPERATOR_TOKEN."
_REFUSED = "That is not the operator's token; it is the value of SETWIRE_OPERATOR_TOKEN."
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": FaultAnswer, "description": "A field cannot be read."},
    403: {"model": FaultAnswer, "description": "Not the operator's token."},
    429: {"model": FaultAnswer, "description": "Too many tokens were tried."},
    503: {"model": FaultAnswer, "description": "The database is busy; try again after `Retry-After` seconds."},
}
UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": FaultAnswer, "description": "There is no such thing."}}
CLASHES: dict[int | str, dict[str, Any]] = {409: {"model": FaultAnswer, "description": "As it stands it cannot be."}}
NOT_KEPT = {"cache-control": "no-store", "x-robots-tag": "noindex"}

Authorization = Annotated[str, Header(description="`Bearer` and the operator's token.")]
Number = Annotated[int, Path(ge=1, le=MAX_ID)]
After = Annotated[str, Query(max_length=200, description="Only ids that sort behind this one.")]
Limit = Annotated[int, Query(ge=1, le=100, description="How many at most.")]
Name = TypeVar("Name", bound=str)


class Refusal(HTTPException):
    """What was asked for cannot be: a status, a sentence, and more fields of the JSON answer."""

    def __init__(self, status: int, sentence: str, **more: Any) -> None:
        super().__init__(status, sentence)
        self.more: Mapping[str, Any] = more


class Gate:
    """Lets the operator in, by the token, and nobody guess it: twenty tries in ten minutes."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tries = Allowance(most=20, per=timedelta(minutes=10))

    def check(self, token: str, client: str) -> None:
        """Raise HTTPException unless the token is the operator's."""
        expected = self._site.settings.operator_token.get_secret_value()
        if not expected:
            raise HTTPException(403, _CLOSED)
        if hmac.compare_digest(token.encode(), expected.encode()):
            return
        if not self._tries.take(client, now=self._site.now()):
            raise HTTPException(429, "That was tried too often; please wait ten minutes.", {"retry-after": "600"})
        raise HTTPException(403, _REFUSED)

    def check_bearer(self, request: Request, authorization: Authorization = "") -> None:
        """Raise HTTPException unless the request brings the operator's token."""
        self.check(authorization.removeprefix("Bearer ").strip(), _client(request))

    def api_router(self) -> APIRouter:
        """Make a router below /api/v1 whose every address wants the token."""
        return APIRouter(
            prefix="/api/v1", tags=["operator"], dependencies=[Depends(self.check_bearer)], responses=REFUSALS
        )

    async def read_form(self, request: Request) -> "Form":
        """Read a form that brought the token. Raises HTTPException."""
        form = await _read_form(request)
        self.check(form.text("token"), _client(request))
        return form


class Form:
    """The fields of a form, each with all its values."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")

    def texts(self, name: str) -> list[str]:
        return [value.strip() for value in self._fields.get(name, ())]

    def number(self, name: str) -> int | None:
        """Read a whole number from 1 on; None for anything else."""
        return next(iter(self.numbers(name)), None)

    def numbers(self, name: str) -> list[int]:
        """Read the whole numbers from 1 on; what is none is left out."""
        words = (word for word in self.texts(name) if word.isascii() and word.isdigit() and len(word) < 19)
        return [number for number in map(int, words) if number]


def cut_page(names: Sequence[Name], *, after: str, limit: int) -> tuple[Sequence[Name], str]:
    """Cut the page behind `after` out of sorted ids; with the query that asks for the next one, empty on the last."""
    first = bisect_right(names, after) if after else 0
    chosen = names[first : first + limit]
    more = first + limit < len(names)
    return chosen, urlencode({"after": chosen[-1], "limit": limit}) if more else ""


def say_done(site: Site, sentence: str, *, back: str = "") -> HTMLResponse:
    """Say in a page what was done; `back` is a path below the root."""
    return site.render("link.html", title="Thank you", sentence=sentence, button="", back=back)


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


async def _read_form(request: Request) -> Form:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM_BYTES:
            raise HTTPException(413, "That is too long for a form of ours.")
    try:
        return Form(parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise HTTPException(400, "That is no form of ours.") from None
