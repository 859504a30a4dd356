"""Each macro of `macros/engine/` gives the same results on both engines."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fnmatch import fnmatchcase
from hashlib import md5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.sources.aws.shape import exact_decimal
from tests.engines import DuckDb, Sql
from tests.macros.render import MACROS, rendered

PLACES = Decimal("0.000000000001")


def money(amount: object) -> str:
    return f"cast('{amount}' as decimal(38, 12))"


# A call and its result. A result that is not a decimal is compared as text.
CASES = [
    ("amount_of_text(\"'0.0000166667'\")", Decimal("0.0000166667")),
    ("amount_of_text(\"'12345678.9000000000005'\")", Decimal("12345678.900000000001")),
    ("amount_of_text(\"'-0.0000000000004'\")", Decimal("0")),
    ("amount_of_text(\"'9E-14'\")", Decimal("0")),
    ("amount_of_text(\"'1.5e-7'\")", Decimal("0.00000015")),
    ("amount_of_text(\"'see the price list'\")", None),
    ('decimal_text("' + money("0.00000012") + '")', "0.000000120000"),
    ('decimal_text("' + money("-1234567890123.5") + '")', "-1234567890123.500000000000"),
    ('decimal_text("' + money(0) + '")', "0.000000000000"),
    (
        "md5_key([\"'a'\", 'null', \"''\", \"" + money("0.00000012") + '", "timestamp \'2026-11-01 00:00:00\'"])',
        md5(b"a|~||0.000000120000|2026-11-01 00:00:00").hexdigest(),
    ),
    (
        'decimal_product("' + money("12345678.000000000001") + '", "' + money("0.5") + '")',
        Decimal("6172839.000000000001"),
    ),
    ('decimal_product("' + money("-0.000000000001") + '", "' + money("0.5") + '")', Decimal("-0.000000000001")),
    ('whole_quotient("180000000000000000000000000", "7")', "25714285714285714285714285"),
    ('whole_quotient("25999999999999999999999999", "1")', "25999999999999999999999999"),
    ('whole_remainder("38000000000000000000000000000", "7")', "4"),
    ('whole_quotient("-7", "2")', "-3"),
    ('to_units("' + money("-1234567.000000000001") + '")', "-1234567000000000001"),
    ('from_units("1234567000000000001")', Decimal("1234567.000000000001")),
    ('ratio("1", "3")', Decimal("0.333333333333")),
    ('net_share("' + money("0.3") + '", "' + money("0.094") + '", "' + money("0.1") + '")', Decimal("0.282")),
    ('net_share("' + money("9000000") + '", "' + money("2") + '", "' + money("3") + '")', Decimal("6000000")),
    (
        'net_share("' + money("9000000000") + '", "' + money("8e9") + '", "' + money("9e9") + '")',
        Decimal("8000000000"),
    ),
    ('net_share("' + money("-0.3") + '", "' + money("0.094") + '", "' + money("0.1") + '")', Decimal("-0.282")),
    ('net_share("' + money("4") + '", "cast(null as decimal(38, 12))", "' + money("3") + '")', Decimal("4")),
    ("first_part(\"'a|b|c'\")", "a"),
    ("text_before_last(\"'gpt-5, cached, input'\", ', ')", "gpt-5, cached"),
    ("text_before_last(\"'gpt-5'\", ', ')", "gpt-5"),
    ("text_after_last(\"'gpt-5, cached, input'\", ', ')", "input"),
    ("text_after_last(\"'gpt-5'\", ', ')", None),
    ("regex_group(\"'USE1-NovaPro-output-tokens'\", '^(?:[A-Z]+[0-9]+-)?(.+?)-output', 1)", "NovaPro"),
    ("regex_group(\"'none'\", '(x)', 1)", None),
    ("load_of_file(\"'/lake/raw_x/t/1795452358.031235.891faecbf1.parquet'\")", "1795452358.031235"),
    ('json_text("\'{\\"a.b\\":\\"x\\",\\"n\\":null}\'", \'a.b\')', "x"),
    ('json_text("\'{\\"a\\":1,\\"n\\":null}\'", \'n\')', None),
    ('json_first_of_list("\'{\\"team\\":[\\"a\\",\\"b\\"]}\'", \'team\')', "a"),
    ('json_first_of_list("\'{\\"team\\":\\"a\\"}\'", \'team\')', "a"),
    (
        "json_object([['a', \"'x'\"], ['b', 'null'], ['c', \"''\"], ['d', \"'say \\\"hi\\\"'\"]])",
        '{"a":"x","d":"say \\"hi\\""}',
    ),
    ("json_object([['b', 'null']])", "{}"),
    ("json_of_text('null')", None),
    ("iso_weekday(\"date '2026-11-23'\")", "1"),
    ("iso_weekday(\"date '2026-11-29'\")", "7"),
    ("month_text(\"date '2026-11-29'\")", "2026-11"),
    ("local_midnight(\"date '2026-11-02'\", 'America/Los_Angeles')", "2026-11-02 08:00:00"),
    ("local_midnight(\"date '2026-07-02'\", 'America/Los_Angeles')", "2026-07-02 07:00:00"),
    ("map_value(\"map_from_entries(MAP_OF)\", ['user_team', 'user:team'])", "search"),
    ("map_value(\"map_from_entries(MAP_OF)\", ['absent'])", None),
    ('map_json("map_from_entries(MAP_OF)")', '{"user:team":"search"}'),
    ("second_of_day(\"timestamp '2026-11-23 00:00:00.000001'\")", "0"),
    ("second_of_day(\"timestamp '2026-11-23 23:59:59.999999'\")", "86399"),
    (
        "milliseconds_between(\"timestamp '2026-11-23 23:59:59.9995'\", \"timestamp '2026-11-24 00:00:01'\")",
        Decimal("1000.500"),
    ),
    (
        "milliseconds_between(\"timestamp '2026-11-24 00:00:00'\", \"timestamp '2026-11-23 23:59:59'\")",
        Decimal("-1000.000"),
    ),
]
# A list with one map entry, in each engine's syntax.
MAP_OF = {
    "duckdb": "[{'k': 'user:team', 'v': 'search'}]",
    "spark": "array(struct('user:team', 'search'))",
}


@pytest.mark.parametrize(("call", "expected"), CASES, ids=[call[:60] for call, _ in CASES])
def test_macro_gives_the_same_result_on_both_engines(
    engine: Sql, call: str, expected: str | Decimal | None
) -> None:
    sql = rendered(call, engine.name).replace("MAP_OF", MAP_OF[engine.name])
    result = sql if isinstance(expected, Decimal) else f"cast({sql} as string)"
    assert engine.rows(f"select {result}") == [(expected,)]


def test_joined_text_has_the_requested_order(engine: Sql) -> None:
    sql = rendered("joined_text('word', 'place, word')", engine.name)
    rows = engine.rows(f"select {sql} from (values ('b', 2), ('c', 1), ('a', 2)) as words(word, place)")
    assert rows == [("c|a|b",)]


@pytest.mark.parametrize("count", [1, 2, 3, 20, 101])
def test_percentile_is_the_value_of_the_nearest_rank(engine: Sql, count: int) -> None:
    """The 95th percentile of 20 values is the 19th. NULLs do not count."""
    values = ", ".join(f"({value})" for value in [*range(count, 0, -1), "null"])
    percentiles = ", ".join(
        rendered(f"percentile('value', '{part}')", engine.name) for part in ("0.5", "0.95", "0.99")
    )
    (row,) = engine.rows(f"select {percentiles} from (values {values}) as listed(value)")
    assert row == tuple(-(-count * part // 100) for part in (50, 95, 99))


def test_percentile_of_no_values_is_null(engine: Sql) -> None:
    sql = rendered("percentile('value', '0.5')", engine.name)
    assert engine.rows(f"select {sql} from (select cast(null as bigint) as value) as listed") == [(None,)]


def test_rolling_median_is_a_value_of_the_rows_before(engine: Sql) -> None:
    """Of two values the lower one; NULLs, the row itself, rows further back and other series do not count."""
    days = [
        ("a", 1, "5"),
        ("a", 2, "9"),
        ("a", 3, "null"),
        ("a", 4, "1"),
        ("a", 5, "7"),
        ("b", 1, "100"),
        ("b", 2, "3"),
    ]
    values = ", ".join(f"('{series}', {day}, cast({value} as decimal(38, 12)))" for series, day, value in days)
    median = rendered("rolling_median('value', 'series', 'day', 3)", engine.name)
    rows = engine.rows(
        f"select series, day, {median} as median from (values {values}) as listed(series, day, value) order by series, day"
    )
    assert [found for *_, found in rows] == [None, 5, 5, 5, 1, None, 100]


def test_days_between_includes_both_ends(engine: Sql) -> None:
    days = rendered("days_between('bounds.first_day', 'bounds.last_day')", engine.name)
    rows = engine.rows(
        "with bounds as (select date '2026-02-27' as first_day, date '2026-03-02' as last_day) "
        f"select cast(days.date_day as string) from bounds, {days} as days order by 1"
    )
    assert [day for (day,) in rows] == ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]


def test_json_pairs_are_rows_of_text(engine: Sql) -> None:
    pairs = rendered("json_pairs('objects', 'claims')", engine.name)
    rows = engine.rows(
        """with objects as (select '{"aws_tag:team":"search","n":7}' as claims union all select '{}') """
        f"select pair_name, pair_value from {pairs} as pairs order by 1"
    )
    assert rows == [("aws_tag:team", "search"), ("n", "7")]


def test_quoted_preserves_the_case_of_a_name(engine: Sql) -> None:
    name = rendered("quoted('BilledCost')", engine.name)
    assert engine.rows(f"select named.{name} from (select 1 as {name}) as named") == [(1,)]


def test_zoned_and_naive_instants_are_utc(engine: Sql) -> None:
    zoned = {"duckdb": "timestamptz '2026-11-01 12:00:00+02'", "spark": "timestamp '2026-11-01 12:00:00+02:00'"}
    naive = rendered(f'utc_timestamp("{zoned[engine.name]}")', engine.name)
    assert engine.rows(f"select cast({naive} as string)") == [("2026-11-01 10:00:00",)]
    instant = rendered("utc_instant(\"timestamp '2026-11-01 10:00:00'\")", engine.name)
    assert engine.rows(f"select {instant} = {zoned[engine.name]}") == [(True,)]


@pytest.mark.parametrize("given_now", ["", "2026-11-03T06:30:00+00:00"])
def test_today_is_the_day_of_the_run_or_the_configured_day(engine: Sql, given_now: str) -> None:
    sql = rendered("today()", engine.name, env_var=lambda *_: given_now)
    ((found, is_near),) = engine.rows(
        f"select cast({sql} as string), {sql} between current_date - interval '1' day and current_date + interval '1' day"
    )
    assert found == "2026-11-03" if given_now else is_near


def test_lake_files_unite_their_columns_and_name_their_file(
    engine: Sql, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The contract defines the columns. A column that a delivery lacks is NULL, even if the first file lacks it and has
    another column. Loads that are not current are not read."""
    lake = tmp_path_factory.mktemp(f"lake-{engine.name}")
    writer = DuckDb()
    for file, select in {
        "raw_x/_contract/t.parquet": "select 1 as a, 'x' as b limit 0",
        "raw_x/t/111.1.aaaa.parquet": "select true as c, 1 as a",
        "raw_x/t/222.1.bbbb.parquet": "select 'second' as b, 2 as a",
        "raw_x/t/333.1.cccc.parquet": "select 3 as a, 'superseded' as b",
    }.items():
        (lake / file).parent.mkdir(parents=True, exist_ok=True)
        writer.rows(f"copy ({select}) to '{lake / file}' (format parquet)")
    slices = (
        "(select * from (values ('raw_x', '111.1', 1), ('raw_x', '222.1', 1), ('raw_x', '444.1', 0)) "
        "as s(dataset, load_id, row_count)) as s"
    )

    class Answer:
        def __init__(self, rows: list[tuple[object, ...]]) -> None:
            self.columns = [self]
            self._values = [row[0] for row in rows]

        def values(self) -> list[object]:
            return self._values

    dbt = {
        "env_var": lambda name, *_: str(lake) if name == "COSTOWNER_LAKE_PATH" else "",
        "run_query": lambda sql: Answer(engine.rows(str(sql).replace("lake.current_slices", slices))),
    }
    files = rendered("current_files('raw_x', 't')", engine.name, **dbt)
    loads = rendered('load_of_file("lake_file")', engine.name)
    assert engine.rows(f"select a, b, {loads} from {files} as f order by a") == [
        (1, None, "111.1"),
        (2, "second", "222.1"),
    ]
    if engine.name == "duckdb":
        return  # its other readers use lists from dbt; every build tests them
    everything = rendered("parquet_files(['raw_x/_contract/t.parquet', 'raw_x/t/*.parquet'])", engine.name, **dbt)
    assert engine.rows(f"select lake_dataset, count(*), count(b) from {everything} as f group by 1") == [
        ("raw_x", 3, 2)
    ]
    (lake / "raw_x" / "_dlt_loads").mkdir()
    (lake / "raw_x" / "_dlt_loads" / "x__111.1.jsonl").write_text('{"load_id": "111.1", "status": 0}\n')
    records = rendered("load_records(['raw_x/_dlt_loads/*.jsonl'])", engine.name, **dbt)
    assert engine.rows(f"select dataset, load_id, status from {records} as r") == [("raw_x", "111.1", 0)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)
        | st.integers(-(10**14), 10**14).map(lambda n: n / 1e13)
        | st.integers(-(10**13), 10**13).map(lambda n: n / 1e8),
        min_size=1,
        max_size=40,
    )
)
def test_double_becomes_the_decimal_of_its_shortest_text(engine: Sql, numbers: list[float]) -> None:
    """Decimal(repr(x)) is the shortest decimal text of a double. It is rounded once, half up, to 12 places."""
    with localcontext(prec=60):
        expected = [Decimal(repr(number)).quantize(PLACES, ROUND_HALF_UP) for number in numbers]
    values = ", ".join(f"({place}, cast('{number!r}' as double))" for place, number in enumerate(numbers))
    sql = rendered('exact_decimal("x")', engine.name)
    rows = engine.rows(f"select {sql} from (values {values}) as given(place, x) order by place")
    assert [amount for (amount,) in rows] == expected
    if engine.name == "duckdb":  # control totals use the same rule
        totals = engine.rows(
            f"select {exact_decimal('x')} from (values {values}) as given(place, x) order by place"
        )
        assert totals == rows


