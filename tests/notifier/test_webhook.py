"""The webhook sender against real loopback servers, ordinary and rude; the independent library verifies."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks

from core.values import (
    Delivered,
    Delivery,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointGone,
    EndpointId,
    EndpointKind,
    EventType,
    GiveUp,
    Outcome,
    Retry,
    StoryId,
)
from core.webhooks import new_secret
from notifier.webhook import NotPublicError, WebhookSender, WebhookSettings, open_public_socket, read_retry_after
from tests.loopback import listening

NOW = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
SECRET = new_secret(bytes(range(32)))
PAYLOAD = '{"type":"story.created","timestamp":"2026-03-03T14:05:00.000Z","data":{"title":"Café ‘Ferry’"}}'
LOCAL = frozenset({"127.0.0.1", "localhost"})

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Receiver:
    """A server that notes what it is sent and gives one prepared answer on every request."""

    answer: Answer
    port: int = 0
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def connection_count(self) -> int:
        return len(self.writers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self.note(head.decode(), reader)
                await self.answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def note(self, head: str, reader: asyncio.StreamReader) -> None:
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.requests.append((first, headers, body))


@asynccontextmanager
async def receive(answer: Answer) -> AsyncIterator[Receiver]:
    receiver = Receiver(answer)
    async with listening(receiver.serve) as receiver.port:
        yield receiver


def reply(status: str, *headers: str, body: bytes = b"") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


def make_delivery(url: str, *, secret: str = SECRET, payload: str = PAYLOAD) -> Delivery:
    return Delivery(
        delivery_id=DeliveryId("dlv_1"),
        endpoint=Endpoint(endpoint_id=EndpointId("e"), kind=EndpointKind.WEBHOOK, address=url, secret=secret),
        event=EventType.STORY_CREATED,
        story_id=StoryId(1),
        payload=payload,
        state=DeliveryState.SENDING,
        attempt_count=0,
        created_at=NOW,
        next_attempt_at=NOW,
    )


SETTINGS = WebhookSettings(
    deadline=timedelta(seconds=5), allow_private_hosts=LOCAL, allow_http=True, user_agent="setwire-test/1"
)
IMPATIENT = replace(SETTINGS, deadline=timedelta(seconds=0.3))


async def send_once(url: str, settings: WebhookSettings = SETTINGS) -> Outcome:
    async with WebhookSender(settings) as sender:
        return await sender.send(make_delivery(url), now=NOW)


def send_to(answer: Answer, settings: WebhookSettings = SETTINGS) -> tuple[Outcome, Receiver]:
    async def run() -> tuple[Outcome, Receiver]:
        async with receive(answer) as receiver:
            return await send_once(receiver.url, settings), receiver

    return asyncio.run(run())


def test_a_receiver_verifies_what_we_send() -> None:
    async def run() -> Receiver:
        async with receive(reply("204 No Content")) as receiver, WebhookSender(SETTINGS) as sender:
            outcome = await sender.send(make_delivery(receiver.url), now=datetime.now(UTC))
            assert outcome == Delivered(status=204)
            return receiver

    [(line, headers, body)] = asyncio.run(run()).requests
    assert line == "POST /hook?a=1 HTTP/1.1"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "setwire-test/1"
    assert headers["webhook-id"] == "dlv_1"
    assert body == PAYLOAD.encode()
    assert standardwebhooks.Webhook(SECRET).verify(body, headers)["data"] == {"title": "Café ‘Ferry’"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("200 OK", Delivered),
        ("201 Created", Delivered),
        ("202 Accepted", Delivered),
        ("299 Odd", Delivered),
        ("301 Moved", Retry),
        ("304 Not Modified", Retry),
        ("307 Temporary", Retry),
        ("400 Bad Request", Retry),
        ("401 Unauthorized", Retry),
        ("404 Not Found", Retry),
        ("410 Gone", EndpointGone),
        ("413 Too Large", Retry),
        ("429 Slow Down", Retry),
        ("500 Oops", Retry),
        ("502 Bad Gateway", Retry),
        ("503 Unavailable", Retry),
        ("599 Odd", Retry),
    ],
)
def test_each_status_means_one_outcome(status: str, expected: type[Outcome]) -> None:
    outcome, receiver = send_to(reply(status))
    assert type(outcome) is expected
    assert outcome.status == int(status[:3])
    assert len(receiver.requests) == 1
    if not isinstance(outcome, Delivered):
        assert outcome.reason.endswith(".")
        assert status[:3] in outcome.reason


def test_what_the_endpoint_says_is_kept_as_one_line() -> None:
    assert send_to(reply("200 OK", body=b"taken\r\n\x00 thanks"))[0] == Delivered(detail="taken thanks", status=200)
    outcome, _ = send_to(reply("500 Oops", body=b"no\ndisk."))
    assert outcome == Retry(reason="The endpoint answered 500: no disk.", status=500)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str) -> None:
    async def run() -> tuple[Outcome, Receiver]:
        async with receive(reply("200 OK")) as target:
            answer = reply(status, f"Location: {target.url}")
            async with receive(answer) as receiver:
                return await send_once(receiver.url), target

    outcome, target = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert "redirects are not followed" in outcome.reason
    assert target.connection_count == 0


@pytest.mark.parametrize(
    ("value", "after"),
    [
        ("120", timedelta(seconds=120)),
        ("0", timedelta(0)),
        (" 7 ", timedelta(seconds=7)),
        ("Tue, 03 Mar 2026 14:35:00 GMT", timedelta(minutes=30)),
        ("Tuesday, 03-Mar-26 14:35:00 GMT", timedelta(minutes=30)),
        ("Tue, 03 Mar 2026 16:05:00 +0100", timedelta(hours=1)),
        ("Tue, 03 Mar 2026 13:00:00 GMT", None),
        ("999999999", timedelta(days=365)),
        ("9" * 5000, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Tue, 99 Mar 2026 14:35:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, after: timedelta | None) -> None:
    assert read_retry_after(value, now=NOW) == after


@pytest.mark.parametrize("status", ["429 Slow Down", "503 Unavailable"])
def test_retry_after_reaches_the_outcome(status: str) -> None:
    outcome, _ = send_to(reply(status, "Retry-After: 90"))
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(seconds=90)


async def hang(writer: asyncio.StreamWriter) -> None:
    await writer.drain()
    await asyncio.Event().wait()


async def drip_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("answer", [hang, drip_headers])
def test_no_answer_ends_at_the_deadline(answer: Answer) -> None:
    async def run() -> float:
        async with receive(answer) as receiver:
            started = asyncio.get_running_loop().time()
            outcome = await send_once(receiver.url, IMPATIENT)
            assert outcome == Retry(reason="The endpoint did not answer within 0.3 s.")
            return asyncio.get_running_loop().time() - started

    assert asyncio.run(run()) < 2


def test_a_status_counts_even_if_its_body_never_ends() -> None:
    outcome, receiver = send_to(drip_body, IMPATIENT)
    assert isinstance(outcome, Delivered)
    assert set(outcome.detail) == {"a"}
    assert len(receiver.requests) == 1


def test_a_large_answer_is_read_only_at_its_beginning() -> None:
    sent: list[int] = []

    async def flood(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x" * 10_000)
            await writer.drain()
            sent.append(10_000)

    outcome, _ = send_to(flood)
    assert outcome == Delivered(detail="x" * 500, status=200)
    assert sum(sent) < 9_000_000


def test_a_compressed_answer_is_not_unpacked() -> None:
    answer = reply("200 OK", "Content-Encoding: gzip", body=b"\x1f\x8b not gzip at all")
    assert send_to(answer)[0] == Delivered(status=200)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"HTTP/1.1 200",
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01" * 50,
    ],
    ids=["nothing", "blank", "half", "other-protocol", "no-number", "long-header", "bad-length", "tls"],
)
def test_a_broken_answer_is_tried_again(raw: bytes) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    outcome, _ = send_to(answer)
    assert isinstance(outcome, Retry)
    assert outcome.reason.endswith(".")


def test_a_body_cut_short_after_2xx_is_delivered() -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
        await writer.drain()
        writer.close()

    outcome, _ = send_to(answer)
    assert isinstance(outcome, Delivered)


def test_a_closed_port_is_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        outcome = asyncio.run(send_once(url))
    assert isinstance(outcome, Retry)
    assert "127.0.0.1 could not be reached" in outcome.reason


def test_a_name_without_an_address_is_tried_again() -> None:
    outcome = asyncio.run(send_once("http://nowhere.invalid/"))
    assert isinstance(outcome, Retry)
    assert "nowhere.invalid" in outcome.reason


def test_a_server_without_tls_is_tried_again() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        writer.close()

    async def run() -> Outcome:
        async with listening(greet) as port:
            return await send_once(f"https://localhost:{port}/")

    outcome = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert "TLS" in outcome.reason


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0.0.0.0", "[::1]"]
)
def test_a_host_off_the_open_internet_is_never_connected_to(host: str) -> None:
    strict = replace(SETTINGS, allow_private_hosts=frozenset({"other.example"}))

    async def run() -> tuple[Outcome, Receiver]:
        async with receive(reply("200 OK")) as receiver:
            return await send_once(f"http://{host}:{receiver.port}/", strict), receiver

    outcome, receiver = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert receiver.connection_count == 0


def test_the_sentence_for_a_private_address_names_the_remedy() -> None:
    outcome = asyncio.run(send_once("http://127.0.0.1:9/", replace(SETTINGS, allow_private_hosts=frozenset())))
    assert outcome == Retry(reason="The host 127.0.0.1 is not on the open internet; allow it by name if that is meant.")


def test_a_private_host_may_be_allowed_with_its_port_only() -> None:
    async def run() -> tuple[Outcome, Outcome]:
        async with receive(reply("200 OK")) as one, receive(reply("200 OK")) as two:
            settings = replace(SETTINGS, allow_private_hosts=frozenset({f"127.0.0.1:{one.port}"}))
            async with WebhookSender(settings) as sender:
                return (
                    await sender.send(make_delivery(one.url), now=NOW),
                    await sender.send(make_delivery(two.url), now=NOW),
                )

    allowed, refused = asyncio.run(run())
    assert isinstance(allowed, Delivered)
    assert isinstance(refused, Retry)


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1"])
def test_the_address_is_judged_where_the_socket_is_opened(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(NotPublicError, match="not a public address"):
        open_public_socket((family, socket.SOCK_STREAM, 0, "", (address, 443)))


def test_a_public_address_gets_its_socket() -> None:
    with open_public_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("1.1.1.1", 443))) as opened:
        assert opened.family is socket.AF_INET


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "https://u:p@a.example/", "https://a.example\\b", "https://a.example/\r\nX: y", "", "http:"],
)
def test_an_unusable_address_is_given_up(url: str) -> None:
    outcome = asyncio.run(send_once(url))
    assert isinstance(outcome, GiveUp)
    assert "the URL" in outcome.reason


def test_https_is_required_unless_http_is_allowed() -> None:
    outcome = asyncio.run(send_once("http://127.0.0.1/", replace(SETTINGS, allow_http=False)))
    assert outcome == GiveUp(reason="The webhook cannot be sent as it is: the URL is http, and https is required.")


def test_an_unusable_secret_is_given_up() -> None:
    async def run() -> Outcome:
        async with WebhookSender(SETTINGS) as sender:
            return await sender.send(make_delivery("http://127.0.0.1/", secret="whsec_"), now=NOW)

    outcome = asyncio.run(run())
    assert isinstance(outcome, GiveUp)
    assert "secret" in outcome.reason


def test_connections_are_kept_and_cookies_are_not() -> None:
    async def run() -> Receiver:
        answer = reply("200 OK", "Set-Cookie: a=b; Path=/")
        async with receive(answer) as receiver, WebhookSender(SETTINGS) as sender:
            for _ in range(3):
                await sender.send(make_delivery(receiver.url), now=NOW)
            return receiver

    receiver = asyncio.run(run())
    assert receiver.connection_count == 1
    assert len(receiver.requests) == 3
    assert not any("cookie" in headers for _, headers, _ in receiver.requests)


def test_many_deliveries_at_once_do_not_wait_for_a_hanging_one() -> None:
    async def run() -> list[Outcome]:
        async with receive(hang) as stuck, receive(reply("200 OK")) as prompt, WebhookSender(SETTINGS) as sender:
            waiting = asyncio.create_task(sender.send(make_delivery(stuck.url), now=NOW))
            sends: list[Coroutine[Any, Any, Outcome]] = [
                sender.send(make_delivery(prompt.url), now=NOW) for _ in range(20)
            ]
            outcomes = await asyncio.gather(*sends)
            assert not waiting.done()
            waiting.cancel()
            return outcomes

    assert asyncio.run(run()) == [Delivered(status=200)] * 20


def test_a_proxy_in_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9/")
    assert isinstance(send_to(reply("200 OK"))[0], Delivered)


def test_a_certificate_nobody_vouches_for_is_refused(self_signed: ssl.SSLContext) -> None:
    async def run() -> Outcome:
        async with listening(Receiver(reply("200 OK")).serve, tls=self_signed) as port:
            return await send_once(f"https://localhost:{port}/")

    outcome = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert "TLS" in outcome.reason
