"""Where gateways keep their requests: objects by day and hour, a MongoDB collection, LiteLLM's API."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.access.http import Client, exact_json
from ingestion.access.limits import Limit
from ingestion.access.objects import Object, ObjectStore
from ingestion.access.paging import Pages
from ingestion.errors import BadInput, SettingError, VendorError
from ingestion.sources.llm_gateway.dropped import DOCUMENT_FIELDS
from ingestion.sources.llm_gateway.relations import Local

if TYPE_CHECKING:
    from bson.codec_options import CodecOptions
    from bson.raw_bson import RawBSONDocument
    from pymongo.collection import Collection

# `<path>/<team>/<date>/<HH>/batch_….jsonl` and `<path>/<team>/<date>/time-HH-MM-SS-ffffff_<id>.json`
BATCH = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})/(\d{2})/[^/]+\.jsonl?$")
SINGLE = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})/time-(\d{2})-[^/]+\.json$")
DAY = re.compile(r"(?:^|/)\d{4}-\d{2}-\d{2}/$")
# `<path>/<date>/<id of the response>` or `…/failure-<hex>` of the `gcs_bucket` callback, `….json` of `azure_storage`:
# the name has no hour, and mostly no suffix. What has the suffix of another kind of file is none.
OF_DAY = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})/(?![._])[^/]+$")
OTHER_FILE = re.compile(
    r"\.(gz|zip|zst|csv|tsv|parquet|avro|orc|txt|log|md|html?|xml|ya?ml|tmp|part|crc|pdf|png|jpe?g)$",
    re.IGNORECASE,
)
# LiteLLM's audit of its own administration, which the same callback may write; no requests.
AUDIT = re.compile(r"(?:^|/)audit_logs/$")
# Folders above a day: a team's, and a key's below it.
MOST_FOLDERS = 2

# The day in the path of an object, as exporters write it; the hour where they do.
DATED = (
    # OpenTelemetry's S3 exporter, and folders as query engines like them
    re.compile(r"year=(\d{4})/month=(\d{1,2})/day=(\d{1,2})(?:/hour=(\d{1,2}))?"),
    re.compile(r"(?:dt|date|day)=(\d{4})-(\d{2})-(\d{2})(?:/(?:hour|hr|h)=(\d{1,2}))?"),
    # Bedrock: `AWSLogs/<account>/BedrockModelInvocationLogs/<region>/YYYY/MM/DD/HH/`
    re.compile(r"(?:^|/)(\d{4})/(\d{2})/(\d{2})/(?:(\d{2})/)?"),
    # A file's own name: Langfuse's exports, the collector's rotated files
    re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T_](\d{2}))?[^/]*$"),
    re.compile(r"(?:^|/)(\d{4})-(\d{2})-(\d{2})/"),
)

# What of a row a format makes changes when this does: every slice is then read again.
ADAPTERS = 6
PAGE_SIZE = 1000
READ_AS = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".csv", ".csv.gz", ".parquet")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiteLlmObjects:
    """LiteLLM's objects of a span: by hour, by day where their names have no hour, and the names of those left out."""

    hours: dict[datetime, list[Object]]
    days: dict[datetime, list[Object]]
    skipped: list[str]


