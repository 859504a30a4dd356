"""Renders dbt's macros without dbt, to test their SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

import jinja2

from ingestion.settings import PROJECT_ROOT

MACROS = PROJECT_ROOT / "dbt_project" / "macros"
# Only dbt knows this tag; its content is no macro.
MATERIALIZATION = re.compile(r"{% materialization .*?endmaterialization %}", re.DOTALL)


class Adapter:
    """The part of dbt's `adapter` that the macros use: it dispatches to an engine's version of a macro."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.module: Any = None

    def dispatch(self, name: str) -> Callable[..., str]:
        def call(*arguments: object) -> str:
            return str(getattr(self.module, f"{self.engine}__{name}")(*arguments))

        return call


def rendered(call: str, engine: str = "duckdb", **dbt: object) -> str:
    """The SQL of a macro call for an engine. `dbt` has the dbt functions that the macro uses (`run_query`)."""
    return _rendered(f"{{{{ {call} }}}}", engine, dbt)


@lru_cache(maxsize=1)
def _macros() -> tuple[jinja2.Environment, CodeType]:
    """All macros, compiled once: that takes a second."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    text = "".join(MATERIALIZATION.sub("", file.read_text()) for file in sorted(MACROS.rglob("*.sql")))
    return environment, environment.compile(text)


def _rendered(template: str, engine: str, dbt: Mapping[str, object]) -> str:
    environment, macros = _macros()
    adapter = Adapter(engine)
    names = {**environment.globals, "adapter": adapter, "return": lambda value: value, **dbt}
    adapter.module = jinja2.Template.from_code(environment, macros, names).module
    return environment.from_string(template, globals={**names, **vars(adapter.module)}).render()


def rendered_model(name: str, engine: str = "duckdb", **dbt: object) -> str:
    """The SQL of a model. `dbt` has `ref` and the other dbt functions that the model uses."""
    (file,) = MACROS.parent.glob(f"models/**/{name}.sql")
    return _rendered(file.read_text(), engine, {"config": lambda **_: "", **dbt})
