"""The folder of each owner's own publication: its name, who may enter it, and its removal."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Collection
from pathlib import Path

# Characters that are themselves in a folder's name on every file system. Capitals are not: some take them for small ones.
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-.@")
LONGEST = 200
# The folder of all owners can be passed through and not be listed; that of one is its user's until someone is granted it.
PASSED_THROUGH, NOBODYS_YET = 0o711, 0o700


def folder_name(owner_id: str) -> str:
    """A folder's name for any text, another one for each: what is not plain is %XX, by the bytes of its UTF-8."""
    name = "".join(
        char
        if char in PLAIN and not (char == "." and position == 0)
        else "".join(f"%{byte:02x}" for byte in char.encode("utf-8", "surrogatepass"))
        for position, char in enumerate(owner_id)
    )
    if len(name) <= LONGEST:
        return name or "%"
    digest = hashlib.sha256(owner_id.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{name[: LONGEST - len(digest) - 1]}~{digest}"


def prepare_folder(folder: Path, mode: int = NOBODYS_YET) -> None:
    """Make a folder with a mode. One that is there loses what everybody else may do beyond it; a group or ACL keeps its grant."""
    try:
        folder.mkdir(mode=NOBODYS_YET)
        if mode != NOBODYS_YET:
            folder.chmod(mode)
    except FileExistsError:
        found = stat.S_IMODE(folder.stat().st_mode)
        beyond = found & stat.S_IRWXO & ~mode
        if beyond:
            folder.chmod(found & ~beyond)


def remove_others(owners: Path, kept: Collection[str]) -> list[str]:
    """Remove the folders of owners that are not declared any more; gives their names."""
    gone = sorted(
        entry.name
        for entry in os.scandir(owners)
        if entry.is_dir(follow_symlinks=False) and entry.name not in kept
    )
    for name in gone:
        shutil.rmtree(owners / name)
    return gone
