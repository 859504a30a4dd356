"""dbt's macros rendered without dbt, for tests of what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jinja2

from ingestion.settings import PROJECT_ROOT

MACROS = PROJECT_ROOT / "dbt_project" / "macros"


class Adapter:
    """As much of dbt's `adapter` as the macros ask for: which engine's version of a macro to take."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.module: Any = None

    def dispatch(self, name: str) -> Callable[..., str]:
        def call(*arguments: object) -> str:
            return str(getattr(self.module, f"{self.engine}__{name}")(*arguments))

        return call


def rendered(call: str, *files: str, engine: str = "duckdb") -> str:
    """The SQL of a call of macros that stand in `files` (below `macros/`), for an engine."""
    adapter = Adapter(engine)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals.update({"adapter": adapter, "return": lambda value: value})
    text = "".join((MACROS / file).read_text() for file in files)
    adapter.module = environment.from_string(text).module
    return environment.from_string(f"{text}{{{{ {call} }}}}").render()
