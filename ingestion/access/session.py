"""The HTTP session of every call: its connections keep to the call's limits, and no redirect leaves the address."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager

from ingestion.access.limits import LimitedConnection

# So short a part of a header is no credential.
SECRET_LENGTH = 8


def without_query(url: str) -> str:
    """A URL that is fit for a message: no query, no credentials."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        # Of a password with a slash in it, Python takes a part for the port.
        return "an address that is none"


def _origin(url: str) -> tuple[str, str, int | None]:
    """What a credential is for: scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _named(address: str, request: requests.PreparedRequest | None) -> str:
    """Where a redirect leads, by scheme and host: its path, or a host of that kind, may repeat what was sent."""
    scheme, host, port = _origin(address)
    sent = {
        part.lower()
        for value in (request.headers.values() if request else ())
        for part in re.split(r"[\s:=,;]+", _text(value))
    }
    is_a_name = re.fullmatch(r"[a-z0-9.-]{1,253}|[0-9a-f:.]+", host)
    if not is_a_name or any(len(part) >= SECRET_LENGTH and part in host for part in sent):
        return "another address"
    return f"{scheme}://{host}{f':{port}' if port not in (80, 443, None) else ''}"


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


class ForeignRedirect(requests.RequestException):
    """A vendor redirects to another address; `address` is that one, fit for a message."""

    def __init__(self, address: str) -> None:
        super().__init__(f"redirect to {address}")
        self.address = address


@cache
def limited_pool(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """A class of urllib3's pools whose connections keep to the limits that are applied."""
    connection = type(f"Limited{pool.ConnectionCls.__name__}", (LimitedConnection, pool.ConnectionCls), {})
    return type(f"Limited{pool.__name__}", (pool,), {"ConnectionCls": connection})


class LimitedAdapter(HTTPAdapter):
    """requests' way to urllib3, by connections that keep to the limits that are applied, through a proxy too."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._limit(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        self._limit(manager)
        return manager

    @staticmethod
    def _limit(manager: PoolManager) -> None:
        manager.pool_classes_by_scheme = {
            "http": limited_pool(HTTPConnectionPool),
            "https": limited_pool(HTTPSConnectionPool),
        }


class LimitedSession(requests.Session):
    """A session that keeps to the limits that are applied, and follows redirects within one origin only.

    requests removes `Authorization` where a redirect leaves the host, and no other header: a key in `x-api-key`, or a
    body, would go along.
    """

    def __init__(self) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, LimitedAdapter())

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is not None:
            try:
                address = urljoin(resp.url, target)
                is_foreign = _origin(address) != _origin(resp.url)
                named = _named(address, resp.request)
            except ValueError:
                is_foreign, named = True, "an address that is none"
            # requests would read the body of a redirect, which nobody needs, whatever it unpacks to.
            resp._content = b""
            resp.close()
            if is_foreign:
                raise ForeignRedirect(named)
        return target
