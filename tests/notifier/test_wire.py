"""How answers are framed, and when a connection serves again: through the webhook sender, on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.values import Delivered, EndpointGone, Outcome, Retry
from notifier.webhook import WebhookSender
from tests.loopback import Handle, listening
from tests.notifier.test_webhook import IMPATIENT, NOW, SETTINGS, make_delivery


@asynccontextmanager
async def listen(serve: Handle) -> AsyncIterator[str]:
    async with listening(serve) as port:
        yield f"http://127.0.0.1:{port}/"


async def read_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    await reader.readexactly(int(length.partition(b":")[2]))


def send_twice(*answers: bytes) -> tuple[list[Outcome], int]:
    """Send two deliveries to a server that gives each of its connections the same answers, byte for byte in pieces."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            while True:
                await read_request(reader)
                for piece in answers:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if b"close" in answers[0]:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def run() -> list[Outcome]:
        async with listen(serve) as url, WebhookSender(SETTINGS) as sender:
            return [await sender.send(make_delivery(url), now=NOW) for _ in range(2)]

    return asyncio.run(run()), connections


HELLO = Delivered(detail="hello world", status=200)


@pytest.mark.parametrize(
    ("answers", "outcome", "connections"),
    [
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"], HELLO, 1),
        ([b"HTTP/1.1 200 OK\r\nContent-", b"Length: 11\r\n", b"\r\nhello", b" world"], HELLO, 1),
        ([b"HTTP/1.1 200 OK\ncontent-length: 11\n\nhello world"], HELLO, 1),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 11, 11\r\n\r\nhello world"], HELLO, 1),
        (
            [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", b"6\r\n world\r\n0\r\n\r\n"],
            HELLO,
            1,
        ),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nB\r\nhello world\r\n0\r\nx: y\r\n\r\n"], HELLO, 1),
        ([b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world"], HELLO, 1),
        ([b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 11\r\n\r\nhello world"], HELLO, 2),
        ([b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello", b" world"], HELLO, 2),
        ([b"HTTP/1.0 200 OK\r\ncontent-length: 11\r\n\r\nhello world"], HELLO, 2),
        ([b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 11\r\n\r\nhello world"], HELLO, 1),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], Delivered(status=204), 1),
        ([b"HTTP/1.1 204\r\n\r\n"], Delivered(status=204), 1),
        ([b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"], EndpointGone(reason="", status=410), 1),
        ([b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 500 Smuggled\r\n\r\n"], Delivered(status=204), 2),
        ([b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello world and more"], HELLO, 2),
        ([b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b"connection: close"], None, 2),
    ],
)  # fmt: skip
def test_an_answer_ends_where_it_says_and_the_connection_serves_again(
    answers: list[bytes], outcome: Outcome | None, connections: int
) -> None:
    found, opened = send_twice(*answers)
    if outcome is not None:
        assert [(type(each), each.status) for each in found] == [(type(outcome), outcome.status)] * 2
    if isinstance(outcome, Delivered):
        assert [each.detail for each in found if isinstance(each, Delivered)] == [outcome.detail] * 2
    assert opened == connections


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\na b: c\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    ],
)
def test_an_answer_that_is_not_http_is_tried_again(answer: bytes) -> None:
    found, _ = send_twice(answer)
    assert all(isinstance(each, Retry) for each in found)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.binary(min_size=1, max_size=40) | st.sampled_from([b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n"]), max_size=6)
)
def test_no_bytes_of_a_server_raise(pieces: list[bytes]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await read_request(reader)
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def run() -> Outcome:
        async with listen(serve) as url, WebhookSender(IMPATIENT) as sender:
            return await sender.send(make_delivery(url), now=NOW)

    assert isinstance(asyncio.run(run()), Delivered | Retry | EndpointGone)
