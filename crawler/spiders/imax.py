"""IMAX's newsroom: links to releases, each with its date as plain words somewhere in the box around it."""

import re
from collections.abc import Iterator

from parsel import Selector
from scrapy.http import Response

from core.parsing.dates import parse_date
from core.parsing.entries import RawEntry, clean_entry, keep_first
from core.values import ParsedEntry
from crawler.messages import Problem
from crawler.spiders.base import SourceSpider

_RELEASES = "a[href*='/news-releases/news-release-details/']"
_DATE = re.compile(r"\b[A-Z][a-z]{2,8} \d{1,2}, \d{4}\b")
# How far up the box of a link may lie.
_MAX_STEPS = 3


class ImaxSpider(SourceSpider):
    name = "imax"

    def parse(self, response: Response) -> Iterator[ParsedEntry | Problem]:
        found = (self._read(response, link) for link in response.css(_RELEASES))
        entries, _ = keep_first(entry for entry in found if entry)
        yield from entries
        if not entries:
            yield Problem(words=f"There is no link to a news release at {response.url}; the page may have changed.")

    def _read(self, response: Response, link: Selector) -> ParsedEntry | None:
        url = response.urljoin(link.attrib["href"])
        return clean_entry(
            RawEntry(
                guid=url,
                url=url,
                title=" ".join(link.css("::text").getall()),
                published_at=parse_date(_find_date(link), now=self.now),
            )
        )


def _find_date(link: Selector) -> str:
    for steps in range(1, _MAX_STEPS + 1):
        dates = _DATE.findall(" ".join(link.xpath("/".join([".."] * steps)).css("::text").getall()))
        if dates:
            return dates[0] if len(dates) == 1 else ""
    return ""
