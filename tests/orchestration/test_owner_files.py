"""The publication by owner: an owner's file has its own rows, exactly, and nothing of anybody else's."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from ingestion.settings import Home
from orchestration.dbt.engine import Engine
from orchestration.environment import prepare
from orchestration.publication.owner_files import publish_owner_files
from orchestration.publication.owner_folders import folder_name
from orchestration.publication.owner_scope import EVERYTHING, ITS_TABLE, NOTHING, OwnRows, owners_see
from orchestration.publication.publish import publish_database, publish_parquet
from orchestration.publication.warehouse import Mart, built_marts

BEFORE, AFTER = date(2026, 9, 20), date(2026, 10, 20)
HANDOVER, FIRST, LAST = date(2026, 10, 1), date(2026, 1, 1), date(9999, 12, 31)
# Owners, each with its parents and the first day under each. `svc` changes hands; above `svc2` only the department changes.
OWNERS: dict[str, list[tuple[str | None, date]]] = {
    "dept": [(None, FIRST)],
    "dept2": [(None, FIRST)],
    "alpha": [("dept", FIRST)],
    "beta": [("dept", FIRST)],
    "gamma": [("dept", FIRST), ("dept2", HANDOVER)],
    "svc": [("alpha", FIRST), ("beta", HANDOVER)],
    "svc2": [("gamma", FIRST)],
    "../dept": [(None, FIRST)],
    "ALPHA": [(None, FIRST)],
    "a/b's": [(None, FIRST)],
    "unowned": [(None, FIRST)],
}
# Who sees, beside its own rows, whose: of before the handover, of after it.
BELOW: dict[str, tuple[set[str], set[str]]] = {
    "dept": ({"alpha", "beta", "gamma", "svc", "svc2"}, {"alpha", "beta", "svc"}),
    "dept2": (set(), {"gamma", "svc2"}),
    "alpha": ({"svc"}, set()),
    "beta": (set(), {"svc"}),
    "gamma": ({"svc2"}, {"svc2"}),
}
NUMBERS = {owner: number for number, owner in enumerate(OWNERS)}
CANARY = re.compile(r"canary(\d+)([bav])!")
Seen = set[tuple[str, str]]


def seen_by(reader: str) -> Seen:
    """The owners whose rows of before (`b`) and after (`a`) the handover somebody sees, and a version (`v`) of them."""
    before, after = BELOW.get(reader, (set(), set()))
    eras = {"b": before, "a": after, "v": before | after}
    return {(owner, era) for era, below in eras.items() for owner in {reader} | below}


def canary(owner: str, era: str) -> str:
    return f"canary{NUMBERS[owner]}{era}!"


def canaries(text: str) -> Seen:
    names = list(OWNERS)
    return {(names[int(number)], era) for number, era in CANARY.findall(text)}


def versions() -> Iterator[dict[str, Any]]:
    for owner, parents in OWNERS.items():
        ends = [start for _, start in parents[1:]] + [LAST]
        for (parent, start), end in zip(parents, ends, strict=True):
            yield {
                "owner_key": f"{owner}@{start}",
                "owner_id": owner,
                "parent_owner_id": parent,
                "valid_from": start,
                "valid_to": end,
            }


def planted(mart: Mart, owner: str, era: str) -> dict[str, Any]:
    """A row of a mart: every text of it is the owner's canary, but for ids and months; every amount is its own.

    What all owners see is nobody's, and has none.
    """
    day = BEFORE if era == "b" else AFTER
    number = NUMBERS[owner] * 2 + (era == "a") + 1
    values: dict[str, Any] = {
        "string": "the company's" if mart.owners_see == EVERYTHING else canary(owner, era),
        "date": day,
        "timestamp": datetime.combine(day, datetime.min.time()) + timedelta(hours=9),
        "boolean": True,
        "bigint": number,
        "integer": number,
    }
    row = {
        name: Decimal(f"{number}.000000000001") if kind == "decimal(38,12)" else values.get(kind, number)
        for name, kind in mart.types.items()
    }
    key = next(
        version["owner_key"]
        for version in versions()
        if version["owner_id"] == owner and version["valid_from"] <= day < version["valid_to"]
    )
    known = {"owner_id": owner, "owner_key": key, "billing_month": f"{day:%Y-%m}", "billing_currency": "USD"}
    return row | {name: value for name, value in known.items() if name in row}


def rows_of(mart: Mart) -> list[dict[str, Any]]:
    if mart.name == "dim_owner":
        return [{**dict.fromkeys(mart.types), "name": canary(row["owner_id"], "v"), **row} for row in versions()]
    return [planted(mart, owner, era) for owner in OWNERS for era in "ba"]


def build(home: Home, marts: Sequence[Mart], rows: Mapping[str, list[dict[str, Any]]] | None = None) -> None:
    """A published database of these marts, with planted rows or others."""
    home.published.mkdir(exist_ok=True)
    home.database.unlink(missing_ok=True)
    with duckdb.connect(str(home.database)) as connection:
        for mart in sorted(marts, key=lambda mart: mart.is_view):
            if mart.is_view:
                connection.execute(f'create view "{mart.name}" as select * from main.fact_cost')
                continue
            columns = ", ".join(f'"{name}" {kind.replace("string", "text")}' for name, kind in mart.types.items())
            connection.execute(f'create table "{mart.name}" ({columns})')
            found = rows_of(mart) if rows is None or mart.name not in rows else rows[mart.name]
            if found:
                values = ", ".join("?" for _ in mart.types)
                connection.executemany(
                    f'insert into "{mart.name}" values ({values})',
                    [[row[name] for name in mart.types] for row in found],
                )


def owner_file(home: Home, owner: str) -> Path:
    return home.owners / folder_name(owner) / "marts.duckdb"


def read_all(file: Path, queries: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return [connection.execute(sql).fetchall() for sql in queries]


def read(file: Path, sql: str) -> list[tuple[Any, ...]]:
    return read_all(file, [sql])[0]


def tables(file: Path) -> set[str]:
    return {
        name
        for (name,) in read(
            file,
            "select table_name from duckdb_tables() union select view_name from duckdb_views() where not internal",
        )
    }


@pytest.fixture
def marts(read_home: Home) -> list[Mart]:
    return built_marts(read_home)


@pytest.fixture
def small(marts: list[Mart]) -> list[Mart]:
    """Marts of each kind with few columns."""
    return [mart for mart in marts if mart.name in ("dim_owner", "dim_date", "llm_identity", "llm_capture")]


@pytest.fixture(scope="module")
def root_of_planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("planted")


@pytest.fixture
def planted_home(root_of_planted: Path, marts: list[Mart]) -> Home:
    """All marts with planted rows, published by owner: once, by the first test that asks for it. Nobody writes it."""
    home = Home(root_of_planted)
    if not home.owners.exists():
        build(home, marts)
        assert publish_owner_files(home, marts).owners == len(OWNERS)
    return home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    return home


def test_every_mart_declares_what_owners_see(read_home: Home) -> None:
    nodes = json.loads(Engine.from_environment().manifest(read_home).read_text())["nodes"]
    found = {mart.name: mart for mart in built_marts(read_home)}
    of_owners = {"owner_id", "owner_key", "team_owner_id", "steward", "contact", "resource_id", "tags", "message"}
    declared = {name for name, mart in found.items() if mart.owners_see != NOTHING}
    assert {"fact_cost", "dim_owner", "fact_reconciliation", "focus_cost_and_usage_1_4"} <= declared
    for mart in found.values():
        node = nodes[f"model.costowner.{mart.name}"]
        assert "owners_see" in node["config"]["meta"], f"{mart.name}: declare meta owners_see in its YAML"
        if isinstance(mart.owners_see, OwnRows):
            named = {mart.owners_see.owner, mart.owners_see.month or "owner_id", *mart.owners_see.days}
            assert not mart.is_view and named | set(mart.owners_see.hidden) <= mart.types.keys() | {"owner_id"}, (
                mart
            )
        elif mart.owners_see == EVERYTHING:
            assert not mart.is_view and not mart.types.keys() & of_owners, mart.name
        elif mart.owners_see == ITS_TABLE:
            tables_of = [nodes[name]["name"] for name in node["depends_on"]["nodes"]]
            assert mart.is_view and all(isinstance(found[name].owners_see, OwnRows) for name in tables_of), (
                mart.name
            )


@pytest.mark.parametrize("declared", ["all", {"days": "day"}, {"owner": "owner_id", "hide": ["x"]}, ["owner_id"]])
def test_a_declaration_that_nobody_understands_is_refused(declared: object) -> None:
    with pytest.raises(ValueError, match="fact_cost: meta owners_see"):
        owners_see("fact_cost", declared)


def test_an_owners_file_has_no_canary_of_others_and_all_of_its_own(planted_home: Home, marts: list[Mart]) -> None:
    shown = [mart for mart in marts if isinstance(mart.owners_see, OwnRows) or mart.owners_see == ITS_TABLE]
    for reader in OWNERS:
        file, expected = owner_file(planted_home, reader), seen_by(reader)
        assert tables(file) == {mart.name for mart in marts if mart.owners_see != NOTHING}
        in_bytes = canaries(file.read_bytes().decode("latin-1"))
        assert in_bytes <= expected and (reader, "a") in in_bytes, reader
        for mart, rows in zip(shown, read_all(file, [f'from "{mart.name}"' for mart in shown]), strict=True):
            eras = "v" if mart.name == "dim_owner" else "ba"
            found = canaries(repr(rows))
            assert found == {(owner, era) for owner, era in expected if era in eras}, (reader, mart)
            assert mart.name == "dim_owner" or named(repr(rows)) <= {owner for owner, _ in expected}


def named(texts: str) -> set[str]:
    """The owners whose ids stand in what was read."""
    return {owner for owner in OWNERS if repr(owner) in texts}


def test_an_owners_rows_are_those_of_the_whole_but_for_what_shows_others(
    planted_home: Home, marts: list[Mart]
) -> None:
    own = {
        mart.name: mart.owners_see.hidden
        for mart in marts
        if isinstance(mart.owners_see, OwnRows) and "owner_id" in mart.types
    }
    assert own["fact_cost"] == ("allocation_ratio", "allocated_method_details")
    for reader in OWNERS:
        where = "where owner_id = '" + reader.replace("'", "''") + "' order by all"
        found = read_all(owner_file(planted_home, reader), [f'from "{name}" {where}' for name in own])
        without = {
            name: "replace (" + ", ".join(f'null as "{column}"' for column in hidden) + ")" if hidden else ""
            for name, hidden in own.items()
        }
        whole = [f'select * {without[name]} from "{name}" {where}' for name in own]
        assert found == read_all(planted_home.database, whole) and all(found), reader
    totals = [f'from "{mart.name}" order by all' for mart in marts if mart.owners_see == EVERYTHING]
    assert read_all(owner_file(planted_home, "svc"), totals) == read_all(planted_home.database, totals)


def test_an_owners_costs_add_up_to_those_of_the_ledger_by_currency(home: Home, marts: list[Mart]) -> None:
    marts = [mart for mart in marts if mart.name in ("dim_owner", "fact_cost", "fact_reconciliation")]
    (ledger,) = [mart for mart in marts if mart.name == "fact_cost"]
    rows = [
        {
            **planted(ledger, owner, era),
            "billing_currency": currency,
            "billed_cost": Decimal(f"0.{number}") / divisor,
        }
        for number, owner in enumerate(("alpha", "beta", "svc"), start=123456789)
        for era in "ba"
        for currency, divisor in (("USD", 1), ("EUR", -7))
    ]
    build(home, marts, {"fact_cost": rows})
    publish_owner_files(home, marts)
    sums = "select billing_currency, sum(billed_cost) from fact_cost {} group by 1 order by 1"
    for owner in ("alpha", "beta", "svc", "unowned"):
        where = f"where owner_id = '{owner}'"
        assert read(owner_file(home, owner), sums.format(where)) == read(home.database, sums.format(where))
    below = "where owner_id in ('alpha', 'beta', 'svc')"
    assert read(owner_file(home, "dept"), sums.format("")) == read(home.database, sums.format(below))
    totals = "select * from fact_reconciliation order by all"
    assert read(owner_file(home, "svc"), totals) == read(home.database, totals) != []


def test_an_owner_that_was_handed_over_is_described_to_each_team_as_of_its_time(planted_home: Home) -> None:
    expected = {
        "alpha": {f"alpha@{FIRST}", f"svc@{FIRST}"},
        "beta": {f"beta@{FIRST}", f"svc@{HANDOVER}"},
        "svc": {f"svc@{FIRST}", f"svc@{HANDOVER}"},
        "dept2": {f"dept2@{FIRST}", f"gamma@{HANDOVER}", f"svc2@{FIRST}"},
    }
    for reader, keys in expected.items():
        assert {
            key for (key,) in read(owner_file(planted_home, reader), "select owner_key from dim_owner")
        } == keys


def test_a_month_in_which_an_owner_moved_is_its_own_and_that_of_who_was_above_all_along(
    home: Home, marts: list[Mart]
) -> None:
    """Its amounts are of both times: neither the team before nor the one after sees the other's part."""
    (owners,) = [mart for mart in marts if mart.name == "dim_owner"]
    (changes,) = [mart for mart in marts if mart.name == "fact_cost_revision"]
    marts = [owners, changes]
    moved = [
        {**row, "valid_to": date(2026, 10, 16)}
        if row["owner_key"] == f"svc@{FIRST}"
        else {**row, "valid_from": date(2026, 10, 16)}
        if row["owner_key"] == f"svc@{HANDOVER}"
        else row
        for row in rows_of(owners)
    ]
    build(home, marts, {"dim_owner": moved, "fact_cost_revision": [planted(changes, "svc", "a")]})
    publish_owner_files(home, marts)
    found = {owner: read(owner_file(home, owner), "select owner_id from fact_cost_revision") for owner in OWNERS}
    assert {owner for owner, rows in found.items() if rows} == {"svc", "dept"}


