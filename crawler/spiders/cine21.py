"""Cine21's news: each headline stands in a span of the one link that wraps picture, headline and first lines."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class Cine21Spider(ListingSpider):
    name = "cine21"
    selectors = Selectors(
        item="li > a[href*='/news/view/']",
        link="a::attr(href)",
        title="span.tit::text",
        summary="span.nothumb",
        date="span.date",
        image="span.thumb img",
    )
