"""The one HTTP client of all sources: timeouts, retries with back-off and `Retry-After`, redacted errors."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from ingestion.errors import SettingError, VendorError

RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
# What another attempt may mend: no connection, no answer in time, a body that is cut off or can't be unpacked.
TRANSIENT = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


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
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
    except ValueError:
        # Of a password with a slash in it, Python takes a part for the port.
        return "an address that is none"


# The escape of one half of a surrogate pair, which may stand alone in JSON and never in text.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def exact_json(text: str | bytes) -> Any:
    """JSON whose numbers with a fraction are Decimal: money never passes through a float.

    A lone half of a surrogate pair becomes U+FFFD: no file and no engine can hold it. Raises ValueError for what is not
    JSON; NaN and Infinity are not (RFC 8259, section 6).
    """
    try:
        parsed = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply to be JSON of any vendor") from None
    plain = text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass")
    return _without_lone_surrogates(parsed) if _SURROGATE.search(plain) else parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _without_lone_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_lone_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_lone_surrogates(key): _without_lone_surrogates(item) for key, item in value.items()}
    return value


def _origin(url: str) -> tuple[str, str, int | None]:
    """What a credential is for: scheme, host and port of a URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)


class ForeignRedirect(requests.RequestException):
    """A vendor redirects to another address; `address` is that one, fit for a message."""

    def __init__(self, address: str) -> None:
        super().__init__(f"redirect to {address}")
        self.address = address


class SameOriginSession(requests.Session):
    """A session that follows redirects within one origin only.

    requests removes `Authorization` where a redirect leaves the host, and no other header: a key in `x-api-key`, or a
    body, would go along.
    """

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is not None:
            try:
                address = urljoin(resp.url, target)
                is_foreign = _origin(address) != _origin(resp.url)
                named = without_query(address)
            except ValueError:
                is_foreign, named = True, "an address that is none"
            if is_foreign:
                raise ForeignRedirect(named)
        return target


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
    session: requests.Session = field(default_factory=SameOriginSession, repr=False)

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
        (it names the settings), VendorError otherwise: also for a body that breaks off or can't be unpacked, and for a
        redirect to another address.
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
            except ForeignRedirect as error:
                raise VendorError(
                    f"{self.vendor}: {without_query(url)} redirects to {error.address}; the credentials are not sent "
                    "there. If that is the vendor's address, set it as the base URL"
                ) from None
            except TRANSIENT as error:
                problem = type(error).__name__
            except requests.RequestException as error:
                # Its text may quote the URL with its query.
                raise VendorError(f"{self.vendor}: {without_query(url)} failed ({type(error).__name__})") from None
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

    def json(self, path: str, *, params: Any = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The parsed body of a GET, fractions as Decimal. Raises VendorError where it is no JSON object."""
        return self.parsed(self.request("GET", path, params=params, headers=headers))

    def parsed(self, response: requests.Response) -> dict[str, Any]:
        """The body of an answer, fractions as Decimal. Raises VendorError where it is no JSON object."""
        where = f"{self.vendor}: {without_query(response.url)}"
        try:
            content = exact_json(response.content)
        except ValueError:
            raise VendorError(f"{where} did not answer in JSON") from None
        if not isinstance(content, dict):
            raise VendorError(f"{where} did not answer with a JSON object")
        return content

    def lines(self, response: requests.Response) -> Iterator[tuple[int, bytes]]:
        """The numbered lines of a streamed answer, without blank ones. Raises VendorError where the stream breaks."""
        number = 0
        with response:
            try:
                for number, line in enumerate(response.iter_lines(chunk_size=1 << 16), start=1):
                    if line.strip():
                        yield number, line
            except requests.RequestException as error:
                raise VendorError(
                    f"{self.vendor}: {without_query(response.url)} broke off after line {number} "
                    f"({type(error).__name__}); the next refresh asks again"
                ) from None
