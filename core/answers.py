"""Reads an answer in HTTP/1.1 (RFC 9112) out of bytes as they come, for the gateway and for webhooks; it opens nothing.

It is lenient where servers are sloppy and nothing is at stake: bare line feeds, folded lines, a length said twice.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_STATUS_LINE = re.compile(rb"HTTP/(1\.[01]) ([1-9][0-9]{2})(?: ([^\r\n]*))?")
_HEAD_END = re.compile(rb"\n\r?\n")
_HEADER = re.compile(rb"^([!#-'*+.0-9A-Z^-z|~-]+)[ \t]*:([^\r\n]*)\r?$", re.MULTILINE)
_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_BEGINNING = b"HTTP/1."
_LINE_BREAKS = b"\r\n"


class AnswerError(ValueError):
    """What came is not HTTP/1.1 as we read it."""


class HeadTooLargeError(AnswerError):
    """The headers are longer than we read."""


class CutShortError(AnswerError):
    """The connection ended before the answer did."""


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """The most that is read of a head: bytes of one line and of all of them, and how many headers."""

    line_bytes: int
    head_bytes: int
    headers: int = 100


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer. Names of headers are in lower case, values byte for byte."""

    version: str
    status: int
    reason: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    _joined: Mapping[bytes, bytes]

    def find(self, name: bytes) -> bytes:
        """The value of a header; several are joined by commas, none is empty."""
        return self._joined.get(name, b"")


class AnswerReader:
    """Reads one answer. `head` is there once its final status has come, `is_whole` says that its body has ended.

    `leaves_open` says that another exchange may follow on the connection.
    """

    __slots__ = ("_held", "_left", "_limits", "_read", "_searched", "_trailers", "head", "is_whole", "leaves_open")

    def __init__(self, limits: HeadLimits) -> None:
        self.head: Head | None = None
        self.is_whole = self.leaves_open = False
        self._limits = limits
        self._held = bytearray()
        self._searched = self._left = self._trailers = 0
        self._read: Callable[[bytes], bytes] = self._read_heads

    def feed(self, data: bytes) -> bytes:
        """Take what came, and give what of it belongs to the body. Errors: `AnswerError`, and then feed no more."""
        return self._read(data)

    def finish(self) -> None:
        """Say that no more will come. Errors: `CutShortError` where more was to come."""
        if self.is_whole:
            return
        if self.head is None or self._read != self._read_rest:
            raise CutShortError("it closed the connection before its answer was whole")
        self.is_whole = True

    def _read_heads(self, data: bytes) -> bytes:
        """Read heads until one is final: those below 200 only announce it (101 is the end of HTTP)."""
        self._held += data
        while (raw := self._take_head()) is not None:
            head = _parse_head(raw, self._limits)
            if head.status >= 200 or head.status == 101:
                return self._begin_body(head)
        return b""

    def _take_head(self) -> bytes | None:
        if self._held[:1] and self._held[0] in _LINE_BREAKS:
            self._held = self._held.lstrip(_LINE_BREAKS)
        end = _HEAD_END.search(self._held, self._searched)
        if end is None:
            if not self._held.startswith(_BEGINNING[: len(self._held)]):
                raise AnswerError("the answer is not HTTP as we read it")
            self._searched = max(len(self._held) - 2, 0)
            self._check_growth(len(self._held) - self._held.rfind(b"\n") - 1)
            return None
        raw = bytes(self._held[: end.start()]).removesuffix(b"\r")
        del self._held[: end.end()]
        self._searched = 0
        return raw

    def _check_growth(self, line_bytes: int) -> None:
        if self._held.count(b"\n") > self._limits.headers + 1:
            raise AnswerError("the answer has too many headers")
        if line_bytes > self._limits.line_bytes or len(self._held) > self._limits.head_bytes:
            raise HeadTooLargeError("the headers of the answer are longer than we read")

    def _begin_body(self, head: Head) -> bytes:
        length = _find_length(head)
        self.head, rest = head, bytes(self._held)
        self._held.clear()
        if length is not None:
            self._left, self._read = length, self._read_sized
        else:
            self._read = self._read_chunks if _is_chunked(head) else self._read_rest
        return self._read(rest)

    def _read_sized(self, data: bytes) -> bytes:
        body = data if len(data) <= self._left else data[: self._left]
        self._left -= len(body)
        if not self._left:
            self._end(has_more=len(data) > len(body))
        return body

    def _read_rest(self, data: bytes) -> bytes:
        return data

    def _read_chunks(self, data: bytes) -> bytes:
        """Lines and pieces in turn; `_left` is what is missing of a piece and the line break behind it."""
        held, body = self._held, bytearray()
        held += data
        while held and not self.is_whole:
            if self._left > 2:
                piece = held[: self._left - 2]
                del held[: len(piece)]
                body += piece
                self._left -= len(piece)
            elif self._left and held[0] not in _LINE_BREAKS:
                raise AnswerError("the answer is not in chunks as it says")
            elif (line := self._take_line()) is None:
                break
            else:
                self._read_chunk_line(line)
        return bytes(body)

    def _read_chunk_line(self, line: bytes) -> None:
        if self._left:
            if line:
                raise AnswerError("the answer is not in chunks as it says")
            self._left = 0
        elif self._trailers:
            self._skip_trailer(line)
        elif (size := _CHUNK_SIZE.fullmatch(line)) is None:
            raise AnswerError("the answer is not in chunks as it says")
        else:
            count = int(size[1], 16)
            self._left, self._trailers = (count + 2, 0) if count else (0, 1)

    def _skip_trailer(self, line: bytes) -> None:
        self._trailers += 1
        if not line:
            self._end(has_more=bool(self._held))
        elif self._trailers > self._limits.headers + 1:
            raise HeadTooLargeError("the headers of the answer are longer than we read")

    def _take_line(self) -> bytes | None:
        end = self._held.find(b"\n")
        if end < 0:
            self._check_growth(len(self._held))
            return None
        line = bytes(self._held[:end]).removesuffix(b"\r")
        del self._held[: end + 1]
        return line

    def _end(self, *, has_more: bool) -> None:
        self.is_whole, self._read = True, self._note_more
        self.leaves_open = not has_more and self.head is not None and _is_kept(self.head)

    def _note_more(self, data: bytes) -> bytes:
        """What nobody asked for: whose answer would come next on this connection?"""
        self.leaves_open = self.leaves_open and not data
        return b""


