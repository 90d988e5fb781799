"""Keeps connections on the open internet: judges every resolved address just before it is connected to."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Protocol, TypedDict
from urllib.parse import urlsplit

from core.addresses import MAX_URL_CHARS, PLAIN_URL, check_url, is_public, judge_address
from crawler.errors import RefusedError

# Name look-ups block a thread for as long as the resolver library likes; they get threads of their own, so that a
# dead name server does not stop parsing.
_LOOKUP_THREADS = 16
_NOT_PUBLIC = "{} is not a public address; allow it in the settings if it is yours"
USUAL_PORTS = {"http": 80, "https": 443}


class Resolved(TypedDict):
    """One address of a name, and its family (`socket.AF_INET` or `AF_INET6`)."""

    host: str
    family: int


class Resolver(Protocol):
    """Turns names into addresses. Errors: `OSError` where it cannot."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> Sequence[Resolved]: ...

    async def close(self) -> None: ...


class AllowList:
    """Hosts that the operator exempts from the address check: names or addresses, each with an optional port."""

    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = frozenset(host.strip().lower() for host in hosts)

    def permits(self, host: str, port: int) -> bool:
        host = host.lower()
        bracketed = f"[{host}]" if ":" in host else host
        return not self._hosts.isdisjoint((host, bracketed, f"{bracketed}:{port}"))


def check_target(url: str, allowed: AllowList) -> tuple[str, int]:
    """Say which host and port a URL leads to, or refuse it by its shape or by the address it spells out.

    Errors: `RefusedError`. A host that is a name is judged later, by `GuardedResolver`.
    """
    host, port, is_refused = _judge(url)
    if is_refused and not allowed.permits(host, port):
        raise RefusedError(_NOT_PUBLIC.format(host))
    return host, port


@lru_cache(maxsize=4096)
def _judge(url: str) -> tuple[str, int, bool]:
    """Say host, port, and whether the host is an address that is not public. Errors: `RefusedError`."""
    plain = PLAIN_URL.fullmatch(url)
    try:
        if plain is None or len(url) > MAX_URL_CHARS:
            check_url(url)
    except ValueError as error:
        raise RefusedError(f"{error}: {url[:200]!r}") from error
    scheme, host, port = (plain[1], plain[3], plain[4]) if plain else _split(url)
    return host, int(port) if port else USUAL_PORTS[scheme], is_address(host) and not is_public(host)


def _split(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


def is_address(host: str) -> bool:
    """Say whether a host is an address, not a name. Names of hosts do not end in a digit, nor hold colons."""
    return (":" in host or host[-1:].isdigit()) and judge_address(host) is not None


class SystemResolver:
    """Asks the operating system; numbers come back as numbers, so `0x7f.1` is judged as what it means."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUP_THREADS, thread_name_prefix="lookup")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> Sequence[Resolved]:
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port, family)
        return [Resolved(host=address, family=kind) for kind, address in found]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int, family: int) -> list[tuple[int, str]]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
    return list(dict.fromkeys((int(kind), str(address[0])) for kind, _, _, _, address in rows))


class GuardedResolver:
    """Hands on only public addresses of a name, and those of exempt hosts.

    The connector connects to exactly what it is handed, so a name that turns private between two look-ups
    (DNS rebinding) is refused at the second. Errors: `RefusedError` when no public address is left.
    """

    def __init__(self, inner: Resolver, allowed: AllowList) -> None:
        self._inner = inner
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> Sequence[Resolved]:
        if is_address(host):
            self.check(host, port)
            return [Resolved(host=host, family=socket.AF_INET6 if ":" in host else socket.AF_INET)]
        found = await self._inner.resolve(host, port, family)
        if self._allowed.permits(host, port):
            return found
        public = [result for result in found if is_public(result["host"])]
        if found and not public:
            raise RefusedError(f"{host} leads to {found[0]['host']}, which is not a public address")
        return public

    def check(self, address: str, port: int) -> None:
        """Refuse an address that is neither public nor exempt. Errors: `RefusedError`."""
        if not is_public(address) and not self._allowed.permits(address, port):
            raise RefusedError(_NOT_PUBLIC.format(address))

    async def close(self) -> None:
        await self._inner.close()
