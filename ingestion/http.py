"""The one HTTP client of all sources: timeouts, retries with back-off and `Retry-After`, redacted errors."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from ingestion.errors import SettingError, VendorError

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for: a number, or an HTTP date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(0.0, (moment.astimezone(UTC) - now).total_seconds())


def without_query(url: str) -> str:
    """A URL that is fit for a message: no query, no credentials."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def exact_json(text: str | bytes) -> Any:
    """JSON whose numbers with a fraction are Decimal: money never passes through a float."""
    return json.loads(text, parse_float=Decimal)


@dataclass
class Client:
    """Calls to one vendor.

    `credentials` names the settings behind the authentication, for the message when the vendor refuses it.
    `sleep` is passed in so that tests don't wait.
    """

    vendor: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: AuthBase | None = field(default=None, repr=False)
    credentials: str = "the credentials"
    timeout: tuple[float, float] = (10.0, 120.0)
    attempts: int = 6
    longest_wait: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        accept_statuses: frozenset[int] = frozenset(),
    ) -> requests.Response:
        """One call, with a `body` that is sent as JSON, or a `form`; retried while the vendor is busy or unreachable.

        Returns a 2xx answer, or one whose status is in `accept_statuses`. Raises SettingError on 401 and 403
        (it names the settings), VendorError otherwise.
        """
        url = path if "://" in path else f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"
        problem = ""
        for attempt in range(self.attempts):
            wait: float | None = None
            try:
                response = self.session.request(
                    method,
                    url,
                    params=params,
                    json=body,
                    data=form,
                    headers={**self.headers, **(headers or {})},
                    auth=self.auth,
                    timeout=self.timeout,
                    stream=stream,
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                problem = type(error).__name__
            else:
                if response.ok or response.status_code in accept_statuses:
                    return response
                if response.status_code in (401, 403):
                    raise SettingError(
                        f"{self.vendor}: {without_query(url)} answered {response.status_code}: "
                        f"check {self.credentials}"
                    )
                problem = f"status {response.status_code}"
                if response.status_code not in RETRIED:
                    raise VendorError(f"{self.vendor}: {without_query(url)} answered {problem}")
                wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
                response.close()
            if attempt + 1 < self.attempts:
                backoff = min(2.0**attempt, 30.0) * random.uniform(0.5, 1.0)
                self.sleep(min(wait if wait is not None else backoff, self.longest_wait))
        raise VendorError(f"{self.vendor}: {without_query(url)} failed {self.attempts} times, last with {problem}")

    def json(self, path: str, *, params: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The parsed body of a GET, fractions as Decimal. Raises VendorError where it is not JSON."""
        response = self.request("GET", path, params=params, headers=headers)
        try:
            return exact_json(response.content)
        except ValueError as error:
            raise VendorError(f"{self.vendor}: {without_query(response.url)} did not answer in JSON") from error

    def lines(
        self, path: str, *, params: Any = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[tuple[int, bytes]]:
        """The numbered lines of a streamed GET."""
        with self.request("GET", path, params=params, headers=headers, stream=True) as response:
            for number, line in enumerate(response.iter_lines(chunk_size=1 << 16), start=1):
                if line.strip():
                    yield number, line
