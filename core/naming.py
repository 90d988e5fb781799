"""Makes readable ids of names."""

import re
from collections.abc import Collection

_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def free_id(name: str, taken: Collection[str]) -> str:
    """Make a readable id of `name` that is not taken: small letters, digits, hyphens, a number where needed."""
    base = _NOT_SLUG.sub("-", name.casefold()).strip("-") or "unnamed"
    numbered = (f"{base}-{n}" for n in range(2, len(taken) + 3))
    return next(candidate for candidate in (base, *numbered) if candidate not in taken)