def test_a_mart_without_a_declaration_is_left_out(home: Home, small: list[Mart]) -> None:
    undeclared = Mart("fresh", False, {"owner_id": "string", "note": "string"})
    build(home, [*small, undeclared])
    publish_owner_files(home, [*small, undeclared])
    assert "fresh" not in tables(owner_file(home, "alpha")) and "llm_identity" in tables(owner_file(home, "alpha"))


def modes(folder: Path) -> dict[str, int]:
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


def test_an_owners_folder_is_nobodys_until_it_is_granted_and_stays_granted(home: Home, small: list[Mart]) -> None:
    build(home, small)
    before = os.umask(0)
    try:
        publish_owner_files(home, small)
        assert modes(home.owners)["."] == 0o711, "names of owners cannot be listed"
        assert modes(home.owners)["alpha"] == 0o700 and modes(home.owners)["alpha/marts.duckdb"] == 0o444
        (home.owners / "alpha").chmod(0o2750)
        (home.owners / "beta").chmod(0o777)
        publish_owner_files(home, small)
    finally:
        os.umask(before)
    found = modes(home.owners)
    assert found["alpha"] == 0o2750 and found["beta"] == 0o770, "a group keeps its grant; everybody has none"
    assert found["svc"] == 0o700 and len(found) == 1 + 2 * len(OWNERS)
    assert sorted(path.name for path in home.published.iterdir()) == ["marts.duckdb", "owners"], "and no draft"


