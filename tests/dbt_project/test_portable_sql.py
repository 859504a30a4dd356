"""What only one engine can say stands in `macros/engine/`: models, tests and the other macros call nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.dbt.project_files import DBT_PROJECT
from tests.engines import DuckDb, Spark, needs_spark

# What is written where one engine has a way of its own, and what to write in its place.
INSTEAD = {
    r"json_extract(_string)?\(|->>?|get_json_object\(": "json_text(column, name)",
    r"json_each\(|from_json\(": "json_pairs(relation, column)",
    r"to_json\(": "map_json(column), json_object(pairs) or json_of_text(expression)",
    r"string_agg\(|listagg\(|group_concat\(|collect_list\(": "joined_text(expression, order_by)",
    r"generate_series\(|range\(|sequence\(|explode\(|unnest\(": "days_between(first, last)",
    r"timezone\(|at time zone|to_utc_timestamp\(": "utc_timestamp(column), utc_instant(column) or local_midnight(…)",
    r"read_(parquet|json|csv)(_auto)?\(|parquet\.`": "lake_table(dataset, table)",
    r"hugeint|int128": "whole_number(expression)",
    r"divide\(|//|\bdiv\b": "whole_quotient(dividend, divisor)",
    r"isodow\(|weekday\(|dayofweek\(|strftime\(|date_format\(": "iso_weekday(column) or month_text(column)",
    r"regexp_extract\(|regexp_matches\(": "regex_group(column, pattern, group)",
    r"now\(\)|current_date|current_timestamp|today\(\)": "today()",
    r"md5\(": "md5_key(expressions)",
    r"list_\w+\(|array_\w+\(|struct_pack\(": "a macro of your own in macros/engine/",
    r"::": "cast(… as …)",
    r"\bqualify\b": "row_number() in a CTE",
    r"\*\s*(exclude|replace|except)\b": "the columns by name",
    r"\bilike\b": "lower(…) like …",
}
# Words before a bracket that are no functions.
KEYWORDS = {
    "and",
    "as",
    "by",
    "case",
    "cast",
    "end",
    "exists",
    "filter",
    "from",
    "group",
    "having",
    "in",
    "inner",
    "join",
    "not",
    "on",
    "or",
    "over",
    "partition",
    "select",
    "then",
    "union",
    "values",
    "when",
    "where",
    "with",
    "using",
    "distinct",
    "all",
    "else",
    "decimal",
    "interval",
    "lateral",
    "is",
    "between",
    "left",
    "right",
    "like",
}


def portable_files() -> Iterator[Path]:
    for folder in ("models", "tests", "macros/ledger", "macros/lake"):
        yield from sorted((DBT_PROJECT / folder).rglob("*.sql"))


def sql_of(text: str) -> str:
    """A model's SQL without comments, text literals and what Jinja calls: macros are not its concern."""
    text = re.sub(r"\{#.*?#\}", " ", text, flags=re.DOTALL)
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " jinja ", text, flags=re.DOTALL)
    text = re.sub(r"--[^\n]*", " ", text)
    return re.sub(r"'(?:[^']|'')*'", "''", text).lower()


def problems(name: str, text: str, known: set[str] | None = None) -> list[str]:
    """The SQL of a model that only one engine understands, a line each, with the macro to use.

    `known` are the functions that both engines have; None looks at the usual suspects only.
    """
    sql = sql_of(text)
    found = []
    for pattern, macro in INSTEAD.items():
        match = re.search(rf"(?<![\w.]){pattern}" if pattern[0].isalpha() else pattern, sql)
        if match:
            found.append(f"{name}: `{match[0].strip()}` is not the same on DuckDB and Spark; use {macro}")
    if known is not None:
        called = set(re.findall(r"(?<![\w.])([a-z_][a-z0-9_]*)\(", sql)) - KEYWORDS - known
        found += [
            f"{name}: `{function}(` is not known to both DuckDB and Spark; write a macro in macros/engine/"
            for function in sorted(called)
        ]
    return found


@pytest.mark.parametrize("file", portable_files(), ids=lambda file: file.stem)
def test_model_says_nothing_that_only_one_engine_knows(file: Path) -> None:
    assert not problems(str(file.relative_to(DBT_PROJECT)), file.read_text())


@pytest.mark.parametrize(
    ("sql", "macro"),
    [
        ("select json_extract_string(tags, '$.team') from t", "json_text"),
        ("select string_agg(name, ',') from t", "joined_text"),
        ("select cost::decimal(38, 12) from t", "cast"),
        ("select * exclude (a) from t", "columns by name"),
        ("select a from t qualify row_number() over (order by a) = 1", "row_number"),
        ("select tags ->> 'team' from t", "json_text"),
    ],
)
def test_model_that_breaks_the_rule_is_named_with_the_macro_to_use(sql: str, macro: str) -> None:
    (problem,) = problems("models/marts/x.sql", sql)
    assert problem.startswith("models/marts/x.sql: ") and macro in problem


def test_what_jinja_text_and_comments_say_is_no_sql() -> None:
    assert not problems("x", "select {{ json_extract('a') }}, 'list_sum(' as t from t -- qualify\n{# a::b #}")


@needs_spark
def test_every_function_of_every_model_is_known_to_both_engines() -> None:
    spark = Spark()
    try:
        of_spark = {str(name).lower() for (name,) in spark.rows("show functions")}
    finally:
        spark.close()
    of_duckdb = {str(name) for (name,) in DuckDb().rows("select distinct function_name from duckdb_functions()")}
    # Both parse these themselves.
    known = (of_spark & of_duckdb) | {"coalesce", "nullif", "extract", "substr", "try_cast"}
    found = [
        problem
        for file in portable_files()
        for problem in problems(str(file.relative_to(DBT_PROJECT)), file.read_text(), known)
    ]
    assert not found, "\n".join(found)
    assert "json_extract_string" not in known and "sum" in known
