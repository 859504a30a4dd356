"""Use of a cluster by database and application: the raw table, and what a measurement is.

A cluster's cost is shared out by what uses it (`int_atlas_usage__daily`). Two ways lead to that: the statistics of the
cluster itself (`statistics.py`), and the measurements of Atlas's API (`measurements.py`), where there is no database user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from ingestion.lake.columns import Table, number, text, timestamp
from ingestion.lake.records import typed

# What is measured. seeds/atlas_usage_drivers.csv has the costs that each can share out, the best driver first.
QUERY_CPU = "query_cpu_nanoseconds"
QUERY_TIME = "query_microseconds"
OPERATION_TIME = "operation_microseconds"
LATENCY = "latency_microseconds"
DATABASE_SIZE = "database_bytes"
MEASURED_SIZE = "measured_bytes"
# The time that a process's cores could have worked: what of it no query used is idle.
CAPACITY = "cpu_capacity_nanoseconds"
# How a quantity is to be read: a size at a moment, a sum since the process started, a size or sum of a UTC day.
LEVEL, COUNTER, OF_A_DAY = "level", "counter", "day"

CLUSTER_USAGE = Table(
    "cluster_usage",
    "One row a measurement of a cluster: what a database or an application uses of it, or what a process has to give.",
    (
        text("project_id", "project of the cluster"),
        text("cluster_name", "cluster"),
        text("member", "process that was measured; NULL of the cluster as a whole"),
        text(
            "driver", f"what was measured: {QUERY_CPU}, {QUERY_TIME}, {OPERATION_TIME}, {LATENCY}, sizes, capacity"
        ),
        text("kind", "level (at a moment), counter (since the process started) or day (of a UTC day)"),
        text("database_name", "database; NULL of a capacity"),
        text("application_name", "appName of the clients; NULL where that was not measured"),
        number("quantity", "quantity, in the unit that the driver names"),
        timestamp("measured_from", "start of the period; of a counter when the process started"),
        timestamp("measured_at", "end of the period, or the moment"),
    ),
)


@dataclass(frozen=True)
class Cluster:
    """A cluster with the address of its database."""

    project_id: str
    name: str
    address: str | None = None

    @property
    def place(self) -> str:
        return f"cluster {self.name} of project {self.project_id}"

    def has_host(self, name: str) -> bool:
        """Whether a process is of this cluster, by its name: that of the cluster, or of its address, and a number of the shard.

        Atlas shortens a long name in the address.
        """
        label = urlsplit(self.address or "").netloc.partition(".")[0]
        names = "|".join(re.escape(one.lower()) for one in (self.name, label) if one)
        return re.match(rf"(?:{names})-shard-\d+-\d+\.", name) is not None


def usage_row(
    cluster: Cluster,
    member: str | None,
    driver: str,
    kind: str,
    of: tuple[str | None, str | None],
    quantity: Decimal,
    period: tuple[datetime, datetime],
) -> dict[str, Any]:
    """A measurement as a row; `of` is its database and application. Raises BadInput for what its column can't hold."""
    row = {
        "project_id": cluster.project_id,
        "cluster_name": cluster.name,
        "member": member,
        "driver": driver,
        "kind": kind,
        "database_name": of[0],
        "application_name": of[1],
        "quantity": quantity,
        "measured_from": period[0],
        "measured_at": period[1],
    }
    return typed(CLUSTER_USAGE, row, cluster.place)


def address_of(found: dict[str, Any]) -> str | None:
    """The connection string of a cluster as Atlas lists it: that by DNS, or else that by hosts; never one with a user."""
    strings = found.get("connectionStrings")
    if not isinstance(strings, dict):
        return None
    for name in ("standardSrv", "standard"):
        value = strings.get(name)
        if isinstance(value, str) and value.startswith(("mongodb+srv://", "mongodb://")) and "@" not in value:
            return value
    return None
