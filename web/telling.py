"""Keeps endpoints for the API and the pages, and has deliveries sent again. Secrets are handed out when made only."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from config.problems import ConfigError
from config.subscriptions import read_endpoint
from core.addresses import check_url
from core.mail import MailError
from core.mail import check_address as check_mailbox
from core.values import DeliveryId, DeliveryState, Endpoint, EndpointId, EndpointKind
from core.webhooks import new_secret
from notifier.chat import ChatError
from notifier.chat import check_address as check_chat
from store.deliveries import add_tests, delivery_detail, replay, requeue
from store.engine import Session
from store.meta import hold_config
from store.subscriptions import (
    SECRET_OVERLAP,
    InUseError,
    add_endpoint,
    disable_endpoint,
    enable_endpoint,
    endpoint_at,
    find_endpoint,
    remove_endpoint,
    rotate_secret,
    used_ids,
)
from web.gate import Refusal
from web.keeping import as_utc, declared, refuse_halves, refuse_owned, say_mistakes
from web.site import Site
from web.words import masked_address

_SECRET_BYTES = 32
_BY_HAND = "the operator disabled it"


def find_told(tx: Session, endpoint_id: str) -> Endpoint:
    """Raises Refusal for one that is not there."""
    found = find_endpoint(tx, EndpointId(endpoint_id))
    if found is None:
        raise Refusal(404, f"There is no endpoint {endpoint_id!r}; `setwire subscriptions list` shows their addresses.")
    return found


def take_endpoint(tx: Session, site: Site, given: Mapping[str, Any]) -> Endpoint:
    """Add an endpoint by the keys of a file; id and signing secret are made where they are left out. Raises Refusal."""
    hold_config(tx)
    kind = given.get("kind")
    record = {**given, "id": given.get("id") or f"{kind}-{secrets.token_hex(4)}"}
    if kind not in (EndpointKind.EMAIL, EndpointKind.CHAT) and not given.get("secret"):
        record["secret"] = _make_secret()
    endpoint = _read(site, record)
    if endpoint.endpoint_id in used_ids(tx)[1] | declared(site)[1]:
        raise Refusal(409, "id: is taken by another endpoint, which may be removed; choose another id.")
    _refuse_second(tx, endpoint)
    add_endpoint(tx, endpoint, now=site.now())
    return endpoint


def change_endpoint(tx: Session, site: Site, endpoint_id: str, given: Mapping[str, Any]) -> Endpoint:
    """Change its address, disable it, or enable it again with what it is owed since. Raises Refusal."""
    hold_config(tx)
    known = find_told(tx, endpoint_id)
    if given.get("address") is not None:
        refuse_owned(site, "endpoint", endpoint_id, declared(site)[1])
        record = {"id": known.endpoint_id, "kind": str(known.kind), "secret": _make_secret()}
        changed = replace(known, address=_read(site, {**record, "address": given["address"]}).address)
        _refuse_second(tx, changed)
        add_endpoint(tx, changed, now=site.now())
    if given.get("enabled") is True:
        enable_endpoint(tx, known.endpoint_id, now=site.now())
    elif given.get("enabled") is False:
        disable_endpoint(tx, known.endpoint_id, _BY_HAND, now=site.now())
    return find_told(tx, endpoint_id)


def drop_endpoint(tx: Session, site: Site, endpoint_id: str) -> None:
    """Remove an endpoint that no subscription tells. Raises Refusal."""
    hold_config(tx)
    find_told(tx, endpoint_id)
    refuse_owned(site, "endpoint", endpoint_id, declared(site)[1])
    try:
        remove_endpoint(tx, EndpointId(endpoint_id), now=site.now())
    except InUseError as error:
        raise Refusal(409, str(error)) from error


def renew_secret(tx: Session, site: Site, endpoint_id: str) -> str:
    """Sign with a new secret, beside the old one for a day, and return it: it is shown this once. Raises Refusal."""
    known = find_told(tx, endpoint_id)
    refuse_owned(site, "endpoint", endpoint_id, declared(site)[1])
    if known.kind is not EndpointKind.WEBHOOK:
        raise Refusal(400, f"Endpoint {endpoint_id} is no webhook; there is no secret to replace.")
    secret = _make_secret()
    rotate_secret(tx, known.endpoint_id, secret, now=site.now(), overlap=SECRET_OVERLAP)
    return secret


def owe_test(tx: Session, site: Site, endpoint_id: str) -> DeliveryId:
    """Owe a test alert. Raises Refusal."""
    return add_tests(tx, [find_told(tx, endpoint_id)], now=site.now())[0]


def send_again(tx: Session, site: Site, delivery_id: str) -> None:
    """Owe one delivery again, with the same id and the same words. Raises Refusal."""
    detail = delivery_detail(tx, DeliveryId(delivery_id))
    if detail is None:
        raise Refusal(404, f"There is no delivery {delivery_id!r}; `setwire deliveries list` shows the latest.")
    if requeue(tx, DeliveryId(delivery_id), now=site.now()):
        return
    if detail.view.delivery.state is DeliveryState.SENDING:
        raise Refusal(409, f"Delivery {delivery_id} is on its way; wait for its outcome.")
    raise Refusal(409, f"The endpoint of delivery {delivery_id} was removed; add one for its address first.")


def replay_since(tx: Session, site: Site, *, endpoint_id: str | None, since: datetime | None, is_missing: bool) -> int:
    """Owe again what was made for an endpoint (None: all) since a time, or what never arrived. Raises Refusal."""
    if since is None and not is_missing:
        raise Refusal(400, "That would send everything again; give since, missing, or both.")
    told = find_told(tx, endpoint_id).endpoint_id if endpoint_id is not None else None
    since_at = as_utc(since) if since else None
    return replay(tx, now=site.now(), endpoint_id=told, since=since_at, only_missing=is_missing)


def _make_secret() -> str:
    return new_secret(secrets.token_bytes(_SECRET_BYTES))


def _read(site: Site, record: Mapping[str, Any]) -> Endpoint:
    """Read an endpoint as a file's record says it, and refuse an address that the sender would refuse."""
    refuse_halves(record)
    try:
        endpoint = read_endpoint(record, allow_http=site.settings.webhook_allow_http)
    except ConfigError as error:
        raise say_mistakes(error) from error
    address = endpoint.address
    try:
        if endpoint.kind is EndpointKind.WEBHOOK:
            check_url(address, allow_http=site.settings.webhook_allow_http)
        elif endpoint.kind is EndpointKind.CHAT:
            check_chat(address, allowed=site.settings.allow_private_hosts)
        else:
            check_mailbox(address)
    except MailError as error:
        says = f"address: {address!r} is no mail address; write one such as ann@example.org."
        raise Refusal(400, says) from error
    except ChatError as error:
        raise Refusal(400, f"address: this chat cannot be told: {error}.") from error
    except ValueError as error:
        raise Refusal(400, f"address: {address!r} cannot be a webhook: {error}.") from error
    return endpoint


def _refuse_second(tx: Session, endpoint: Endpoint) -> None:
    told = endpoint_at(tx, endpoint.kind, endpoint.address)
    if told is not None and told.endpoint_id != endpoint.endpoint_id:
        shown = masked_address(told.kind, told.address)
        raise Refusal(409, f"{shown} is told already, as endpoint {told.endpoint_id}; use that one.")
