"""An object store by its URL: `s3://bucket/prefix`, or a folder."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from ingestion.access.objects import Folder, WritableStore
from ingestion.access.s3 import Bucket
from ingestion.access.s3_client import Access, connect
from ingestion.access.session import without_query
from ingestion.errors import SettingError


def open_store(
    url: str, *, profile: str | None = None, endpoint_url: str | None = None, setting: str | None = None
) -> WritableStore:
    """A store by its URL: `s3://bucket/prefix`, `file:///path` or a plain path.

    `setting` is the setting that holds the URL, for messages: `sources.aws.export_url`.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3":
        # No bucket's name has a colon: what has one is a user, and may have a password behind it.
        if not parts.netloc or re.search("[@:]", parts.netloc) or parts.query or parts.fragment:
            raise SettingError(
                f"{setting or 'the URL'}: write s3://bucket/prefix, and nothing else; credentials come from the profile"
            )
        access = Access(setting, profile, endpoint_url)
        # A key may begin with a slash: a legacy cost report without a prefix has `s3://bucket//report`.
        prefix = parts.path.removeprefix("/").rstrip("/")
        return Bucket(parts.netloc, prefix, connect(access), access)
    if parts.scheme in ("", "file") and parts.netloc in ("", "localhost"):
        folder = Path(parts.path if parts.scheme else url).expanduser()
        if folder.is_file():
            raise SettingError(f"{setting or 'the path'}: {folder} is a file; name the folder that contains it")
        return Folder(folder)
    # Without its query: a signed URL is a credential.
    raise SettingError(f"{setting or without_query(url)}: write s3://bucket/prefix or a folder")