def test_null_double_stays_null(engine: Sql) -> None:
    sql = rendered('exact_decimal("cast(null as double)")', engine.name)
    assert engine.rows(f"select {sql}") == [(None,)]


@pytest.mark.parametrize("double", ["nan", "infinity", "-infinity", "1e30"])
def test_double_outside_the_decimal_range_is_null(engine: Sql, double: str) -> None:
    sql = rendered(f"exact_decimal(\"cast('{double}' as double)\")", engine.name)
    assert engine.rows(f"select {sql}") == [(None,)]


amounts = st.decimals(min_value=0, max_value=10**7, places=12)
quantities = st.decimals(min_value=PLACES, max_value=10**9, places=12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(amounts, quantities), min_size=1, max_size=20))
def test_unit_price_is_the_quotient_rounded_half_up(engine: Sql, pairs: list[tuple[Decimal, Decimal]]) -> None:
    with localcontext(prec=80):
        exact = [(cost / quantity).quantize(PLACES, ROUND_HALF_UP) for cost, quantity in pairs]
    values = ", ".join(
        f"({place}, {money(cost)}, {money(quantity)})" for place, (cost, quantity) in enumerate(pairs)
    )
    sql = rendered('unit_price("cost", "quantity")', engine.name)
    rows = engine.rows(f"select {sql} from (values {values}) as given(place, cost, quantity) order by place")
    assert [price for (price,) in rows] == [price if price < 10**13 else None for price in exact]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("web-shop-7", "web-*"),
        ("web-shop-7", "web-????-?"),
        ("web-shop-7", "shop"),
        ("100%_sure!", "100%_sure!"),
        ("100x_sure!", "100%_sure!"),
        ("a_b", "a?b"),
        ("axb", "a_b"),
        ("arn:aws:sts::1:assumed-role/x/y", "arn:aws:sts::*:assumed-role/x/*"),
        ("Web", "web"),
    ],
)
def test_patterns_support_only_star_and_question_mark(engine: Sql, text: str, pattern: str) -> None:
    sql = rendered(f"matches_glob(\"'{text}'\", \"'{pattern}'\")", engine.name)
    assert engine.rows(f"select {sql}") == [(fnmatchcase(text, pattern),)]


