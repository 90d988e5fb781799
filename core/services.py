"""Services that many sources share under many host names: they are one server to us, and are asked as one."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Service:
    """`spacing` is the least time between two requests, whatever their hosts."""

    name: str
    spacing: timedelta


# Reddit lets strangers ask ten times a minute; the others publish no figure and answer 429 to bursts.
_REDDIT = Service("reddit", timedelta(seconds=6))
_YOUTUBE = Service("youtube", timedelta(seconds=1))
_GOOGLE_NEWS = Service("google-news", timedelta(seconds=2))
_TMDB = Service("tmdb", timedelta(seconds=0.1))
"""It stops clients at about 50 requests a second."""
_WIKIDATA = Service("wikidata", timedelta(seconds=1))
"""Its query service asks for one question at a time."""
_BY_DOMAIN = {
    "reddit.com": _REDDIT,
    "redd.it": _REDDIT,
    "youtube.com": _YOUTUBE,
    "youtu.be": _YOUTUBE,
    "news.google.com": _GOOGLE_NEWS,
    "api.themoviedb.org": _TMDB,
    "query.wikidata.org": _WIKIDATA,
}


@lru_cache(maxsize=4096)
def find_service(host: str) -> Service | None:
    """Name the service a host or one of its parent domains belongs to; None for one that stands for itself."""
    domain = host.lower().rstrip(".")
    while domain:
        if domain in _BY_DOMAIN:
            return _BY_DOMAIN[domain]
        domain = domain.partition(".")[2]
    return None


def lane_of(host: str) -> str:
    """Name what is asked one thing at a time: the service, or the host itself."""
    service = find_service(host)
    return f"service:{service.name}" if service else f"host:{host}"
