"""Marvel's newsroom: cards of films, series, comics and games in one list; the first two are ours."""

from core.values import Selectors
from crawler.spiders.listing import ListingSpider


class MarvelSpider(ListingSpider):
    name = "marvel"
    selectors = Selectors(
        item="a.card-body__headline[href*='/articles/movies/'], a.card-body__headline[href*='/articles/tv-shows/']"
    )
