"""The shipped JSON Schema of webhook bodies, as tests hold every event against it."""

import json
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parent.parent / "notifier" / "schemas" / "webhook.schema.json"


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def check_event(payload: str) -> None:
    """Raise ValidationError unless the payload is as the schema says."""
    _validator().validate(json.loads(payload))
