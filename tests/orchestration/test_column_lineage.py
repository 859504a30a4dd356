"""Column lineage of SQL as the models are written: CTEs, unions, stars, subqueries, files."""

from __future__ import annotations

import pytest

from orchestration.dbt.column_lineage import FILES, column_origins

ORDERS, PEOPLE = ("shop", "orders"), ("shop", "people")
COLUMNS = {ORDERS: ["id", "person", "price", "amount"], PEOPLE: ["person", "name"]}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "select id as key, price * amount as cost from shop.orders",
            {"key": ["id"], "cost": ["amount", "price"]},
        ),
        (
            "with o as (select * from warehouse.shop.orders), x as (select o.*, price as p from o) select id, p from x",
            {"id": ["id"], "p": ["price"]},
        ),
        (
            "with a as (select id, price from shop.orders union all select person, amount from shop.orders) "
            "select id, price from a",
            {"id": ["id", "person"], "price": ["amount", "price"]},
        ),
        ("select 1 as one, (select max(price) from shop.orders) as most", {"one": [], "most": ["price"]}),
        (
            "select sum(price) over (partition by person order by id) as running from shop.orders",
            {"running": ["id", "person", "price"]},
        ),
    ],
)
def test_columns_are_followed_to_their_tables(sql: str, expected: dict[str, list[str]]) -> None:
    found = column_origins(sql, COLUMNS)
    assert {name: sorted(column for _, column in origins) for name, origins in found.items()} == expected
    assert {table for origins in found.values() for table, _ in origins} <= {ORDERS}


def test_join_tells_which_table() -> None:
    found = column_origins(
        "select p.name, o.price from shop.orders as o left join shop.people as p on o.person = p.person", COLUMNS
    )
    assert found == {"name": frozenset({(PEOPLE, "name")}), "price": frozenset({(ORDERS, "price")})}


def test_spark_sql_is_read_too() -> None:
    found = column_origins(
        "with delivered as (select *, _metadata.file_path as lake_file from parquet.`/lake/{a,b}.parquet`) "
        "select cast(d.start as timestamp) as start_utc, n.name from delivered as d "
        "inner join shop.people as n on d.slice = n.person",
        COLUMNS,
        "spark",
    )
    assert found == {"start_utc": frozenset({(FILES, "start")}), "name": frozenset({(PEOPLE, "name")})}


def test_files_are_told_from_the_tables_that_they_are_joined_with() -> None:
    found = column_origins(
        """
        with delivered as (select * from (
            select d.* exclude (filename), n.name as told_by
            from read_parquet(['a', 'b'], filename = true) as d inner join shop.people as n on d.slice = n.person
        ))
        select timezone('UTC', start) as start_utc, told_by from delivered
        """,
        COLUMNS,
    )
    assert found == {"start_utc": frozenset({(FILES, "start")}), "told_by": frozenset({(PEOPLE, "name")})}
