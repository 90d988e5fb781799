"""The troubles a fetch can end in; each carries one sentence an operator can act on."""


class FetchError(Exception):
    """A fetch that brought no answer we can use.

    FetchError
    ├── RefusedError           we do not go there: the URL's shape, or an address that is not public
    ├── RobotsDisallowedError  robots.txt forbids it, or could not be had (RFC 9309 2.3.1.4)
    ├── UnreachableError       name, connection, TLS, or an answer that broke off or is not HTTP
    ├── DeadlineError          the whole exchange took longer than it may
    ├── TooLargeError          headers, body, or compression ratio over the cap
    ├── RedirectError          a loop, or more hops than we follow
    ├── BodyError              a content encoding that we do not know or that is damaged
    └── BrowserError           the page needs a browser, and there is none, or it failed
    """


class RefusedError(FetchError):
    pass


class RobotsDisallowedError(FetchError):
    pass


class UnreachableError(FetchError):
    pass


class DeadlineError(FetchError):
    pass


class TooLargeError(FetchError):
    pass


class RedirectError(FetchError):
    pass


class BodyError(FetchError):
    pass


class BrowserError(FetchError):
    pass
