"""Tags of any spelling come to one object of key and value, and none of them is lost."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.lake.tags import flat_tags, tags_of, tags_sql, with_flat_tags
from ingestion.sources.vercel.shape import charge_row

KEYS = st.text(st.characters(codec="utf-8", exclude_characters=":="), min_size=1, max_size=8).filter(str.strip)
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
TAGS = st.dictionaries(KEYS.map(str.strip), VALUES, max_size=4)

SPELLINGS = {
    "object": lambda tags: tags,
    "list of key and value": lambda tags: [{"key": key, "value": value} for key, value in tags.items()],
    "list of Key and Value": lambda tags: [{"Key": key, "Value": value} for key, value in tags.items()],
    "list of tag_key": lambda tags: [{"tag_key": key, "tag_value": value} for key, value in tags.items()],
    "with what else is known": lambda tags: [
        {"key": key, "value": value, "x_type": "label", "x_inherited": False} for key, value in tags.items()
    ],
    "list of pairs": lambda tags: [[key, value] for key, value in tags.items()],
    "list of objects": lambda tags: [{key: value} for key, value in tags.items()],
    "JSON in JSON": json.dumps,
    "list in JSON in JSON": lambda tags: json.dumps(
        json.dumps([{"key": key, "value": value} for key, value in tags.items()])
    ),
}


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
@given(tags=TAGS)
def test_every_spelling_comes_to_the_same_object(spelled: Any, tags: dict[str, str]) -> None:
    found = flat_tags(json.dumps(spelled(tags)))
    assert found is not None and json.loads(found) == tags


@given(tags=TAGS)
def test_an_object_without_braces_is_one(tags: dict[str, str]) -> None:
    text = json.dumps(tags)[1:-1]
    assert (json.loads(flat_tags(text) or "{}")) == tags


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["env:prod", "team=search", "spot"], {"env": "prod", "team": "search", "spot": True}),
        (["url:https://a=b"], {"url": "https://a=b"}),
        ([], {}),
        ([{"key": "team", "value": None}], {"team": None}),
    ],
)
def test_list_of_texts_is_cut_at_its_first_sign(listed: list[Any], expected: dict[str, Any]) -> None:
    assert tags_of(listed) == expected


def test_own_tag_counts_before_an_inherited_one_and_both_stay() -> None:
    inherited, own = {"key": "team", "value": "project", "x_inherited": True}, {"key": "team", "value": "vm"}
    assert tags_of([inherited, own]) == {"team": "vm", "team (2)": "project"}
    assert tags_of('{"team": "a", "team": "b", "Team": "c", "team": "a"}') == {
        "team": "a",
        "team (2)": "b",
        "Team": "c",
    }


@pytest.mark.parametrize(
    "text", [None, "", " ", "null", "3", "true", "team", '{"a": NaN}', "[1]", "[[]]", '{"a"', "[null]"]
)
def test_what_holds_no_tags_is_none(text: str | None) -> None:
    assert flat_tags(text) is None


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
JSONS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(text=st.text(max_size=20) | JSONS.map(json.dumps))
def test_no_text_stops_the_reader(text: str) -> None:
    found = flat_tags(text)
    assert found is None or isinstance(json.loads(found), dict)


def test_number_keeps_its_digits() -> None:
    assert flat_tags('[{"key": "version", "value": 1.10}]') == '{"version": "1.10"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"team":  "bi"}', '{"team":  "bi"}'),
        ('{"team": "a", "team": "b"}', '{"team": "a", "team (2)": "b"}'),
        ('[{"key": "team", "value": "bi"}]', '{"team": "bi"}'),
        ("not tags", None),
        (None, None),
    ],
)
def test_sql_leaves_a_plain_object_as_it_is(text: str | None, expected: str | None) -> None:
    with duckdb.connect() as connection:
        with_flat_tags(connection)
        sql = f"select {tags_sql('given')} from (select cast(? as varchar) as given)"
        assert connection.execute(sql, [text]).fetchone() == (expected,)


@pytest.mark.parametrize(
    ("given", "tags", "extra"),
    [
        ({"ProjectId": "p"}, '{"ProjectId": "p"}', None),
        ('{"ProjectId": "p"}', '{"ProjectId": "p"}', None),
        ([{"key": "ProjectId", "value": "p"}], '{"ProjectId": "p"}', None),
        (None, "{}", None),
        ("", "{}", None),
        (7, "{}", '{"Tags": 7}'),
    ],
)
def test_vercels_tags_are_an_object_and_what_is_none_is_kept(given: Any, tags: str, extra: str | None) -> None:
    times = {"ChargePeriodStart": "2026-10-01T07:00:00Z", "ChargePeriodEnd": "2026-10-02T07:00:00Z"}
    row = charge_row(
        {"BilledCost": 1, "EffectiveCost": 1, "BillingCurrency": "USD", **times, "Tags": given}, "t", None, "a"
    )
    assert (row["tags"], row["extra"]) == (tags, extra)
