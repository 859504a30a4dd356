"""Objects under a URL: `s3://bucket/prefix` through boto3, or a folder; the same few calls for both."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from ingestion.errors import BadInput, SettingError, TornDelivery

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Object:
    """One object: its key below the store's root, the vendor's ETag, and its size in bytes."""

    key: str
    etag: str
    size: int


class ObjectStore(Protocol):
    """What the sources need of an object store. Keys are relative to the root and have no leading slash."""

    @property
    def root(self) -> str: ...

    def folders(self, prefix: str) -> list[str]:
        """The direct sub-folders of a prefix that ends in `/` (or is empty), each ending in `/`."""
        ...

    def list(self, prefix: str) -> Iterator[Object]:
        """All objects below a prefix, ordered by key."""
        ...

    def head(self, key: str) -> Object | None:
        """The object's ETag and size, or None where there is none."""
        ...

    def read(self, key: str) -> bytes: ...

    def download(self, found: Object, target: Path) -> None:
        """Fetch exactly the version that `found` describes; TornDelivery where it was replaced meanwhile."""
        ...


@dataclass(frozen=True)
class Folder:
    """A folder on this machine, or a bucket mounted as one."""

    path: Path

    @property
    def root(self) -> str:
        return str(self.path)

    def folders(self, prefix: str) -> list[str]:
        base = self.path / prefix
        return (
            sorted(f"{prefix}{child.name}/" for child in base.iterdir() if child.is_dir()) if base.is_dir() else []
        )

    def list(self, prefix: str) -> Iterator[Object]:
        # A prefix may end within a name, as in S3.
        base = self.path / prefix if prefix.endswith("/") or not prefix else (self.path / prefix).parent
        if not base.is_dir():
            return
        for file in sorted(base.rglob("*")):
            key = file.relative_to(self.path).as_posix()
            if file.is_file() and key.startswith(prefix):
                yield self._describe(key, file)

    def _describe(self, key: str, file: Path) -> Object:
        # Like S3's, this ETag is the same for the same version; a stat is enough to tell versions apart.
        stat = file.stat()
        etag = hashlib.md5(f"{stat.st_mtime_ns}:{stat.st_size}".encode(), usedforsecurity=False).hexdigest()
        return Object(key, etag, stat.st_size)

    def head(self, key: str) -> Object | None:
        file = self.path / key
        return self._describe(key, file) if file.is_file() else None

    def read(self, key: str) -> bytes:
        file = self.path / key
        if not file.is_file():
            raise BadInput(f"{file}: no such file")
        return file.read_bytes()

    def download(self, found: Object, target: Path) -> None:
        file = self.path / found.key
        if not file.is_file():
            raise BadInput(f"{file}: no such file")
        shutil.copyfile(file, target)
        if self._describe(found.key, file) != found:
            raise TornDelivery(f"{file} was replaced while it was being read")


@dataclass(frozen=True)
class Bucket:
    """An S3 bucket and prefix. Credentials come through boto3's own chain."""

    bucket: str
    prefix: str
    client: S3Client

    @property
    def root(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    def _key(self, key: str) -> str:
        return f"{self.prefix}/{key}" if self.prefix else key

    def _relative(self, key: str) -> str:
        return key[len(self.prefix) + 1 :] if self.prefix else key

    def folders(self, prefix: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self._key(prefix), Delimiter="/"
        )
        return [self._relative(found["Prefix"]) for page in pages for found in page.get("CommonPrefixes", [])]

    def list(self, prefix: str) -> Iterator[Object]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self._key(prefix))
        for page in pages:
            for found in page.get("Contents", []):
                yield Object(self._relative(found["Key"]), found["ETag"].strip('"'), found["Size"])

    def head(self, key: str) -> Object | None:
        from botocore.exceptions import ClientError

        try:
            found = self.client.head_object(Bucket=self.bucket, Key=self._key(key))
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                return None
            raise self._explained(error, key) from None
        return Object(key, found["ETag"].strip('"'), found["ContentLength"])

    def read(self, key: str) -> bytes:
        from botocore.exceptions import ClientError

        try:
            return self.client.get_object(Bucket=self.bucket, Key=self._key(key))["Body"].read()
        except ClientError as error:
            raise self._explained(error, key) from None

    def download(self, found: Object, target: Path) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self.client.get_object(
                Bucket=self.bucket, Key=self._key(found.key), IfMatch=f'"{found.etag}"'
            )
            with target.open("wb") as file:
                shutil.copyfileobj(answer["Body"], file, 1 << 20)
        except ClientError as error:
            raise self._explained(error, found.key) from None
        except BotoCoreError as error:
            raise TornDelivery(
                f"{self.root}/{found.key}: the download broke off ({type(error).__name__})"
            ) from None
        if target.stat().st_size != found.size:
            raise TornDelivery(f"{self.root}/{found.key}: got {target.stat().st_size} of {found.size} bytes")

    def _explained(self, error: Exception, key: str) -> Exception:
        code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
        where = f"{self.root}/{key}"
        if code in ("412", "PreconditionFailed"):
            return TornDelivery(f"{where} was replaced while it was being read")
        if code in ("404", "NoSuchKey", "NotFound"):
            return BadInput(f"{where}: no such object")
        if code == "NoSuchBucket":
            return SettingError(f"{where}: no such bucket: check the URL")
        if code in ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"):
            return SettingError(f"{where}: access was refused ({code}): check the AWS profile or keys")
        return BadInput(f"{where}: {code or type(error).__name__}")


def open_store(url: str, *, profile: str | None = None, endpoint_url: str | None = None) -> ObjectStore:
    """A store by its URL: `s3://bucket/prefix`, `file:///path` or a plain path."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        import boto3
        from botocore.config import Config

        session = boto3.Session(profile_name=profile) if profile else boto3.Session()
        client = session.client(
            "s3",
            endpoint_url=endpoint_url,
            config=Config(retries={"max_attempts": 5, "mode": "standard"}, connect_timeout=10, read_timeout=120),
        )
        # A key may begin with a slash: a legacy cost report without a prefix has `s3://bucket//report`.
        return Bucket(parts.netloc, parts.path.removeprefix("/").rstrip("/"), client)
    if parts.scheme in ("", "file"):
        return Folder(Path(parts.path if parts.scheme else url).expanduser())
    raise SettingError(f"{url}: write s3://bucket/prefix or a folder")
