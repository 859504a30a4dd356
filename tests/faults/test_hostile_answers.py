"""Answers of each vendor's API with one thing odd about them: whatever it is, it is that source's, refused by name."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.errors import IngestionError
from ingestion.lake.contract import Slice
from ingestion.lake.delivery import _attempt
from ingestion.settings import Month, Window
from ingestion.sources.atlas.source import AtlasSettings
from ingestion.sources.atlas.source import slices as atlas_slices
from ingestion.sources.llm_providers.source import ProviderSettings
from ingestion.sources.llm_providers.source import slices as provider_slices
from ingestion.sources.vercel.source import VercelSettings
from ingestion.sources.vercel.source import slices as vercel_slices
from sample_company.server import Request, Response, Route, serving
from tests.end_to_end.test_generated_records import (
    ANTHROPIC,
    ATLAS,
    BILLS,
    OPENAI,
    OPENROUTER,
    VERCEL,
    routes,
)

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
WINDOW = Window(Month(2026, 10), Month(2026, 10))
SEED = "1"
# How many odd answers each source gets, of those that there are.
SAMPLE = 20
SECRET = "a word that nobody should read"
DEEP = 100_000

Slices = Iterable[Slice]
SOURCES: dict[str, Callable[[str], Slices]] = {
    "vercel": lambda url: vercel_slices(VercelSettings("t", ("team_x",), f"{url}/vercel"), WINDOW, {}, NOW),
    "atlas": lambda url: atlas_slices(AtlasSettings("org", "i", "s", base_url=f"{url}/atlas"), WINDOW, {}, NOW),
    "openai": lambda url: provider_slices(
        ProviderSettings(openai_admin_key="k", openai_base_url=f"{url}/openai"), WINDOW, {}, NOW
    ),
    "anthropic": lambda url: provider_slices(
        ProviderSettings(anthropic_admin_key="k", anthropic_base_url=f"{url}/anthropic"), WINDOW, {}, NOW
    ),
    "openrouter": lambda url: provider_slices(
        ProviderSettings(openrouter_management_key="k", openrouter_base_url=f"{url}/openrouter"), WINDOW, {}, NOW
    ),
}


class Number(str):
    """A number by its digits."""


# A record of each vendor's bill, as it should be.
RECORDS: dict[str, dict[str, Any]] = {
    "vercel": {**VERCEL, "BilledCost": 1.25, "EffectiveCost": 1.25},
    "atlas": {**ATLAS, "totalPriceCents": 125},
    "openai": {**OPENAI, "amount": {"value": 1.25, "currency": "usd"}},
    "anthropic": {**ANTHROPIC, "amount": "125"},
    "openrouter": {**OPENROUTER, "usage": 1.25},
}
# What may stand in the place of a value.
VALUES: list[Any] = [
    None, "", SECRET, {}, [], {"a": SECRET}, [SECRET], [[]], True, -1, 10**30, "1e999999999", "NaN", "\ud800", "\x00",
    Number("1e999999999"), Number("-1e-999999999"), Number("9" * 10_000), Number("[" * 900 + "]" * 900),
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 253402300800000000,
]  # fmt: skip
# What may be done to a body as a whole.
BODIES: list[Callable[[bytes], bytes]] = [
    lambda body: body[: len(body) // 2],
    lambda body: body[:-2],
    lambda body: b"",
    lambda body: b"null",
    lambda body: b"[]",
    lambda body: b"[" + body + b"]",
    lambda body: b'"' + SECRET.encode() + b'"',
    lambda body: b"<html>" + SECRET.encode(),
    lambda body: body.decode().encode("utf-16"),
    lambda body: body.decode().encode("utf-32"),
    lambda body: b"\xef\xbb\xbf" + body,
    lambda body: b"\xff" + body,
    lambda body: body.replace(b":", b": NaN,", 1),
    lambda body: body + body,
    lambda body: b"[" * DEEP,
    lambda body: body.replace(b":", b":" + b"[" * DEEP, 1),
]


def dumps(value: Any) -> bytes:
    """JSON in which a Number has its own digits."""
    numbers: list[str] = []

    def marked(item: Any) -> Any:
        if isinstance(item, Number):
            numbers.append(str(item))
            return f"@@{len(numbers) - 1}@@"
        if isinstance(item, dict):
            return {key: marked(inner) for key, inner in item.items()}
        return [marked(inner) for inner in item] if isinstance(item, list) else item

    text = json.dumps(marked(value))
    for place, digits in enumerate(numbers):
        text = text.replace(f'"@@{place}@@"', digits)
    return text.encode()


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of each value in an answer; of a list only the first is looked into."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in inner:
        yield from paths(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], change: Callable[[Any, Any], Any]) -> Any:
    """The same value with one place of it changed."""
    first, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        copy[first] = changed(copy[first], tuple(rest), change)
        return copy
    return change(copy, first)


def put(new: Any) -> Callable[[Any, Any], Any]:
    def change(holder: Any, key: Any) -> Any:
        holder[key] = new
        return holder

    return change


def without(holder: Any, key: Any) -> Any:
    del holder[key]
    return holder


def renamed(holder: Any, key: Any) -> Any:
    if isinstance(holder, dict):
        holder[key.swapcase()] = holder.pop(key)
    return holder


def wrapped(holder: Any, key: Any) -> Any:
    holder[key] = [holder[key]]
    return holder


CHANGES = [without, renamed, wrapped, *map(put, VALUES)]


class Vendor:
    """The vendors' APIs, of which one answer may be odd."""

    def __init__(self) -> None:
        self.asked: dict[str, bytes] = {}
        self.odd: tuple[str, bytes] | None = None
        self.headers: dict[str, str] = {}

    def routes(self) -> list[Route]:
        return [replace(route, handler=self._handler(route)) for route in routes()]

    def _handler(self, route: Route) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            body = route.handler(request).body
            # An answer without records says the least.
            if len(body) > len(self.asked.get(request.path, b"")):
                self.asked[request.path] = body
            if self.odd and self.odd[0] == request.path:
                return Response(200, self.odd[1], self.headers)
            return Response(200, body)

        return handle


