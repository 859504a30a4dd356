"""An S3 bucket as an object store: exact versions, bodies that break taken up again, whole files or none."""

from __future__ import annotations

import io
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ingestion.access.limits import Limit, download_limit
from ingestion.access.objects import Object, check_room
from ingestion.access.paging import MOST_PAGES
from ingestion.access.s3_client import Access, explained, no_terminal
from ingestion.atomic_write import atomic_write
from ingestion.errors import BadInput, TornDelivery

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, ListObjectsV2OutputTypeDef, ObjectTypeDef

CHUNK = 1 << 20
# Seconds before each further attempt at a body that broke off. (botocore tries calls again, but not bodies.)
PAUSES = (0.0, 1.0, 5.0)


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket and prefix."""

    bucket: str
    prefix: str
    client: S3Client
    access: Access = field(default_factory=Access)

    @property
    def root(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _relative(self, key: str) -> str:
        return key[len(self.prefix) + 1 :] if self.prefix else key

    @contextmanager
    def _explaining(self, key: str, action: str, limit: Limit | None = None) -> Iterator[None]:
        """Make one call within its limit, with botocore's errors as this project's own."""
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        try:
            with (limit or Limit(f"{self.root}/{key}")).applied():
                yield
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise explained(error, f"{self.root}/{key}", self.access, action) from None
        except EOFError:
            raise no_terminal(f"{self.root}/{key}", self.access) from None

    def folders(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self._key(prefix), Delimiter="/"
        )
        listed = self._pages(pages, prefix)
        return [self._relative(found["Prefix"]) for page in listed for found in page.get("CommonPrefixes", [])]

    def list(self, prefix: str) -> Iterator[Object]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._key(prefix))
        for page in self._pages(pages, prefix):
            for found in page.get("Contents", []):
                yield self._object(found)

    def _pages(
        self, pages: Iterable[ListObjectsV2OutputTypeDef], prefix: str
    ) -> Iterator[ListObjectsV2OutputTypeDef]:
        """The pages of a listing. Raises BadInput for one that never ends."""
        following = iter(pages)
        for _ in range(MOST_PAGES):
            with self._explaining(prefix, "s3:ListBucket"):
                page = next(following, None)
            if page is None:
                return
            yield page
        raise BadInput(f"{self.root}/{prefix}: {MOST_PAGES} pages do not end the listing, refused as endless")

    def _object(self, found: ObjectTypeDef) -> Object:
        return Object(self._relative(found["Key"]), found["ETag"].strip('"'), found["Size"], found["LastModified"])

    def head(self, key: str) -> Object | None:
        # A listing and not HEAD: HEAD's errors have no body with a reason, and to a policy that allows listing below
        # a prefix only (docs/aws.md) it answers 403 for an object that is not there.
        with self._explaining(key, "s3:ListBucket"):
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._key(key), MaxKeys=1)
        found = [self._object(entry) for entry in page.get("Contents", [])]
        return found[0] if found and found[0].key == key else None

    def read(self, key: str) -> bytes:
        content = io.BytesIO()
        self._fetch(key, None, content, Limit(f"{self.root}/{key}"))
        return content.getvalue()

    def download(self, found: Object, target: Path) -> None:
        where = f"{self.root}/{found.key}"
        check_room(found, where, target.parent)
        with atomic_write(target, durable=False) as draft:
            with draft.open("wb") as file:
                self._fetch(found.key, found.etag, file, download_limit(where), found.size)
            if draft.stat().st_size != found.size:
                raise TornDelivery(f"{self.root}/{found.key}: got {draft.stat().st_size} of {found.size} bytes")

    def write(self, key: str, file: Path) -> None:
        with self._explaining(key, "s3:PutObject"):
            self.client.upload_file(str(file), self.bucket, self._key(key))

    def remove(self, key: str) -> None:
        with self._explaining(key, "s3:DeleteObject"):
            self.client.delete_object(Bucket=self.bucket, Key=self._key(key))

    def _fetch(self, key: str, etag: str | None, sink: IO[bytes], limit: Limit, size: int | None = None) -> None:
        """Write an object to `sink`, in one version: the one of `etag`, or that of the first answer.

        A body that breaks off is taken up at the byte where it broke, a few times. Raises TornDelivery where more comes
        than the `size` that was announced.
        """
        from botocore.exceptions import FlexibleChecksumError, HTTPClientError, IncompleteReadError

        for pause in (*PAUSES, None):
            with self._explaining(key, "s3:GetObject", limit):
                done = sink.tell()
                wanted: GetObjectRequestTypeDef = {"Bucket": self.bucket, "Key": self._key(key)}
                if etag:
                    wanted["IfMatch"] = f'"{etag}"'
                if done:
                    wanted["Range"] = f"bytes={done}-"
                answer = self.client.get_object(**wanted)
                body = answer["Body"]
            # Some stores give If-Match no heed.
            version = answer.get("ETag", "").strip('"')
            if etag and version != etag:
                body.close()
                raise TornDelivery(f"{self.root}/{key} was replaced while it was being read")
            etag = version
            if done and answer["ResponseMetadata"]["HTTPStatusCode"] != 206:
                _empty(sink)  # the server gives ranges no heed
            try:
                with limit.applied():
                    for chunk in body.iter_chunks(CHUNK):
                        sink.write(chunk)
                        if size is not None and sink.tell() > size:
                            raise TornDelivery(f"{self.root}/{key}: more comes than the {size} bytes that it has")
                return
            except (FlexibleChecksumError, HTTPClientError, IncompleteReadError) as error:
                if isinstance(error, FlexibleChecksumError):
                    _empty(sink)
                if pause is None:
                    raise TornDelivery(
                        f"{self.root}/{key}: the download broke off {len(PAUSES) + 1} times ({type(error).__name__})"
                    ) from None
                limit.left()
                time.sleep(pause)
            finally:
                body.close()


def _empty(sink: IO[bytes]) -> None:
    sink.seek(0)
    sink.truncate()
