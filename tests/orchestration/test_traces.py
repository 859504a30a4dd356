"""What runs left goes: outputs past their age, and what an earlier release quoted of a file."""

import os
from datetime import UTC, datetime, timedelta

import dagster as dg
import pyarrow.parquet as pq

from ingestion.lake.contract import DELIVERIES
from ingestion.settings import Home
from orchestration.retention.traces import purge_traces
from tests.faults.search import found_below

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
WORD = "somebodys-prompt"
QUOTES = (
    f"Invalid Input Error: CSV Error on Line: 3\nOriginal Line: a,{WORD}\nExpected 3 columns",
    f'Invalid Input Error: Malformed JSON in file "x.jsonl", at byte 9: unexpected content. Input: "{WORD}',
    f"Conversion Error: Could not convert string '{WORD}' to DECIMAL(38,12)",
)


def with_notes(home: Home, *messages: str | None) -> None:
    folder = home.lake / "raw_llm_gateway" / DELIVERIES.name
    folder.mkdir(parents=True)
    notes = [{"state": "refused", "message": message} for message in messages]
    pq.write_table(DELIVERIES.rows("canonical|2026-11-01", notes), folder / "1.a.parquet")
    pq.write_table(DELIVERIES.rows("canonical|2026-11-02", [{"state": "empty"}]), folder / "2.a.parquet")


@dg.op
def lands(context: dg.OpExecutionContext) -> None:
    context.log.error(f"refused: {QUOTES[0]}")
    raise ValueError(QUOTES[2])


@dg.op
def works(context: dg.OpExecutionContext) -> None:
    context.log.info("nothing new was delivered")


def run(instance: dg.DagsterInstance, op: dg.OpDefinition) -> str:
    @dg.job(name=op.name)
    def job() -> None:
        op()

    return job.execute_in_process(instance=instance, raise_on_error=False).run_id


def test_what_an_earlier_release_quoted_goes_from_notes_and_from_dagsters_history(prepared_home: Home) -> None:
    home = prepared_home
    kept = "logs/x.jsonl, line 3: not JSON; the line is cut off or garbled"
    with_notes(home, kept, None, *(f"logs/x.csv: {quote}" for quote in QUOTES))
    untouched = home.lake / "raw_llm_gateway" / DELIVERIES.name / "2.a.parquet"
    before = untouched.stat().st_ino
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        bad, good = run(instance, lands), run(instance, works)
        assert found_below(home.root, [WORD])
        done = purge_traces(home, NOW, instance)
        assert (done.notes, done.runs) == (1, 1)
        assert instance.get_run_by_id(bad) is None and instance.get_run_by_id(good) is not None
        assert found_below(home.root, [WORD]) == set()
        # Later runs may quote the words that DuckDB uses: they are this release's own.
        again = run(instance, lands)
        assert purge_traces(home, NOW, instance).runs == 0 and instance.get_run_by_id(again) is not None
        instance.delete_run(again)
    found = pq.read_table(untouched.with_name("1.a.parquet"), partitioning=None).to_pylist()
    messages = [note["message"] for note in found]
    assert messages[:2] == [kept, None]
    assert {message[:12] for message in messages[2:]} == {"logs/x.csv: "} and WORD not in repr(found)
    assert {note["state"] for note in found} == {"refused"} and untouched.stat().st_ino == before


def test_outputs_of_runs_go_after_thirty_days(prepared_home: Home) -> None:
    home = prepared_home
    places = (
        "dagster/storage/run/compute_logs/step.err",
        "dbt_target/dbt.log.1",
        "dbt_target_spark/other_output.log",
        "logs/refresh-20261001T060000Z.log",
    )
    kept = ("dbt_target/dbt.log", "dbt_target/run_results.json", "lake/raw_aws/x.parquet")
    for place in (*places, *kept):
        file = home.root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        age = timedelta(days=29 if place == "dbt_target/dbt.log" else 31)
        moment = (NOW - age).timestamp()
        os.utime(file, (moment, moment))
    with dg.DagsterInstance.ephemeral() as instance:
        assert purge_traces(home, NOW, instance).outputs == len(places)
    assert [place for place in (*places, *kept) if (home.root / place).exists()] == list(kept)
