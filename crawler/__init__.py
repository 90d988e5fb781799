"""Reads the world: feeds by the gateway, pages by Scrapy through the gateway. It decides and stores nothing."""
