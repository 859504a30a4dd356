"""The few errors that ingestion raises. Each message says what was wrong, where, and what to do."""

from __future__ import annotations


class IngestionError(Exception):
    """Base of all errors that ingestion raises on purpose; its text is fit to show and holds no secret."""


class SettingError(IngestionError):
    """A setting is missing or wrong. The message names it and how to set it."""


class VendorError(IngestionError):
    """The vendor did not answer as documented, after retries. The message names the URL, without secrets."""


class BadInput(IngestionError):
    """A file or record can't be read as what it claims to be.

    The slice it belongs to is refused: its last good delivery stays current, and nothing of it is lost.
    The message names the file, and the line or row.
    """


class TornDelivery(IngestionError):
    """The vendor replaced a delivery while it was being read; reading it again later will do."""
