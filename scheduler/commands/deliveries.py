"""`setwire deliveries`: what was told, what is owed, what failed, and how to send it again."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from core.values import DeliveryId, DeliveryState, Endpoint, EndpointId, StoryId, SubscriptionId
from scheduler.commands.options import AsJson, CommandError, Limit, reading, writing
from scheduler.output import ago, console, show_fields, show_json, show_rows
from scheduler.why import explain
from store.deliveries import delivery_counts, delivery_detail, latest_deliveries, replay, requeue
from store.engine import Session
from store.subscriptions import all_endpoints

app = typer.Typer(no_args_is_help=True, help="Deliveries: what was told to whom, and what came of it.")


@app.command("list")
def list_deliveries(
    *,
    state: Annotated[DeliveryState | None, typer.Option(help="Only deliveries in this state.")] = None,
    limit: Limit = 30,
    as_json: AsJson = False,
) -> None:
    """List the latest deliveries, newest first, and how many are in each state."""
    with reading() as tx:
        deliveries, counts = latest_deliveries(tx, limit=limit, state=state), delivery_counts(tx)
    columns = {
        "id": lambda v: v.delivery.delivery_id,
        "state": lambda v: v.delivery.state,
        "event": lambda v: v.delivery.event,
        "story": lambda v: v.story_title,
        "subscription": lambda v: v.subscription_name,
        "to": lambda v: v.delivery.endpoint.shown_address,
        "attempts": lambda v: v.delivery.attempt_count,
        "last": lambda v: v.last_words,
        "made": lambda v: ago(v.delivery.created_at),
    }
    show_rows(deliveries, columns, as_json=as_json)
    if not as_json:
        console.print(", ".join(f"{count} {name}" for name, count in counts.items() if count), markup=False)


@app.command("show")
def show_delivery(
    delivery_id: Annotated[str, typer.Argument(help="The delivery's id (the webhook-id).")],
    *,
    log: Annotated[bool, typer.Option("--log", help="Also what was sent and answered, word for word.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one delivery with every attempt."""
    with reading() as tx:
        detail = delivery_detail(tx, DeliveryId(delivery_id))
    if detail is None:
        raise _unknown(delivery_id)
    if as_json:
        show_json(detail)
        return
    delivery = detail.view.delivery
    show_fields(
        [
            ("id", delivery.delivery_id),
            ("state", delivery.state),
            ("to", delivery.endpoint.shown_address),
            ("event", delivery.event),
            ("story", detail.view.story_title),
            ("subscription", detail.view.subscription_name),
            ("because", detail.match.match.reasons if detail.match else ()),
            ("made", delivery.created_at),
            ("finished", detail.view.finished_at),
        ]
    )
    columns = {
        "attempt": lambda a: a.number,
        "at": lambda a: a.started_at,
        "took": lambda a: f"{a.duration.total_seconds() * 1000:.0f} ms",
        "outcome": lambda a: type(a.outcome).__name__,
        "status": lambda a: a.outcome.status,
        "said": lambda a: getattr(a.outcome, "detail", "") or getattr(a.outcome, "reason", ""),
    }
    show_rows(detail.attempts, columns, as_json=False)
    if not log:
        return
    for attempt in detail.attempts:
        said = attempt.outcome.exchange
        console.print(f"\nattempt {attempt.number}: we said", style="bold", markup=False)
        console.print(said.request, markup=False, highlight=False)
        console.print(f"attempt {attempt.number}: the endpoint said", style="bold", markup=False)
        console.print(said.response or "nothing", markup=False, highlight=False)
    console.print("\nthe body of each attempt", style="bold", markup=False)
    console.print(delivery.payload, markup=False, highlight=False)


@app.command("redeliver")
def redeliver(delivery_id: Annotated[str, typer.Argument(help="The delivery's id (the webhook-id).")]) -> None:
    """Send one delivery again, with the same id and the same words."""
    with writing() as tx:
        found = requeue(tx, DeliveryId(delivery_id), now=datetime.now(UTC))
    if not found:
        raise _unknown(delivery_id)
    console.print(f"{delivery_id} is due now; a running service sends it within a second or two", markup=False)


@app.command("replay")
def replay_deliveries(
    endpoint: Annotated[str | None, typer.Argument(help="The endpoint's id or address; without it, all.")] = None,
    *,
    since: Annotated[datetime | None, typer.Option(help="Only what was made since this time (UTC).")] = None,
    missing: Annotated[bool, typer.Option("--missing", help="Only what never arrived.")] = False,
) -> None:
    """Send again what was made for an endpoint since a time, or what never arrived; ids and order stay the same."""
    if since is None and not missing:
        raise CommandError("That would send everything again; give --since TIME, --missing, or both.")
    since_at = since and (since if since.tzinfo else since.replace(tzinfo=UTC))
    with writing() as tx:
        chosen = [] if endpoint is None else _named(tx, endpoint)
        names: list[EndpointId | None] = [e.endpoint_id for e in chosen] if endpoint is not None else [None]
        now = datetime.now(UTC)
        count = sum(replay(tx, now=now, endpoint_id=name, since=since_at, only_missing=missing) for name in names)
    console.print(f"{count} deliveries are due now", markup=False)
    for resting in (e for e in chosen if e.disabled_at is not None):
        console.print(f"{resting.address} is disabled ({resting.disabled_reason}): they wait there", markup=False)


@app.command("why")
def why(
    subscription_id: Annotated[str, typer.Argument(metavar="SUBSCRIPTION", help="The subscription's id.")],
    story_id: Annotated[int, typer.Argument(metavar="STORY", help="The story's number.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Explain why a subscription was told of a story, or why not: every article, every delivery."""
    with reading() as tx:
        said = explain(tx, SubscriptionId(subscription_id), StoryId(story_id))
    if said is None:
        raise CommandError(
            f"There is no subscription {subscription_id!r} or no story {story_id}; `setwire subscriptions list` and "
            "`setwire stories list` show them."
        )
    if as_json:
        show_json(said)
        return
    for sentence in said:
        console.print(sentence, markup=False, soft_wrap=True)


def _named(tx: Session, endpoint: str) -> list[Endpoint]:
    found = [known for known in all_endpoints(tx) if endpoint in (known.endpoint_id, known.address)]
    if not found:
        raise CommandError(f"There is no endpoint {endpoint!r}; `setwire subscriptions list` shows their addresses.")
    return found


def _unknown(delivery_id: str) -> CommandError:
    return CommandError(f"There is no delivery {delivery_id!r}; `setwire deliveries list` shows the latest.")