def test_an_owner_that_is_not_declared_any_more_loses_its_folder(home: Home, small: list[Mart]) -> None:
    build(home, small)
    publish_owner_files(home, small)
    (home.owners / "alpha" / "marts.duckdb.wal").write_text("a tool's")
    (home.owners / "notes.txt").write_text("an operator's")
    (owners,) = [mart for mart in small if mart.name == "dim_owner"]
    kept = [row for row in rows_of(owners) if row["owner_id"] not in ("alpha", "../dept", "svc")]
    build(home, small, {"dim_owner": kept})
    done = publish_owner_files(home, small)
    assert done.removed == sorted(["alpha", folder_name("../dept"), "svc"])
    expected = {folder_name(row["owner_id"]) for row in kept} | {"notes.txt"}
    assert {path.name for path in home.owners.iterdir()} == expected


def test_a_publication_that_fails_leaves_every_owners_file_as_it_was(home: Home, small: list[Mart]) -> None:
    build(home, small)
    publish_owner_files(home, small)
    files = {owner: owner_file(home, owner).stat().st_ino for owner in OWNERS}
    with duckdb.connect(str(home.database)) as connection:
        connection.execute("drop table dim_date")
    with pytest.raises(duckdb.CatalogException, match="dim_date"):
        publish_owner_files(home, small)
    assert {owner: owner_file(home, owner).stat().st_ino for owner in OWNERS} == files
    assert [path.name for path in home.published.glob(".new*")] == []


