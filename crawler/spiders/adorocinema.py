"""AdoroCinema's film news: cards whose pictures are loaded late and whose addresses begin with two slashes."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class AdoroCinemaSpider(ListingSpider):
    name = "adorocinema"
    selectors = Selectors(
        item="div.news-card, div.news-card-article",
        link="a.meta-title-link::attr(href), h2 a::attr(href)",
        title="a.meta-title-link::text, h2 a::text",
        summary="div.meta-body",
        date="div.meta-date",
        image="img",
    )