@contextmanager
def played() -> Iterator[tuple[Vendor, str]]:
    vendor = Vendor()
    with serving(vendor.routes()) as url:
        yield vendor, url


def landed(slices: Slices) -> list[dict[str, Any]]:
    """The notes of the slices of a source, as its landing would write them."""
    return [_attempt(piece, None, "load", NOW)[0] for piece in slices]


def odd_answers(asked: dict[str, bytes], name: str) -> list[tuple[str, bytes]]:
    """Each address of a source with an odd answer, some of all that can be made."""
    found: list[tuple[str, bytes]] = []
    for address, body in asked.items():
        found += [(address, change(body)) for change in BODIES]
        first, *rest = body.splitlines()
        good = json.loads(first)
        for path in paths(good):
            found += [(address, b"\n".join([dumps(changed(good, path, change)), *rest])) for change in CHANGES]
    return random.Random(f"{SEED}{name}").sample(found, SAMPLE)


@pytest.mark.parametrize("name", SOURCES)
def test_odd_answer_fails_its_slice_or_its_source_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but an error of ingestion's own comes out, and no message quotes the answer."""
    monkeypatch.setattr("ingestion.access.http.Client.attempts", 1)
    monkeypatch.setattr(BILLS[name], "records", [RECORDS[name], RECORDS[name]])
    with played() as (vendor, url):
        whole = landed(SOURCES[name](url))
        assert {note["state"] for note in whole} <= {"delivered", "empty", "no_data"}
        for odd in odd_answers(dict(vendor.asked), name):
            vendor.odd = odd
            try:
                messages = [note["message"] for note in landed(SOURCES[name](url)) if note["state"] == "refused"]
            except IngestionError as error:
                messages = [str(error)]
            for message in messages:
                assert SECRET not in message
                # A kind of error that nobody has thought of is named by its place in the code.
                assert " in ingestion/" not in message, odd
