"""How answers are read: what is taken, what is refused, and that it does not matter how the bytes arrive."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.answers import AnswerError, AnswerReader, CutShortError, HeadLimits, HeadTooLargeError

LIMITS = HeadLimits(line_bytes=200, head_bytes=600, headers=10)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
Read = tuple[int, bytes, bool]

ANSWERS: dict[str, tuple[bytes, Read]] = {
    "plain": (OK + b"Content-Length: 5\r\n\r\nhello", (200, b"hello", True)),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", (200, b"hello", True)),
    "empty lines before it": (b"\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello", (200, b"hello", True)),
    "no reason": (b"HTTP/1.1 204\r\n\r\n", (204, b"", True)),
    "a length said twice": (OK + b"Content-Length: 5\r\ncontent-length: 5, 5\r\n\r\nhello", (200, b"hello", True)),
    "space before the colon": (OK + b"Content-Length : 5\r\n\r\nhello", (200, b"hello", True)),
    "only announced": (
        b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nhello",
        (200, b"hello", True),
    ),
    "to the end of the connection": (OK + b"\r\nhello", (200, b"hello", False)),
    "of old": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", (200, b"hello", False)),
    "of old, kept": (
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello",
        (200, b"hello", True),
    ),
    "its last": (OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello", (200, b"hello", False)),
    "nothing new, with a length": (b"HTTP/1.1 304 Same\r\nContent-Length: 900\r\n\r\n", (304, b"", True)),
    "nothing new, in chunks": (b"HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n", (304, b"", True)),
    "another protocol": (b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", (101, b"", False)),
    "chunks": (CHUNKED + b"5\r\nhello\r\n0c\r\n, wide world\r\n0\r\n\r\n", (200, b"hello, wide world", True)),
    "sloppy chunks": (CHUNKED + b"5 ;x=y\nhello\n0\nTrailer: 1\n\n", (200, b"hello", True)),
    "chunks beside a length": (
        OK + b"Content-Length: 90\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        (200, b"hello", False),
    ),
    "a coding that is no chunks": (OK + b"Transfer-Encoding: gzip\r\n\r\nhello", (200, b"hello", False)),
    "more than the length": (OK + b"Content-Length: 5\r\n\r\nhelloHTTP/1.1 500 Oh\r\n\r\n", (200, b"hello", False)),
    "more than nothing": (b"HTTP/1.1 204 No\r\n\r\nhello", (204, b"", False)),
    "more than the chunks": (CHUNKED + b"0\r\n\r\nhello", (200, b"", False)),
}


def read(pieces: list[bytes]) -> Read:
    reader = AnswerReader(LIMITS)
    body = b"".join([reader.feed(piece) for piece in pieces])
    reader.finish()
    assert reader.head is not None
    return reader.head.status, body, reader.leaves_open


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_ends_where_it_says(name: str) -> None:
    raw, expected = ANSWERS[name]
    assert read([raw]) == expected


@given(st.sampled_from([raw for raw, _ in ANSWERS.values()]), st.sets(st.integers(0, 120), max_size=8))
def test_it_does_not_matter_how_the_bytes_arrive(raw: bytes, cuts: set[int]) -> None:
    ends = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    assert read([raw[start:end] for start, end in pairwise(ends)]) == read([raw])
    assert read([bytes([byte]) for byte in raw]) == read([raw])


def test_headers_stay_as_they_came() -> None:
    reader = AnswerReader(LIMITS)
    reader.feed(OK + b'ETag: \t"\xff\xe9 a"\t \r\nX-A: 1\r\n 2\r\nX-B: a\0b\r\nx-a: 3\r\n\r\n')
    assert reader.head is not None
    assert reader.head.headers == ((b"etag", b'"\xff\xe9 a"'), (b"x-a", b"1 2"), (b"x-b", b"a b"), (b"x-a", b"3"))
    assert reader.head.find(b"x-a") == b"1 2, 3"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"SSH-2.0-OpenSSH_9\r\n", AnswerError),
        (b"HTTP/2 200\r\n\r\n", AnswerError),
        (b"HTTP/1.1 20 OK\r\n\r\n", AnswerError),
        (OK + b"no colon\r\n\r\n", AnswerError),
        (OK + b"a b: c\r\n\r\n", AnswerError),
        (OK + b"a: b\rc\r\n\r\n", AnswerError),
        (OK + b"Content-Length: +5\r\n\r\nhello", AnswerError),
        (OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", AnswerError),
        (OK + b"a: b\r\n" * 11 + b"\r\n", AnswerError),
        (OK + b"a: b\r\n" * 11, AnswerError),
        (CHUNKED + b"zz\r\n", AnswerError),
        (CHUNKED + b"-1\r\n", AnswerError),
        (CHUNKED + b"5\r\nhellohello", AnswerError),
        (OK + b"a: " + b"b" * 200, HeadTooLargeError),
        (OK + b"a: " + b"b" * 200 + b"\r\n\r\n", HeadTooLargeError),
        ((OK + b"a: " + b"b" * 150 + b"\r\n") * 5, HeadTooLargeError),
        (CHUNKED + b"0" * 201, HeadTooLargeError),
        (CHUNKED + b"0\r\n" + b"a: b\r\n" * 12, HeadTooLargeError),
        (b"", CutShortError),
        (OK, CutShortError),
        (OK + b"Content-Length: 5\r\n\r\nhell", CutShortError),
        (CHUNKED + b"5\r\nhello\r\n", CutShortError),
        (CHUNKED + b"5\r\nhello\r\n0\r\n", CutShortError),
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes, error: type[AnswerError]) -> None:
    with pytest.raises(error) as caught:
        read([raw])
    assert type(caught.value) is error
