"""The header fields of an answer, byte for byte; reading what they mean is left to others."""

from collections.abc import Iterable


class Headers:
    """Fields by name in any case, as latin-1 text: encoding a value again gives the bytes that came.

    Repeated fields are joined by commas (RFC 9110 5.3). `raw` has them as they stood.
    """

    __slots__ = ("_values", "raw")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.raw = tuple(raw)
        self._values: dict[str, str] = {}
        for name, value in self.raw:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self._values[key] = f"{self._values[key]}, {text}" if key in self._values else text

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def get(self, name: str, default: str = "") -> str:
        """Give a field's value, or `default`."""
        return self._values.get(name.lower(), default)
