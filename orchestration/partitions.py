"""Billing months as partitions: the unit in which the UI lands closed periods again."""

from __future__ import annotations

import dagster as dg

from ingestion.setting_table import HISTORY_START
from ingestion.settings import Month, Window, utc_now

DEFAULT_MONTHS = 13


def history_start() -> Month:
    """`COSTOWNER_HISTORY_START` (YYYY-MM); without it, thirteen months back from the start of this year's quarter.

    The default moves with the quarter only, so that partitions keep their meaning between restarts.
    """
    given = HISTORY_START.given()
    if given:
        return Month.parse(given)
    now = utc_now()
    return Month(now.year, (now.month - 1) // 3 * 3 + 1).plus(-DEFAULT_MONTHS)


def billing_months() -> dg.MonthlyPartitionsDefinition:
    """One partition a month, the current one included."""
    return dg.MonthlyPartitionsDefinition(
        start_date=str(history_start()), fmt="%Y-%m", end_offset=1, timezone="UTC"
    )


def window_of(keys: dg.PartitionKeyRange) -> Window:
    """The window of a range of partitions."""
    return Window(Month.parse(keys.start), Month.parse(keys.end))


def open_window() -> Window:
    """The months that a daily refresh asks for: the previous and the current one."""
    current = Month.of(utc_now())
    return Window(max(history_start(), current.plus(-1)), current)
