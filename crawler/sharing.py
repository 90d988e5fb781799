"""Files by which processes leave word for each other: whole or not there at all."""

import os
from contextlib import suppress
from pathlib import Path


def leave_word(path: Path, content: bytes) -> None:
    """Write a file and its folder; one that cannot be written is left out, for it costs the sharing alone."""
    written = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written.write_bytes(content)
        written.replace(path)
    except OSError:
        with suppress(OSError):
            written.unlink(missing_ok=True)
