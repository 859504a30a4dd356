"""Fixtures of the faults: an installation in which nothing was done yet."""

from __future__ import annotations

from tests.orchestration.conftest import environment, prepared_home

__all__ = ["environment", "prepared_home"]
