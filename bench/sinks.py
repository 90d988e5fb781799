"""Where the alerts of a bench arrive: a webhook receiver that checks every signature, and an SMTP sink."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import partial

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook, WebhookVerificationError

from scheduler.loopback import QuietHandler, serve_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One webhook call that verified; `received` is Unix seconds."""

    webhook_id: str
    payload: dict[str, object]
    received: float


@dataclass(slots=True)
class Receiver:
    secret: str
    calls: list[Call] = field(default_factory=list)
    refused: int = 0


@dataclass(slots=True)
class Mailbox:
    """Message-IDs in the order they came, repeats included."""

    message_ids: list[str] = field(default_factory=list)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.message_ids.append(str(message_from_bytes(content, policy=policy.default)["Message-ID"]))
        return "250 taken"


@contextmanager
def open_receiver(receiver: Receiver) -> Iterator[str]:
    with serve_loopback(partial(_ReceiverHandler, receiver)) as address:
        yield f"{address}/hook"


@contextmanager
def open_mailbox(mailbox: Mailbox, port: int) -> Iterator[int]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


class _ReceiverHandler(QuietHandler):
    def __init__(self, receiver: Receiver, *args: object) -> None:
        self._receiver = receiver
        super().__init__(*args)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        received = time.time()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            Webhook(self._receiver.secret).verify(body, headers)
        except WebhookVerificationError:
            self._receiver.refused += 1
            self.answer(401)
            return
        call = Call(webhook_id=headers["webhook-id"], payload=json.loads(body), received=received)
        self._receiver.calls.append(call)
        self.answer(204)
