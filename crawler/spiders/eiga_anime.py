"""Eiga.com's news of animated films: a headline, a date and the first lines for each."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class EigaAnimeSpider(ListingSpider):
    name = "eiga-anime"
    selectors = Selectors(
        item="li.clearfix:has(.boxTtl a)",
        link=".boxTtl a::attr(href)",
        title=".boxTtl::text",
        summary=".boxText",
        date=".boxDate span",
        image="img",
    )
