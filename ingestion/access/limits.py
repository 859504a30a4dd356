"""How long a call to a vendor may take as a whole, and how much it may answer.

A socket's timeout bounds the wait for the next bytes only: an answer that drips never ends. Here a connection reads no
longer than what is left of its call, and no more than the call may take, whichever library reads: heads, sizes of chunks,
bodies.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ingestion.errors import BadInput, IngestionError, VendorError
from ingestion.setting_table import CALL_SECONDS, CALL_SIZE, DOWNLOAD_SECONDS, Setting

Clock = Callable[[], float]
# The limits of the calls that are under way in this thread, the outermost first: a call may need another (a token).
_APPLIED: ContextVar[tuple[Limit, ...]] = ContextVar("limits of calls", default=())


class Limit:
    """What is left of one call, from the first byte that is asked for to the last one that is read, retries included.

    `where` names the vendor and the address, fit for a message; `seconds` and `size` are the settings, `size` in bytes,
    also after unpacking; `patience` is how many seconds the caller waits at most, whatever is set.
    """

    def __init__(
        self,
        where: str,
        seconds: Setting[int] = CALL_SECONDS,
        size: Setting[int] | None = CALL_SIZE,
        clock: Clock = time.monotonic,
        patience: float = math.inf,
    ) -> None:
        self.where = where
        self._seconds, self._size, self._clock = seconds, size, clock
        self._end = clock() + min(seconds.value(), patience)
        self._most = size.value() if size else None
        self._received = self._unpacked = 0
        self._broken: IngestionError | None = None

    def left(self) -> float:
        """The seconds that are left. Raises VendorError where there are none."""
        left = self._end - self._clock()
        if left <= 0:
            self._break(
                VendorError(
                    f"{self.where}: not answered in full within {self._seconds.value()} seconds "
                    f"({self._seconds.name}); if the vendor is only slow, raise it"
                )
            )
        return left

    def received(self, count: int) -> None:
        """Count bytes off the wire. Raises BadInput where they are too many."""
        self._received += count
        self._check_size(self._received)

    def unpacked(self, count: int) -> None:
        """Count bytes of the body as they are after unpacking. Raises BadInput where they are too many."""
        self._unpacked += count
        self._check_size(self._unpacked)

    def _check_size(self, count: int) -> None:
        if self._size and self._most is not None and count > self._most:
            self._break(
                BadInput(
                    f"{self.where}: the answer has more than {self._size.text() or self._size.default} "
                    f"({self._size.name}); if it is right, raise it"
                )
            )

    def _break(self, error: IngestionError) -> None:
        self._broken = error
        raise error

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Hold what is read inside to the limit. Where a library wraps the limit's error, that error is raised itself."""
        token = _APPLIED.set((*_APPLIED.get(), self))
        try:
            yield
        except Exception:
            if self._broken:
                raise self._broken from None
            raise
        finally:
            _APPLIED.reset(token)


def download_limit(where: str) -> Limit:
    """The limit of fetching one object into a file: its size is that which was announced, and the disk's."""
    return Limit(where, DOWNLOAD_SECONDS, None)


def check_time() -> None:
    """Raise VendorError where the time of a call that is under way is over."""
    for limit in _APPLIED.get():
        limit.left()


class _LimitedReader(io.RawIOBase):
    """Reads from a socket, within the limits that are applied."""

    def __init__(self, connected: Any) -> None:
        self._connected = connected
        # It keeps the socket open until all is read, also where the connection is closed before.
        self._plain = connected.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        limits = _APPLIED.get()
        patience = self._connected.gettimeout()
        left = min((limit.left() for limit in limits), default=None)
        if left is not None:
            self._connected.settimeout(left if patience is None else min(patience, left))
        try:
            count: int | None = self._plain.readinto(buffer)
        except TimeoutError:
            check_time()
            raise
        finally:
            if left is not None:
                self._connected.settimeout(patience)
        for limit in limits:
            limit.received(count or 0)
        return count

    def close(self) -> None:
        super().close()
        self._plain.close()


class _LimitedSocket:
    """A connected socket whose reads keep to the limits that are applied; in all else the socket itself."""

    def __init__(self, connected: Any) -> None:
        self._connected = connected

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected, name)

    def makefile(self, mode: str = "r", buffering: int = -1, **kwargs: Any) -> Any:
        if mode != "rb":
            return self._connected.makefile(mode, buffering, **kwargs)
        reader = _LimitedReader(self._connected)
        # Without a buffer nothing is read ahead: botocore looks at an early answer (100 Continue) so.
        return reader if buffering == 0 else io.BufferedReader(reader)


class LimitedConnection:
    """What makes a connection of urllib3 keep to the limits: a class for it to inherit from first."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = _LimitedSocket(self.sock)
