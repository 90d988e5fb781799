"""The mail senders against real loopback servers, ordinary and rude, and a folder."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from core.mail import MailError
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
from notifier.smtp import FolderSender, MailSettings, Security, SmtpSender, SmtpSettings
from tests.loopback import listening

NOW = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)
MAIL = MailSettings(from_address="setwire <wire@wire.example>", base_url="https://wire.example")


class Mailbox:
    """Takes every mail unless told to answer otherwise at a step (`MAIL`, `RCPT` or `DATA`)."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.peers: set[object] = set()
        self.was_secure: list[bool] = []

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.peers.add(session.peer)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get("RCPT", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append((envelope.mail_from or "", list(envelope.rcpt_tos), content))
        self.was_secure.append(session.ssl is not None)
        if self.answers.get("DATA") == "drop":
            drop(server)
        return self.answers.get("DATA", "250 kept")


def drop(server: SMTP) -> None:
    assert server.transport is not None
    server.transport.close()


@asynccontextmanager
async def serve(mailbox: Mailbox, **options: Any) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def open_session() -> SMTP:
        sessions.append(SMTP(mailbox, hostname="mail.example", **options))
        return sessions[-1]

    server = await loop.create_server(open_session, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for session in sessions:
            if isinstance(session.transport, asyncio.WriteTransport):
                session.transport.abort()
        await asyncio.sleep(0)


def make_delivery(*, address: str = "reader@example.org", delivery_id: str = "dlv_1") -> Delivery:
    endpoint = Endpoint(endpoint_id=EndpointId("e"), kind=EndpointKind.EMAIL, address=address)
    return Delivery(
        delivery_id=DeliveryId(delivery_id),
        endpoint=endpoint,
        event=EventType.TEST,
        story_id=None,
        payload=build_test_payload(at=NOW, endpoint=endpoint),
        state=DeliveryState.SENDING,
        attempt_count=0,
        created_at=NOW,
        next_attempt_at=NOW,
    )


def plain(port: int, **changes: Any) -> SmtpSettings:
    settings = SmtpSettings(host="127.0.0.1", port=port, security=Security.NONE, deadline=timedelta(seconds=5))
    return replace(settings, **changes)


async def send_once(settings: SmtpSettings, tls: ssl.SSLContext | None = None) -> Outcome:
    async with SmtpSender(settings, MAIL, tls=tls) as sender:
        return await sender.send(make_delivery(), now=NOW)


def send_to(
    mailbox: Mailbox, *, settings: dict[str, Any] | None = None, tls: ssl.SSLContext | None = None, **options: Any
) -> Outcome:
    async def run() -> Outcome:
        async with serve(mailbox, **options) as port:
            return await send_once(plain(port, **(settings or {})), tls)

    return asyncio.run(run())


def test_a_mail_arrives_once_with_its_envelope() -> None:
    mailbox = Mailbox()
    assert send_to(mailbox) == Delivered(detail="250 kept", status=250)
    [(sender, recipients, content)] = mailbox.mails
    assert (sender, recipients) == ("wire@wire.example", ["reader@example.org"])
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert message["Message-ID"] == "<dlv_1@wire.example>"
    assert message["Subject"] == "setwire: test"


def test_one_connection_serves_many_mails_one_at_a_time() -> None:
    mailbox = Mailbox()

    async def run() -> list[Outcome]:
        async with serve(mailbox) as port, SmtpSender(plain(port), MAIL) as sender:
            sends: list[Coroutine[Any, Any, Outcome]] = [
                sender.send(make_delivery(delivery_id=f"dlv_{number}"), now=NOW) for number in range(5)
            ]
            return await asyncio.gather(*sends)

    outcomes = asyncio.run(run())
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    assert len(mailbox.mails) == 5
    assert len(mailbox.peers) == 1


@pytest.mark.parametrize(
    ("step", "answer", "expected"),
    [
        ("MAIL", "421 closing", Retry),
        ("MAIL", "451 later", Retry),
        ("MAIL", "530 5.7.0 authenticate first", Retry),
        ("MAIL", "550 sender unknown", Retry),
        ("RCPT", "421 closing", Retry),
        ("RCPT", "450 greylisted", Retry),
        ("RCPT", "452 mailbox full", Retry),
        ("RCPT", "550 5.1.1 no such user", EndpointGone),
        ("RCPT", "551 not local", EndpointGone),
        ("RCPT", "553 bad name", EndpointGone),
        ("RCPT", "550 5.7.1 blocked for now", GiveUp),
        ("RCPT", "552 mailbox full", EndpointGone),
        ("RCPT", "554 no", EndpointGone),
        ("DATA", "421 closing", Retry),
        ("DATA", "451 later", Retry),
        ("DATA", "550 looks like spam", GiveUp),
        ("DATA", "550 5.2.1 mailbox disabled", EndpointGone),
        ("DATA", "554 refused", GiveUp),
    ],
)
def test_each_refusal_means_one_outcome(step: str, answer: str, expected: type[Outcome]) -> None:
    outcome = send_to(Mailbox(**{step: answer}))
    assert type(outcome) is expected
    assert not isinstance(outcome, Delivered)
    assert outcome.status == int(answer[:3])
    assert answer[4:] in outcome.reason
    assert outcome.reason.endswith(".")


def test_after_a_refusal_the_next_mail_is_taken() -> None:
    mailbox = Mailbox(RCPT="550 no such user")

    async def run() -> tuple[Outcome, Outcome]:
        async with serve(mailbox) as port, SmtpSender(plain(port), MAIL) as sender:
            first = await sender.send(make_delivery(), now=NOW)
            mailbox.answers.clear()
            return first, await sender.send(make_delivery(), now=NOW)

    first, second = asyncio.run(run())
    assert isinstance(first, EndpointGone)
    assert isinstance(second, Delivered)


def test_a_connection_dropped_after_the_data_is_tried_again_and_then_reopened() -> None:
    mailbox = Mailbox(DATA="drop")

    async def run() -> tuple[Outcome, Outcome]:
        async with serve(mailbox) as port, SmtpSender(plain(port), MAIL) as sender:
            first = await sender.send(make_delivery(), now=NOW)
            mailbox.answers.clear()
            return first, await sender.send(make_delivery(), now=NOW)

    first, second = asyncio.run(run())
    assert isinstance(first, Retry)
    assert isinstance(second, Delivered)
    ids = {BytesParser(policy=policy.default).parsebytes(content)["Message-ID"] for _, _, content in mailbox.mails}
    assert ids == {"<dlv_1@wire.example>"}


def test_a_kept_connection_closed_by_the_server_costs_no_attempt() -> None:
    servers: list[SMTP] = []

    class Noting(Mailbox):
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
            servers.append(server)
            return await super().handle_DATA(server, session, envelope)

    async def run(mailbox: Mailbox) -> Outcome:
        async with serve(mailbox) as port, SmtpSender(plain(port), MAIL) as sender:
            await sender.send(make_delivery(), now=NOW)
            drop(servers[0])
            return await sender.send(make_delivery(delivery_id="dlv_2"), now=NOW)

    mailbox = Noting()
    assert isinstance(asyncio.run(run(mailbox)), Delivered)
    assert len(mailbox.mails) == 2


def test_starttls_protects_the_mail(self_signed: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    outcome = send_to(
        mailbox,
        settings={"host": "localhost", "security": Security.STARTTLS},
        tls=trusting,
        tls_context=self_signed,
        require_starttls=True,
    )
    assert isinstance(outcome, Delivered)
    assert mailbox.was_secure == [True]


def test_tls_from_the_first_byte(self_signed: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"421 not today\r\n")
        writer.close()

    async def run() -> Outcome:
        async with listening(greet, tls=self_signed) as port:
            return await send_once(plain(port, security=Security.TLS), trusting)

    assert asyncio.run(run()) == Retry(reason="The mail server refused us: 421 not today.", status=421)


def test_a_certificate_nobody_vouches_for_is_refused(self_signed: ssl.SSLContext) -> None:
    mailbox = Mailbox()
    outcome = send_to(mailbox, settings={"security": Security.STARTTLS}, tls_context=self_signed)
    assert isinstance(outcome, Retry)
    assert "certificate" in outcome.reason
    assert mailbox.mails == []


def test_a_server_without_starttls_gets_nothing() -> None:
    mailbox = Mailbox()
    login = {"security": Security.STARTTLS, "username": "wire", "password": "secret"}
    outcome = send_to(mailbox, settings=login)
    assert isinstance(outcome, Retry)
    assert "STARTTLS" in outcome.reason
    assert mailbox.peers == set()


@pytest.mark.parametrize(("password", "expected"), [("right", Delivered), ("wrong", Retry)])
def test_the_password_is_sent_inside_tls(
    password: str, expected: type[Outcome], self_signed: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    def check(server: SMTP, session: Session, _envelope: Envelope, _mechanism: str, login: Any) -> AuthResult:
        is_right = session.ssl is not None and login.password == b"right"
        return AuthResult(success=is_right, handled=is_right)

    outcome = send_to(
        Mailbox(),
        settings={"security": Security.STARTTLS, "username": "wire", "password": password},
        tls=trusting,
        tls_context=self_signed,
        authenticator=check,
        auth_required=True,
    )
    assert type(outcome) is expected
    assert password not in str(outcome)


@pytest.mark.parametrize(
    "changes",
    [
        {"host": "mail.example"},
        {"host": "192.0.2.1"},
        {"host": "127.0.0.1", "username": "wire", "password": "secret"},
        {"host": "mail.example", "username": "wire", "password": "secret", "allow_plaintext": True},
    ],
)
def test_unprotected_mail_is_for_this_machine_and_passwords_for_tls(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="TLS"):
        SmtpSettings(security=Security.NONE, **changes)


def test_unprotected_mail_may_be_allowed_explicitly() -> None:
    assert SmtpSettings(host="mail.example", security=Security.NONE, allow_plaintext=True).port == 587


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(SmtpSettings(host="mail.example", username="wire", password="secret"))


def test_a_sender_that_is_no_address_is_refused_at_start() -> None:
    with pytest.raises(MailError):
        MailSettings(from_address="setwire", base_url="https://wire.example")


def test_a_hanging_server_ends_at_the_deadline() -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read()
        finally:
            writer.close()

    async def run() -> Outcome:
        async with listening(hang) as port:
            return await send_once(plain(port, deadline=timedelta(seconds=0.2)))

    assert asyncio.run(run()) == Retry(reason="The mail server did not answer within 0.2 s.")


@pytest.mark.parametrize("greeting", [b"", b"554 go away\r\n", b"421 busy\r\n", b"HTTP/1.1 400\r\n\r\n", b"\xff" * 99])
def test_a_server_that_is_none_is_tried_again(greeting: bytes) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async def run() -> Outcome:
        async with listening(greet) as port:
            return await send_once(plain(port))

    outcome = asyncio.run(run())
    assert isinstance(outcome, Retry)
    assert outcome.reason.endswith(".")


def test_a_closed_port_is_tried_again() -> None:
    outcome = asyncio.run(send_once(plain(1)))
    assert isinstance(outcome, Retry)


def test_a_mail_that_cannot_be_written_is_given_up(tmp_path: Path) -> None:
    async def run() -> list[Outcome]:
        bad = make_delivery(address="a@b, c@d")
        return [
            await SmtpSender(plain(1), MAIL).send(bad, now=NOW),
            await FolderSender(tmp_path, MAIL).send(bad, now=NOW),
        ]

    for outcome in asyncio.run(run()):
        assert isinstance(outcome, GiveUp)
        assert "not one plain e-mail address" in outcome.reason
    assert list(tmp_path.iterdir()) == []


def keep(folder: Path, delivery: Delivery) -> Outcome:
    return asyncio.run(FolderSender(folder, MAIL).send(delivery, now=NOW))


def test_a_folder_keeps_one_file_for_each_delivery(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    assert keep(folder, make_delivery()) == Delivered(detail="2026-03-03-dlv_1.eml")
    assert keep(folder, make_delivery()) == Delivered(detail="2026-03-03-dlv_1.eml")
    assert [path.name for path in folder.iterdir()] == ["2026-03-03-dlv_1.eml"]
    message = BytesParser(policy=policy.default).parsebytes((folder / "2026-03-03-dlv_1.eml").read_bytes())
    assert message["To"] == "reader@example.org"


def test_an_id_that_is_a_path_stays_in_the_folder(tmp_path: Path) -> None:
    keep(tmp_path / "outbox", make_delivery(delivery_id="../../escape"))
    assert [path.name for path in tmp_path.iterdir()] == ["outbox"]
    assert len(list((tmp_path / "outbox").iterdir())) == 1


def test_a_missing_disk_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "unmounted" / "outbox"
    assert keep(folder, make_delivery()) == Retry(
        reason=f"The mail could not be written into {folder}: No such file or directory."
    )


def test_a_folder_that_is_a_file_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("")
    assert isinstance(keep(tmp_path / "outbox", make_delivery()), Retry)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_tried_again_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "2026-03-03-dlv_1.part").symlink_to("/dev/full")
    outcome = keep(tmp_path, make_delivery())
    assert outcome == Retry(reason=f"The mail could not be written into {tmp_path}: No space left on device.")
    assert list(tmp_path.iterdir()) == []
