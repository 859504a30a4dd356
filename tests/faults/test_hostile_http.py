"""Answers that drip, grow or never end: each call ends within its time and size, and the message names the setting."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from functools import partial

import pytest

from ingestion.access.http import CHUNK, Client
from ingestion.access.limits import Limit
from ingestion.access.lines import numbered_lines
from ingestion.access.session import LimitedSession
from ingestion.access.stores import open_store
from ingestion.errors import BadInput, IngestionError, VendorError
from ingestion.setting_table import ALERT_WEBHOOK, CALL_SECONDS, CALL_SIZE
from orchestration.alerts import alert
from tests.faults.hostile import OK, Ticking, sending

# Where an answer may drip: a byte, or a few, again and again.
DRIPS = {
    "head": (OK, b"a"),
    "many heads": (OK, b"A: b\r\n"),
    "body": (OK + b"Content-Length: 1000000000\r\n\r\n", b" "),
    "body without a length": (OK + b"\r\n", b" "),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "size of a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "blank lines": (OK + b"Content-Length: 1000000000\r\n\r\n", b"\n"),
    "gzip": (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b""), gzip.compress(b"")),
    "before the answer": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


def vendor(base: str, clock: Callable[[], float] | None = None, waits: list[float] | None = None) -> Client:
    slept = (waits if waits is not None else []).append
    return Client("Vendor", base, sleep=slept, **({"clock": clock} if clock else {}))


def read_whole(client: Client) -> object:
    return client.json("x", params={"token": "hush"})


def read_lines(client: Client) -> object:
    return list(client.request("GET", "x", params={"token": "hush"}, stream=True).lines())


@pytest.mark.parametrize("read", [read_whole, read_lines])
@pytest.mark.parametrize("kind", DRIPS)
def test_answer_that_drips_ends_with_the_time_of_its_call(
    kind: str, read: Callable[[Client], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CALL_SECONDS.name, "50")
    with sending(*DRIPS[kind]) as base:
        with pytest.raises(IngestionError) as caught:
            read(vendor(base, Ticking()))
    assert "hush" not in str(caught.value) and str(caught.value).startswith(f"Vendor: {base}/x")
    # http.client bounds the lines of a head itself.
    if kind != "many heads":
        assert f"within 50 seconds ({CALL_SECONDS.name})" in str(caught.value)


@pytest.mark.parametrize("kind", ["head", "body", "chunks"])
def test_s3_call_that_drips_ends_with_its_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a")
    monkeypatch.setenv(CALL_SECONDS.name, "50")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr("ingestion.access.s3.Limit", partial(Limit, clock=Ticking()))
    with sending(*DRIPS[kind]) as base:
        store = open_store("s3://bucket/export", endpoint_url=base, setting="sources.aws.export_url")
        for call in (lambda: store.read("key"), lambda: list(store.list("")), lambda: store.folders("")):
            with pytest.raises(VendorError, match=rf"s3://bucket/export.*\({CALL_SECONDS.name}\)"):
                call()


PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "gzip, gzip": lambda content: gzip.compress(gzip.compress(content)),
}


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all that is unpacked."""
    counts: list[int] = []
    count = Limit.unpacked

    def counted(self: Limit, size: int) -> None:
        counts.append(size)
        count(self, size)

    monkeypatch.setattr(Limit, "unpacked", counted)
    return counts


@pytest.mark.parametrize("encoding", PACKED)
def test_answer_is_unpacked_to_its_limit_and_no_further(
    encoding: str, unpacked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CALL_SIZE.name, "512KB")
    bomb = PACKED[encoding](bytes(64 << 20))
    head = OK + f"Content-Encoding: {encoding}\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with sending(head + bomb) as base:
        with pytest.raises(BadInput, match=rf"Vendor: {base}/x: .* more than 512KB \({CALL_SIZE.name}\)"):
            vendor(base).json("x")
    assert sum(unpacked) <= (512 << 10) + CHUNK


def test_endless_answer_ends_at_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALL_SIZE.name, "512KB")
    with sending(OK + b"\r\n", b"{}\n" * 1000) as base:
        for read in (read_whole, read_lines):
            with pytest.raises(BadInput, match=CALL_SIZE.name):
                read(vendor(base))


def test_error_and_redirect_are_not_read(unpacked: list[int]) -> None:
    """Nobody needs their bodies, which may never end."""
    for head in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n"):
        with sending(head, bytes(1000)) as base:
            with pytest.raises(VendorError, match=r"answered status 400|failed \(TooManyRedirects\)"):
                vendor(base).json("x")
    assert not unpacked


@pytest.mark.parametrize(
    "asked", [b"5", b"3600", b"1e400", b"Mon, 01 Jan 9999 00:00:00 GMT", b"Mon, 01 Jan 0001 00:00:00 +2359"]
)
def test_retry_after_makes_no_call_longer_than_its_time(asked: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALL_SECONDS.name, "30")
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    with sending(b"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\nRetry-After: " + asked + b"\r\n\r\n") as base:
        client = Client("Vendor", base, sleep=sleep, clock=lambda: clock[0], attempts=20)
        with pytest.raises(VendorError):
            client.json("x")
    assert clock[0] <= 30


def test_token_is_asked_for_within_the_time_of_the_call_that_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALL_SECONDS.name, "50")
    with sending(*DRIPS["body"]) as base:
        token = vendor(base)

        def authorized(request: object) -> object:
            token.json("token")
            return request

        client = Client("Vendor", base, clock=Ticking(), auth=authorized)  # type: ignore[arg-type]
        with pytest.raises(VendorError, match=CALL_SECONDS.name):
            client.json("x")


def test_limit_holds_for_no_call_but_its_own() -> None:
    limit = Limit("Vendor", clock=Ticking())
    with sending(OK + b"Content-Length: 2\r\n\r\n{}") as base:
        with limit.applied():
            assert LimitedSession().get(base).json() == {}
        before = limit.left()
        assert LimitedSession().get(base).json() == {}
        assert limit.left() == before - 1


def test_webhook_that_never_ends_its_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with sending(OK + b"\r\n", b"x") as base:
        monkeypatch.setenv(ALERT_WEBHOOK.name, base)
        assert alert("title", "text")


@pytest.mark.parametrize("ends", [b"", b"\n"])
def test_line_that_is_longer_than_any_record_is_refused_by_its_number(ends: bytes) -> None:
    chunks = [b"{}\n{}\r\n", *[b"x" * 10] * 11, ends]
    lines = numbered_lines(chunks, "file", longest=100)
    assert [next(lines), next(lines)] == [(1, b"{}"), (2, b"{}")]
    with pytest.raises(BadInput, match="file, line 3: longer than 100 bytes"):
        next(lines)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_lines_are_the_same_however_they_come(size: int) -> None:
    body = b"one\n\ntwo\r\n\nthree"
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    assert list(numbered_lines(chunks, "")) == [(1, b"one"), (2, b""), (3, b"two"), (4, b""), (5, b"three")]
