"""Dagster's event log in SQLite, with connections that stay open: an event costs an eighth of what it cost.

A refresh records about a thousand events. Dagster's own storage makes an engine and opens a file for each of them, and
waits for the disk at each commit: nearly half the time of a refresh without changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as db
from dagster import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorageWatchdog
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

# Where Dagster keeps these files by itself, below its home.
FOLDER = Path("history", "runs")
# The run that is recorded and the index of all; the UI also reads runs of before.
OPEN_SHARDS = 8


class PooledEventLogStorage(SqliteEventLogStorage):
    """The same files in the same places (`base_dir` is Dagster's home), read by Dagster's own storage as well.

    A commit is not waited for (`synchronous = normal`): with SQLite's write-ahead log a crash of the machine may lose
    the last events of a run, and never harms the file. The ledger is not in it.
    """

    # Dagster starts its observer of files with the first watch.
    _obs: Any
    _watchers: Any

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, db.Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(str(Path(base_dir) / FOLDER), inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> PooledEventLogStorage:
        return cls(inst_data=inst_data, **config_value)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table. The answer is cached: Dagster checks for it with every event."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def watch(self, run_id: str, cursor: str | None, callback: Callable[[EventLogEntry, str], None]) -> None:
        """Call back for each new event of a run, as the UI's live log wants it."""
        if not self._obs:
            self._obs = Observer()
            self._obs.start()
        watcher = _LogWatcher(self, run_id, callback, cursor)
        watched = self._obs.schedule(watcher, self._base_dir, recursive=True)
        self._watchers[run_id][callback] = (watcher, watched)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[db.Connection]:
        # One connection a shard, one user at a time: the lock is what makes a shared connection safe.
        with self._db_lock:
            engine = self._engine(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> db.Engine:
        engine = self._engines.pop(shard, None)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=db.StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            db.event.listen(engine, "connect", _without_waiting)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
        self._engines[shard] = engine
        if len(self._engines) > OPEN_SHARDS:
            self._engines.popitem(last=False)[1].dispose()
        return engine


class _LogWatcher(SqliteEventLogStorageWatchdog):
    """Dagster's watcher looks at the database's file, which stays as it is while a connection is open: the commits of a run
    that goes on are in the write-ahead log beside it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._patterns = [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, event: FileSystemEvent) -> None:
        self._process_log()


def _without_waiting(connection: Any, _record: Any) -> None:
    connection.execute("pragma synchronous = normal")
