"""A server on loopback that answers as no vendor should, and a clock that tests don't wait for."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

OK = b"HTTP/1.1 200 OK\r\n"


class Ticking:
    """A clock on which a second passes whenever it is looked at."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1
        return self.seconds


@contextmanager
def sending(first: bytes, endless: bytes = b"") -> Iterator[str]:
    """A server that answers every request with some bytes, and then `endless` again and again until nobody reads."""
    closing = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += self.request.recv(1 << 16)
            with suppress(OSError):
                self.request.sendall(first)
                while endless and not closing.is_set():
                    self.request.sendall(endless)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            closing.set()
            server.shutdown()
            thread.join()
