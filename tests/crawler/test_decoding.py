"""Content encodings undone in any slices, within their caps."""

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.decoding import BodyDecoder
from crawler.errors import BodyError, TooLargeError


def deflate_raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def pack_brotli(body: bytes) -> bytes:
    return bytes(brotli.compress(body, quality=4))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": pack_brotli,
    "zstd": zstandard.compress,
}
CODINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "identity": ("", bytes),
    "gzip": ("GZip", gzip.compress),
    "gzip in two members": ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    "padded gzip": ("gzip", lambda body: gzip.compress(body) + bytes(20)),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", deflate_raw),
    "brotli": ("br", pack_brotli),
    "zstd": ("zstd", zstandard.compress),
    "zstd in two frames": ("zstd", lambda body: zstandard.compress(body[:9]) + zstandard.compress(body[9:])),
    "all at once": ("gzip, br, zstd", lambda body: zstandard.compress(pack_brotli(gzip.compress(body)))),
}


def decode(coding: str, wire: bytes, slice_bytes: int = 1 << 20, max_bytes: int = 1 << 20) -> bytes:
    decoder = BodyDecoder(coding, max_bytes=max_bytes, max_ratio=100)
    for start in range(0, len(wire), slice_bytes):
        decoder.feed(wire[start : start + slice_bytes])
    return decoder.finish()


@pytest.mark.parametrize("name", CODINGS)
@settings(max_examples=40)
@given(body=st.binary(max_size=2000), slice_bytes=st.integers(1, 500))
def test_any_body_in_any_slices(name: str, body: bytes, slice_bytes: int) -> None:
    coding, encode = CODINGS[name]
    assert decode(coding, encode(body), slice_bytes) == body


@pytest.mark.parametrize("name", CODINGS)
def test_an_empty_body_is_whole(name: str) -> None:
    assert decode(CODINGS[name][0], b"") == b""


@pytest.mark.parametrize("name", CODINGS)
def test_a_large_body_passes_whole(name: str) -> None:
    coding, encode = CODINGS[name]
    body = b"".join(sha256(bytes(n)).hexdigest().encode() for n in range(6_000))
    assert decode(coding, encode(body), 4096) == body


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_truncated_body_is_noticed(coding: str) -> None:
    wire = PACKERS[coding](b"the second unit films at night" * 50)
    with pytest.raises(BodyError, match="breaks off"):
        decode(coding, wire[:-4])


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "zstd, br"])
@settings(max_examples=40)
@given(wire=st.binary(min_size=1, max_size=300))
def test_garbage_ends_in_an_error_of_ours_or_in_bytes(coding: str, wire: bytes) -> None:
    with suppress(BodyError, TooLargeError):
        decode(coding, wire)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_left_early(coding: str) -> None:
    decoder = BodyDecoder(coding, max_bytes=1 << 20, max_ratio=100)
    with pytest.raises(TooLargeError):
        decoder.feed(PACKERS[coding](bytes(5_000_000)))
    assert len(decoder.decoded) <= 1 << 20


def test_a_small_repetitive_body_may_compress_well() -> None:
    body = b"x" * 200_000
    assert decode("gzip", gzip.compress(body)) == body


def test_the_wire_counts_as_well() -> None:
    with pytest.raises(TooLargeError, match="larger than 1,000 bytes"):
        decode("", bytes(1001), max_bytes=1000)


@pytest.mark.parametrize("name", ["none", "UTF-8", "binary", "aws-chunked", "identity, gzip", "utf-8,gzip"])
def test_what_is_no_coding_is_passed_over(name: str) -> None:
    body = b"<rss/>"
    decoder = BodyDecoder(name, max_bytes=1000, max_ratio=100)
    decoder.feed(gzip.compress(body) if "gzip" in name else body)
    assert decoder.finish() == body


@pytest.mark.parametrize("name", ["compress", "exi", "rot13", "gzip, compress"])
def test_a_coding_that_was_not_offered_is_refused(name: str) -> None:
    with pytest.raises(BodyError, match="was not offered"):
        BodyDecoder(name, max_bytes=1000, max_ratio=100)
