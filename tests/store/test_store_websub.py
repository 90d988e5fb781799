"""What we asked of hubs, on both databases."""

from core.websub import HubOffer
from store.engine import Store
from store.websub import (
    ending_hub_subscriptions,
    find_hub_subscription,
    hub_subscription_of,
    live_hub_subscriptions,
    note_asking,
    note_lease,
    note_push,
    note_refusal,
)
from tests.store.samples import DAY, LANTERN_FEED, LEASE, NOW, add_config

OFFER = HubOffer(hub="https://hub.example/", topic="https://lantern.example/film/rss")


def test_a_subscription_lives_from_asking_to_refusal(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        asked = note_asking(tx, LANTERN_FEED.source_id, OFFER, subscription_id="one", secret="s", now=NOW)
        assert find_hub_subscription(tx, "one") == hub_subscription_of(tx, LANTERN_FEED.source_id) == asked
        assert (live_hub_subscriptions(tx, now=NOW), ending_hub_subscriptions(tx, now=NOW, within=DAY)) == ([], [asked])
        assert note_lease(tx, "one", NOW + DAY)
        assert note_push(tx, "one", now=NOW + LEASE)
        [live] = live_hub_subscriptions(tx, now=NOW)
        assert (live.lease_until, live.pushed_at) == (NOW + DAY, NOW + LEASE)
        assert ending_hub_subscriptions(tx, now=NOW, within=LEASE) == []
        assert note_refusal(tx, "one", "no")
        assert live_hub_subscriptions(tx, now=NOW) == []
        assert not note_lease(tx, "other", NOW)


def test_a_renewal_keeps_what_a_new_topic_forgets(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        note_asking(tx, LANTERN_FEED.source_id, OFFER, subscription_id="one", secret="s", now=NOW)
        note_lease(tx, "one", NOW + DAY)
        again = note_asking(tx, LANTERN_FEED.source_id, OFFER, subscription_id="two", secret="t", now=NOW + LEASE)
        assert (again.subscription_id, again.secret, again.lease_until) == ("one", "s", NOW + DAY)
        moved = HubOffer(hub=OFFER.hub, topic="https://lantern.example/new")
        fresh = note_asking(tx, LANTERN_FEED.source_id, moved, subscription_id="two", secret="t", now=NOW + DAY)
        assert (fresh.subscription_id, fresh.lease_until, find_hub_subscription(tx, "one")) == ("two", None, None)
