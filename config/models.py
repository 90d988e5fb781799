"""Loads the small trained models that ship beside the configuration; says nothing of what they judge."""

import gzip
import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "models"


def load_model(name: str) -> dict[str, Any]:
    """Read `models/NAME.json.gz`.

    Errors: `FileNotFoundError` for a name that does not ship, `TypeError` for a file that is not a JSON object.
    """
    with gzip.open(_FOLDER / f"{name}.json.gz", "rt", encoding="utf-8") as file:
        model = json.load(file)
    if not isinstance(model, dict):
        raise TypeError(f"models/{name}.json.gz: holds no JSON object")
    return model
