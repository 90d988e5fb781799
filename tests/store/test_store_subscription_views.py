"""What subscriptions and endpoints were told lately, and endpoints that are removed, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from core.values import (
    Delivered,
    DeliveryId,
    DeliveryState,
    EndpointGone,
    EndpointId,
    Hold,
    MatchId,
    Outcome,
    SubscriptionId,
)
from store.deliveries import (
    add_deliveries,
    add_tests,
    claim_deliveries,
    delivery_detail,
    record_attempt,
    replay,
    requeue,
)
from store.engine import Session, Store
from store.links import confirm, endpoint_of_address
from store.meta import hold_config
from store.subscription_views import (
    LastDelivery,
    endpoint_names,
    endpoint_views,
    subscription_names,
    subscription_views,
)
from store.subscriptions import (
    InUseError,
    add_endpoint,
    add_subscription,
    all_endpoints,
    endpoint_at,
    find_endpoint,
    find_subscription,
    find_twin,
    keep_endpoint,
    remove_endpoint,
    remove_subscription,
    used_ids,
)
from tests.store.samples import DAY, HOOK, LEASE, MAIL, NOW, SUBSCRIPTION, add_config, attempt_of, delivery_of, publish

OTHER = replace(SUBSCRIPTION, subscription_id=SubscriptionId("other"), name="Other", endpoints=(MAIL.endpoint_id,))


def finish(tx: Session, match_id: MatchId, outcome: Outcome, state: DeliveryState) -> None:
    record_attempt(tx, attempt_of(f"msg_{match_id}", 1, outcome), state=state, next_attempt_at=None)


def test_a_subscription_says_what_it_was_told_in_the_last_week(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_subscription(tx, OTHER, now=NOW)
        [first, _] = publish(tx, 2, at=NOW)
        publish(tx, 1, at=NOW - 8 * DAY)
        record_attempt(
            tx, attempt_of(f"msg_{first}", 1, Delivered()), state=DeliveryState.DELIVERED, next_attempt_at=None
        )
        views = {one.subscription: one for one in subscription_views(tx, subscription_names(tx), now=NOW)}
    told, other = views[SUBSCRIPTION], views[OTHER]
    assert told.alert_count == 2
    assert tuple(one.endpoint_id for one in told.endpoints) == SUBSCRIPTION.endpoints
    assert told.last is not None
    assert told.last.at == NOW
    assert (other.subscription, other.alert_count, other.last) == (OTHER, 0, None)


def test_a_digest_counts_for_the_subscription_that_is_told_by_it(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        held = replace(
            delivery_of("msg_digest"), subscription_id=OTHER.subscription_id, state=DeliveryState.HELD, hold=Hold.DIGEST
        )
        add_subscription(tx, OTHER, now=NOW)
        add_deliveries(tx, [(None, held)])
        [view] = subscription_views(tx, [OTHER.subscription_id], now=NOW + timedelta(days=1))
    assert view.last == LastDelivery(state=DeliveryState.HELD, at=NOW)


def test_an_endpoint_says_who_tells_it_and_what_it_is_owed(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_subscription(tx, OTHER, now=NOW)
        [first, *_] = publish(tx, 3)
        record_attempt(
            tx, attempt_of(f"msg_{first}", 1, Delivered()), state=DeliveryState.DELIVERED, next_attempt_at=None
        )
        hook, mail = endpoint_views(tx, endpoint_names(tx), now=NOW)
        assert endpoint_views(tx, [], now=NOW) == []
    assert (hook.endpoint.endpoint_id, hook.owed_count) == (HOOK.endpoint_id, 2)
    assert hook.told_by == (SUBSCRIPTION.subscription_id,)
    assert hook.last is not None
    assert OTHER.subscription_id in mail.told_by
    assert (mail.owed_count, mail.last) == (0, None)


def test_what_readers_asked_for_is_told_from_what_the_operator_added(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        mailbox = endpoint_of_address(tx, "ann@reader.example", now=NOW)
        stranger = endpoint_of_address(tx, "bob@reader.example", now=NOW)
        begun = confirm(tx, mailbox.endpoint_id, "", now=NOW)
        assert begun is not None
        assert set(subscription_names(tx)) == {begun.subscription_id, SUBSCRIPTION.subscription_id}
        assert subscription_names(tx, with_readers=False) == [SUBSCRIPTION.subscription_id]
        assert set(endpoint_names(tx)) >= {mailbox.endpoint_id, stranger.endpoint_id}
        assert endpoint_names(tx, with_readers=False) == [HOOK.endpoint_id, MAIL.endpoint_id]
        shared = replace(OTHER, endpoints=(mailbox.endpoint_id,))
        add_subscription(tx, shared, now=NOW)
        assert mailbox.endpoint_id in endpoint_names(tx, with_readers=False)


def test_an_endpoint_in_use_is_not_removed(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        with pytest.raises(InUseError, match=SUBSCRIPTION.subscription_id):
            remove_endpoint(tx, HOOK.endpoint_id, now=NOW)
        assert find_endpoint(tx, HOOK.endpoint_id) == HOOK


def test_a_removed_endpoint_is_told_nothing_and_its_record_stays(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        [first, _] = publish(tx, 2)
        finish(tx, first, EndpointGone(reason="410", status=410), DeliveryState.UNDELIVERABLE)
        remove_subscription(tx, SUBSCRIPTION.subscription_id, now=NOW)
        add_tests(tx, [HOOK], now=NOW)
        assert remove_endpoint(tx, HOOK.endpoint_id, now=NOW)
        assert not remove_endpoint(tx, HOOK.endpoint_id, now=NOW)
        assert (all_endpoints(tx), find_endpoint(tx, HOOK.endpoint_id)) == ([MAIL], None)
        assert endpoint_at(tx, HOOK.kind, HOOK.address) is None
        assert claim_deliveries(tx, now=NOW + DAY, limit=9, lease=LEASE) == []
        assert replay(tx, now=NOW, since=NOW - DAY) == 0
        assert not requeue(tx, DeliveryId(f"msg_{first}"), now=NOW)
        detail = delivery_detail(tx, DeliveryId(f"msg_{first}"))
        assert detail is not None
        assert detail.view.delivery.endpoint.address == HOOK.address
        assert HOOK.endpoint_id in used_ids(tx)[1]
        add_endpoint(tx, HOOK, now=NOW)
        assert find_endpoint(tx, HOOK.endpoint_id) == HOOK


def test_an_address_that_is_told_keeps_its_endpoint(store: Store) -> None:
    fresh = replace(HOOK, endpoint_id=EndpointId("fresh"), secret="")
    with store.write() as tx:
        add_config(tx)
        assert keep_endpoint(tx, fresh, now=NOW) == HOOK
        elsewhere = replace(fresh, address="https://elsewhere.example/")
        assert keep_endpoint(tx, elsewhere, now=NOW) == elsewhere
        assert find_endpoint(tx, elsewhere.endpoint_id) == elsewhere


def test_of_two_who_change_a_subscription_neither_is_lost(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        add_subscription(tx, OTHER, now=NOW)

    def add_word(word: str) -> None:
        with store.write() as tx:
            hold_config(tx)
            known = find_subscription(tx, OTHER.subscription_id)
            assert known is not None
            add_subscription(tx, replace(known, words=(*known.words, word)), now=NOW)

    words = [f"word-{n}" for n in range(16)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add_word, words))
    with store.read() as tx:
        changed = find_subscription(tx, OTHER.subscription_id)
    assert changed is not None
    assert set(changed.words) >= set(words)


def test_a_twin_asks_for_the_same_under_another_name(store: Store) -> None:
    with store.write() as tx:
        add_config(tx)
        twin = replace(SUBSCRIPTION, subscription_id=SubscriptionId("twin"), name="Twin")
        assert find_twin(tx, twin) == SUBSCRIPTION
        assert find_twin(tx, replace(twin, query="elsewhere")) is None
        assert find_twin(tx, replace(twin, endpoints=())) is None
        assert find_twin(tx, SUBSCRIPTION) is None
