"""The newsroom of the animation studio A-1 Pictures: headline and date in a list, the newest first."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class A1PicturesSpider(ListingSpider):
    name = "a1-pictures"
    selectors = Selectors(
        item=".p-news__list li", link="a::attr(href)", title=".p-news__list-title::text", date=".p-in-date"
    )
