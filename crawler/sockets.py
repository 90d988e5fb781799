"""Connections read when somebody wants to read: what nobody reads waits in the kernel. It knows nothing of HTTP.

asyncio's streams and protocols cost three times as much for a question that brings "not modified": each makes a
transport, registers it before there is anything to read, and hands over what came by two calls.
"""

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress

from aiohappyeyeballs import start_connection

_PIECE_BYTES = 64 * 1024
_NEXT_ADDRESS_AFTER_SECONDS = 0.25

Address = tuple[int, str]
"""The family of an IP address (`socket.AF_INET` or `AF_INET6`), and the address."""


class Stream:
    """A connected socket, plain or TLS. Every wait may be cancelled; whoever does so closes the stream.

    Errors of all that waits: `OSError`, of which `ssl.SSLError` is one.
    """

    __slots__ = ("_loop", "_may_hold_more", "_socket")

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._loop = asyncio.get_running_loop()
        self._may_hold_more = False

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Shake hands; `host` is whom the certificate has to name."""
        self._socket = secured = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
        while True:
            try:
                return secured.do_handshake()
            except ssl.SSLWantReadError:
                await self._wait_to_read()
            except ssl.SSLWantWriteError:
                await self._wait_to_write()

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except ssl.SSLWantReadError:
                await self._wait_to_read()
            except (BlockingIOError, ssl.SSLWantWriteError):
                await self._wait_to_write()

    async def receive(self) -> bytes:
        """Wait for what comes next, at most 64 KiB; empty at the end."""
        if not self._may_hold_more:
            await self._wait_to_read()
        while True:
            try:
                data = self._socket.recv(_PIECE_BYTES)
            except ssl.SSLWantWriteError:
                await self._wait_to_write()
            except (BlockingIOError, ssl.SSLWantReadError):
                await self._wait_to_read()
            else:
                # TLS may have taken more from the kernel than it gave.
                self._may_hold_more = len(data) == _PIECE_BYTES or isinstance(self._socket, ssl.SSLSocket)
                return data

    def is_silent(self) -> bool:
        """Say whether the peer neither ended the connection nor said anything that was not read."""
        try:
            # TLS has no peeking: a byte is lost, with the connection.
            self._socket.recv(1, 0 if isinstance(self._socket, ssl.SSLSocket) else socket.MSG_PEEK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Say goodbye without waiting for an answer, and close."""
        if isinstance(self._socket, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self._socket.unwrap()
        self._socket.close()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._socket.close()

    async def _wait_to_read(self) -> None:
        await _wait(self._loop, self._socket, self._loop.add_reader, self._loop.remove_reader)

    async def _wait_to_write(self) -> None:
        await _wait(self._loop, self._socket, self._loop.add_writer, self._loop.remove_writer)


async def open_stream(addresses: Sequence[Address], port: int) -> Stream:
    """Connect to the first address that answers; the next one is tried beside it after a quarter of a second."""
    if len(addresses) > 1:
        infos = [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port)) for family, address in addresses]
        return Stream(await start_connection(infos, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER_SECONDS))
    family, address = addresses[0]
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await _connect(opened, address, port)
    except BaseException:  # the deadline cancels too, and nobody else knows of the socket
        opened.close()
        raise
    return Stream(opened)


async def _connect(opened: socket.socket, address: str, port: int) -> None:
    failure = opened.connect_ex((address, port))
    if failure == errno.EINPROGRESS:
        loop = asyncio.get_running_loop()
        await _wait(loop, opened, loop.add_writer, loop.remove_writer)
        failure = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failure:
        raise OSError(failure, os.strerror(failure))


async def _wait(
    loop: asyncio.AbstractEventLoop,
    waiting: socket.socket,
    watch: Callable[..., None],
    forget: Callable[[int], bool],
) -> None:
    """Wait until the loop says that the socket may be read, or written to."""
    turn: asyncio.Future[None] = loop.create_future()
    number = waiting.fileno()
    watch(number, _wake, turn)
    try:
        await turn
    finally:
        forget(number)


def _wake(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)
