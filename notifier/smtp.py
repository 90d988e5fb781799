"""Sends one delivery as a mail, to an SMTP server or into a folder, and says what came of it."""

import asyncio
import os
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Self

import aiosmtplib

from core.mail import MailError, build_mail, read_sender_address, safe_id
from core.values import Delivered, Delivery, EndpointGone, Exchange, GiveUp, Outcome, Retry
from core.webhooks import clean_line
from notifier.gate import Gate, Release
from notifier.mailwire import MailWire, Reply, StaleError

_MAX_DETAIL_CHARS = 300
# RFC 3463: X.7.X is policy. The recipient may well exist, and the server only dislikes us today.
_POLICY = re.compile(r"5\.7\.\d")
# RFC 3463: X.1.X is the address, X.2.X the mailbox. A refusal of the message for these is one of the recipient.
_MAILBOX = re.compile(r"5\.[12]\.\d")
_QUIT_SECONDS = 2.0


class Security(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """Who speaks in every mail: `from_address` may carry a name, `base_url` is where our pages are.

    `link_key` signs the links by which a reader unsubscribes or mutes; without it there are none.
    """

    from_address: str
    base_url: str
    link_key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        read_sender_address(self.from_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """Which server sends our mail. `deadline` covers one attempt, connecting included.

    Errors: `ValueError` for `Security.NONE` on another machine unless `allow_plaintext`, and for a password without
    TLS, which nothing allows.
    """

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    allow_plaintext: bool = False
    deadline: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        if self.security is not Security.NONE:
            return
        if self.username or self.password:
            raise ValueError("a mail user and password are never sent without TLS: choose starttls or tls")
        if not (self.allow_plaintext or _is_loopback(self.host)):
            raise ValueError(f"mail to {self.host} without TLS must be allowed explicitly")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class SmtpSender:
    """Keeps one connection to the mail server and sends one mail at a time; use it as an async context manager.

    With a `gate` each mail waits for its turn before its text leaves, and keeps the turn when `send` returns.
    """

    def __init__(
        self,
        settings: SmtpSettings,
        mail: MailSettings,
        *,
        tls: ssl.SSLContext | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._settings = settings
        self._mail = mail
        self._tls = tls
        self._gate = gate
        self._envelope_sender = read_sender_address(mail.from_address)
        self._lock = asyncio.Lock()
        self._wire: MailWire | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        wire, self._wire = self._wire, None
        if wire is None:
            return
        with suppress(TimeoutError, OSError, aiosmtplib.SMTPException):
            async with asyncio.timeout(_QUIT_SECONDS):
                await wire.quit()
        wire.close()

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Make one attempt. Never raises for what a mail server or a network does."""
        try:
            message = _build(delivery, self._mail, now)
        except MailError as error:
            return GiveUp(reason=f"The mail cannot be written: {error}.")
        async with self._lock:
            outcome = await self._send_in_time(delivery, message)
        return replace(outcome, exchange=_write_exchange(self._settings, delivery, message, outcome))

    async def _send_in_time(self, delivery: Delivery, message: bytes) -> Outcome:
        seconds = self._settings.deadline.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                return await self._hand_over(delivery, message)
        except (TimeoutError, aiosmtplib.SMTPTimeoutError):
            return Retry(reason=f"The mail server did not answer within {seconds:g} s.")
        except aiosmtplib.SMTPResponseException as error:
            # Whatever is refused before the recipient is named is ours to mend, and every alert should outlive it.
            return Retry(reason=f"The mail server refused us: {_say(error)}.", status=error.code)
        except aiosmtplib.SMTPNotSupported as error:
            return Retry(reason=f"The mail server lacks what we require: {_say(error)}.")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Retry(reason=f"The connection to the mail server failed: {_say(error)}.")

    async def _hand_over(self, delivery: Delivery, message: bytes) -> Outcome:
        try:
            reply = await self._send(delivery, message)
        except aiosmtplib.SMTPRecipientRefused as error:
            return _judge_recipient(error)
        except aiosmtplib.SMTPDataError as error:
            return _judge_message(error)
        return Delivered(detail=_cut(f"{reply.code} {reply.text}"), status=reply.code)

    async def _send(self, delivery: Delivery, message: bytes) -> Reply:
        """Send over the kept connection, or over a new one where it is gone: nothing of the mail had left then."""
        try:
            return await self._send_over(await self._take_wire(), delivery, message)
        except StaleError:
            return await self._send_over(await self._connect(), delivery, message)

    async def _send_over(self, wire: MailWire, delivery: Delivery, message: bytes) -> Reply:
        """Whoever leaves by an exception that is no refusal leaves the connection closed."""

        def enter(release: Release) -> None:
            if self._gate is None:
                release()
            else:
                self._gate.enter(delivery.delivery_id, delivery.endpoint.endpoint_id, release)

        try:
            reply = await wire.send(self._envelope_sender, delivery.endpoint.address, message, enter=enter)
        except aiosmtplib.SMTPResponseException:
            self._keep(wire)
            raise
        except BaseException:  # a deadline cancels too, and a dialogue that is broken off cannot be gone on with
            wire.close()
            raise
        self._keep(wire)
        return reply

    def _keep(self, wire: MailWire) -> None:
        if wire.is_open:
            self._wire = wire
        else:
            wire.close()

    async def _take_wire(self) -> MailWire:
        wire, self._wire = self._wire, None
        if wire is not None and wire.is_open:
            return wire
        if wire is not None:
            wire.close()
        return await self._connect()

    async def _connect(self) -> MailWire:
        client = self._build_client()
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
        except BaseException:  # a deadline cancels too, and nobody else knows of the connection
            client.close()
            raise
        if not isinstance(client.transport, asyncio.Transport):
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        return MailWire(client.transport, is_pipelining=client.supports_extension("pipelining"))

    def _build_client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            use_tls=settings.security is Security.TLS,
            start_tls=settings.security is Security.STARTTLS,
            tls_context=None if settings.security is Security.NONE else self._tls,
            local_hostname=self._envelope_sender.rpartition("@")[2],
            timeout=settings.deadline.total_seconds(),
        )


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


def _write_exchange(settings: SmtpSettings, delivery: Delivery, message: bytes, outcome: Outcome) -> Exchange:
    """Write down what was handed to the mail server, without the body, and what the server said."""
    head = message.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n").decode("ascii", "replace")
    said = outcome.detail if isinstance(outcome, Delivered) else outcome.reason
    return Exchange(
        request=f"MAIL to {delivery.endpoint.address} by {settings.host}:{settings.port}\n{head}\n", response=said
    )


def _judge_recipient(error: aiosmtplib.SMTPRecipientRefused) -> Outcome:
    if error.code < 500:
        return Retry(
            reason=f"The mail server does not take mail for the recipient now: {_say(error)}.", status=error.code
        )
    if _POLICY.match(error.message):
        return GiveUp(reason=f"The mail server refused the recipient: {_say(error)}.", status=error.code)
    return EndpointGone(reason=f"The mail server takes no mail for the recipient: {_say(error)}.", status=error.code)


def _judge_message(error: aiosmtplib.SMTPDataError) -> Outcome:
    if error.code < 500:
        return Retry(reason=f"The mail server does not take the mail now: {_say(error)}.", status=error.code)
    if _MAILBOX.match(error.message):
        return EndpointGone(reason=f"The recipient's mailbox takes no mail: {_say(error)}.", status=error.code)
    return GiveUp(reason=f"The mail server refused the mail: {_say(error)}.", status=error.code)


def _say(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _cut(f"{error.code} {error.message}")
    return _cut(str(error)) or type(error).__name__


def _cut(text: str) -> str:
    return clean_line(text)[:_MAX_DETAIL_CHARS].rstrip(".")


def _build(delivery: Delivery, mail: MailSettings, now: datetime) -> bytes:
    return build_mail(delivery, from_address=mail.from_address, base_url=mail.base_url, now=now, link_key=mail.link_key)


class FolderSender:
    """Writes each mail as a file, for trying setwire out or for another program to send."""

    def __init__(self, folder: Path, mail: MailSettings) -> None:
        self._folder = folder
        self._mail = mail

    async def send(self, delivery: Delivery, *, now: datetime) -> Outcome:
        """Write `<date>-<delivery_id>.eml`, whole or not at all; the same delivery always names the same file."""
        try:
            message = _build(delivery, self._mail, now)
        except MailError as error:
            return GiveUp(reason=f"The mail cannot be written: {error}.")
        name = f"{delivery.created_at.astimezone(UTC):%Y-%m-%d}-{safe_id(delivery.delivery_id)}.eml"
        try:
            await asyncio.to_thread(_write_whole, self._folder / name, message)
        except OSError as error:
            return Retry(reason=f"The mail could not be written into {self._folder}: {error.strerror or error}.")
        return Delivered(detail=name)


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
