"""LLM gateways as a source: a slice is an hour of LiteLLM's logs, or a day of any other log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from ingestion.access.http import Client
from ingestion.access.objects import Object, ObjectStore
from ingestion.access.session import without_query
from ingestion.access.stores import open_store
from ingestion.errors import BadInput, SettingError, TornDelivery, is_of_the_machine
from ingestion.lake import text_files
from ingestion.lake.columns import plain
from ingestion.lake.contract import Columns, Known, LedgerSource, Part, Rows, Slice, Source
from ingestion.lake.rejected import Rejected
from ingestion.scratch import scratch
from ingestion.setting_table import about
from ingestion.settings import Month, Window
from ingestion.sources.llm_gateway.client import (
    LiteLlmLogs,
    MongoLog,
    SpendLogs,
    dated,
    download,
    report_skipped,
    version_of,
)
from ingestion.sources.llm_gateway.columnar import read, read_together
from ingestion.sources.llm_gateway.dropped import Dropped
from ingestion.sources.llm_gateway.dropped_files import count
from ingestion.sources.llm_gateway.formats import (
    BEDROCK,
    CANONICAL,
    LANGFUSE,
    LITELLM,
    MONGODB,
    OTEL,
    SPEND_LOGS,
    Format,
)
from ingestion.sources.llm_gateway.identity import Identities, identities
from ingestion.sources.llm_gateway.relations import LONGEST_RECORD, Local
from ingestion.sources.llm_gateway.shape import CLAIM_KINDS, DROPPED_FIELDS, TABLES

# A gateway may write what it has buffered some minutes after the requests.
SETTLE = timedelta(minutes=15)
# Small slices that are read together, so that memory stays bounded.
MOST_SLICES, MOST_BYTES = 500, 64 << 20


@dataclass(frozen=True)
class GatewaySettings:
    """Logs of one or more LLM gateways. Each format has its own setting."""

    litellm_url: str | None = field(
        default=None, metadata=about("LiteLLM's log objects: `s3://bucket/path` or a folder", enables=True)
    )
    litellm_spend_logs_url: str | None = field(
        default=None, metadata=about("exports of `LiteLLM_SpendLogs`: JSONL, CSV or Parquet", enables=True)
    )
    litellm_api_url: str | None = field(
        default=None,
        metadata=about(
            "the address of LiteLLM's own API (`/spend/logs/v2`)", enables=True, needs="litellm_api_key"
        ),
    )
    litellm_api_key: str | None = field(default=None, repr=False, metadata=about("a key of LiteLLM's own API"))
    langfuse_url: str | None = field(
        default=None, metadata=about("Langfuse's blob export, the folder with `observations_v2/`", enables=True)
    )
    otel_url: str | None = field(
        default=None, metadata=about("OTLP JSON, as a collector's file or S3 exporter writes it", enables=True)
    )
    bedrock_log_url: str | None = field(
        default=None, metadata=about("Bedrock's model invocation logs", enables=True)
    )
    canonical_url: str | None = field(
        default=None, metadata=about("canonical records: JSONL or Parquet below `dt=YYYY-MM-DD/`", enables=True)
    )
    mongo_uri: str | None = field(
        default=None,
        repr=False,
        metadata=about(
            "the MongoDB of a collection of canonical requests; `read` on the collection is enough", enables=True
        ),
    )
    mongo_database: str = field(default="llm_gateway", metadata=about("the database of that collection"))
    mongo_collection: str = field(default="requests", metadata=about("the collection"))
    provider_accounts: tuple[str, ...] = field(
        default=(),
        metadata=about("the provider accounts that the gateway uses, `openai=proj_…,bedrock=123456789012`"),
    )
    actor_issuers: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "the issuers of accepted identities, each as `issuer=JWKS`, where JWKS is a file or an https:// URL"
        ),
    )
    actor_audience: str | None = field(
        default=None, metadata=about("the audience that a signed identity must name")
    )
    profile: str | None = field(
        default=None, metadata=about("a profile of the AWS configuration; else boto3's own chain")
    )
    endpoint_url: str | None = field(default=None, metadata=about("the URL of an S3-compatible store, if not AWS"))

    @property
    def accounts(self) -> dict[str, str]:
        pairs = [entry.partition("=") for entry in self.provider_accounts]
        if any(not sign for _, sign, _ in pairs):
            raise SettingError("sources.llm_gateway.provider_accounts: write provider=account,provider=account")
        return {name.strip(): account.strip() for name, _, account in pairs}

    @cached_property
    def identities(self) -> Identities | None:
        """Whose signatures are accepted. Raises SettingError where a key set can't be read."""
        return identities(self.actor_issuers, self.actor_audience)

    @property
    def accepted_signatures(self) -> str:
        """Whose signatures are accepted, as part of a slice's version: with another key it is read again."""
        return f"|actors:{self.identities}" if self.identities else ""

    def store(self, url: str, setting: str) -> ObjectStore:
        return open_store(
            url,
            profile=self.profile,
            endpoint_url=self.endpoint_url,
            setting=f"sources.llm_gateway.{setting}",
        )