def _parse_head(raw: bytes, limits: HeadLimits) -> Head:
    # RFC 9110, section 5.5: a NUL is made a space. RFC 9112, section 5.2: so is the break of a folded line.
    raw = raw.replace(b"\0", b" ")
    if b"\n " in raw or b"\n\t" in raw:
        raw = _FOLD.sub(b" ", raw)
    first, _, rest = raw.partition(b"\n")
    status = _STATUS_LINE.fullmatch(first.removesuffix(b"\r"))
    if status is None:
        raise AnswerError("the answer is not HTTP as we read it")
    count = rest.count(b"\n") + 1 if rest else 0
    _check_size(raw, count, limits)
    headers = tuple([(name.lower(), value.strip(b" \t")) for name, value in _HEADER.findall(rest)])
    if len(headers) != count:
        raise AnswerError("the headers of the answer are malformed")
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return Head(
        version=f"HTTP/{status[1].decode()}",
        status=int(status[2]),
        reason=(status[3] or b"").strip(),
        headers=headers,
        _joined=joined,
    )


def _check_size(raw: bytes, count: int, limits: HeadLimits) -> None:
    if count > limits.headers:
        raise AnswerError("the answer has too many headers")
    if len(raw) > limits.line_bytes and (
        len(raw) > limits.head_bytes or any(len(line) > limits.line_bytes for line in raw.split(b"\n"))
    ):
        raise HeadTooLargeError("the headers of the answer are longer than we read")


def _is_chunked(head: Head) -> bool:
    return head.find(b"transfer-encoding").lower().endswith(b"chunked")


def _find_length(head: Head) -> int | None:
    """How long the body is; None where it says so itself, or ends with the connection (RFC 9112, section 6.3)."""
    if head.status in (101, 204, 304):
        return 0
    said = head.find(b"content-length")
    if head.find(b"transfer-encoding") or not said:
        return None
    length, *others = [part.strip() for part in said.split(b",")]
    if any(other != length for other in others) or not _LENGTH.fullmatch(length):
        raise AnswerError("the answer says no clear length")
    return int(length)


def _is_kept(head: Head) -> bool:
    """Whether the connection stays (RFC 9112, section 9.3); not where the end of the body was in doubt (6.1)."""
    said = head.find(b"connection").lower()
    coding = head.find(b"transfer-encoding")
    if b"close" in said or head.status == 101 or (coding and (head.find(b"content-length") or not _is_chunked(head))):
        return False
    return head.version == "HTTP/1.1" or b"keep-alive" in said
