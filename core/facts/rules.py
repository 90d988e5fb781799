"""The rules: patterns over a masked sentence, each for one kind of fact. They find; `finder` judges.

A rule's groups say what is what: `who` (people), `film`, `role`, `whom`, `where`, `when`, `was`, `size`, `mark`.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from core.facts.dates import FULL_DATE, LOOSE_DATE, MONTH, SOON
from core.facts.masking import FILM, OTHER, PERSON
from core.values import Certainty, FactKind


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern, spelled with pieces. `needs_film`: the film's name must stand in what it matched.

    `certainty` overrides the sentence's. `role` is the role a match has by itself (`director`). `is_plain`: the words
    also tell what a film's characters do, so only people of the catalogue are believed. `is_background`: said in
    passing, worth telling only if the catalogue does not know it.
    """

    kind: FactKind
    spelling: str
    needs_film: bool = False
    certainty: Certainty | None = None
    role: str = ""
    is_plain: bool = False
    is_background: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        return _compile(self.spelling)


_UPPER = "A-ZÀ-ÖØ-Þ"
_NAMED = rf"(?:{PERSON}|[{_UPPER}][\w'.-]*|[A-Z]\.)"
_PIECES = {
    # Who: one person or a list of them; words in commas may follow (`, known from Bullet Train,`).
    "<PL>": rf"(?P<who>{PERSON}(?:(?:,? (?:and|And|&|plus) |, ){PERSON})*)(?:, [^,;.!?]{{1,70}},)?",
    "<AUX>": (
        r"(?: (?i:is|are|was|were|has|have|been|being|be|will|now|also|already|officially|finally|reportedly|currently"
        r"|just|both|all|suddenly|rumou?red|confirmed|said|expected|set|signed on|signs on|tapped|attached|both|to"
        r"|next|in line))*"
    ),
    "<F>": rf"(?P<film>{FILM})",
    "<O>": OTHER,
    # What may stand between a verb and its film, and between a film and its verb.
    "<GAP>": rf"(?:[^.;:!?{FILM[1:-1]}]{{0,90}}? )??",
    "<HEAD>": (
        r"(?:(?:'s)?(?: (?i:the|film|movie|sequel|prequel|threequel|reboot|remake|adaptation|spin-?off|biopic|thriller"
        r"|comedy|drama|project|feature|epic|western|rom-com|sci-fi|horror|action|animated|live-action|musical"
        r"|officially|finally|also|now|just|reportedly|suddenly|has|have|is|will|directors?))*)"
    ),
    "<ROLE>": (
        rf"(?: as (?:the |The |an? )?(?:(?:voice|Voice) of )?(?P<role>{_NAMED}(?: (?:(?:of|the|von|de) )?{_NAMED}){{0,4}}))"
    ),
    "<DESC>": (
        rf"(?:(?!(?i:alongside|opposite|for|with|to|from|as|and|after|against)\b)[\w'{OTHER[1:-1]}&-]+,? ){{0,7}}?"
    ),
    "<DAY>": FULL_DATE,
    "<DATE>": LOOSE_DATE,
    "<WHEN>": rf"(?:(?:on |in |from |around |by )?(?P<when>{LOOSE_DATE}|{SOON}|(?<=in )(?:early |late |mid-)?{MONTH}\b))",
    "<SHOOT>": r"(?<![\w-])(?i:filming|shooting|principal photography|production|cameras)",
    "<NOUN>": (
        r"(?i:film|movie|sequel|prequel|reboot|remake|adaptation|spin-?off|thriller|comedy|drama|biopic|project|western"
        r"|cast|rom-com|horror|feature|picture|pic|musical|follow-up)"
    ),
}


@cache
def _compile(spelling: str) -> re.Pattern[str]:
    # Not as soon as this is imported: all of them take longer than many a command that has no use for them.
    return re.compile(_expand(spelling))


def _expand(pattern: str) -> str:
    """Write out the pieces; a group that stands twice is numbered, for `re` wants each name once."""
    for piece, meaning in _PIECES.items():
        pattern = pattern.replace(piece, meaning)
    seen: Counter[str] = Counter()
    return re.sub(r"\(\?P<([a-z]+)>", lambda group: _number(group[1], seen), pattern)


def _number(name: str, seen: Counter[str]) -> str:
    seen[name] += 1
    return f"(?P<{name}{seen[name] if seen[name] > 1 else ''}>"


