"""Writes an alert as an e-mail message that says one thing to one recipient; it connects to no server."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from urllib.parse import quote

from core.letters import Letter, cut, read_letter, render_html, render_text, web_url
from core.links import Link, LinkAction, write_link
from core.mime import MimeError, write_mail, write_phrase
from core.values import Delivery, EventType
from core.webhooks import clean_line

# RFC 5322, section 2.1.1: no line is longer than 998 characters.
_MAX_LINK_CHARS = 950

# An address as RFC 5321 writes it without quoting: every mail server takes it, and no header breaks on it.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
_MAX_LOCAL_CHARS, _MAX_ADDRESS_CHARS = 64, 254


class MailError(ValueError):
    """A mail that must not be sent; its text is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class _Sender:
    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def build_mail(
    delivery: Delivery,
    *,
    from_address: str,
    base_url: str,
    now: datetime,
    unsubscribe_url: str = "",
    link_key: bytes = b"",
) -> bytes:
    """Write the mail of one delivery, ready to be sent, with CRLF line ends and 7-bit bytes.

    Shape: the same arguments give the same bytes; `Message-ID` depends on the delivery only, and every mail of a
    story answers the same thread root. With `link_key` a mail for a subscription carries links that act without a
    login; without it and `unsubscribe_url` a reader unsubscribes by a mail to the sender.
    Errors: `MailError` for a recipient or sender that is not one plain address, a payload that is not ours, or a
    built message that does not read back as exactly one mail to exactly one recipient.
    """
    sender = _read_sender(from_address)
    recipient = check_address(delivery.endpoint.address)
    letter = _read_letter(delivery, base_url)
    links = _Links(letter, delivery, link_key, base_url) if link_key and letter.subscription_id else None
    unsubscribe_url = links.write(LinkAction.UNSUBSCRIBE) if links else unsubscribe_url
    letter = replace(letter, ways=tuple(links.offer())) if links else letter
    headers = {
        **_basic_headers(letter, delivery, sender=sender, recipient=recipient, now=now),
        **_thread_headers(delivery, sender),
        **_list_headers(letter, sender, unsubscribe_url),
    }
    way_out = web_url(unsubscribe_url) or _unsubscribe_mailto(letter, sender)
    return _write_message(headers, letter, delivery, way_out)


@dataclass(frozen=True, slots=True)
class _Links:
    """The links of one mail."""

    letter: Letter
    delivery: Delivery
    key: bytes
    base_url: str

    def write(self, action: LinkAction, ref: str = "") -> str:
        link = Link(
            action=action,
            endpoint_id=self.delivery.endpoint.endpoint_id,
            subscription_id=self.letter.subscription_id,
            ref=ref,
            story_id=self.delivery.story_id or 0,
        )
        return write_link(link, key=self.key, base_url=self.base_url)

    def offer(self) -> Iterator[tuple[str, str]]:
        letter = self.letter
        if letter.film_id:
            yield f"Mute {cut(letter.film, 60)}", self.write(LinkAction.MUTE, f"film:{letter.film_id}")
        if letter.topic_slug:
            yield f"Mute the topic {cut(letter.topic, 60)}", self.write(LinkAction.MUTE, f"topic:{letter.topic_slug}")
        if self.delivery.event in (EventType.STORY_CREATED, EventType.STORY_UPDATED):
            yield "A daily digest instead", self.write(LinkAction.DIGEST)
        if letter.film_id:
            yield "Wrong film?", self.write(LinkAction.WRONG_FILM, f"film:{letter.film_id}")


def check_address(address: str) -> str:
    """Return the address if it is exactly one plain e-mail address. Errors: `MailError`."""
    local_part = address.partition("@")[0]
    is_short = len(local_part) <= _MAX_LOCAL_CHARS and len(address) <= _MAX_ADDRESS_CHARS
    if not is_short or not _ADDRESS.fullmatch(address):
        raise MailError("the address is not one plain e-mail address (name@domain in ASCII)")
    return address


