"""Who may read what is published as a whole: the modes of its folders and files."""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.setting_table import EVERYONE, GROUP, PUBLISHED_ACCESS, USER


@dataclass(frozen=True)
class Access:
    """`published` is the mode of the folder itself, which can always be passed through: an owner's folder lies in it.

    `folder` and `file` are the modes of what it holds. Nobody may write a file: a tool that opened the database for writing
    would leave a write-ahead log beside it.
    """

    published: int
    folder: int
    file: int


ACCESS = {
    EVERYONE: Access(0o755, 0o755, 0o444),
    GROUP: Access(0o751, 0o750, 0o440),
    USER: Access(0o711, 0o700, 0o400),
}


def access() -> Access:
    """As the setting has it."""
    return ACCESS[PUBLISHED_ACCESS.value()]


def given_access() -> Access | None:
    """None where nobody has set it: then a folder stays as somebody may have granted it by hand."""
    given = PUBLISHED_ACCESS.given()
    return ACCESS[given] if given else None
