"""A run of dbt whose output is fit to be kept and shown: without what an error quotes of the data.

An engine's error quotes the value that it could not take. What dbt prints goes to Dagster's storage, to the refresh's log and
to the terminal; its own log, beside its results in the target folder, has the whole text and is the installation's user's alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from dagster_dbt.core.dbt_cli_invocation import DbtCliInvocation

LOG = "dbt.log in the installation's dbt_target"
# What is no event of dbt's own: lines of Java, Spark, or of a Python that fails.
OTHER_OUTPUT = "other_output.log"
# Errors whose text names the project's files or the machine. Others quote a value, or a piece of SQL.
KIND = re.compile(r"\s*([A-Z]\w*(?: [A-Z]\w*)* Error|\[[A-Z][A-Z_.]+\])(?=[: ]|$)")
WRAPPERS = ("Runtime Error", "Database Error")
SHOWN = ("Compilation Error", "IO Error", "Out of Memory Error")
# `Database Error in model x (models/x.sql)`, `Failure in test y (tests/y.sql)`.
PLACE = re.compile(r"\s*((?:[A-Z]\w* Error|Failure) in \w+ \S+ \([^()]*\))\s*(?:\n|$)")
# Lines that count: of a test, and of each node as it ends.
COUNTS = re.compile(r"\s*Got \d+ results?, configured to \w+ if [!=<>]+ ?\d+\s*")
# A traceback quotes what it ends with; the error itself is an event of its own.
TRACEBACK = "MainStackTrace"
OF_A_NODE = frozenset({"LogModelResult", "LogSeedResult", "LogSnapshotResult", "LogTestResult"})


def without_values(message: str) -> str:
    """A message of dbt's in one line, without what it quotes of the data: dbt's own log has the whole of it."""
    found = [match[1] for line in message.splitlines() if (match := KIND.match(line)) and match[1] not in WRAPPERS]
    kind = found[0] if found else "an error"
    if kind in SHOWN:
        return " ".join(message.split())
    return f"{kind} ({LOG} has its text, which may quote data)"


def _shown(message: str) -> str:
    """The same with the place that heads the message."""
    place = PLACE.match(message)
    rest = message[place.end() :] if place else message
    if COUNTS.fullmatch(rest):
        return message
    said = without_values(rest) if rest.strip() else ""
    return ": ".join(part for part in (place[1] if place else "", said) if part)


class LedgerInvocation(DbtCliInvocation):
    """A dbt process as Dagster listens to it."""

    @classmethod
    def of(cls, started: DbtCliInvocation) -> LedgerInvocation:
        """The same process, whose output nobody has read yet."""
        return cls(**{field.name: getattr(started, field.name) for field in fields(started) if field.init})

    def _stream_stdout(self) -> Iterator[str | dict[str, Any]]:
        for event in super()._stream_stdout():
            if isinstance(event, str):
                with (self.target_path / OTHER_OUTPUT).open("a") as file:
                    file.write(f"{event}\n")
                continue
            info = event["info"]
            if info["level"] == "error" and info["name"] not in OF_A_NODE:
                info["msg"] = f"a traceback ({LOG} has it)" if info["name"] == TRACEBACK else _shown(info["msg"])
                self._error_messages[-1] = info["msg"]
            yield event
