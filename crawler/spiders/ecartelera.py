"""eCartelera's news: stories with a line above the headline, a teaser and a date in Spanish."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class ECarteleraSpider(ListingSpider):
    name = "ecartelera"
    selectors = Selectors(
        item="div.story:has(div.scnt a)",
        link="div.scnt a::attr(href)",
        title="div.scnt a::text",
        summary="p.desc",
        date="p.fec",
        image="img",
    )
