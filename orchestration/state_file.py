"""Small JSON files that hold state between refreshes, each replaced in one step.

Every one of them can be done without: where it is not there the next refresh does more than it had to.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingestion.atomic_write import atomic_write


def read_state(file: Path) -> Any:
    """The content of a state file; None where there is none, or the disk has damaged it."""
    try:
        return json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def write_state(file: Path, content: Any) -> None:
    """Replace a state file; a process that is killed here leaves the previous one."""
    with atomic_write(file) as draft:
        draft.write_text(json.dumps(content))