def _is_spend_log(path: Path) -> bool:
    """Whether a file of LiteLLM's holds rows of its table: they have a `request_id`, the payload has not."""
    lines = text_files.lines(path, path.name, LONGEST_RECORD)
    try:
        return "request_id" in json.loads(next((line for _, line in lines if line.strip()), b""))
    except (BadInput, RecursionError, ValueError, TypeError, *text_files.TORN):
        return False


def _read_objects(
    settings: GatewaySettings, store: ObjectStore, kind: Format, start: datetime, items: list[Object]
) -> Iterable[Part]:
    with scratch("llm_gateway") as folder:
        files = download(store, items, folder)
        by_kind: dict[str, tuple[Format, list[Local]]] = {}
        for file in files:
            found = SPEND_LOGS if kind is LITELLM and _is_spend_log(file.path) else kind
            by_kind.setdefault(found.name, (found, []))[1].append(file)
        rejected = Rejected()
        requests = [
            read(found, group, settings.accounts, settings.identities, rejected)
            for found, group in by_kind.values()
        ]
        dropped = count([(found.name, start.date(), group) for found, group in by_kind.values()])
        return [*requests, *(Rows(DROPPED_FIELDS, rows) for rows in dropped), *rejected.parts()]


class _Together:
    """Small slices that have changed, read by one statement when the first of them is asked for."""

    def __init__(self, settings: GatewaySettings, store: ObjectStore, kind: Format) -> None:
        self.settings, self.store, self.kind = settings, store, kind
        self.slices: list[tuple[datetime, list[Object]]] = []
        self.found: dict[datetime, list[Part]] | None = None

    def add(self, start: datetime, items: list[Object]) -> bool:
        """Take a slice; False where it is too much with those that are in."""
        size = sum(item.size for _, items in (*self.slices, (start, items)) for item in items)
        if self.slices and (len(self.slices) >= MOST_SLICES or size > MOST_BYTES):
            return False
        self.slices.append((start, items))
        return True

    def read(self, start: datetime, items: list[Object]) -> Iterable[Part]:
        if self.found is None:
            self.found = self._read() if len(self.slices) > 1 else {}
        ready = self.found.pop(start, None)
        return ready if ready is not None else _read_objects(self.settings, self.store, self.kind, start, items)

    def _read(self) -> dict[datetime, list[Part]]:
        """The rows of the slices by their start; none of those that need more care."""
        with scratch("llm_gateway") as folder:
            files: dict[datetime, list[Local]] = {}
            for start, items in self.slices:
                with suppress(BadInput, TornDelivery):
                    files[start] = download(self.store, items, folder, sum(map(len, files.values())))
            return self._rows(list(files.items()))

    def _rows(self, slices: list[tuple[datetime, list[Local]]]) -> dict[datetime, list[Part]]:
        """The same of downloaded slices. Where the files of one can't even be parsed, each half is read by itself."""
        if len(slices) < 2:
            return {}
        groups = [files for _, files in slices]
        try:
            if any(_is_spend_log(file.path) for files in groups for file in files):
                raise BadInput("records of two kinds")
            read_so = read_together(self.kind, groups, self.settings.accounts, self.settings.identities)
            found = [
                (start, files, columns)
                for (start, files), columns in zip(slices, read_so, strict=True)
                if columns is not None
            ]
            dropped = count([(self.kind.name, start.date(), files) for start, files, _ in found])
        except Exception as error:
            # Whatever it was, it is of one of them, and costs the others nothing.
            if is_of_the_machine(error):
                raise
            middle = len(slices) // 2
            return self._rows(slices[:middle]) | self._rows(slices[middle:])
        return {
            start: [columns, Rows(DROPPED_FIELDS, rows)]
            for (start, _, columns), rows in zip(found, dropped, strict=True)
        }


def _objects(
    settings: GatewaySettings,
    store: ObjectStore,
    kind: Format,
    scope: str,
    start: datetime,
    items: list[Object],
    *,
    hourly: bool = False,
) -> Slice:
    return Slice(
        id=f"{scope}|{start:%Y-%m-%dT%H}" if hourly else f"{scope}|{start:%Y-%m-%d}",
        billing_period=str(Month.of(start)),
        start=start,
        end=start + (timedelta(hours=1) if hourly else timedelta(days=1)),
        read=partial(_read_objects, settings, store, kind, start, items),
        version=version_of(items) + settings.accepted_signatures,
        version_proves=True,
    )


