"""A loopback server that ends with its block: no connection, and no task of one, is left to whoever comes next."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def listening(handle: Handle, *, tls: ssl.SSLContext | None = None, backlog: int = 100) -> AsyncIterator[int]:
    """Serve every connection by `handle`; yield the port.

    In the end connections are aborted, not closed: one with bytes that nobody reads would wait for its reader,
    outlive the loop, and be complained of in some later test.
    """
    transports: list[asyncio.WriteTransport] = []
    served: list[asyncio.Task[None]] = []

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transports.append(writer.transport)
        served.append(asyncio.create_task(handle(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, backlog=backlog)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in served:
            task.cancel()
        await asyncio.gather(*served, return_exceptions=True)
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)
