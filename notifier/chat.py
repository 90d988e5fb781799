"""Sends one delivery to a chat or push service through Apprise, an extra; when to try again is decided elsewhere.

Apprise speaks HTTP itself, with requests: no redirect is followed, and a host that an address names must be public or
allowed when it is looked up here. It is looked up again by Apprise, so only the operator adds such addresses.
"""

import asyncio
import importlib
import logging
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.addresses import is_public
from core.chat import ChatText, write_chat
from core.values import Delivered, Delivery, EndpointGone, GiveUp, Outcome, Retry
from core.webhooks import clean_line

_SENDERS = 8
_MAX_WORDS = 200
# What acts on this machine instead of telling a service, and mail, which is another kind of endpoint.
_REFUSED = frozenset(
    {"dbus", "file", "gio", "glib", "gnome", "kde", "macosx", "mailto", "mailtos", "qt", "syslog", "windows"}
)
_MISSING = "Chat needs an extra that is not installed: pip install --require-hashes -r requirements/chat.txt"
_STATUS = re.compile(r"error\s*=\s*(\d{3})")
# `Failed to send …` and `Unable to …` name the service; what follows a colon may quote its answer.
_LONG_WORD = re.compile(r"\S{25,}")
_NEXT_LOOK = timedelta(hours=1)


class ChatError(ValueError):
    """An address that cannot be told; one clause says why."""


class MissingExtraError(ChatError):
    """Apprise is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSettings:
    """How chats are told. `deadline` bounds the connection and each wait for an answer."""

    base_url: str
    deadline: timedelta = timedelta(seconds=15)
    allow_private_hosts: frozenset[str] = frozenset()


class ChatSender:
    """Tells chats in threads of its own, one message a delivery."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_SENDERS, thread_name_prefix="chat")

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:  # noqa: ARG002 the protocol's
        """Make one attempt. Never raises for what a service or a network does."""
        try:
            text = write_chat(delivery.payload, base_url=self._settings.base_url)
        except ValueError as error:
            return GiveUp(reason=f"The message cannot be written: {error}.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._tell, delivery, text)

    def _tell(self, delivery: Delivery, text: ChatText) -> Outcome:
        try:
            service = open_service(delivery.endpoint.address, allowed=self._settings.allow_private_hosts)
        except MissingExtraError as error:
            return Retry(reason=f"{error}.", after=_NEXT_LOOK)
        except ChatError as error:
            return GiveUp(reason=f"This address cannot be told: {error}.")
        seconds = self._settings.deadline.total_seconds()
        service.socket_connect_timeout = service.socket_read_timeout = seconds
        with _listen() as said:
            try:
                is_told = service.notify(title=text.title, body=text.body)
            except (OSError, TypeError, ValueError) as error:
                return Retry(reason=f"{service.service_name} could not be told ({type(error).__name__}).")
        if is_told:
            return Delivered(detail=f"{service.service_name} took it.")
        return _explain(str(service.service_name), said)


def check_address(address: str, *, allowed: frozenset[str]) -> None:
    """Raises ChatError, with one clause, for an address that will never be told; a missing extra is one too."""
    open_service(address, allowed=allowed)


def open_service(address: str, *, allowed: frozenset[str]) -> Any:
    """Open Apprise's plugin for an address, told to follow no redirect and to send one message. Raises ChatError."""
    scheme = address.partition(":")[0].lower()
    if scheme in _REFUSED:
        raise ChatError(f"{scheme}:// is no chat service; a mail address is an e-mail endpoint")
    try:
        apprise = importlib.import_module("apprise")
    except ImportError:
        raise MissingExtraError(_MISSING) from None
    _hush()
    service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
    if service is None:
        raise ChatError(
            f"Apprise knows no such address beginning with {scheme[:20]}://; its list of services has the form"
        )
    service.redirects = False
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    _check_host(service, allowed)
    return service


def _hush() -> None:
    """Keep addresses, which are secrets, out of our log: Apprise and what it speaks HTTP with write them there."""
    logging.getLogger("apprise").propagate = False
    for name in ("apprise", "urllib3", "requests_oauthlib"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _check_host(service: Any, allowed: frozenset[str]) -> None:
    """Refuse private hosts; where no address of the service's kind names a host, what looks like one is a token."""
    host, port = str(getattr(service, "host", None) or "").lower(), getattr(service, "port", None)
    if not host or not any("{host}" in template for template in service.templates):
        return
    if host in allowed or f"{host}:{port}" in allowed:
        return
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return  # Apprise will say that it cannot connect
    private = sorted(name for name in found if not is_public(name))
    if private:
        raise ChatError(f"{host} leads to {private[0]}, which is not public; SETWIRE_ALLOW_PRIVATE_HOSTS can allow it")


def _explain(name: str, said: list[str]) -> Outcome:
    words = next((line for line in said if _STATUS.search(line)), said[0] if said else "it gave no reason")
    status = _STATUS.search(words)
    # A service may quote the address or a token in it.
    plain = clean_line(_LONG_WORD.sub("…", words))[:_MAX_WORDS].rstrip(". ,")
    reason = f"{name} was not told: {plain}."
    if status and status[1] == "410":
        return EndpointGone(reason=reason)
    return Retry(reason=reason, status=int(status[1]) if status else None)


class _Ear(logging.Handler):
    """Keeps what Apprise says in this thread; it gives its reasons nowhere else."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage())


@contextmanager
def _listen() -> Iterator[list[str]]:
    ear, logger = _Ear(), logging.getLogger("apprise")
    logger.addHandler(ear)
    try:
        yield ear.said
    finally:
        logger.removeHandler(ear)
