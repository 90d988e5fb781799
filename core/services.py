"""Services that many sources share under many host names: they are one server to us, and are asked as one."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Service:
    """`spacing` is the least time between two requests, whatever their hosts."""

    name: str
    spacing: timedelta


# Reddit lets strangers ask ten times a minute; the others publish no figure and answer 429 to bursts.
_SERVICES = (
    (Service("reddit", timedelta(seconds=6)), ("reddit.com", "redd.it")),
    (Service("youtube", timedelta(seconds=1)), ("youtube.com", "youtu.be")),
    (Service("google-news", timedelta(seconds=2)), ("news.google.com",)),
    # TMDB stops clients at about 50 requests a second; Wikidata's query service asks for one question at a time.
    (Service("tmdb", timedelta(seconds=0.1)), ("api.themoviedb.org",)),
    (Service("wikidata", timedelta(seconds=1)), ("query.wikidata.org",)),
)


def find_service(host: str) -> Service | None:
    """Name the service a host belongs to; None for one that stands for itself."""
    host = host.lower().rstrip(".")
    for service, domains in _SERVICES:
        if any(host == domain or host.endswith(f".{domain}") for domain in domains):
            return service
    return None


def lane_of(host: str) -> str:
    """Name what is asked one thing at a time: the service, or the host itself."""
    service = find_service(host)
    return f"service:{service.name}" if service else f"host:{host}"