class LiteLlmLogs:
    """The objects that LiteLLM's `s3_v2`, `gcs_bucket` and `azure_storage` callbacks write."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def found(self, start: datetime, end: datetime) -> LiteLlmObjects:
        """The objects of a span, in order. The date in the path is the gateway's local one: UTC."""
        hours: dict[datetime, list[Object]] = defaultdict(list)
        days: dict[datetime, list[Object]] = defaultdict(list)
        skipped: list[str] = []
        for folder in self._days(start, end):
            for item in self.store.list(folder):
                match = BATCH.search(item.key) or SINGLE.search(item.key)
                if match:
                    hour = datetime.fromisoformat(match.group(1)).replace(hour=int(match.group(2)), tzinfo=UTC)
                    if start <= hour < end:
                        hours[hour].append(item)
                    continue
                plain = None if OTHER_FILE.search(item.key) else OF_DAY.search(item.key)
                if plain:
                    day = datetime.fromisoformat(plain.group(1)).replace(tzinfo=UTC)
                    if start <= day < end:
                        days[day].append(item)
                else:
                    skipped.append(item.key)
        return LiteLlmObjects(dict(sorted(hours.items())), dict(sorted(days.items())), skipped)

    def hours(self, start: datetime, end: datetime) -> dict[datetime, list[Object]]:
        """The objects of each hour in a span, of the callbacks that name the hour."""
        return self.found(start, end).hours

    def outside(self) -> str | None:
        """The first object of a store without any folder of a day; None where there is one, or no object."""
        if any(True for _ in self._folders("", 0)):
            return None
        return next((item.key for item in self.store.list("")), None)

    def _days(self, start: datetime, end: datetime) -> Iterator[str]:
        """The day folders of a span, at the root and below the prefixes of teams and keys."""
        for day in self._folders("", 0):
            try:
                moment = datetime.fromisoformat(day.rstrip("/").rsplit("/", 1)[-1]).replace(tzinfo=UTC)
            except ValueError:
                continue
            if start - timedelta(days=1) < moment < end:
                yield day

    def _folders(self, prefix: str, depth: int) -> Iterator[str]:
        for folder in self.store.folders(prefix):
            if DAY.search(folder):
                yield folder
            elif depth < MOST_FOLDERS and not AUDIT.search(folder):
                yield from self._folders(folder, depth + 1)

    def records(self, item: Object) -> Iterator[tuple[str, dict[str, Any]]]:
        """The records of an object, each with its place. Raises BadInput with file and line."""
        path = f"{self.store.root}/{item.key}"
        content = self.store.read(item.key)
        lines = content.splitlines() if item.key.endswith(".jsonl") else [content]
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            where = f"{path}, line {number}"
            try:
                record = exact_json(line)
            except ValueError:
                raise BadInput(f"{where}: not JSON; the line is cut off or garbled") from None
            if not isinstance(record, dict):
                raise BadInput(f"{where}: not a JSON object")
            yield where, record


def day_of(key: str) -> datetime | None:
    """The UTC day that an object's path names; None where it names none."""
    for pattern in DATED:
        match = pattern.search(key)
        if match:
            try:
                return datetime(int(match.group(1)), int(match.group(2)), int(match.group(3)), tzinfo=UTC)
            except ValueError:
                continue
    return None


def dated(store: ObjectStore, suffixes: tuple[str, ...]) -> dict[datetime | None, list[Object]]:
    """A store's objects of some kinds by the day that their path names, in order; under None those without one.

    Bodies that Bedrock keeps beside its logs (`…/data/…`) are never listed.
    """
    found: dict[datetime | None, list[Object]] = defaultdict(list)
    skipped = []
    for item in store.list(""):
        if "/data/" in f"/{item.key}":
            continue
        if item.key.endswith(suffixes):
            found[day_of(item.key)].append(item)
        else:
            skipped.append(item.key)
    report_skipped(store, skipped, "ends in none of " + ", ".join(suffixes))
    return found


def report_skipped(store: ObjectStore, skipped: list[str], reason: str) -> None:
    """Warn of objects that are left out: how many, and one by its name."""
    if skipped:
        _log.warning("%s: %d objects are left out: %s %s", store.root, len(skipped), skipped[0], reason)


def version_of(items: list[Object]) -> str:
    """The version of a slice: which objects it has, each one's ETag, and how they are read."""
    listed = "\n".join(f"{item.key}|{item.etag}|{item.size}" for item in items)
    return hashlib.sha256(f"{ADAPTERS}\n{listed}".encode()).hexdigest()


def download(store: ObjectStore, items: list[Object], folder: Path, first: int = 0) -> list[Local]:
    """Objects as files, whose names are in order from a first number."""
    found = []
    for number, item in enumerate(items, start=first):
        name = item.key.rsplit("/", 1)[-1][-80:]
        # An object that is named by an id alone holds one record, as JSON.
        target = folder / f"{number:06d}-{name}{'' if name.endswith(READ_AS) else '.json'}"
        store.download(item, target)
        found.append(Local(target, f"{store.root}/{item.key}"))
    return found


