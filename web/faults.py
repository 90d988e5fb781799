"""What a reader or a program gets when something is wrong: one clear sentence, as a page or, below /api, as JSON."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from store.engine import StoreError
from web.gate import Refusal
from web.headers import SAFE_HEADERS
from web.site import Site

SENTENCES = {
    400: "This address holds a value we cannot read.",
    404: "There is no such page here, or its story has been cleared away.",
    405: "This address only answers to GET and HEAD, or to the methods that docs/api.md names.",
    500: "Something went wrong on our side; the log of the service says what.",
    503: "The database is busy or does not answer; please try again in a few seconds.",
}
JSON_PATHS = ("/api/", "/healthz", "/openapi.json")


def answer_faults(app: FastAPI, site: Site) -> None:
    """Register the handlers. The sentence of an `HTTPException` is shown if we wrote one, else ours for its status."""

    def answer(request: Request, status: int, sentence: str = "", **more: Any) -> Response:
        sentence = sentence or SENTENCES.get(status, HTTPStatus(status).phrase)
        if request.url.path.startswith(JSON_PATHS):
            return JSONResponse({"error": sentence, **more}, status_code=status, headers=SAFE_HEADERS)
        title = HTTPStatus(status).phrase
        page = site.render("error.html", status=status, title=title, sentence=sentence)
        page.headers.update(SAFE_HEADERS)
        return page

    def answer_http(request: Request, fault: HTTPException) -> Response:
        is_ours = fault.detail != HTTPStatus(fault.status_code).phrase
        more = fault.more if isinstance(fault, Refusal) else {}
        response = answer(request, fault.status_code, fault.detail if is_ours else "", **more)
        response.headers.update(fault.headers or {})
        return response

    def answer_unreadable(request: Request, fault: RequestValidationError) -> Response:
        return answer(request, 400, "; ".join(map(_say_mistake, fault.errors())) + ".")

    def answer_store(request: Request, _fault: StoreError) -> Response:
        response = answer(request, 503)
        response.headers["retry-after"] = "5"
        return response

    def answer_bug(request: Request, _fault: Exception) -> Response:
        return answer(request, 500)

    app.add_exception_handler(HTTPException, answer_http)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, answer_unreadable)  # type: ignore[arg-type]
    app.add_exception_handler(StoreError, answer_store)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, answer_bug)


def _say_mistake(mistake: dict[str, object]) -> str:
    """Name one parameter and what is wrong with it; never repeats the reader's input."""
    place = mistake["loc"]
    name = place[-1] if isinstance(place, tuple) else place
    return f"{name}: {mistake['msg']}"
