"""Signs and reads the links that mails carry, so that a click needs no login; it acts on nothing."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

KEY_BYTES = 32
CONFIRM_WITHIN = timedelta(hours=48)

_MAX_TOKEN_CHARS = 1_500
_PURPOSE = b"setwire link 1\n"


class LinkError(ValueError):
    """A link that is not one of ours, or no longer good; its text is one sentence for the reader."""


class LinkAction(StrEnum):
    UNSUBSCRIBE = "unsubscribe"
    MUTE = "mute"
    DIGEST = "digest"
    WRONG_FILM = "wrong-film"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a click does, for one endpoint. `ref` is `film:ID` or `topic:SLUG`; empty where the action needs none.

    `story_id` is the story a doubt is about. Without `expires_at` the link is good for ever.
    """

    action: LinkAction
    endpoint_id: str
    subscription_id: str = ""
    ref: str = ""
    story_id: int = 0
    expires_at: datetime | None = None


def write_link(link: Link, *, key: bytes, base_url: str) -> str:
    """Write the address of a link: a page below `base_url` whose POST acts."""
    return f"{base_url.rstrip('/')}/u/{write_token(link, key=key)}"


def write_token(link: Link, *, key: bytes) -> str:
    expires = int(link.expires_at.timestamp()) if link.expires_at else 0
    fields = [link.action.value, link.endpoint_id, link.subscription_id, link.ref, link.story_id, expires]
    body = _to_text(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode())
    return f"{body}.{_sign(body, key)}"


def read_token(token: str, *, key: bytes, now: datetime) -> Link:
    """Read a token that we wrote with this key.

    The signature is compared as text, in constant time, over the text it signs: of the many ways to write the same
    bytes in base64 only ours is taken. Errors: `LinkError`, the same for whatever is wrong but age.
    """
    body, _, signature = token.partition(".")
    expected = _sign(body[:_MAX_TOKEN_CHARS], key)
    is_ours = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass"))
    if not is_ours or len(token) > _MAX_TOKEN_CHARS:
        raise LinkError("This link is not one of ours, or a part of it got lost on the way.")
    action, endpoint_id, subscription_id, ref, story_id, expires = json.loads(_from_text(body))
    expires_at = datetime.fromtimestamp(expires, UTC) if expires else None
    if expires_at is not None and expires_at < now:
        raise LinkError("This link is no longer good; ask for a new one.")
    return Link(
        action=LinkAction(action),
        endpoint_id=endpoint_id,
        subscription_id=subscription_id,
        ref=ref,
        story_id=story_id,
        expires_at=expires_at,
    )


def _sign(body: str, key: bytes) -> str:
    return _to_text(hmac.digest(key, _PURPOSE + body.encode("utf-8", "surrogatepass"), hashlib.sha256))


def _to_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _from_text(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