def read_groups(match: re.Match[str]) -> dict[str, tuple[str, int]]:
    """Give the words of each group that took part, and where they end; of a numbered one the first."""
    found: dict[str, tuple[str, int]] = {}
    for name, words in match.groupdict().items():
        if words:
            found.setdefault(name.rstrip("0123456789"), (words, match.end(name)))
    return found


_TARGET = r"(?:<GAP><F>|<GAP><NOUN>)"

RULES: tuple[Rule, ...] = (
    # who joins
    Rule(FactKind.JOINS, rf"<PL><AUX> (?i:joins?|joined|joining)(?! (?i:forces|up)\b) (?:(?i:the cast of) )?{_TARGET}<ROLE>?"),
    Rule(FactKind.JOINS, r"<PL><AUX> (?i:cast)(?:<ROLE>)?(?: (?i:in|for|opposite|alongside)) <GAP>(?:<F>|<NOUN>)<ROLE>?"),
    Rule(FactKind.JOINS, rf"<PL><AUX> (?i:to star|will star|starring|to co-star|will co-star|to topline|to lead|will lead|to headline|boards?|will feature)(?: (?i:opposite|alongside|with) <GAP>(?i:in))?(?: (?i:in))? {_TARGET}<ROLE>?", needs_film=False),
    Rule(FactKind.JOINS, r"<PL><AUX> (?i:to play|will play|to voice|will voice|to portray|will portray) (?P<role><NAMED>(?: (?:(?:of|the|von|de) )?<NAMED>){0,4}|(?:[a-z][^.;:!?,]{0,50}?))(?: <GAP>(?i:in|for) <GAP>(?:<F>|<NOUN>))".replace("<NAMED>", _NAMED)),
    Rule(FactKind.JOINS, r"<F><HEAD> (?i:casts|has cast) <PL>(?: (?i:in [a-z -]{0,30}role|for [^.;:!?]{0,30}role))?<ROLE>", needs_film=True),
    Rule(FactKind.JOINS, r"<F><HEAD> (?i:casts|has cast) <PL>", needs_film=True, is_plain=True),
    Rule(FactKind.JOINS, r"<F><HEAD> (?i:casts|has cast) <DESC>(?i:stars?|actors?|actress(?:es)?|winner|nominee|alum|icon|favorite|veteran|newcomer|breakout),? <PL><ROLE>?", needs_film=True),
    Rule(FactKind.JOINS, r"<F><HEAD> (?i:adds|taps|recruits|enlists|lands|finds|welcomes|has added|rounds out (?:its )?cast with) <DESC><PL>(?: (?i:to (?:its |the )?(?:star-studded )?cast|in [a-z -]{0,30}role|for [^.;:!?]{0,30}role))?<ROLE>?", needs_film=True),
    Rule(FactKind.JOINS, r"<F><HEAD> (?i:confirms|completes cast with|completes its cast with|sets) <PL>(?:<ROLE>| (?i:casting|in [a-z ]{0,20}role))", needs_film=True),
    Rule(FactKind.JOINS, r"(?i:casts|has cast|adds) <DESC><PL>(?: (?i:in|to) <GAP><F>)<ROLE>?", needs_film=True),
    # who returns
    Rule(FactKind.RETURNS, r"<PL><AUX> (?i:returns?|returning|to return|will return|back)(?:(?: (?i:in|for|as)) <GAP><F>| (?i:to) (?:the )?<F>)<ROLE>?", needs_film=True, is_plain=True),
    Rule(FactKind.RETURNS, r"<PL><AUX> (?i:reprises?|reprising|to reprise|will reprise) (?i:his|her|their|the) <GAP>(?:(?i:roles?|part)<ROLE>?(?: (?i:in|for) <GAP><F>)|(?i:in|for) <GAP><F>)", needs_film=True),
    Rule(FactKind.RETURNS, r"<PL> (?i:confirms|confirmed) (?i:(?:his |her |their )?return)<ROLE>?(?: (?i:in|for|to) <GAP>(?:<F>|<NOUN>))", is_plain=True),
    Rule(FactKind.RETURNS, r"(?:<PL> (?i:(?:has )?(?:officially )?confirmed to return|will return|set to return|is returning|officially returning) (?i:for|in|to) <GAP><F>)", needs_film=True, is_plain=True),
    # talks
    Rule(FactKind.IN_TALKS, r"<PL><AUX> (?i:in (?:early |final |advanced |exclusive )?(?:talks|negotiations)) (?i:to (?P<doing>join|star in|star|co-star|lead|play|voice|direct|helm|write|return)|for)(?: (?P<role><NAMED>(?: <NAMED>){0,3}) (?i:in))? ?(?:<GAP><F>|<GAP><NOUN>)<ROLE>?".replace("<NAMED>", _NAMED)),
    Rule(FactKind.IN_TALKS, r"<F><HEAD>[^.;:!?]{0,30} (?i:in (?:early |final |advanced )?(?:talks|negotiations) with) <DESC><PL>(?: (?i:for|to play) (?P<role><NAMED>(?: <NAMED>){0,3})| (?i:to (?P<doing>direct|helm|write)))?".replace("<NAMED>", _NAMED), needs_film=True),
    # who leaves
    Rule(FactKind.LEAVES, rf"(?:(?P<job>(?i:director|writer|screenwriter|star)) )?<PL><AUX> (?i:exits?|exited|exiting|drops? out of|dropped out of|departs?|departed|departing|leaves|left|leaving|bows out of|bowed out of|steps? down from|stepped down from|pulls? out of|pulled out of|parts ways with|parted ways with)(?: (?i:the))? {_TARGET}(?: (?i:as) (?P<role>(?i:director|writer|producer|showrunner)))?"),
    Rule(FactKind.LEAVES, rf"(?:(?P<job>(?i:director|writer|screenwriter|star)) )?<PL> (?i:(?:is |are )?no longer (?:part of|attached to|involved (?:in|with)|starring in|directing|in|playing|set to (?:star in|direct|write))|will no longer (?:play|star in|direct|write|be (?:in|part of)))(?: [^.;:!?]{{0,60}}?)? ?{_TARGET}"),
    Rule(FactKind.LEAVES, r"<F><HEAD> (?i:loses|has lost) (?:(?P<job>(?i:director|writer|screenwriter|star)) )<PL>", needs_film=True),
    Rule(FactKind.LEAVES, r"<F>[^.;:!?]{0,60} (?i:(?:after |despite )?losing) (?:(?P<job>(?i:director|writer|screenwriter|star)) )<PL>", needs_film=True),
    # who replaces whom
    Rule(FactKind.REPLACES, rf"<PL><AUX> (?i:replaces?|replaced|replacing|to replace|will replace|takes? over for|takes? over from|taking over for|taking over from|steps in for) (?P<whom>{PERSON})(?: (?i:as) (?P<role>(?i:director|writer|<NAMED>(?: <NAMED>){{0,4}})))?(?: <GAP>(?:<F>|<NOUN>))".replace("<NAMED>", _NAMED)),
    Rule(FactKind.REPLACES, rf"(?P<whom>{PERSON})(?: (?i:is|was|has been|being|to be|will be))* (?i:replaced)(?: (?i:as) (?P<role><NAMED>(?: <NAMED>){{0,4}}))? (?i:by|with) <PL>(?: <GAP>(?:<F>|<NOUN>))".replace("<NAMED>", _NAMED)),
    # who directs, who writes
    Rule(FactKind.DIRECTS, rf"<PL><AUX> (?i:to direct|will direct|directing|to helm|will helm|helming|hired to direct|tapped to direct|(?:signs|signed) on to direct|joins? as director of|to write (?:and|&) direct|to write, direct|to co-direct|returns? to direct)(?! (?i:debut|duo|team)) {_TARGET}"),
    Rule(FactKind.DIRECTS, r"<F><HEAD> (?i:taps|sets|lands|hires|enlists|recruits|finds|names|has tapped|has hired|has set) (?:<DESC>(?i:directors?) )<PL>", needs_film=True),
    Rule(FactKind.DIRECTS, r"<F><HEAD> (?i:taps|sets|lands|hires|enlists|recruits|names|adds|has tapped|has hired|has set) <DESC><PL> (?i:as (?:its |the )?(?:new )?directors?|to direct|to helm|for director)", needs_film=True),
    Rule(FactKind.DIRECTS, r"(?i:hires?|taps?|sets?|enlists?) <DESC><PL> (?i:to (?:direct|helm)) <GAP><F>", needs_film=True),
    Rule(FactKind.DIRECTS, r"<F>[a-z ,'-]{0,60}? (?i:(?:is |to be |will be |being )?(?:written and |co-written and )?(?:directed|helmed) by) <DESC><PL>", needs_film=True, is_background=True),
    Rule(FactKind.WRITES, rf"<PL><AUX> (?i:to write|will write|writing|to pen|will pen|penning|to script|scripting|hired to write|tapped to write|to co-write|to adapt|(?:brought on|signed on) to write|to write (?:and|&) direct)(?: (?i:the )?(?i:script|screenplay)(?i: of| for)?)? {_TARGET}"),
    Rule(FactKind.WRITES, r"<F><HEAD> (?i:taps|sets|lands|hires|enlists|recruits|names|adds|has tapped|has hired|has set|has enlisted) <DESC><PL> (?i:as (?:its |the )?writers?|to (?:pen|write|script))", needs_film=True),
    Rule(FactKind.WRITES, r"<F>[a-z ,'-]{0,60}? (?i:(?:is |to be |will be |being )?(?:co-)?(?:written|penned|scripted) by) <DESC><PL>", needs_film=True),
    # where it is shot
    Rule(FactKind.FILMS_IN, r"(?<![\w-])(?i:filming|shooting|in production|principal photography|production|shoot|shoots)(?: (?i:has|is|on|the|sequel|movie|film|will|to|are|begins|begin|starts|start|started|began|begun|underway|officially|now|currently|set|taking|take|takes|place|kicks off|kicked off|continues|of|wraps|wrapped|in))*(?: {film_or_not}(?: (?i:is|has|was|now|currently|officially|begins|begun|started|starts|underway|under way|wrapped|wraps|will|take|takes|taking|place|set|to))*)?(?: (?i:on location|place))? (?i:in|around) (?P<where>{place})".replace("{film_or_not}", FILM).replace("{place}", rf"(?:the )?[{_UPPER}][\w.'-]*(?: (?:of )?[{_UPPER}][\w.'-]*){{0,2}}(?:, [{_UPPER}][\w.'-]*(?: [{_UPPER}][\w.'-]*)?)?")),
    # when shooting starts and ends
    Rule(FactKind.SHOOT_STARTS, r"(?P<plan>(?i:(?:is |are )?(?:set|slated|scheduled|expected|due|planned|gearing up|ready|preparing) to (?:officially )?(?:begin|start|kick off)|to (?:begin|start|kick off)|will (?:officially |finally )?(?:begin|start|kick off))) (?:(?i:its|their|the) )?<SHOOT>(?:(?: [^.;:!?,]{0,30}?)?? <WHEN>)?"),
    Rule(FactKind.SHOOT_STARTS, r"<SHOOT>(?: (?i:on|for) <GAP>{f})?,? (?P<plan>(?i:(?:is |are )?(?:now )?(?:set|slated|scheduled|expected|due|planned) to (?:officially )?(?:begin|start|kick off)|will (?:officially |finally )?(?:begin|start|kick off)|to (?:begin|start|kick off)))(?:(?: [^.;:!?,]{0,30}?)?? <WHEN>)?".replace("{f}", FILM)),
    Rule(FactKind.SHOOT_STARTS, r"<F><HEAD>(?: [^.;:!?,]{0,25}?)?(?P<plan> (?i:to|will))? (?i:(?:officially |finally |now )?(?:begins?|starts?|began|started|begun|kicks off|kicked off|enters?|rolls))(?: (?i:on|its|into))? <SHOOT>", needs_film=True),
    Rule(FactKind.SHOOT_STARTS, r"<F><HEAD>(?: (?i:is|is now|now|currently|is currently|officially))? (?i:in production|filming|shooting)(?: <WHEN>)?(?=$|[,.;:!?]| (?i:in|with|on|at|as|this|next|later|after|and)\b)(?! (?i:with|in) (?i:mind))", needs_film=True),
    Rule(FactKind.SHOOT_STARTS, r"(?<![\w-])(?i:filming|shooting|principal photography|production|cameras)(?: (?i:on|for) {f})? (?i:(?:has |have |is |are )?(?:officially |finally |now )*(?:begun|started|under ?way|rolling|begins|starts|kicks off|kicked off|began))(?: (?i:on) <F>)?".replace("{f}", f"(?P<film>{FILM})")),
    Rule(FactKind.SHOOT_WRAPS, r"<F><HEAD>(?: [^.;:!?,]{0,25}?)? (?i:(?:officially |finally )?(?:wraps|wrapped|has wrapped|completes|finishes))(?: (?i:up))? (?i:filming|shooting|production|principal photography)", needs_film=True),
    Rule(FactKind.SHOOT_WRAPS, r"(?<![\w-])(?i:filming|shooting|principal photography|production)(?: (?i:on|for) (?P<film>{f}))? (?i:(?:has |have |is |was )?(?:officially |finally |now )*(?:wrapped|wraps|complete|completed|finished|ended))(?: (?i:on) <F>)?".replace("{f}", FILM)),
    # when it comes out
    Rule(FactKind.RELEASE, r"(?i:moved?|moves|moving|shifts?|shifted|shifting|delayed|delays?|pushed|pushes|bumped|bumps|postponed|rescheduled)(?P<way>(?: (?i:back|up|out|forward|earlier|ahead))?)(?: [^.;:!?]{0,50}?)?? (?i:from) (?P<was><DAY>|<DATE>),? (?i:to) (?:a new [a-z ]{0,20})?(?P<when><DAY>|<DATE>|{m}\b)".replace("{m}", MONTH)),
    Rule(FactKind.RELEASE, r"(?i:moved?|moves|moving|shifts?|shifted|delayed|delays?|pushed|pushes|bumped|bumps|postponed|rescheduled)(?: (?i:back|up|out|forward|earlier|ahead|again|slightly))?(?: [^.;:!?]{0,40}?)?? (?i:to) (?P<when><DAY>|<DATE>|{m}\b)(?:,? (?i:from) (?P<was><DAY>|<DATE>))?".replace("{m}", MONTH)),
    Rule(FactKind.RELEASE, r"(?i:hits?|hitting|arrives?|arriving|opens?|opening|releases?|released|releasing|premieres?|premiering|debuts?|debuting|bows?|bowing|lands?|comes?|coming|launch(?:es)?|to theaters|in theaters|streams?|streaming|due|heads?|heading|arrival|play)(?: (?i:in|to|into|out|exclusively|only|worldwide|nationwide|everywhere|theaters|theatres|cinemas|the big screen|big screens|select|u\.s\.|us|uk|north american|imax|now|open|back))*(?: (?i:on|via|in|to) (?P<service>Netflix|Hulu|Prime Video|Disney\+|Max|HBO Max|Peacock|Paramount\+|Apple TV\+?|Shudder|Starz|MUBI|Crunchyroll|Tubi))?,?(?: (?i:on|in|this|starting|beginning|from))* (?P<when><DAY>|(?<=in )(?:<DATE>|{m}\b)|(?<=on )<DAY>|(?<=this ){m}\b)".replace("{m}", MONTH)),
    Rule(FactKind.RELEASE, r"(?i:sets?|gets?|lands?|landed|confirms?|confirmed|announces?|announced|reveals?|secures?|secured|locks?|scores?|set for|slated for|scheduled for|dated for|eyes)(?: [^.;:!?]{0,40}?)?? (?:a |an |its |the |new |official |theatrical |perfect |film's )*(?P<when><DATE>|{m}(?: \d\d?)?) (?i:(?:theatrical |imax |u\.s\. |us )?(?:release|premiere|debut|opening|bow)(?: date)?)".replace("{m}", MONTH)),
    Rule(FactKind.RELEASE, r"(?i:release date(?: is| was)?(?: (?:now )?(?:set|slated|scheduled))?)(?: (?i:of|for|on|is|to|at))* (?P<when><DATE>|{m} \d\d?)".replace("{m}", MONTH)),
    Rule(FactKind.RELEASE, r"(?i:(?:is |are )?(?:now |currently )?(?:set|slated|scheduled|dated) for (?:release )?(?:a |an )?(?:theatrical )?(?:release )?(?:on |in )?)(?P<when><DAY>|(?<=in )<DATE>|<DATE>(?= (?i:release)))"),
    # how long, and how it is rated
    Rule(FactKind.RUNTIME, r"(?i:runtime|run time|running time)(?: [A-Za-z]{1,12}){0,4}? (?P<size>(?:\d hours?(?:,? (?:and )?\d{1,2} minutes)?|\d{2,3}(?:-| )minutes?))"),
    Rule(FactKind.RUNTIME, r"(?P<size>(?:\d hours?(?:,? (?:and )?\d{1,2} minutes)?|\d{2,3}[- ]minutes?)) (?i:runtime|run time|running time|long)"),
    Rule(FactKind.RUNTIME, r"(?i:clocks in at|clocking in at|will run|runs for|runs)(?: [a-z]{1,12}){0,2}? (?P<size>(?:\d hours?(?:,? (?:and )?\d{1,2} minutes)?|\d{2,3} minutes))"),
    Rule(FactKind.RATING, r"(?i:(?:is |been |officially |be )+rated) (?P<mark>NC-17|PG-13|PG|R|G)(?![\w-])"),
    Rule(FactKind.RATING, r"(?i:gets?|receives?|received|earns?|earned|secures?|secured|lands?|given|confirms?|scores?)(?: [a-z]{1,12}){0,3}? (?P<mark>NC-17|PG-13|PG|R|G)[ -](?i:rating)"),
    # what is denied
    Rule(FactKind.JOINS, r"<PL> (?i:denies|denied|debunks|debunked|shuts down|shut down|shoots down|refutes|refuted|dismisses|rules out)(?: [^.;:!?]{0,50}?)? (?i:(?:joining|appearing in|being in|starring in|being cast in|playing [^.;:!?]{0,30}? in|role in|casting in|involvement in|part in)) <GAP><F>", needs_film=True, certainty=Certainty.DENIED, is_plain=True),
    Rule(FactKind.JOINS, r"<PL>,? (?i:is not|isn't|are not|aren't|will not be|won't be|not)(?: (?i:actually|going to be|appearing|starring|cast|returning|part of|involved))* (?i:in|for|to|of|with) <GAP><F>", needs_film=True, certainty=Certainty.DENIED),
    Rule(FactKind.RETURNS, r"<PL>,? (?i:(?:will not|won't|is not|isn't|not) (?:be )?(?:returning|return|reprising|reprise)) (?i:for|in|to|his role in|her role in|his|her) <GAP><F>", needs_film=True, certainty=Certainty.DENIED),
)  # fmt: skip

