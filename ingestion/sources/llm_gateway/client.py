"""Where gateways keep their requests: objects by day and hour, a MongoDB collection, LiteLLM's API."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.access.http import Client, exact_json
from ingestion.access.objects import Object, ObjectStore
from ingestion.errors import BadInput, SettingError, VendorError
from ingestion.sources.llm_gateway.columnar import Local
from ingestion.sources.llm_gateway.dropped import DOCUMENT_FIELDS

if TYPE_CHECKING:
    from pymongo.collection import Collection

# `<path>/<team>/<date>/<HH>/batch_….jsonl` and `<path>/<team>/<date>/time-HH-MM-SS-ffffff_<id>.json`
BATCH = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})/(\d{2})/[^/]+\.jsonl?$")
SINGLE = re.compile(r"(?:^|/)(\d{4}-\d{2}-\d{2})/time-(\d{2})-[^/]+\.json$")
DAY = re.compile(r"(?:^|/)\d{4}-\d{2}-\d{2}/$")

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
ADAPTERS = 5
PAGE_SIZE = 1000


class LiteLlmLogs:
    """The objects that LiteLLM's `s3_v2` and `gcs_bucket` callbacks write."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def hours(self, start: datetime, end: datetime) -> dict[datetime, list[Object]]:
        """The objects of each hour in a span, in order. The date in the path is the gateway's local one: UTC."""
        found: dict[datetime, list[Object]] = defaultdict(list)
        for folder in self._days(start, end):
            for item in self.store.list(folder):
                match = BATCH.search(item.key) or SINGLE.search(item.key)
                if match:
                    hour = datetime.fromisoformat(match.group(1)).replace(hour=int(match.group(2)), tzinfo=UTC)
                    if start <= hour < end:
                        found[hour].append(item)
        return dict(sorted(found.items()))

    def _days(self, start: datetime, end: datetime) -> Iterator[str]:
        """The day folders of a span, at the root and below a team's prefix; others are not even listed."""
        for folder in self.store.folders(""):
            days = [folder] if DAY.search(folder) else self.store.folders(folder)
            for day in days:
                if DAY.search(day):
                    moment = datetime.fromisoformat(day.rstrip("/").rsplit("/", 1)[-1]).replace(tzinfo=UTC)
                    if start - timedelta(days=1) < moment < end:
                        yield day

    def records(self, item: Object) -> Iterator[tuple[str, dict[str, Any]]]:
        """The records of an object, each with its place. Raises BadInput with file and line."""
        path = f"{self.store.root}/{item.key}"
        content = self.store.read(item.key)
        lines = [content] if item.key.endswith(".json") else content.splitlines()
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
    for item in store.list(""):
        if item.key.endswith(suffixes) and "/data/" not in f"/{item.key}":
            found[day_of(item.key)].append(item)
    return found


def version_of(items: list[Object]) -> str:
    """The version of a slice: which objects it has, each one's ETag, and how they are read."""
    listed = "\n".join(f"{item.key}|{item.etag}|{item.size}" for item in items)
    return hashlib.sha256(f"{ADAPTERS}\n{listed}".encode()).hexdigest()


def download(store: ObjectStore, items: list[Object], folder: Path, first: int = 0) -> list[Local]:
    """Objects as files, whose names are in order from a first number."""
    found = []
    for number, item in enumerate(items, start=first):
        target = folder / f"{number:06d}-{item.key.rsplit('/', 1)[-1][-80:]}"
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
            yield rows
            last = answer.get("total_pages")
            if last is not None and not isinstance(last, int):
                raise VendorError("LiteLLM: /spend/logs/v2 answered with total_pages that is no number")
            if not rows or (len(rows) < PAGE_SIZE if last is None else page >= last):
                return
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
        with self._requests() as requests:
            found = requests.find({**_created(start, end), **(condition or {})}, self.projection)
            yield from sorted(found, key=lambda document: (document["created_at"], str(document["_id"])))

    def prompt_fields(self, start: datetime, end: datetime) -> dict[date, dict[str, int]]:
        """By UTC day: the fields that hold text of prompts and responses, with the number of documents that do.

        The server counts, and reads a span once: the text does not leave it.
        """
        groups: dict[str, Any] = {"_id": {"$dateToString": {"format": "%Y-%m-%d", "date": "$created_at"}}}
        for field in DOCUMENT_FIELDS:
            is_empty: dict[str, Any] = {"$in": [{"$ifNull": [f"${field}", None]}, [None, "", [], {}]]}
            groups[field] = {"$sum": {"$cond": [is_empty, 0, 1]}}
        with self._requests() as requests:
            days = list(requests.aggregate([{"$match": _created(start, end)}, {"$group": groups}]))
        return {
            date.fromisoformat(day["_id"]): {field: day[field] for field in DOCUMENT_FIELDS if day[field]}
            for day in days
        }

    @contextmanager
    def _requests(self) -> Iterator[Collection[dict[str, Any]]]:
        """The collection, its errors as this project's own."""
        import pymongo
        from pymongo.errors import OperationFailure, PyMongoError

        try:
            with pymongo.MongoClient[dict[str, Any]](
                self.uri, tz_aware=True, readPreference="secondaryPreferred"
            ) as client:
                yield client[self.database][self.collection]
        except OperationFailure as error:
            raise SettingError(
                f"{self.place}: refused (code {error.code}): check sources.llm_gateway.mongo_uri; read is enough"
            ) from None
        except PyMongoError as error:
            raise SettingError(
                f"{self.place}: can't be reached ({type(error).__name__}): check sources.llm_gateway.mongo_uri"
            ) from None


def _created(start: datetime, end: datetime) -> dict[str, Any]:
    return {"created_at": {"$gte": start, "$lt": end}}
