"""The conversation of one mail after the other over an open SMTP connection (RFC 5321). It connects to nothing.

aiosmtplib opens the connection, TLS and login included. It sends one command at a time and waits for each reply;
where the server takes several at once (RFC 2920) they leave together here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import aiosmtplib

_MAX_REPLY_BYTES = 32_000
_CLOSING = 421

Enter = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Reply:
    code: int
    text: str


class StaleError(aiosmtplib.SMTPServerDisconnected):
    """The kept connection was gone before the mail began; nothing of it was sent."""


class MailWire(asyncio.Protocol):
    """An open connection. `is_pipelining`: the server takes several commands at once."""

    def __init__(self, transport: asyncio.Transport, *, is_pipelining: bool) -> None:
        self._transport = transport
        self._is_pipelining = is_pipelining
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._has_ended = False
        self._is_used = False
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return not (self._has_ended or self._buffer or self._transport.is_closing())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > _MAX_REPLY_BYTES:
            self.close()
        self._wake()

    def eof_received(self) -> None:
        self._has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._has_ended = True
        self._wake()

    def close(self) -> None:
        self._has_ended = True
        self._transport.abort()

    async def quit(self) -> None:
        """Say good-bye and wait for the answer."""
        if self.is_open:
            self._transport.write(b"QUIT\r\n")
            await self._read_reply()

    async def send(self, sender: str, recipient: str, message: bytes, *, enter: Enter) -> Reply:
        """Hand over one mail, and return what the server says of it; `enter` is handed what lets its text leave.

        Shape: `message` has CRLF line ends; what must be escaped in it is. Errors: `StaleError`, `SMTPSenderRefused`,
        `SMTPRecipientRefused`, `SMTPDataError`, `SMTPServerDisconnected`. After a refusal another mail may be sent.
        """
        await self._announce(sender, recipient)
        self._is_used = True
        enter(partial(self._write, _escape(message)))
        reply = await self._read_reply()
        if reply.code != 250:
            raise aiosmtplib.SMTPDataError(reply.code, reply.text)
        return reply

    def _write(self, text: bytes) -> None:
        if self.is_open:
            self._transport.write(text)

    async def _announce(self, sender: str, recipient: str) -> None:
        """Name sender and recipient and ask to send the text."""
        commands = [
            f"{line}\r\n".encode("ascii") for line in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA")
        ]
        if self._is_pipelining:
            self._transport.write(b"".join(commands))
        for place, command in enumerate(commands):
            if not self._is_pipelining:
                self._transport.write(command)
            reply = await self._hear(place)
            if reply.code not in ((250,), (250, 251), (354,))[place]:
                await self._start_over(reply.code, unheard=2 - place if self._is_pipelining else 0)
                raise _refuse(place, reply, sender, recipient)

    async def _hear(self, place: int) -> Reply:
        """Read a reply; a kept connection that ends at the first one was gone before."""
        if place or not self._is_used:
            return await self._read_reply()
        try:
            reply = await self._read_reply()
        except aiosmtplib.SMTPServerDisconnected as error:
            raise StaleError(error.message) from error
        if reply.code == _CLOSING:
            raise StaleError(reply.text)
        return reply

    async def _start_over(self, code: int, *, unheard: int) -> None:
        """After a refusal make the connection fit for the next mail, or close it.

        A server that lets the text in although it refused the recipient is left: nothing may follow that it could
        take for the text (RFC 2920, section 3.1).
        """
        try:
            replies = [await self._read_reply() for _ in range(unheard if code != _CLOSING else 0)]
            if code == _CLOSING or any(reply.code in (354, _CLOSING) for reply in replies):
                self.close()
                return
            self._transport.write(b"RSET\r\n")
            if (await self._read_reply()).code != 250:
                self.close()
        except aiosmtplib.SMTPException:
            self.close()

    async def _read_reply(self) -> Reply:
        lines: list[str] = []
        while True:
            line = await self._read_line()
            if not line[:3].isdigit():
                self.close()
                raise aiosmtplib.SMTPResponseException(-1, f"Malformed SMTP response line: {line}")
            lines.append(line[4:].strip())
            if line[3:4] != "-":
                return Reply(int(line[:3]), "\n".join(lines))

    async def _read_line(self) -> str:
        while (end := self._buffer.find(b"\n")) < 0:
            if self._has_ended:
                raise aiosmtplib.SMTPServerDisconnected("Connection lost")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        line = self._buffer[:end].decode("utf-8", "replace").rstrip("\r")
        del self._buffer[: end + 1]
        return line

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


def _refuse(place: int, reply: Reply, sender: str, recipient: str) -> aiosmtplib.SMTPResponseException:
    match place:
        case 0:
            return aiosmtplib.SMTPSenderRefused(reply.code, reply.text, sender)
        case 1:
            return aiosmtplib.SMTPRecipientRefused(reply.code, reply.text, recipient)
        case _:
            return aiosmtplib.SMTPDataError(reply.code, reply.text)


def _escape(message: bytes) -> bytes:
    """Double the full stop at the beginning of a line, and end the text (RFC 5321, section 4.5.2)."""
    escaped = message.replace(b"\r\n.", b"\r\n..")
    first = b"." if message.startswith(b".") else b""
    end = b"" if message.endswith(b"\r\n") else b"\r\n"
    return b"".join((first, escaped, end, b".\r\n"))
