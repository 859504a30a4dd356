"""A key's attributes outrank the caller's, on both engines."""

from __future__ import annotations

import pytest

from ingestion.sources.llm_gateway.formats.base import ATTRIBUTES
from tests.engines import Sql
from tests.macros.render import rendered

COLUMNS = (
    "team_id",
    "service_name",
    "workflow",
    "feature",
    "customer_id",
    "environment",
    "experiment",
    "cost_center",
)


@pytest.mark.parametrize(
    ("attributes", "caller", "expected", "is_contradicted"),
    [
        (None, {"workflow": "w"}, {"workflow": "w", "team_id": None}, False),
        ("{}", {"workflow": "w"}, {"workflow": "w"}, False),
        ('{"workflow": "kept"}', {"workflow": "w"}, {"workflow": "kept"}, True),
        ('{"workflow_id": "w", "team": "t"}', {"workflow": "w"}, {"workflow": "w", "team_id": "t"}, False),
        (
            '{"service": "", "env": null}',
            {"environment": "prod"},
            {"service_name": None, "environment": "prod"},
            False,
        ),
        ('{"cost_center": 7}', {}, {"cost_center": "7"}, False),
        ('{"customer": "c", "feature": "f"}', {"feature": "g"}, {"customer_id": "c", "feature": "f"}, True),
    ],
)
def test_key_outranks_the_caller(
    engine: Sql,
    attributes: str | None,
    caller: dict[str, str],
    expected: dict[str, str | None],
    is_contradicted: bool,
) -> None:
    columns = ", ".join(rendered(f"key_or_caller_attribute('{name}')", engine.name) for name in expected)
    contradicts = rendered("caller_contradicts_key()", engine.name)
    (row,) = engine.rows(f"select {columns}, {contradicts} from {request(attributes, caller)}")
    assert row == (*expected.values(), is_contradicted)


def request(attributes: str | None, caller: dict[str, str]) -> str:
    """SQL of a relation with one request: the key's attributes as JSON, and the caller's columns."""
    own = f"'{attributes}'" if attributes is not None else "cast(null as string)"
    columns = ", ".join(
        f"cast({repr(caller[name]) if name in caller else 'null'} as string) as {name}" for name in COLUMNS
    )
    return f"(select {own} as key_attributes, {columns}) as requests"


@pytest.mark.parametrize(
    ("column", "name"), [(column, name) for column in ATTRIBUTES for name in ATTRIBUTES[column]]
)
def test_key_attribute_accepts_every_name_that_a_caller_may_use(engine: Sql, column: str, name: str) -> None:
    value = rendered(f"key_or_caller_attribute('{column}')", engine.name)
    contradicts = rendered("caller_contradicts_key()", engine.name)
    relation = request(f'{{"{name}": "of the key"}}', {column: "of the caller"})
    assert engine.rows(f"select {value}, {contradicts} from {relation}") == [("of the key", True)]
