"""Spiders, as Scrapy names and shapes them.

A publisher that needs its own has one small file here, and a source of kind `listing` without selectors whose
`source_id` is the spider's name:

    class PierDiarySpider(ListingSpider):
        name = "pier-diary"
        selectors = Selectors(item="article.card", date="time::attr(datetime)")

or, where selectors do not do, a `SourceSpider` whose `parse(response)` yields `ParsedEntry`.
"""
