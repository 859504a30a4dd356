"""Small JSON files that hold state between refreshes, each replaced in one step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ingestion.atomic_write import atomic_write


def write_state(file: Path, content: Any) -> None:
    """Replace a state file; a process that is killed here leaves the previous one."""
    with atomic_write(file) as draft:
        draft.write_text(json.dumps(content))