def test_folder_names_are_safe_and_differ_for_any_ids() -> None:
    ids = [
        *(
            "",
            ".",
            "..",
            "../x",
            "/etc",
            "a/b",
            "a%2fb",
            "team",
            "Team",
            "TEAM",
            "é",
            "e\u0301",
            "team ",
            "ana@x.example",
        ),
        *("%", "~", "\x00", "\n", "\ud800", "con:aux", "x" * 300, "x" * 301, "ü" * 100, "." * 250),
    ]
    names = [folder_name(owner) for owner in ids]
    assert len({name.casefold() for name in names}) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9_%@~-][a-z0-9_.%@~-]{0,199}", name) for name in names), names
    assert folder_name("svc-checkout.v2") == "svc-checkout.v2" and folder_name("Team A/b") == "%54eam%20%41%2fb"


@pytest.mark.parametrize(
    "access, published, folder, file",
    [
        ("everyone", 0o755, 0o755, 0o444),
        ("group", 0o751, 0o750, 0o440),
        ("user", 0o711, 0o700, 0o400),
    ],
)
def test_the_setting_names_who_may_read_the_whole(
    home: Home, environment: None, access: str, published: int, folder: int, file: int
) -> None:
    os.environ["COSTOWNER_PUBLISHED_ACCESS"] = access
    prepare(home)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create table one as select 1 as x")
    publish_database(home, [Mart("one", False, {})])
    publish_parquet(home, [Mart("one", False, {})])
    found = modes(home.published)
    assert found.pop(".") == published and found["marts.duckdb"] == file
    assert set(found.values()) == {folder, file} and found["parquet"] == folder


