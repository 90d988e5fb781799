"""What a row is to those who convert it."""

from collections.abc import Mapping
from typing import Any, Protocol

from core.values import (
    Publisher,
    PublisherSlug,
)

Columns = dict[str, Any]


class Row(Protocol):
    """What a query gives: columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


Publishers = Mapping[PublisherSlug, Publisher]
