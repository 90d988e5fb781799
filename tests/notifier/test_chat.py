"""Chats through Apprise before services on loopback: what is told, what is secret, what is refused."""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

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
)
from core.webhooks import build_test_payload
from notifier.chat import ChatError, ChatSender, ChatSettings, check_address
from tests.core.test_mail import write_payload

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ALLOWED = frozenset({"127.0.0.1"})
STORY = write_payload(title="The Night Ferry <b>wraps</b> its storm scenes", url="https://lantern.example/7")


@dataclass
class Service:
    """Answers every POST with `status`, and keeps what it was told."""

    status: int = 200
    location: str = ""
    told: list[tuple[str, bytes]] = field(default_factory=list)
    port: int = 0


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.told.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(service.status)
            if service.location:
                self.send_header("Location", service.location)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Service()) as service:
        yield service


def delivery(address: str, payload: str = STORY) -> Delivery:
    return Delivery(
        delivery_id=DeliveryId("msg_1"),
        endpoint=Endpoint(endpoint_id=EndpointId("chat-1"), kind=EndpointKind.CHAT, address=address),
        event=EventType.STORY_CREATED,
        story_id=None,
        payload=payload,
        state=DeliveryState.SENDING,
        attempt_count=0,
        created_at=NOW,
        next_attempt_at=NOW,
    )


def tell(address: str, payload: str = STORY, *, allowed: frozenset[str] = ALLOWED) -> Outcome:
    how = ChatSettings(base_url="http://127.0.0.1:8080", deadline=timedelta(seconds=5), allow_private_hosts=allowed)
    sender = ChatSender(how)
    try:
        return asyncio.run(sender.send(delivery(address, payload), now=NOW))
    finally:
        sender.close()


def test_a_json_receiver_is_told_in_plain_words(service: Service) -> None:
    assert isinstance(tell(f"json://127.0.0.1:{service.port}/hook"), Delivered)
    ((path, body),) = service.told
    said = json.loads(body)
    assert path == "/hook"
    assert said["title"].startswith("The Night Ferry <b>wraps</b>")
    lines = said["message"].splitlines()
    assert " · " in lines[0]
    assert "https://lantern.example/7" in lines


@pytest.mark.parametrize(
    ("address", "needle"),
    [
        pytest.param("ntfy://127.0.0.1:{port}/salt", b"The Night Ferry", id="ntfy"),
        pytest.param("mmost://127.0.0.1:{port}/abcdefghijklmnopqrstuvwxyz", b"The Night Ferry", id="mattermost"),
    ],
)
def test_chats_are_told(service: Service, address: str, needle: bytes) -> None:
    assert isinstance(tell(address.format(port=service.port)), Delivered)
    ((_, body),) = service.told
    assert needle in body
    assert b"lantern.example/7" in body


def test_a_refusal_is_one_sentence_without_the_secret(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    token = "abcdefghijklmnopqrstuvwxyz"
    service.status = 403
    with caplog.at_level(logging.DEBUG):
        outcome = tell(f"mmost://127.0.0.1:{service.port}/{token}")
    assert isinstance(outcome, Retry)
    assert outcome.status == 403
    assert outcome.reason.startswith("Mattermost was not told: ")
    assert token not in outcome.reason + caplog.text


def test_a_chat_that_is_gone_is_gone(service: Service) -> None:
    service.status = 410
    assert isinstance(tell(f"json://127.0.0.1:{service.port}/hook"), EndpointGone)


def test_a_service_that_nobody_runs_is_tried_again(service: Service) -> None:
    port = service.port
    assert isinstance(tell(f"json://127.0.0.1:{port + 1 if port < 65535 else port - 1}/hook"), Retry)


def test_no_redirect_is_followed(service: Service) -> None:
    with serving(Service()) as inner:
        service.status, service.location = 302, f"http://127.0.0.1:{inner.port}/secret"
        outcome = tell(f"json://127.0.0.1:{service.port}/hook")
        assert isinstance(outcome, Retry)
        assert inner.told == []


@pytest.mark.parametrize("scheme", ["json", "xml", "form", "ntfy", "mmost"])
def test_private_hosts_are_refused_unless_they_are_allowed(service: Service, scheme: str) -> None:
    outcome = tell(f"{scheme}://127.0.0.1:{service.port}/abcdefghijklmnopqrstuvwxyz", allowed=frozenset())
    assert isinstance(outcome, GiveUp)
    assert "is not public; SETWIRE_ALLOW_PRIVATE_HOSTS can allow it" in outcome.reason
    assert service.told == []


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("syslog://", "syslog:// is no chat service"),
        ("mailto://a:b@c.example", "mailto:// is no chat service"),
        ("nope://x", "Apprise knows no such address beginning with nope://"),
    ],
)
def test_what_is_no_chat_is_refused(address: str, says: str) -> None:
    with pytest.raises(ChatError, match=says):
        check_address(address, allowed=ALLOWED)


def test_tokens_are_not_looked_up_as_hosts() -> None:
    check_address("slack://AAAAAAAAA/BBBBBBBBB/cccccccccccccccccccccccc/#general", allowed=frozenset())


def test_a_test_alert_is_told_too(service: Service) -> None:
    address = f"json://127.0.0.1:{service.port}/hook"
    payload = build_test_payload(at=NOW, endpoint=delivery(address).endpoint)
    assert isinstance(tell(address, payload), Delivered)
    assert address not in service.told[0][1].decode()


def test_without_the_extra_the_delivery_waits_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    outcome = tell("json://127.0.0.1:9/hook")
    assert isinstance(outcome, Retry)
    assert outcome.reason == (
        "Chat needs an extra that is not installed: pip install --require-hashes -r requirements/chat.txt."
    )
    assert outcome.after == timedelta(hours=1)
