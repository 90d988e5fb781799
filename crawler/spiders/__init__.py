"""Spiders, as Scrapy names and shapes them.

A publisher that needs its own has one small file here, a page in `tests/crawler/pages`, and a source of kind `listing`
that names it (`spider = "pier-diary"`):

    class PierDiarySpider(ListingSpider):
        name = "pier-diary"
        selectors = Selectors(item="article.card", date="time::attr(datetime)")

or, where selectors do not do, a `SourceSpider` whose `parse(response)` yields `ParsedEntry`.
"""
