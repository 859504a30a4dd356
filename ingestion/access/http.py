"""The one HTTP client of all sources: limits of a call, retries with back-off and `Retry-After`, redacted errors."""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from typing import Any, NoReturn

import requests
from requests.auth import AuthBase

from ingestion.access.limits import Clock, Limit
from ingestion.access.lines import numbered_lines
from ingestion.access.session import ForeignRedirect, LimitedSession, without_query
from ingestion.errors import SettingError, VendorError

# Bytes of a body that are unpacked at a time.
CHUNK = 1 << 16

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
        return max(0.0, (moment.astimezone(UTC) - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


# The escape of one half of a surrogate pair, which may stand alone in JSON and never in text.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def exact_json(text: str | bytes) -> Any:
    """JSON whose numbers with a fraction are Decimal: money never passes through a float.

    A lone half of a surrogate pair becomes U+FFFD: no file and no engine can hold it. A whole number of more digits than
    Python reads (4,300) is a Decimal too: it is no fault of the records beside its own. Raises ValueError for what is not
    JSON, or nested too deeply for any vendor's; NaN and Infinity are not (RFC 8259, section 6).
    """
    read = partial(json.loads, parse_float=Decimal, parse_constant=_refuse_constant)
    try:
        try:
            parsed = read(text)
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise
        except ValueError:
            parsed = read(text, parse_int=_whole)
        plain = text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass")
        return _without_lone_surrogates(parsed) if _SURROGATE.search(plain) else parsed
    except RecursionError:
        raise ValueError("nested too deeply to be JSON of any vendor") from None


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < sys.get_int_max_str_digits() else Decimal(digits)


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


class Answer:
    """A vendor's answer, within the limits of its call: whole, or line by line."""

    def __init__(self, vendor: str, response: requests.Response, limit: Limit) -> None:
        self.vendor, self.limit = vendor, limit
        self.url, self.status_code, self.ok = response.url, response.status_code, response.ok
        self._response = response

    @cached_property
    def content(self) -> bytes:
        """The body, unpacked. Raises requests' errors where it breaks off, and the limit's."""
        with self._response, self.limit.applied():
            return b"".join(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        for chunk in self._response.iter_content(CHUNK):
            self.limit.unpacked(len(chunk))
            yield chunk

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The numbered lines of the body, without blank ones.

        Raises VendorError where the body breaks off, and BadInput for a line that is longer than any record.
        """
        number = 0
        with self._response:
            try:
                for number, line in numbered_lines(
                    self._each_chunk(), f"{self.vendor}: {without_query(self.url)}"
                ):
                    if line.strip():
                        yield number, line
            except requests.RequestException as error:
                raise VendorError(
                    f"{self.vendor}: {without_query(self.url)} broke off after line {number} "
                    f"({type(error).__name__}); the next refresh asks again"
                ) from None

    def _each_chunk(self) -> Iterator[bytes]:
        """The same chunks; the limit is not applied to what is done between them."""
        chunks = self._chunks()
        while True:
            with self.limit.applied():
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk


@dataclass
class Client:
    """Calls to one vendor.

    `credentials` names the settings behind the authentication, for the message when the vendor refuses it.
    `sleep` and `clock` are passed in so that tests don't wait.
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
    clock: Clock = time.monotonic
    session: requests.Session = field(default_factory=LimitedSession, repr=False)

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
    ) -> Answer:
        """One call, with a `body` that is sent as JSON, or a `form`; retried while the vendor is busy or unreachable.

        Returns a 2xx answer, or one whose status is in `accept_statuses`; its body is read, unless it is to be streamed.
        Raises SettingError on 401 and 403 (it names the settings) and for a redirect to another address, BadInput for more
        than COSTOWNER_CALL_SIZE, and VendorError otherwise: after COSTOWNER_CALL_SECONDS, and for a body that breaks off or
        can't be unpacked.
        """
        url = path if "://" in path else f"{self.base_url.rstrip('/')}/{path.lstrip('/')}"
        where = f"{self.vendor}: {without_query(url)}"
        limit = Limit(where, clock=self.clock)
        problem = ""
        for attempt in range(self.attempts):
            wait: float | None = None
            try:
                with limit.applied():
                    response = self.session.request(
                        method,
                        url,
                        params=params,
                        json=body,
                        data=form,
                        headers={**self.headers, **(headers or {})},
                        auth=self.auth,
                        timeout=self.timeout,
                        stream=True,
                    )
                answer = Answer(self.vendor, response, limit)
                is_wanted = answer.ok or answer.status_code in accept_statuses
                if is_wanted and not stream:
                    _ = answer.content
            except ForeignRedirect as error:
                # No later try would lead elsewhere.
                raise SettingError(
                    f"{where} redirects to {error.address}; the credentials are not sent "
                    "there. If that is the vendor's address, set it as the base URL"
                ) from None
            except TRANSIENT as error:
                problem = type(error).__name__
            except requests.RequestException as error:
                # Its text may quote the URL with its query.
                raise VendorError(f"{where} failed ({type(error).__name__})") from None
            else:
                if is_wanted:
                    return answer
                response.close()
                if answer.status_code in (401, 403):
                    raise SettingError(f"{where} answered {answer.status_code}: check {self.credentials}")
                problem = f"status {answer.status_code}"
                if answer.status_code not in RETRIED:
                    raise VendorError(f"{where} answered {problem}")
                wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
            if attempt + 1 < self.attempts:
                backoff = min(2.0**attempt, 30.0) * random.uniform(0.5, 1.0)
                self.sleep(min(wait if wait is not None else backoff, self.longest_wait, limit.left()))
        raise VendorError(f"{where} failed {self.attempts} times, last with {problem}")

    def json(self, path: str, *, params: Any = None, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The parsed body of a GET, fractions as Decimal. Raises VendorError where it is no JSON object."""
        return self.parsed(self.request("GET", path, params=params, headers=headers))

    def parsed(self, answer: Answer) -> dict[str, Any]:
        """The body of an answer, fractions as Decimal. Raises VendorError where it is no JSON object."""
        where = f"{self.vendor}: {without_query(answer.url)}"
        try:
            content = exact_json(answer.content)
        except ValueError:
            raise VendorError(f"{where} did not answer in JSON") from None
        if not isinstance(content, dict):
            raise VendorError(f"{where} did not answer with a JSON object")
        return content
