"""A loopback HTTP server on which the vendors' APIs are played."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """What a vendor gets to see. `match` holds the groups of the route's pattern."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    match: Mapping[str, str]

    def one(self, name: str, default: str | None = None) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else default

    def header(self, name: str) -> str | None:
        """A header, whatever its case."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Response:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def dumps(value: Any) -> str:
    """JSON in which a Decimal is written with the very digits it has."""
    marks: dict[str, str] = {}

    def mark(item: object) -> str:
        if not isinstance(item, Decimal):
            raise TypeError(f"{type(item).__name__} is not JSON")
        key = f"@@decimal:{len(marks)}@@"
        marks[f'"{key}"'] = format(item, "f")
        return key

    text = json.dumps(value, default=mark, separators=(",", ":"))
    return re.sub(r'"@@decimal:\d+@@"', lambda found: marks[found.group(0)], text) if marks else text


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; Decimals keep their digits."""
    return Response(status, dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


@dataclass(frozen=True)
class Route:
    """A method and a pattern (a regular expression that the whole path must match), and who answers."""

    method: str
    pattern: str
    handler: Callable[[Request], Response]


@dataclass
class Faults:
    """Bad days of a vendor: every so many-th request is answered 429 or 503, or the connection is cut.

    0: none. `count` holds how many there were.
    """

    every: int = 0
    asked: int = 0
    count: int = 0

    def strikes(self) -> str | None:
        """Whether this request is struck, and by what."""
        self.asked += 1
        if not self.every or self.asked % self.every:
            return None
        self.count += 1
        return ("429", "503", "cut")[self.count % 3]


@contextmanager
def serving(routes: Sequence[Route], port: int = 0, faults: Faults | None = None) -> Iterator[str]:
    """Serve the routes on 127.0.0.1 while the context lasts; gives the base URL."""
    compiled = [(route.method, re.compile(route.pattern), route.handler) for route in routes]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: a body of its own would wait until the client has acknowledged the head.
        wbufsize = -1
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else b""
            struck = faults.strikes() if faults else None
            if struck == "cut":
                self.close_connection = True
                return
            if struck:
                self.send_response(int(struck))
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            response = Response(404, b'{"error":"not_found"}', {"Content-Type": "application/json"})
            for method, pattern, handler in compiled:
                found = pattern.fullmatch(parts.path)
                if method == self.command and found:
                    query = parse_qs(parts.query, keep_blank_values=True)
                    headers = dict(self.headers.items())
                    response = handler(Request(self.command, parts.path, query, headers, body, found.groupdict()))
                    break
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if "Content-Length" in response.headers:
                # An answer that is shorter than its head promises ends with the connection.
                self.close_connection = True
            else:
                self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = _answer
        do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the refresh prints what matters."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