HINTS = {
    FactKind.JOINS: re.compile(
        r"(?i)join|cast|star|play|voice|portray|topline|lead|headline|board|add|tap|recruit|enlist|land|find|welcom"
        r"|confirm|complet|set|feature|den|debunk|shut|shoot|refut|dismiss|rul|not |n't"
    ),
    FactKind.RETURNS: re.compile(r"(?i)return|back|repris"),
    FactKind.IN_TALKS: re.compile(r"(?i)talks|negotiations"),
    FactKind.LEAVES: re.compile(r"(?i)exit|drop|depart|leav|left|bow|step|pull|parted|parts|no longer|los[et]|losing"),
    FactKind.REPLACES: re.compile(r"(?i)replac|tak(?:es?|ing) over|steps in"),
    FactKind.DIRECTS: re.compile(r"(?i)direct|helm"),
    FactKind.WRITES: re.compile(r"(?i)writ|pen|script|adapt"),
    FactKind.FILMS_IN: re.compile(r"(?i)film|shoot|production|photography"),
    FactKind.SHOOT_STARTS: re.compile(r"(?i)film|shoot|production|photography|cameras|under ?way"),
    FactKind.SHOOT_WRAPS: re.compile(r"(?i)wrap|complete|finish|ended"),
    FactKind.RELEASE: re.compile(rf"20[2-4]\d|{MONTH}"),
    FactKind.RUNTIME: re.compile(r"(?i)minute|hour"),
    FactKind.RATING: re.compile(r"(?i)rated|rating"),
}
"""What every sentence has that a rule of the kind matches; looked for first, because it is cheaper."""

TRIGGER = re.compile(
    r"(?i)\b(?:join|cast|add|tap|star|play|voice|return|repris|talks|negotiat|exit|drop|depart|lea[vd]|left|losing|los[et]"
    r"|step|bow|pull|part|replac|tak(?:e|ing)|direct|helm|writ|pen|script|film|shoot|shot|production|photography|wrap"
    r"|camera|release|theat|delay|push|mov|shift|postpone|bump|open|hit|arriv|premier|debut|slated|schedul|set|dated"
    r"|runtime|running|run|clock|rat(?:ed|ing)|den|debunk|shut|won't|not|no longer|isn't|confirm|land|board|hir|enlist"
    r"|recruit|name|fire|lead|topline|back|due|stream|coming)"
)
"""No rule matches a sentence without one of these beginnings."""