def _undated(scope: str, setting: str, store: ObjectStore, keys: list[str], window: Window) -> Slice:
    below = "YYYY-MM-DD/, as LiteLLM writes them" if setting == "litellm_url" else "dt=YYYY-MM-DD/"
    number = "it and what lies beside it is" if setting == "litellm_url" else f"{len(keys)} such objects are"

    def refuse() -> Iterable[Columns]:
        raise BadInput(
            f"{store.root}/{keys[0]}: its path names no day; {number} not read: keep them "
            f"below {below} (sources.llm_gateway.{setting})"
        )

    return Slice(f"{scope}|undated", str(window.last), window.start, window.end, refuse)


def _dated(
    settings: GatewaySettings, url: str, setting: str, kind: Format, window: Window, now: datetime
) -> Iterator[Slice]:
    store = settings.store(url, setting)
    days = dated(store, kind.suffixes)
    undated = days.pop(None, [])
    for day, items in sorted((day, items) for day, items in days.items() if day is not None):
        if window.start <= day < min(window.end, now):
            yield _objects(settings, store, kind, kind.name, day, items)
    if undated:
        yield _undated(kind.name, setting, store, [item.key for item in undated], window)


def _litellm(settings: GatewaySettings, url: str, window: Window, known: Known, now: datetime) -> Iterator[Slice]:
    store = settings.store(url, "litellm_url")
    together = _Together(settings, store, LITELLM)
    logs = LiteLlmLogs(store)
    found = logs.found(window.start, min(window.end, now))
    report_skipped(store, found.skipped, "is named as no callback of LiteLLM names its objects")
    outside = logs.outside()
    if outside:
        yield _undated("litellm", "litellm_url", store, [outside], window)
    # Objects without an hour in their name are a slice a day; it is read again while the day goes on.
    for day, items in found.days.items():
        yield _objects(settings, store, LITELLM, "litellm", day, items)
    for hour, items in found.hours.items():
        piece = _objects(settings, store, LITELLM, "litellm", hour, items, hourly=True)
        note = known.get(piece.id)
        if note is None or note.vendor_version != piece.version:
            if not together.add(hour, items):
                together = _Together(settings, store, LITELLM)
                together.add(hour, items)
            piece = replace(piece, read=partial(together.read, hour, items))
        yield piece


def _plain(value: Any) -> str:
    """A value that JSON doesn't know, as text."""
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return plain(value, "a record") if isinstance(value, Decimal) else str(value)


def _spool(kind: Format, records: Iterable[Any], path: Path) -> None:
    """Write records that come one by one to a file of the format; only fields that have a column."""
    with path.open("w") as file:
        for record in records:
            kept = record
            if isinstance(record, dict):
                kept = {name: value for name, value in record.items() if name in kind.fields}
            file.write(json.dumps(kept, default=_plain) + "\n")


def _read_records(settings: GatewaySettings, kind: Format, where: str, records: Iterable[Any]) -> list[Part]:
    """Records that come one by one, as requests; those that can't be read are rejected."""
    with scratch("llm_gateway") as folder:
        path = folder / "records.jsonl"
        _spool(kind, records, path)
        rejected = Rejected()
        requests = read(kind, [Local(path, where)], settings.accounts, settings.identities, rejected)
        return [requests, *rejected.parts()]


class _DaysTogether:
    """The days of a log of records, some read by one statement when the first of them is asked for."""

    def __init__(
        self,
        settings: GatewaySettings,
        kind: Format,
        place: str,
        records: Callable[[datetime, datetime], Iterable[Any]],
    ) -> None:
        self.settings, self.kind, self.place, self.records = settings, kind, place, records
        self.days: dict[datetime, datetime] = {}
        self.found: dict[datetime, Columns] = {}

    def read(self, start: datetime, end: datetime) -> list[Part]:
        """The requests of a day. A day that needs more care, and one of a span that failed, is read by itself."""
        if start in self.days:
            try:
                self._read_from(start)
            except Exception as error:
                # Whatever it was, it is of one of them, and costs the others nothing.
                if is_of_the_machine(error):
                    raise
        columns = self.found.pop(start, None)
        if columns is not None:
            return [columns]
        where = f"{self.place}, {start:%Y-%m-%d}"
        return _read_records(self.settings, self.kind, where, self.records(start, end))

    def _read_from(self, start: datetime) -> None:
        """Read a day and those after it, as many as memory takes; none of them is read so again."""
        with scratch("llm_gateway") as folder:
            files: dict[datetime, list[Local]] = {}
            size = 0
            for day in sorted(day for day in self.days if day >= start):
                if size > MOST_BYTES:
                    break
                path = folder / f"{day:%Y-%m-%d}.jsonl"
                _spool(self.kind, self.records(day, self.days.pop(day)), path)
                files[day] = [Local(path, f"{self.place}, {day:%Y-%m-%d}")]
                size += path.stat().st_size
            read_so = read_together(self.kind, [*files.values()], self.settings.accounts, self.settings.identities)
            self.found |= {
                day: columns for day, columns in zip(files, read_so, strict=True) if columns is not None
            }


