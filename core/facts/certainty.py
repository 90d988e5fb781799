"""How sure a sentence is of what it says, by its own words and by who says it."""

import re

from core.values import Certainty, Tier

# A sentence with one of these says what may be, was, or is wished for; what it states of a film is not sure to be so.
_UNSURE = re.compile(
    r"(?i)\b(?:could|may be|may have|may not|may finally|may just|might|would|wouldn't|should|if|whether|almost|nearly"
    r"|originally|initially|once|formerly|considered|considering|supposed|turned down|turns down|refused|passed on"
    r"|auditioned|wants?|wanted|wishes|hopes?|hoped|hoping|hopeful|wish|dream|dreams|fans|fan art|fan-cast"
    r"|fancast|fan-casting|imagines?|imagined|envisions|theory"
    r"|theories|seemingly|potentially|possibly|perhaps|maybe|allegedly|likely|unlikely|predict\w*|speculat\w*"
    r"|rules? out"
    r"|tests?|testing|tested|eyed|eyeing|eyes|circling|interested|interest in|pitch\w*|jokes?|joked|parody|spoof"
    r"|april fool\w*|addresses|responds?|responded|reacts?|reacted|rumou?rs? (?:about|that|of|surrounding"
    r"|regarding)|ask\w*|close to|unaware|scrapped|canceled|cancelled"
    r"|never|deleted|cut from|hypothetical\w*|demands?|demanding|petition|campaign\w*|perfect (?:choice|pick)"
    r"|why|how|what|what's|which actors?|ranked|potential)\b|^(?:when|who|where|does|did|is|are|will|can|do)\b"
)
_UNSURE_WHEN_DENIED = re.compile(
    r"(?i)\b(?:could|might|would|should|if|whether|once|originally|why|how|what|when|who)\b|\?"
)
_RUMOURED = re.compile(r"(?i)\brumou?red\b|\brumou?r has it\b|\baccording to (?:a |new )?rumou?rs?\b")
_REPORTED = re.compile(
    r"(?i)\breportedly\b|\bper (?:a )?(?:new )?report\b|\breports?\b|\baccording to\b|\bis said to\b"
    r"|\bexpected to\b"
)
_CONFIRMED = re.compile(
    r"(?i)\b(?:confirms?|confirmed|confirming|official|officially|announces?"
    r"|(?<!being )(?<!first )(?<!was )announced|announcing)\b"
)
_DENIES = re.compile(r"(?i)\b(?:not|denies|denied|debunks?|debunked|shuts? down|refutes?|false|fake|hoax)\b|n't\b")
_NO_LONGER = re.compile(r"(?i)\bno longer\b")


def weigh_sentence(text: str, tier: Tier, *, ruled: Certainty | None = None) -> Certainty | None:
    """Say how sure a sentence is; None when it is not sure to state anything (`could`, `once considered`, a question).

    `ruled` is the certainty the rule that matched has by itself: a denial.
    """
    if ruled is not None:
        return None if _UNSURE_WHEN_DENIED.search(text) else ruled
    if _UNSURE.search(text) or (_DENIES.search(text) and not _NO_LONGER.search(text)):
        return None
    if _RUMOURED.search(text):
        return Certainty.RUMOURED
    if tier is Tier.OFFICIAL or (_CONFIRMED.search(text) and not _REPORTED.search(text)):
        return Certainty.CONFIRMED
    return Certainty.REPORTED