def test_a_setting_that_closes_the_publication_holds_at_once_and_leaves_the_owners_folders(
    home: Home, environment: None, small: list[Mart]
) -> None:
    prepare(home)
    build(home, small)
    publish_owner_files(home, small)
    (home.owners / "alpha").chmod(0o750)
    home.database.chmod(0o444)
    os.environ["COSTOWNER_PUBLISHED_ACCESS"] = "user"
    prepare(home)
    found = modes(home.published)
    assert found["."] == 0o711 and found["marts.duckdb"] == 0o400
    assert found["owners"] == 0o711 and found["owners/alpha"] == 0o750
    del os.environ["COSTOWNER_PUBLISHED_ACCESS"]
    home.published.chmod(0o750)
    prepare(home)
    assert modes(home.published)["."] == 0o750, "without the setting it stays as somebody granted it"


def test_the_asset_publishes_by_owner_only_where_it_is_set(
    read_home: Home, small: list[Mart], monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.assets import publication
    from orchestration.run_lock import RUN_LOCK, RunLock

    build(read_home, small)
    monkeypatch.setattr(publication, "MARTS", small)

    def materialized() -> Sequence[dg.AssetMaterialization]:
        result = dg.materialize([publication.published_owners], resources={RUN_LOCK: RunLock()})
        return result.asset_materializations_for_node("published__owners")

    try:
        assert not materialized() and not read_home.owners.exists()
        monkeypatch.setenv("COSTOWNER_PUBLISH_BY_OWNER", "true")
        (done,) = materialized()
        assert done.metadata["owners"].value == len(OWNERS) == len(list(read_home.owners.iterdir()))
    finally:
        shutil.rmtree(read_home.owners, ignore_errors=True)
        read_home.database.unlink()
