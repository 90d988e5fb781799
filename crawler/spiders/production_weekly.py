"""Production Weekly's issues: each title names what is being prepared; the listings themselves are for subscribers."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class ProductionWeeklySpider(ListingSpider):
    name = "production-weekly"
    selectors = Selectors(
        item="article:has(.entry-title a), div.post:has(.entry-title a)",
        link=".entry-title a::attr(href)",
        title=".entry-title a::text",
        summary=".entry-summary",
        date="time",
    )
