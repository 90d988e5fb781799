"""AlloCiné's film news, whose feeds answer 404 since 2026: navigation uses the same links, so only articles count."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class AlloCineSpider(ListingSpider):
    name = "allocine"
    selectors = Selectors(
        item="div.card:has(a.meta-title-link[href^='/article/'])",
        link="a.meta-title-link::attr(href)",
        title="a.meta-title-link::text",
        summary="div.meta-body",
        date="div.meta-date",
        image="img.thumbnail-img",
    )
