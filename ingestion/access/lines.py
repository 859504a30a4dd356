"""Lines of a body or a file: each byte is looked at once, and a line that is longer than any record is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ingestion.errors import BadInput

# Bytes of a line: no record of a bill is longer.
LONGEST_LINE = 8 << 20


def size_named(size: int) -> str:
    """A size in bytes, for messages."""
    return f"{size >> 20} MB" if size >> 20 else f"{size} bytes"


def numbered_lines(
    chunks: Iterable[bytes], where: str, longest: int = LONGEST_LINE
) -> Iterator[tuple[int, bytes]]:
    """The lines of some chunks, each with its number and without its end. A byte is looked at once.

    Raises BadInput, with the number, for a line of more than `longest` bytes.
    """
    number, size = 1, 0
    begun: list[bytes] = []

    def check() -> None:
        if size > longest:
            raise BadInput(f"{where}, line {number}: longer than {size_named(longest)}, as no record is")

    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            size += len(part)
            check()
            yield number, b"".join([*begun, part]).removesuffix(b"\r")
            number, size = number + 1, 0
            begun.clear()
        begun.append(rest)
        size += len(rest)
        check()
    if size:
        yield number, b"".join(begun)
