"""dbt made ready while sources are still being landed: its start is then no part of a refresh's time.

`get_ready` starts it, `take` hands it over. Where none is ready, or the project has changed since, dbt is started when
it is needed, as ever.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ingestion.errors import SettingError
from ingestion.settings import Home
from orchestration.engine import Engine
from orchestration.environment import DBT_PROJECT, project_digest

SCRIPT = Path(__file__).with_name("dbt_process.py")
_waiting: list[ReadyDbt] = []


@dataclass(frozen=True)
class ReadyDbt:
    """A process of dbt that waits for its command, on one installation and engine."""

    process: subprocess.Popen[bytes]
    engine: Engine
    target: Path
    digest: str

    @classmethod
    def start(cls, home: Home, engine: Engine, digest: str) -> ReadyDbt:
        target = engine.target_folder(home)
        process = subprocess.Popen(
            [str(engine.python), "-P", str(SCRIPT), "--target", engine.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=DBT_PROJECT,
            env={
                **os.environ,
                "PYTHONUNBUFFERED": "1",
                "DBT_LOG_FORMAT": "json",
                "DBT_PROJECT_DIR": str(DBT_PROJECT),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(target),
            },
        )
        return cls(process, engine, target, digest)

    def fits(self, engine: Engine, target: Path) -> bool:
        """Whether it is alive, and what it has read is what is to be built."""
        told = (self.engine, self.target, self.digest)
        return told == (engine, target, project_digest()) and self.process.poll() is None

    def run(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Give it its command; its events are on the process's standard output."""
        command = [*arguments, "--target", self.engine.name, "--no-write-json"]
        self.process.args = [str(self.engine.dbt), *command]
        assert self.process.stdin
        with self.process.stdin as line:
            line.write(json.dumps(command).encode() + b"\n")
        return self.process

    def end(self) -> None:
        """It is not needed any more."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()


def get_ready(home: Home) -> None:
    """Start dbt, if none waits and the project is as it was last read. (Where it is not, it is read first: project.py.)"""
    if _waiting:
        return
    engine = Engine.from_environment()
    stamp, digest = engine.read_of(home), project_digest()
    if not stamp.exists() or stamp.read_text() != digest:
        return
    with suppress(SettingError):  # Spark's environment is missing: said where dbt is needed
        _waiting.append(ReadyDbt.start(home, engine, digest))


def take(engine: Engine, target: Path) -> ReadyDbt | None:
    """The process that waits, if it fits; nobody else gets it."""
    while _waiting:
        ready = _waiting.pop()
        if ready.fits(engine, target):
            return ready
        ready.end()
    return None


def dismiss() -> None:
    """End what waits and was not needed."""
    while _waiting:
        _waiting.pop().end()
