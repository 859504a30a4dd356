"""The child processes of the Dagster UI: in a group of their own, with all that they start, so that none outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

MODULE_OF_PARENT = Path(__file__).with_name("module_of_parent.py")
# How long a run that is interrupted has to write that it ended; what is still there then is killed.
GRACE_SECONDS = 30.0


class ChildProcesses:
    """Processes that end together. The first leads the group; a terminal's Ctrl-C reaches their parent only, which ends them."""

    def __init__(self) -> None:
        self._started: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._are_at_work = self._is_ending = False
        # What ended by itself, and with which exit code; None while all work.
        self.ended_first: str | None = None

    @property
    def _group(self) -> int:
        """The id of the group; 0, for a new one, before its first process."""
        return self._started[0][1].pid if self._started else 0

    def start(self, name: str, *module: str) -> subprocess.Popen[bytes]:
        """Run a module with its arguments. Linux kills the process when this one is killed."""
        command = [sys.executable, str(MODULE_OF_PARENT), *module]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=self._group)
        self._started.append((name, process))
        return process

    def watch(self, when_one_ends: Callable[[], None]) -> None:
        """Call back, from another thread, when the first of the processes ends by itself: all have started, and work."""
        self._are_at_work = True
        for name, process in self._started:
            Thread(target=self._wait, args=(name, process, when_one_ends), daemon=True).start()

    def _wait(self, name: str, process: subprocess.Popen[bytes], when_one_ends: Callable[[], None]) -> None:
        code = process.wait()
        if not self._is_ending and self.ended_first is None:
            self.ended_first = f"{name} ended (exit code {code})"
            when_one_ends()

    def end(self, seconds: float = GRACE_SECONDS) -> None:
        """Interrupt them as Ctrl-C would, the last first, and kill what is left after some seconds.

        While they still start, nothing needs to be brought to an end: they are killed at once.
        """
        if not self._started:
            return
        self._is_ending = True
        deadline = monotonic() + seconds
        if self._are_at_work:
            # The later rely on the earlier: the daemon evaluates its sensors in the code server.
            for _, process in reversed(self._started[1:]):
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=max(0.0, deadline - monotonic()))
            _signal(self._group, signal.SIGINT)
        if not (self._are_at_work and _has_ended(self._group, deadline)):
            _signal(self._group, signal.SIGKILL)
            _has_ended(self._group, monotonic() + seconds)
        for _, process in self._started:
            process.wait()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _has_ended(group: int, deadline: float) -> bool:
    """Wait for the end of the last process of a group, up to a reading of the monotonic clock."""
    while has_members := _has_members(group):
        if monotonic() > deadline:
            break
        sleep(0.05)
    return not has_members


def _has_members(group: int) -> bool:
    # What was left to this process to reap: its own children, and in a container, where it may be the first process, theirs.
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
