"""Spiders, as Scrapy names and shapes them; one small file for each publisher that needs its own."""