class SpendLogs:
    """LiteLLM's API `/spend/logs/v2`, with a master key (or one that may view all spend)."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def pages(self, start: datetime, end: datetime) -> Iterator[list[Any]]:
        """The rows of a span, page by page, oldest first. Raises VendorError where a page is not as documented."""
        page = 1
        pages = Pages("LiteLLM", "/spend/logs/v2")
        while True:
            answer = self.client.json(
                "/spend/logs/v2",
                params={
                    "start_date": f"{start:%Y-%m-%d %H:%M:%S}",
                    "end_date": f"{end:%Y-%m-%d %H:%M:%S}",
                    "page": page,
                    "page_size": PAGE_SIZE,
                    "sort_by": "startTime",
                    "sort_order": "asc",
                },
            )
            rows = answer.get("data") if isinstance(answer, dict) else None
            if not isinstance(rows, list):
                raise VendorError("LiteLLM: /spend/logs/v2 answered without `data`")
            yield pages.take(rows)
            last = answer.get("total_pages")
            if last is not None and not isinstance(last, int):
                raise VendorError("LiteLLM: /spend/logs/v2 answered with total_pages that is no number")
            if len(rows) < PAGE_SIZE if last is None else page >= last:
                return
            if not rows:
                raise BadInput(f"LiteLLM: /spend/logs/v2: page {page} of {last} has no rows; the log is not whole")
            page += 1


class MongoLog:
    """A collection of requests, read by time of creation. Only the fields that are named are asked for."""

    def __init__(self, uri: str, database: str, collection: str, fields: frozenset[str]) -> None:
        self.place = f"MongoDB {database}.{collection}"
        self.uri, self.database, self.collection = uri, database, collection
        self.projection = dict.fromkeys(sorted(fields | {"_id", "created_at"}), 1)

    def documents(
        self, start: datetime, end: datetime, condition: Mapping[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Documents created from `start` to before `end`, in order; what is not in `fields` is never asked for."""
        found = []
        with self._requests() as (requests, limit):
            for document in requests.find({**_created(start, end), **(condition or {})}, self.projection):
                limit.unpacked(len(document.raw))
                found.append(decoded(bytes(document.raw)))
        found.sort(key=lambda document: (document["created_at"], str(document["_id"])))
        yield from found

    def prompt_fields(self, start: datetime, end: datetime) -> dict[date, dict[str, int]]:
        """By UTC day: the fields that hold text of prompts and responses, with the number of documents that do.

        The server counts, and reads a span once: the text does not leave it.
        """
        groups: dict[str, Any] = {"_id": {"$dateToString": {"format": "%Y-%m-%d", "date": "$created_at"}}}
        for field in DOCUMENT_FIELDS:
            is_empty: dict[str, Any] = {"$in": [{"$ifNull": [f"${field}", None]}, [None, "", [], {}]]}
            groups[field] = {"$sum": {"$cond": [is_empty, 0, 1]}}
        with self._requests() as (requests, _):
            days = list(requests.aggregate([{"$match": _created(start, end)}, {"$group": groups}]))
        return {
            date.fromisoformat(day["_id"]): {field: day[field] for field in DOCUMENT_FIELDS if day[field]}
            for day in days
        }

    @contextmanager
    def _requests(self) -> Iterator[tuple[Collection[RawBSONDocument], Limit]]:
        """The collection and what is left of the call; errors as this project's own. Documents are not decoded yet."""
        import pymongo
        from bson.raw_bson import RawBSONDocument
        from pymongo.errors import OperationFailure, PyMongoError

        limit = Limit(self.place)
        try:
            with pymongo.MongoClient(
                self.uri, document_class=RawBSONDocument, readPreference="secondaryPreferred"
            ) as client:
                # Within a timeout the driver looks for a server until it is over: one that is not there is found so.
                with pymongo.timeout(min(limit.left(), client.options.server_selection_timeout)):
                    client.admin.command("ping")
                with limit.applied(), pymongo.timeout(limit.left()):
                    yield client[self.database][self.collection], limit
        except PyMongoError as error:
            if error.timeout:
                limit.left()
            if isinstance(error, OperationFailure):
                cause, right = f"refused (code {error.code})", "; read is enough"
            else:
                cause, right = f"can't be reached ({type(error).__name__})", ""
            raise SettingError(f"{self.place}: {cause}: check sources.llm_gateway.mongo_uri{right}") from None


def decoded(raw: bytes) -> dict[str, Any]:
    """A document of MongoDB. An instant that Python has no date for, and text that is no UTF-8, are values of it as others."""
    from bson import decode

    return decode(raw, _codec_options())


@cache
def _codec_options() -> CodecOptions[dict[str, Any]]:
    from bson.codec_options import CodecOptions, DatetimeConversion

    return CodecOptions(
        tz_aware=True,
        unicode_decode_error_handler="replace",
        datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    )


def _created(start: datetime, end: datetime) -> dict[str, Any]:
    return {"created_at": {"$gte": start, "$lt": end}}
