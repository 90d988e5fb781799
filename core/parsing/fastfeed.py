"""Feeds as nearly all are written, read off the tree: it gives what feedparser would give, or declines.

It knows RSS without default namespace and Atom 1.0, and of these only elements and attributes whose effect on
feedparser is simple. It declines whatever else it meets; feedparser, the reference, then reads the document.
"""

from datetime import datetime

from core.parsing.fastatom import read_atom
from core.parsing.fastnodes import ATOM, Unusual, UsualFeed, join
from core.parsing.fastrss import read_rss
from core.parsing.xml import Element


def read_usual(root: Element, *, base: str, url: str, now: datetime) -> UsualFeed | None:
    """Read the head of a feed and its items' guids; None unless it is one that is known. The tree is left as it is.

    `url` is the document's address, `base` that which its links are relative to.
    """
    base = join(base, base) or base
    try:
        if root.tag == "rss":
            return read_rss(root, base=base, url=url, now=now)
        if root.tag == f"{{{ATOM}}}feed":
            return read_atom(root, base=base, url=url, now=now)
    except Unusual:
        return None
    return None
