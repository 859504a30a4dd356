"""The loss of a delivery, accepted by name: neither the vendor nor a backup has it, and the ledger goes on without it."""

from __future__ import annotations

from dataclasses import replace

from ingestion.errors import SettingError
from ingestion.lake.contract import Remark, Slice, Source
from ingestion.lake.integrity import Lost, lost
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window, utc_now
from ingestion.sources.catalog import LAKE
from orchestration.layout import writing

MOST_LISTED = 20


def accept_loss(home: Home, slice_id: str, reason: str) -> Lost:
    """Note a lost slice as empty, with the reason on its delivery note. A later delivery of the vendor's replaces that note.

    Raises SettingError for a slice that is not lost.
    """
    with writing(home, "the acceptance of a loss"):
        missing = [(source, lost(home, source.dataset)) for source in LAKE]
        for source, slices in missing:
            if slice_id in slices:
                _note_as_empty(home, source, slices[slice_id], reason)
                return slices[slice_id]
    listed = sorted(name for _, slices in missing for name in slices)
    if not listed:
        raise SettingError(f"{slice_id}: no delivery is lost; there is nothing to accept")
    more = f" and {len(listed) - MOST_LISTED} more" if len(listed) > MOST_LISTED else ""
    raise SettingError(f"{slice_id} is not lost; lost are {', '.join(listed[:MOST_LISTED])}{more}")


def _note_as_empty(home: Home, source: Source, one: Lost, reason: str) -> None:
    now = utc_now()
    month = Month.parse(one.billing_period) if one.billing_period else Month.of(now)
    window = Window(month, month)
    note = known_notes(home, source.dataset).get(one.slice_id)
    remark = Remark(f"lost ({one.damage.file}), and the loss accepted on {now:%Y-%m-%d}: {reason}")
    empty = Slice(
        one.slice_id,
        note.billing_period if note else one.billing_period,
        window.start,
        window.end,
        read=lambda: [remark],
    )
    land(home, replace(source, slices=lambda *_: [empty]), None, window, now)