def _days(
    scope: str, window: Window, now: datetime, fetch: Callable[[datetime, datetime], Iterable[Part]]
) -> Iterator[Slice]:
    """The days of a log that is asked for a span of time."""
    day = window.start
    while day < min(window.end, now - SETTLE):
        end = min(day + timedelta(days=1), now - SETTLE)
        yield Slice(f"{scope}|{day:%Y-%m-%d}", str(Month.of(day)), day, end, partial(fetch, day, end))
        day += timedelta(days=1)


def _mongo(settings: GatewaySettings, uri: str, window: Window, now: datetime) -> Iterator[Slice]:
    log = MongoLog(uri, settings.mongo_database, settings.mongo_collection, frozenset(MONGODB.fields))

    @cache
    def shipped() -> dict[date, dict[str, int]]:
        """What is dropped of each day: counted at once, because each counting reads documents with their text."""
        return log.prompt_fields(window.start, min(window.end, now - SETTLE))

    together = _DaysTogether(settings, MONGODB, log.place, log.documents)

    def fetch(start: datetime, end: datetime) -> Iterable[Part]:
        requests = together.read(start, end)
        dropped = Dropped()
        for name, records in shipped().get(start.date(), {}).items():
            dropped.add("mongodb", name, start.date(), records)
        return [*requests, Rows(DROPPED_FIELDS, dropped.rows())]

    days = list(_days("mongodb", window, now, fetch))
    together.days = {day.start: day.end for day in days}
    yield from days


def _is_from(record: Any, moment: datetime) -> bool:
    """Whether a row of the API began at a moment or later; what can't be read is left to the format to refuse."""
    try:
        began = datetime.fromisoformat(str(record["startTime"]))
    except (KeyError, TypeError, ValueError):
        return False
    return (began if began.tzinfo else began.replace(tzinfo=UTC)) >= moment


def _litellm_api(settings: GatewaySettings, url: str, window: Window, now: datetime) -> Iterator[Slice]:
    logs = SpendLogs(
        Client(
            "LiteLLM",
            url,
            headers={"Authorization": f"Bearer {settings.litellm_api_key}"},
            credentials="sources.llm_gateway.litellm_api_key",
        )
    )

    def fetch(start: datetime, end: datetime) -> Iterable[Part]:
        dropped = Dropped()

        def records() -> Iterator[Any]:
            for page in logs.pages(start, end):
                for record in page:
                    # The API takes the end of a span as part of it: a row of midnight would be of two days.
                    if not _is_from(record, end):
                        if isinstance(record, dict):
                            dropped.look(SPEND_LOGS.name, start.date(), record)
                        yield record

        requests = _read_records(
            settings, SPEND_LOGS, f"{without_query(url)}/spend/logs/v2, {start:%Y-%m-%d}", records()
        )
        return [*requests, Rows(DROPPED_FIELDS, dropped.rows())]

    yield from _days("litellm_api", window, now, fetch)


def slices(settings: GatewaySettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The hours of LiteLLM's logs, then the days of the others; what is not set up is left out."""
    if settings.litellm_url:
        yield from _litellm(settings, settings.litellm_url, window, known, now)
    for url, setting, kind in (
        (settings.litellm_spend_logs_url, "litellm_spend_logs_url", SPEND_LOGS),
        (settings.langfuse_url, "langfuse_url", LANGFUSE),
        (settings.otel_url, "otel_url", OTEL),
        (settings.bedrock_log_url, "bedrock_log_url", BEDROCK),
        (settings.canonical_url, "canonical_url", CANONICAL),
    ):
        if url:
            yield from _dated(settings, url, setting, kind, window, now)
    if settings.litellm_api_url:
        yield from _litellm_api(settings, settings.litellm_api_url, window, now)
    if settings.mongo_uri:
        yield from _mongo(settings, settings.mongo_uri, window, now)


SOURCE = Source(
    name="llm_gateway",
    title="LLM gateway",
    description="Requests to language models with their context, from the logs of gateways, SDKs and clouds.",
    settings=GatewaySettings,
    tables=TABLES,
    slices=slices,
    ledger_sources=(LedgerSource("llm_gateway", freshness_sla_hours=36, has_tags=False),),
    claim_kinds=CLAIM_KINDS,
    kinds=("litellm", "mongodb"),
)
