"""What a click in a mail changes: subscriptions that end, rest or begin, and doubts. The key that signs the clicks."""

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.links import KEY_BYTES
from core.timing import add_mute
from core.values import (
    Cadence,
    Delivery,
    Endpoint,
    EndpointId,
    EndpointKind,
    EventType,
    FilmId,
    Mute,
    StoryId,
    Subscription,
    SubscriptionId,
    TopicSlug,
)
from store import convert
from store.deliveries import add_deliveries
from store.engine import Store
from store.films import all_topics
from store.reviews import raise_reader_doubt
from store.sql import insert_new
from store.subscriptions import add_endpoint, add_subscription, find_endpoint, find_subscription, forget_refusal
from store.tables import deliveries, doubts, endpoints, films, meta

LINK_KEY = "link_key"
MUTED_FOR = timedelta(days=90)
_READERS = re.compile(r"mail-[0-9a-f]{12}")
_MAILBOXES = re.compile(r"email-[0-9a-f]{16}")


def link_key(store: Store) -> bytes:
    """The key that signs links, made when first asked for. A backup carries it, so old mails stay good."""
    with store.read() as tx:
        found = _read_key(tx)
    if found is None:
        with store.write() as tx:
            insert_new(tx, meta, [{"name": LINK_KEY, "number": 0, "words": secrets.token_hex(KEY_BYTES)}])
            found = _read_key(tx)
    assert found is not None
    return found


def _read_key(tx: Session) -> bytes | None:
    words = tx.execute(select(meta.c.words).where(meta.c.name == LINK_KEY)).scalar()
    return bytes.fromhex(words) if words else None


def mute(tx: Session, subscription_id: SubscriptionId, ref: str, *, now: datetime) -> bool:
    """Let a subscription rest on `film:ID` or `topic:SLUG` for 90 days. False: no such subscription."""
    subscription = find_subscription(tx, subscription_id)
    if subscription is None:
        return False
    others = [known for known in subscription.mutes if known.ref != ref]
    mutes = (*others, Mute(ref=ref, until=now + MUTED_FOR))
    add_subscription(tx, replace(subscription, mutes=mutes), now=now)
    return True


def mute_until(tx: Session, subscription: Subscription, mute: Mute, *, now: datetime) -> bool:
    """Hear nothing of a film or topic until a date; one that is over ends the mute. False: it is heard again."""
    add_subscription(tx, replace(subscription, mutes=add_mute(subscription, mute, now=now)), now=now)
    return mute.until > now


def choose_digest(tx: Session, subscription_id: SubscriptionId, *, now: datetime) -> bool:
    """Tell a subscription by a daily digest from now on. False: no such subscription."""
    subscription = find_subscription(tx, subscription_id)
    if subscription is None:
        return False
    timing = replace(subscription.timing, cadence=Cadence.DAILY)
    add_subscription(tx, replace(subscription, timing=timing), now=now)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A reader says that a story is not about this film."""

    story_id: StoryId
    film_id: FilmId
    endpoint_id: EndpointId
    doubted_at: datetime


def add_doubt(tx: Session, doubt: Doubt) -> None:
    """Keep a doubt and put it before the operator; the second one of the same reader changes nothing."""
    row = {
        "story_id": doubt.story_id,
        "film_id": doubt.film_id,
        "endpoint_id": doubt.endpoint_id,
        "doubted_at": doubt.doubted_at,
    }
    insert_new(tx, doubts, [row])
    raise_reader_doubt(tx, doubt.story_id, doubt.film_id, said_by=doubt.endpoint_id, now=doubt.doubted_at)


def latest_doubts(tx: Session, *, limit: int) -> list[Doubt]:
    """The newest doubts, newest first."""
    query = select(doubts).order_by(doubts.c.doubted_at.desc(), doubts.c.story_id).limit(limit)
    return [
        Doubt(
            story_id=StoryId(row["story_id"]),
            film_id=FilmId(row["film_id"]),
            endpoint_id=EndpointId(row["endpoint_id"]),
            doubted_at=row["doubted_at"],
        )
        for row in tx.execute(query).mappings()
    ]


def endpoint_of_address(tx: Session, address: str, *, now: datetime) -> Endpoint:
    """The endpoint of a mail address, added if it is new: it is told nothing before a subscription names it."""
    named = (
        endpoints.c.removed_at.is_(None),
        endpoints.c.kind == EndpointKind.EMAIL,
        func.lower(endpoints.c.address) == address.lower(),
    )
    row = tx.execute(select(endpoints).where(*named).order_by(endpoints.c.endpoint_id).limit(1)).mappings().first()
    if row is not None:
        return convert.endpoint_from_row(row)
    digest = hashlib.sha256(address.lower().encode()).hexdigest()[:16]
    added = Endpoint(endpoint_id=EndpointId(f"email-{digest}"), kind=EndpointKind.EMAIL, address=address)
    add_endpoint(tx, added, now=now)
    return added


def ask_to_confirm(tx: Session, request: Delivery, *, since: datetime, most: int) -> bool:
    """Owe the mail that asks an address to confirm. False: it cannot be told, or was asked `most` times `since`."""
    asked = select(func.count()).where(
        deliveries.c.endpoint_id == request.endpoint.endpoint_id,
        deliveries.c.event == EventType.SUBSCRIPTION_REQUESTED,
        deliveries.c.created_at >= since,
    )
    if request.endpoint.disabled_at is not None or (tx.execute(asked).scalar() or 0) >= most:
        return False
    return bool(add_deliveries(tx, [(None, request)]))


def name_ref(tx: Session, ref: str) -> str | None:
    """What `film:ID`, `topic:SLUG` or nothing means to people; None if it is not in the catalogue."""
    kind, _, name = ref.partition(":")
    if kind == "film":
        return tx.execute(select(films.c.title).where(films.c.film_id == name)).scalar()
    if kind == "topic":
        return next((topic.name for topic in all_topics(tx) if topic.slug == name), None)
    return None if ref else "All production news"


def is_readers_own(subscription_id: SubscriptionId) -> bool:
    """Whether a reader asked for this subscription and confirmed it, and no operator added it."""
    return _READERS.fullmatch(subscription_id) is not None


def is_readers_mailbox(endpoint_id: EndpointId) -> bool:
    """Whether a reader named this address in the form, and no operator added it."""
    return _MAILBOXES.fullmatch(endpoint_id) is not None


def confirm(tx: Session, endpoint_id: EndpointId, ref: str, *, now: datetime) -> Subscription | None:
    """Begin the subscription an address asked for and has confirmed; safe to repeat. None: it is no longer possible."""
    name = name_ref(tx, ref)
    if name is None or find_endpoint(tx, endpoint_id) is None:
        return None
    kind, _, wanted = ref.partition(":")
    digest = hashlib.sha256(f"{endpoint_id}\n{ref}".encode()).hexdigest()[:12]
    subscription = Subscription(
        subscription_id=SubscriptionId(f"mail-{digest}"),
        name=name,
        films=(FilmId(wanted),) if kind == "film" else (),
        topics=(TopicSlug(wanted),) if kind == "topic" else (),
        endpoints=(endpoint_id,),
    )
    forget_refusal(tx, subscription.subscription_id, endpoint_id)
    if find_subscription(tx, subscription.subscription_id) is None:
        add_subscription(tx, subscription, now=now)
    return subscription
