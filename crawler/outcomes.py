"""Judges answers and failures of a fetch: the outcome, the sentence for the status page, and what to come back with."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from core.values import FetchOutcome, Pace, Validators
from crawler.errors import BrowserError
from crawler.fetch import (
    BodyError,
    DeadlineError,
    FetchError,
    RedirectError,
    RefusedError,
    Response,
    RobotsDisallowedError,
    TooLargeError,
    UnreachableError,
)

Verdict = tuple[FetchOutcome, str]

_OUTCOMES: Mapping[type[FetchError], FetchOutcome] = {
    RefusedError: FetchOutcome.REFUSED,
    RobotsDisallowedError: FetchOutcome.BLOCKED,
    UnreachableError: FetchOutcome.UNREACHABLE,
    DeadlineError: FetchOutcome.TIMEOUT,
    TooLargeError: FetchOutcome.TOO_LARGE,
    RedirectError: FetchOutcome.HTTP_ERROR,
    BodyError: FetchOutcome.HTTP_ERROR,
    BrowserError: FetchOutcome.CRAWL_FAILED,
}
_NEXT_STEPS: Mapping[FetchOutcome, str] = {
    FetchOutcome.REFUSED: "check the source's URL",
    FetchOutcome.UNREACHABLE: "it is tried again later",
    FetchOutcome.TIMEOUT: "it is tried again later",
    FetchOutcome.CRAWL_FAILED: "it is tried again later",
    FetchOutcome.TOO_LARGE: "raise the size cap if the source is honest",
    FetchOutcome.BLOCKED: "ask the publisher for leave, or remove the source",
}
_BLOCKED_STATUSES: Mapping[int, str] = {
    401: "asks for a login",
    403: "forbids us this address",
    407: "asks for a proxy login",
    429: "says we ask too often",
    451: "withholds this address for legal reasons",
}
_HEALTHY_STATUSES = frozenset((200, 203, 226))
# What the pages say that stand between a robot and the content; the first words stand on no honest page.
_CHALLENGE = (
    b"<title>just a moment",
    b"<title>attention required",
    b"checking your browser before",
    b"enable javascript and cookies to continue",
    b"captcha-delivery.com",
)
# These also ride along on honest pages (comment forms, background checks), so they count beside an error only.
_CHALLENGE_BESIDE_ERROR = (
    b"cf-chl-",
    b"/cdn-cgi/challenge-platform",
    b"px-captcha",
    b"_incapsula_resource",
    b"ddos-guard",
    b"g-recaptcha",
    b"h-captcha",
)
_CHALLENGE_BYTES = 64 * 1024
_HTML_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)
# Whatever a server says, a source is looked at again within a year; it also keeps timedelta from overflowing.
_LONGEST = timedelta(days=365)
# Fractions and a second header are no HTTP (RFC 9110 10.2.3), and yet plain wishes to be left alone.
_SECONDS = re.compile(r"(\d{1,30})(?:\.\d+)?\s*s?\s*(?:,.*)?")
_DIGITS = re.compile(r"\d{1,12}")
_NO_PACE = Pace()


def judge_error(error: FetchError) -> Verdict:
    """Turn a failed fetch into its outcome and one sentence: what, where, what next."""
    outcome = _OUTCOMES[type(error)]
    next_step = _NEXT_STEPS.get(outcome, "check the address with the publisher")
    return outcome, f"{error}; {next_step}"


def judge_response(response: Response, *, is_conditional: bool) -> Verdict | None:
    """Give the outcome of an answer that brings no new document, None when its body is to be read.

    A 304 is healthy only when we asked conditionally: some servers answer 304 to everybody.
    """
    status, url = response.status, response.final_url
    if status == 304 and is_conditional:
        return FetchOutcome.NOT_MODIFIED, ""
    if status == 304:
        return FetchOutcome.HTTP_ERROR, f"HTTP 304: {url} says “not modified” to a first question; it is asked afresh"
    if status == 410:
        return FetchOutcome.GONE, f"HTTP 410: {url} is gone for good; remove the source or find its new address"
    if is_challenge(response):
        said = "" if status in _HEALTHY_STATUSES else f"HTTP {status}: "
        return FetchOutcome.BLOCKED, f"{said}{url} answered with a challenge for browsers; ask the publisher for leave"
    if status in _BLOCKED_STATUSES:
        words = _BLOCKED_STATUSES[status]
        return FetchOutcome.BLOCKED, f"HTTP {status}: the server of {url} {words}; ask the publisher for leave"
    return None if status in _HEALTHY_STATUSES else (FetchOutcome.HTTP_ERROR, _http_error(status, url))


def _http_error(status: int, url: str) -> str:
    if status == 404:
        return f"HTTP 404: there is nothing at {url}; check the address on the publisher's site"
    if status >= 500:
        return f"HTTP {status}: the server of {url} is in trouble; it is tried again later"
    return f"HTTP {status}: {url} gave no document; check the address with the publisher"


def is_challenge(response: Response) -> bool:
    """Say whether the answer is a wall against robots, whatever its status."""
    if "challenge" in response.headers.get("cf-mitigated", ""):
        return True
    if len(response.body) > _CHALLENGE_BYTES or not is_html(response):
        return False
    signs = (*_CHALLENGE, *_CHALLENGE_BESIDE_ERROR) if response.status >= 400 else _CHALLENGE
    page = response.body.lower()
    return any(sign in page for sign in signs)


def is_html(response: Response) -> bool:
    return _HTML_START.match(response.body[:2048]) is not None


def next_validators(response: Response, known: Validators) -> Validators:
    """Give the validators for the next question, byte-exact.

    A new document brings its own and voids the old ones; a 304 replaces only what it repeats (RFC 9111 4.3.4).
    """
    etag, last_modified = response.headers.get("etag") or None, response.headers.get("last-modified") or None
    if response.status != 304:
        return Validators(etag=etag, last_modified=last_modified)
    if etag in (None, known.etag) and last_modified in (None, known.last_modified):
        return known
    return Validators(etag=etag or known.etag, last_modified=last_modified or known.last_modified)


def read_pace(response: Response, *, now: datetime) -> Pace:
    """Read Retry-After, Cache-Control and Expires; what cannot be read is None, no figure is negative."""
    headers = response.headers
    control, expires, retry_after = (headers.get(name) for name in ("cache-control", "expires", "retry-after"))
    if not (control or expires or retry_after):
        return _NO_PACE
    sent_at = _parse_http_date(headers.get("date")) or now
    return Pace(
        max_age=_read_max_age(control, headers.get("age")) or _read_expires(expires, control, sent_at),
        retry_after=_read_retry_after(retry_after, sent_at),
    )


def _read_retry_after(value: str, sent_at: datetime) -> timedelta | None:
    if found := _SECONDS.fullmatch(value.strip()):
        return _seconds(found[1])
    moment = _parse_http_date(value)
    return _within_reason(moment - sent_at) if moment else None


def _read_max_age(cache_control: str, age: str) -> timedelta | None:
    found = re.search(r"(?:^|[\s,;])max-age\s*=\s*\"?(\d{1,12})", cache_control, re.IGNORECASE)
    if found is None or _forbids_storing(cache_control):
        return None
    spent = _seconds(age.strip()) if _DIGITS.fullmatch(age.strip()) else timedelta(0)
    return _within_reason(_seconds(found.group(1)) - spent)


def _read_expires(value: str, cache_control: str, sent_at: datetime) -> timedelta | None:
    moment = _parse_http_date(value)
    if moment is None or "max-age" in cache_control.lower() or _forbids_storing(cache_control):
        return None
    return _within_reason(moment - sent_at) or None


def _forbids_storing(cache_control: str) -> bool:
    return re.search(r"\bno-(?:cache|store)\b", cache_control, re.IGNORECASE) is not None


def _seconds(digits: str) -> timedelta:
    return timedelta(seconds=min(int(digits), _LONGEST.total_seconds()))


def _within_reason(span: timedelta) -> timedelta:
    return min(max(span, timedelta(0)), _LONGEST)


def _parse_http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
