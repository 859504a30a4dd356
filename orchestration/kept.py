"""Small notes in JSON that are kept from refresh to refresh, each replaced in one step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def keep(file: Path, content: Any) -> None:
    """Write a note; who is killed here leaves the one of before."""
    draft = file.with_suffix(".tmp")
    draft.write_text(json.dumps(content))
    draft.replace(file)
