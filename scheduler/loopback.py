"""A small HTTP server on a free loopback port, in a thread: the stage of the demo and of the benches."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections open and the terminal free of request lines."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
        """Say nothing."""

    def answer(self, status: int, content_type: str = "", body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; `headers` are named with underscores for hyphens, and left out where empty."""
        self.send_response(status)
        for name, value in {"Content_Type": content_type, **headers}.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that was killed in the middle of a request; anything else is a mistake of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serve_loopback(handler: Callable[..., QuietHandler]) -> Iterator[str]:
    """Serve with `handler` until the block ends; yield the address, `http://127.0.0.1:PORT`."""
    server = _QuietServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
