"""The newsroom of the animation studio Bones: a list whose items are one link with headline and date inside."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class BonesSpider(ListingSpider):
    name = "bones"
    selectors = Selectors(item=".nws-List li", link="a::attr(href)", title=".title::text", date=".date")
