"""Undoes content encodings piece by piece, so that a bomb is noticed before it has unfolded; it reads no socket."""

import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import brotli  # type: ignore[import-untyped]  # ships no stubs
import zstandard

from crawler.errors import BodyError, TooLargeError

ACCEPT_ENCODING = "gzip, br, zstd, deflate"

_PIECE_BYTES = 64 * 1024
# Every content-coding layer costs a pass over the body; servers that mean well send one, a doubled gzip happens.
_MAX_LAYERS = 3
# A small repetitive document may honestly compress better than the ratio allows.
_RATIO_FREE_BYTES = 256 * 1024
# One four-byte zstd block may unfold to 128 KiB, and the decoder has no output limit: feed it by the spoonful.
_ZSTD_SPOON_BYTES = 128
# No coding, or what servers name here that is none: browsers pass over it, too.
_NO_CODINGS = frozenset(
    ("", "identity", "none", "binary", "7bit", "8bit", "utf-8", "utf8", "iso-8859-1", "aws-chunked")
)
_GZIP_MAGIC = 0x1F
_MAX_LENGTH_DIGITS = 20
# RFC 9659: a zstd content coding must not need a larger window.
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024


class _Layer(Protocol):
    @property
    def is_complete(self) -> bool: ...

    def feed(self, data: bytes) -> Iterator[bytes]: ...


class _Zlib:
    """gzip with any number of members, or deflate in either of its two readings."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._inflater: zlib._Decompress | None = None
        self._has_member = False
        self._is_over = False

    @property
    def is_complete(self) -> bool:
        return self._inflater is None

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._is_over = self._is_over or (self._has_member and self._is_padding(data))
        while data and not self._is_over:
            inflater = self._inflater or self._begin(data)
            yield from self._inflate(inflater, data)
            data = inflater.unused_data if inflater.eof else b""
            self._inflater = None if inflater.eof else inflater
            self._has_member = self._has_member or inflater.eof
            # Padding after the last member is common and harmless; another member starts with the magic number.
            self._is_over = self._has_member and self._is_padding(data)

    def _is_padding(self, data: bytes) -> bool:
        return self._inflater is None and bool(data) and not (self._is_gzip and data[0] == _GZIP_MAGIC)

    def _begin(self, data: bytes) -> "zlib._Decompress":
        if self._is_gzip:
            return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        # "deflate" means the zlib wrapper (RFC 9110 8.4.1.2), yet servers send raw deflate too.
        has_wrapper = data[0] & 0x0F == 8
        return zlib.decompressobj(wbits=zlib.MAX_WBITS if has_wrapper else -zlib.MAX_WBITS)

    @staticmethod
    def _inflate(inflater: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        piece = inflater.decompress(data, _PIECE_BYTES)
        yield piece
        while not inflater.eof and (inflater.unconsumed_tail or len(piece) == _PIECE_BYTES):
            piece = inflater.decompress(inflater.unconsumed_tail, _PIECE_BYTES)
            yield piece


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()
        self._is_begun = False

    @property
    def is_complete(self) -> bool:
        return not self._is_begun or bool(self._decompressor.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._decompressor.is_finished():
            return
        self._is_begun = True
        piece = self._decompressor.process(data, output_buffer_limit=_PIECE_BYTES)
        yield piece
        # It says it can accept more while output still waits inside, so it is asked until nothing comes.
        while piece and not self._decompressor.is_finished():
            piece = self._decompressor.process(b"", output_buffer_limit=_PIECE_BYTES)
            yield piece


class _Zstd:
    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        self._frame: zstandard.ZstdDecompressionObj | None = None

    @property
    def is_complete(self) -> bool:
        return self._frame is None

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_SPOON_BYTES):
            yield from self._feed_spoon(data[start : start + _ZSTD_SPOON_BYTES])

    def _feed_spoon(self, spoon: bytes) -> Iterator[bytes]:
        while spoon:
            frame = self._frame or self._context.decompressobj()
            yield frame.decompress(spoon)
            spoon = frame.unused_data if frame.eof else b""
            self._frame = None if frame.eof else frame


class BodyDecoder:
    """Takes a body as it comes off the wire and keeps it decoded, within caps on size and ratio.

    Errors: `BodyError` for an encoding that is unknown or damaged, `TooLargeError` beyond a cap. What was decoded
    before an error stays in `decoded`.
    """

    def __init__(self, content_encoding: str, *, max_bytes: int, max_ratio: int) -> None:
        self.decoded = bytearray()
        self.wire_bytes = 0
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._layers = _build_layers(content_encoding)

    def expect(self, content_length: str) -> None:
        """Refuse a body that is too large by its own word, before any of it is read."""
        if content_length.isascii() and content_length.isdigit() and len(content_length) < _MAX_LENGTH_DIGITS:
            self._check_size(int(content_length))

    def feed(self, chunk: bytes) -> None:
        self.wire_bytes += len(chunk)
        self._check_size(self.wire_bytes)
        try:
            for piece in self._unfold(chunk, self._layers):
                self._keep(piece)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise BodyError("the body's compression is damaged") from error

    def finish(self) -> bytes:
        if not all(layer.is_complete for layer in self._layers):
            raise BodyError("the body's compression breaks off before its end")
        return bytes(self.decoded)

    def _unfold(self, data: bytes, layers: Sequence[_Layer]) -> Iterator[bytes]:
        if not layers:
            yield data
            return
        for piece in layers[0].feed(data):
            self._check_ratio(len(piece))
            yield from self._unfold(piece, layers[1:])

    def _keep(self, piece: bytes) -> None:
        self._check_size(len(self.decoded) + len(piece))
        if self._layers:
            self._check_ratio(len(self.decoded) + len(piece))
        self.decoded += piece

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise TooLargeError(f"the body is larger than {self._max_bytes:,} bytes")

    def _check_ratio(self, size: int) -> None:
        if size > max(_RATIO_FREE_BYTES, self.wire_bytes * self._max_ratio):
            raise TooLargeError(f"the body unfolds to more than {self._max_ratio} times its size")


def _build_layers(content_encoding: str) -> list[_Layer]:
    """Read Content-Encoding; the last coding named was applied last, so it is undone first."""
    names = [name.strip().lower() for name in content_encoding.split(",")]
    codings = [name for name in reversed(names) if name not in _NO_CODINGS]
    if len(codings) > _MAX_LAYERS:
        raise BodyError(f"the body is compressed {len(codings)} times over")
    return [_build_layer(coding) for coding in codings]


def _build_layer(coding: str) -> _Layer:
    match coding:
        case "gzip" | "x-gzip":
            return _Zlib(is_gzip=True)
        case "deflate":
            return _Zlib(is_gzip=False)
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
        case _:
            raise BodyError(f"the body is encoded as {coding[:40]!r}, which was not offered")