def test_hash_is_equal_only_for_equal_rows(engine: Sql) -> None:
    one, again, other = (
        rendered(call, engine.name)
        for call in ("row_hash(['a', 'b'])", "row_hash(['a', 'b'])", "row_hash(['b', 'a'])")
    )
    (row,) = engine.rows(
        f"select {one} = {again}, {one} is null from (select 'x' as a, cast(null as string) as b) as t"
    )
    assert tuple(row) == (True, False)
    (row,) = engine.rows(f"select {one} = {other} from (select 'x' as a, 'y' as b) as t")
    assert tuple(row) == (False,)


# These macros are statements, not expressions. The builds of the sample company test them on both engines.
BY_BUILDS = {
    "period_partitions",
    "check_session",
    "export_mart",
    "skip_unchanged_view",
    "create_table_from_temp_view",
    "replace_table",
    "replace_view",
    "schema_prefix",
    "seed_rows",
    "append_without_temp_table",
}


def test_every_engine_macro_has_a_test() -> None:
    here = re.sub(r"\s", "", open(__file__).read())  # noqa: PTH123, SIM115
    for file in (MACROS / "engine").glob("*.sql"):
        names = re.findall(r"{%-? macro ((?!duckdb_|spark_)\w+)\(", file.read_text())
        assert file.stem in BY_BUILDS or any(f"{name}(" in here for name in names), f"{file.name} has no test"
