"""Says in words what a subscription asks for; decides nothing."""

from core.values import Subscription


def say_asked(subscription: Subscription) -> str:
    """`query …; film A or B; topic …`, or which stories it asks for when it sets no condition."""
    parts = [
        ("query", (subscription.query,) if subscription.query else ()),
        ("film", subscription.films),
        ("topic", subscription.topics),
        ("words", subscription.words),
        ("without", subscription.not_words),
        ("outlet", subscription.outlets),
    ]
    asked = "; ".join(f"{name} {' or '.join(values)}" for name, values in parts if values)
    return asked or ("every production story" if subscription.production_only else "every story")
