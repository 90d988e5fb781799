"""The conversation with a mail server, command by command: a server that follows a script and notes what it hears."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from core.values import Delivered, EndpointGone, GiveUp, Outcome, Retry
from notifier.smtp import SmtpSender
from tests.loopback import listening
from tests.notifier.test_smtp import MAIL, NOW, make_delivery, plain

PIPELINING = "250-mail.example\r\n250-SIZE 1000000\r\n250 PIPELINING"
WELL = {"EHLO": "250 mail.example", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 kept"}


@dataclass(slots=True)
class Script:
    """Answers each command by its first word; `heard` are the pieces in which bytes came, `texts` the mails.

    After so many mails the first connection is closed by a 421.
    """

    answers: Mapping[str, str]
    heard: list[bytes] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    connections: int = 0
    leaves_after: int = 99

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        answers = {**WELL, **self.answers}
        writer.write(b"220 mail.example\r\n")
        buffer, is_text = b"", False
        try:
            while piece := await reader.read(65536):
                self.heard.append(piece)
                buffer += piece
                while (end := buffer.find(b"\r\n.\r\n" if is_text else b"\r\n")) >= 0:
                    said, buffer = buffer[:end], buffer[end + (5 if is_text else 2) :]
                    verb = "." if is_text else said[:4].decode().upper()
                    self.texts += [said] if is_text else []
                    answer = answers.get(verb, "250 ok")
                    if verb == "MAIL" and self.connections == 1 and len(self.texts) >= self.leaves_after:
                        answer = "421 idle for too long"
                    is_text = not is_text and verb == "DATA" and answer.startswith("354")
                    writer.write(f"{answer}\r\n".encode())
                    if answer.startswith("421"):
                        return
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def play(script: Script) -> AsyncIterator[SmtpSender]:
    async with listening(script.serve) as port, SmtpSender(plain(port), MAIL) as sender:
        yield sender


def send(script: Script, count: int = 1) -> list[Outcome]:
    async def run() -> list[Outcome]:
        async with play(script) as sender:
            return [await sender.send(make_delivery(delivery_id=f"dlv_{n}"), now=NOW) for n in range(count)]

    return asyncio.run(run())


def test_commands_leave_together_where_the_server_takes_them_so() -> None:
    script = Script({"EHLO": PIPELINING})
    assert all(isinstance(outcome, Delivered) for outcome in send(script, 3))
    together = b"MAIL FROM:<wire@wire.example>\r\nRCPT TO:<reader@example.org>\r\nDATA\r\n"
    assert script.heard.count(together) == 3
    assert script.connections == 1


def test_a_server_that_does_not_say_so_hears_them_one_by_one() -> None:
    script = Script({})
    assert isinstance(send(script)[0], Delivered)
    assert b"RCPT TO:<reader@example.org>\r\n" in script.heard
    assert b"DATA\r\n" in script.heard


@pytest.mark.parametrize("ehlo", ["250 mail.example", PIPELINING])
@pytest.mark.parametrize(
    ("step", "answer", "expected"),
    [
        ("MAIL", "451 later", Retry),
        ("RCPT", "550 5.1.1 nobody", EndpointGone),
        ("RCPT", "452 full", Retry),
        ("DATA", "554 5.7.1 no", GiveUp),
        (".", "451 later", Retry),
        (".", "554 no", GiveUp),
    ],
)
def test_a_refusal_is_one_outcome_and_nothing_is_sent_as_a_mail(
    ehlo: str, step: str, answer: str, expected: type[Outcome]
) -> None:
    answers = {"EHLO": ehlo, step: answer}
    if step in ("MAIL", "RCPT"):
        answers["DATA"] = "503 no recipient"
    script = Script(answers)
    found = send(script, 2)
    assert [type(outcome) for outcome in found] == [expected] * 2
    assert script.connections == 1
    assert len(script.texts) == (2 if step == "." else 0)


def test_a_server_that_lets_the_text_in_without_a_recipient_gets_none() -> None:
    script = Script({"EHLO": PIPELINING, "RCPT": "550 5.1.1 nobody"})
    assert [type(outcome) for outcome in send(script, 2)] == [EndpointGone] * 2
    assert script.texts == []
    assert script.connections == 2


@pytest.mark.parametrize("ehlo", ["250 mail.example", PIPELINING])
def test_a_kept_connection_that_says_good_bye_costs_no_attempt(ehlo: str) -> None:
    script = Script({"EHLO": ehlo}, leaves_after=1)
    assert all(isinstance(outcome, Delivered) for outcome in send(script, 2))
    assert (len(script.texts), script.connections) == (2, 2)


def test_a_line_that_begins_with_a_full_stop_arrives_as_it_was() -> None:
    script = Script({})
    send(script)
    [text] = script.texts
    assert text.startswith(b"From: ")
    assert b"\r\n.\r\n" not in text
    assert all(line.startswith(b"..") for line in text.split(b"\r\n") if line.startswith(b"."))


def test_replies_that_are_none_are_tried_again() -> None:
    [outcome] = send(Script({"MAIL": "hello there"}))
    assert isinstance(outcome, Retry)
    assert "hello there" in outcome.reason