def read_sender_address(from_address: str) -> str:
    """Return the bare address of `setwire <wire@example.org>`, as the envelope wants it. Errors: `MailError`."""
    return _read_sender(from_address).address


@lru_cache(maxsize=16)
def _read_sender(from_address: str) -> _Sender:
    name, address = parseaddr(from_address)
    return _Sender(_write_line(name).replace("\\", "").replace('"', "'"), check_address(address))


def _read_letter(delivery: Delivery, base_url: str) -> Letter:
    try:
        return read_letter(delivery.payload, base_url=base_url)
    except ValueError as error:
        raise MailError("the payload of the delivery is not an alert of ours") from error


def _write_line(text: str) -> str:
    """Make text from outside safe as a header value.

    `=?` opens an encoded word (RFC 2047): the `email` package would decode it, and write a line break hidden inside
    as the start of another header.
    """
    return clean_line(text).replace("=?", "= ?")


def _basic_headers(
    letter: Letter, delivery: Delivery, *, sender: _Sender, recipient: str, now: datetime
) -> dict[str, str]:
    return {
        "From": f"{write_phrase(sender.name)} <{sender.address}>" if sender.name else sender.address,
        "To": recipient,
        "Subject": _write_line(letter.subject),
        "Date": format_datetime(now.astimezone(UTC)),
        "Message-ID": f"<{safe_id(delivery.delivery_id)}@{sender.domain}>",
        "Auto-Submitted": "auto-generated",
    }


def _thread_headers(delivery: Delivery, sender: _Sender) -> dict[str, str]:
    if delivery.story_id is None:
        return {}
    # The root itself is never sent: mail programs thread what answers the same message (RFC 5322, section 3.6.4).
    root = f"<story-{delivery.story_id}@{sender.domain}>"
    return {"In-Reply-To": root, "References": root}


def _list_headers(letter: Letter, sender: _Sender, unsubscribe_url: str) -> dict[str, str]:
    if not letter.subscription_id:
        return {}
    web = web_url(unsubscribe_url) if len(unsubscribe_url) <= _MAX_LINK_CHARS else ""
    ways = [web, _unsubscribe_mailto(letter, sender)] if web else [_unsubscribe_mailto(letter, sender)]
    # RFC 8058, section 3.1: one click wants exactly this value, and an https address that a POST acts on.
    one_click = {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"} if web.startswith("https://") else {}
    return {
        "List-Id": f"<{safe_id(letter.subscription_id).lower()}.setwire.{sender.domain}>",
        "List-Unsubscribe": ",\r\n ".join(f"<{way}>" for way in ways),
        **one_click,
    }


def _unsubscribe_mailto(letter: Letter, sender: _Sender) -> str:
    if not letter.subscription_id:
        return ""
    subject = quote(f"unsubscribe {letter.subscription_id}", safe="")
    return f"mailto:{quote(sender.address, safe='@')}?subject={subject}"


def safe_id(text: str) -> str:
    """Keep an id that fits a Message-ID and a file name; replace any other by its digest."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text):
        return text
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _write_message(headers: dict[str, str], letter: Letter, delivery: Delivery, unsubscribe_url: str) -> bytes:
    unsubscribe = f"Unsubscribe: {unsubscribe_url}" if unsubscribe_url else ""
    text, html = render_text(letter, unsubscribe=unsubscribe), render_html(letter, unsubscribe_url=unsubscribe_url)
    ways = headers.get("List-Unsubscribe", "<>")
    if ways != "<>" and not re.fullmatch(r"<[!-;=?-~]+>(,\r\n <[!-;=?-~]+>)*", ways):
        raise MailError("the header List-Unsubscribe is not a list of addresses")
    try:
        return write_mail(headers, text=text, html=html, boundary=_choose_boundary(delivery))
    except MimeError as error:
        raise MailError(str(error)) from error


def _choose_boundary(delivery: Delivery) -> str:
    """Pick a boundary that no feed can foresee and every attempt repeats."""
    material = f"{delivery.delivery_id}\n{delivery.payload}".encode("utf-8", "replace")
    return f"=_{hashlib.sha256(material).hexdigest()[:40]}"
