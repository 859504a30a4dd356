"""What the gateway keeps of a key outranks what the caller says, on both engines."""

from __future__ import annotations

import pytest

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
    ("attributes", "said", "told", "is_contradicted"),
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
    engine: Sql, attributes: str | None, said: dict[str, str], told: dict[str, str | None], is_contradicted: bool
) -> None:
    kept = f"'{attributes}'" if attributes is not None else "cast(null as string)"
    given = ", ".join(
        f"cast({repr(said[name]) if name in said else 'null'} as string) as {name}" for name in COLUMNS
    )
    asked = ", ".join(rendered(f"key_or_caller_attribute('{name}')", engine.name) for name in told)
    contradicts = rendered("caller_contradicts_key()", engine.name)
    (row,) = engine.rows(
        f"select {asked}, {contradicts} from (select {kept} as key_attributes, {given}) as requests"
    )
    assert row == (*told.values(), is_contradicted)
