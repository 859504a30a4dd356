"""What a failed landing says, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.errors import IngestionError, VendorError

# A vendor that is busy is asked again after a while; then the refresh goes on without it.
RETRIES = 2


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from: dlt wraps what its resources raise, and ours have causes too."""
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def is_of_one_source(error: BaseException) -> bool:
    """Whether it is the source that failed (its vendor, its settings, its input), and not the machine or our code."""
    return any(isinstance(link, IngestionError) for link in _chain(error))


def explained(error: BaseException) -> tuple[str, bool]:
    """The message of our own error in the chain, else of its root; and whether to try again.

    A vendor that does not answer may do so later. Wrong settings and a broken registry stay as they are.
    """
    chain = list(_chain(error))
    ours = next((link for link in chain if isinstance(link, IngestionError)), None)
    if ours is None:
        return f"{type(chain[-1]).__name__}: {chain[-1]}", False
    return str(ours), isinstance(ours, VendorError)
