"""Scrapy's settings for a crawl: the gateway fetches, so all of Scrapy that would fetch or remember is off."""

from typing import Any

from crawler.messages import Crawl

# One host at a time is asked by one connection; AutoThrottle widens the spacing when the host slows down.
_PER_DOMAIN = 1
_IN_ALL = 8
_MAX_DELAY_SECONDS = 30.0


def scrapy_settings(crawl: Crawl) -> dict[str, Any]:
    """Override every default that is rude or unsafe; what is not named here, Scrapy does not use in our crawls.

    `SETWIRE_FETCH` and `SETWIRE_BROWSER` hand settings to `crawler.handler`.
    """
    delay = crawl.delay.total_seconds()
    return {
        **_FIXED,
        "SETWIRE_FETCH": crawl.fetch,
        "SETWIRE_BROWSER": crawl.browser,
        "USER_AGENT": crawl.fetch.user_agent,
        "DOWNLOAD_TIMEOUT": crawl.fetch.deadline.total_seconds(),
        "DOWNLOAD_MAXSIZE": crawl.fetch.max_body_bytes,
        "DOWNLOAD_DELAY": delay,
        "AUTOTHROTTLE_START_DELAY": delay,
        "AUTOTHROTTLE_MAX_DELAY": max(delay, _MAX_DELAY_SECONDS),
        "AUTOTHROTTLE_ENABLED": delay > 0,
        "CLOSESPIDER_PAGECOUNT": crawl.max_pages,
        "CLOSESPIDER_TIMEOUT": float(crawl.max_seconds),
    }


_GATEWAY = "crawler.handler.GatewayDownloadHandler"

_FIXED: dict[str, Any] = {
    "BOT_NAME": "setwire",
    "SPIDER_MODULES": ["crawler.spiders"],
    "TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
    # Pages come through the gateway and no other way: address check, caps, deadline, robots.txt and redirects are
    # its work, so Scrapy's own versions stand aside. None unregisters a scheme.
    "DOWNLOAD_HANDLERS": {
        "http": _GATEWAY,
        "https": _GATEWAY,
        "data": None,
        "file": None,
        "ftp": None,
        "s3": None,
    },
    "DOWNLOAD_VERIFY_CERTIFICATES": True,
    "ROBOTSTXT_OBEY": False,
    "REDIRECT_ENABLED": False,
    "METAREFRESH_ENABLED": False,
    "COMPRESSION_ENABLED": False,
    "HTTPPROXY_ENABLED": False,
    "HTTPCACHE_ENABLED": False,
    "COOKIES_ENABLED": False,
    "REFERER_ENABLED": False,
    # The clock comes back to a source that failed; trying again at once is rude.
    "RETRY_ENABLED": False,
    "CONCURRENT_REQUESTS": _IN_ALL,
    "CONCURRENT_REQUESTS_PER_DOMAIN": _PER_DOMAIN,
    "RANDOMIZE_DOWNLOAD_DELAY": True,
    # Doors into the process.
    "REMOTE_CONTROL_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "MEMUSAGE_ENABLED": False,
    "DEFAULT_REQUEST_HEADERS": {},
    "LOG_LEVEL": "WARNING",
    "LOGSTATS_INTERVAL": 0,
    "STATS_DUMP": False,
    "WARN_ON_GENERATOR_RETURN_VALUE": False,
}
