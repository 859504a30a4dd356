"""The publication by owner of a sample company with many owners, in seconds.

    python -m benchmarks.owner_files --owners 200 --home var/sample

Takes the published marts of a home that `make run` has refreshed, and adds services to its registry's owners: the rows of
each owner that has any are dealt out to new services below it. So the ledger keeps its rows and sums, and every department
and team above sees them too. Quote the processor's seconds: they hardly depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from ingestion.settings import Home
from orchestration.assets.publication import MARTS
from orchestration.publication.owner_files import publish_owner_files
from orchestration.publication.owner_scope import OwnRows


def deal_out(source: Path, target: Path, owners: int) -> int:
    """Copy published marts, their rows dealt out to so many owners. Gives the rows that belong to owners."""
    rows = 0
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"attach '{source}' as source (read_only)")
        connection.execute(
            "create temp table parts as with spending as (select distinct owner_id from source.main.fact_cost), "
            "declared as (select count(distinct owner_id) as n from source.main.dim_owner) "
            f"select owner_id, cast(ceil(({owners} - n) / (select count(*) from spending)) as integer) as services "
            "from spending, declared"
        )
        for mart in MARTS:
            if mart.is_view:
                continue
            relation, select = f'source.main."{mart.name}"', f'select * from source.main."{mart.name}"'
            if mart.name == "dim_owner":
                select += f"""
                    union all by name
                    select owners.* replace (
                        owner_key || '.' || number as owner_key,
                        owner_id || '.' || number as owner_id,
                        owner_id as parent_owner_id
                    )
                    from {relation} as owners
                    inner join parts using (owner_id), unnest(range(services)) as numbers(number)
                """
            elif isinstance(mart.owners_see, OwnRows):
                owner = mart.owners_see.owner
                known = "owner_id" if "owner_id" in mart.types else owner
                service = "'.' || (mart.rowid % services)"
                columns = ", ".join(
                    f"case when services > 0 then mart.{name} || {service} else mart.{name} end as {name}"
                    for name in ("owner_id", "owner_key")
                    if name in mart.types
                )
                select = f"select mart.* replace ({columns}) from {relation} as mart left join parts on mart.{known} = parts.owner_id"
            connection.execute(f'create table "{mart.name}" as {select}')
            if isinstance(mart.owners_see, OwnRows):
                found = connection.execute(f'select count(*) from "{mart.name}"').fetchone()
                rows += int(found[0]) if found else 0
        for mart in MARTS:
            if mart.is_view:
                sql = connection.execute(
                    f"select sql from duckdb_views() where database_name = 'source' and view_name = '{mart.name}'"
                ).fetchone()
                connection.execute(str(sql[0]) if sql else "")
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--owners", type=int, nargs="+", default=[50, 200])
    parser.add_argument("--home", type=Path, required=True)
    arguments = parser.parse_args()
    os.environ.pop("COSTOWNER_PUBLISHED", None)
    print(
        "| owners | rows of the marts | rows of all owners' files | files, MB | seconds |\n|---|---|---|---|---|"
    )
    for owners in arguments.owners:
        with tempfile.TemporaryDirectory(prefix="costowner-owner-files-") as folder:
            home = Home(Path(folder))
            home.published.mkdir()
            rows = deal_out(Home(arguments.home).database, home.database, owners)
            started, used = time.perf_counter(), time.process_time()
            done = publish_owner_files(home, MARTS)
            seconds, processor = time.perf_counter() - started, time.process_time() - used
            size = sum(file.stat().st_size for file in home.owners.rglob("*.duckdb")) / 1e6
            print(
                f"| {done.owners} | {rows:,} | {done.rows:,} | {size:,.0f} | {seconds:.1f} | {processor:.1f} |",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
