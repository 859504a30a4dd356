"""What a format of gateways' logs is: declared fields, and a row of `llm_requests` as SQL over them.

A format is one DuckDB SELECT. Only declared fields are read, each as text, so that what a column must hold is decided
in one place, by the casts of the select list; other fields never become a column, not even on the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from ingestion.lake.vendor_files import decimal_of_text, literal, may_be_deep
from ingestion.provider_names import provider_of, shown_by_model_sql, with_provider
from ingestion.sources.llm_gateway.formats.usage import Usage, settled
from ingestion.sources.llm_gateway.identity import RAW_TOKEN
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS

# A field: "VARCHAR" (any value, as text), "JSON", the fields of an object, or a list of one of these.
Declared = str | dict[str, "Declared"] | list["Declared"]

TEXT = "VARCHAR"


def texts(*names: str) -> dict[str, Declared]:
    return dict.fromkeys(names, TEXT)


# Columns that hold an id: a text of nothing is none there, and joins no two records.
IDS = frozenset(
    {
        *("call_id", "trace_id", "session_id", "parent_request_id", "provider_request_id", "provider_account_id"),
        *("key_hash", "user_id", "end_user_id", "team_id", "organization_id", "project_id", "customer_id"),
    }
)


def no_id_is_none(value: str) -> str:
    """SQL: an id; NULL for what writers make of a missing one (Python's None, JavaScript's null and undefined)."""
    # Not `in`, which DuckDB makes a join of: one for every column that holds an id.
    return f"case when not list_contains(['', 'none', 'null', 'undefined', 'nan'], lower(trim({value}))) then {value} end"


@dataclass(frozen=True)
class Format:
    """A format by name: the fields it reads, the SQL of columns, and what stands between the two.

    `prepared` is a SELECT from `records` that gives the columns their names for what they use twice; `where` keeps the
    records that are requests; `token` is the record's signed identity; `usage` the counts that have to add up, of which
    the columns take what `settled` adds. Every format's provider gets the one name of that provider (`provider_names`);
    where a record names none, the model's name may show it.
    """

    name: str
    fields: Mapping[str, Declared]
    columns: Mapping[str, str]
    prepared: str = "select * from records"
    where: str = "true"
    token: str = "null"  # noqa: S105 - SQL
    usage: Usage | None = None
    suffixes: tuple[str, ...] = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
    # Where a JSON object holds many requests: the objects of one each, and what such a part is called.
    split: Callable[[bytes], list[bytes]] | None = None
    part: str = ""

    def select(self, relation: str, accounts: Mapping[str, str], also: str = "") -> str:
        """The statement that reads rows of `llm_requests`, and their tokens, from SQL that gives the fields.

        `also` is one more column of the prepared records, with a comma before it.
        """
        unknown = self.columns.keys() - LLM_REQUESTS.names
        if unknown:
            raise ValueError(f"format {self.name}: llm_requests has no column {sorted(unknown)}")
        known = {"provider_account_id": "null", "provider": "null", **self.columns}
        prepared = settled(self.usage, self.prepared) if self.usage else self.prepared
        models = [f"nullif({known[name]}, '')" for name in ("response_model", "request_model") if name in known]
        # Names once a row: the columns below use them twice.
        given = f"""
            select *, cast({known["provider"]} as varchar) as given_provider,
                cast(coalesce({", ".join([*models, "null"])}) as varchar) as given_model
            from ({prepared})
            where {self.where}"""
        prepared = f"""
            select *, case when named_provider is null then {shown_by_model_sql("given_model")} end as shown_provider
            from ({with_provider(given, "given_provider")})"""
        for column in IDS & known.keys():
            known[column] = no_id_is_none(f"cast({known[column]} as varchar)")
        known["provider"] = "coalesce(named_provider, shown_provider)"
        known["is_provider_inferred"] = "shown_provider is not null"
        if accounts:
            named = {provider_of(name) or name: account for name, account in accounts.items()}
            pairs = " ".join(f"when {literal(name)} then {literal(account)}" for name, account in named.items())
            by_provider = f"case {known['provider']} {pairs} end"
            known["provider_account_id"] = f"coalesce({known['provider_account_id']}, {by_provider})"
        listed = ",\n".join(
            f"{_cast(known.get(column.name, 'null'), column.type)} as {column.name}"
            for column in LLM_REQUESTS.columns
        )
        return (
            f"with records as ({relation}), prepared as ({prepared})\n"
            f"select {listed},\ncast({self.token} as varchar) as {RAW_TOKEN}{also}\nfrom prepared"
        )


def json_or_null(value: str) -> str:
    """SQL: JSON as text; NULL for what is none, which the ledger could not take apart."""
    return f"case when json_valid({value}) and not {may_be_deep(f'cast({value} as varchar)')} then {value} end"


def _cast(value: str, kind: pa.DataType) -> str:
    """SQL: a value in its column's type."""
    if pa.types.is_decimal(kind) and value != "null":
        return decimal_of_text(f"cast({value} as varchar)", is_strict=True)
    return f"cast({value} as {_sql_type(kind)})"


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return "decimal(38, 12)"
    if pa.types.is_timestamp(kind):
        return "timestamptz"
    return "bigint" if pa.types.is_integer(kind) else "boolean" if pa.types.is_boolean(kind) else "varchar"


def sql_type(declared: Declared) -> str:
    """A declared field as a type of DuckDB's."""
    if isinstance(declared, dict):
        inner = ", ".join(f'"{name}" {sql_type(kind)}' for name, kind in declared.items())
        return f"struct({inner})"
    return f"{sql_type(declared[0])}[]" if isinstance(declared, list) else declared


def structure(declared: Declared | Mapping[str, Declared]) -> str:
    """Declared fields as `json_transform` takes them."""
    return json.dumps(declared if not isinstance(declared, Mapping) else dict(declared))


def instant(value: str) -> str:
    """SQL: an instant from seconds since 1970 or ISO text; without a zone it is UTC."""
    return (
        f"case when nullif({value}, '') is null then null "
        rf"when regexp_full_match({value}, '-?\d+(\.\d+)?([eE][+-]?\d+)?') "
        f"then make_timestamp(cast(cast(cast({value} as decimal(18, 6)) as decimal(25, 6)) * 1000000 as bigint)) "
        "at time zone 'UTC' "
        f"else cast({value} as timestamptz) end"
    )


def milliseconds(start: str, end: str) -> str:
    """SQL: the time between two instants in milliseconds, exact to the microsecond."""
    return f"cast(epoch_us({end}) - epoch_us({start}) as decimal(15, 0)) * 0.001"


def person(value: str) -> str:
    """SQL: an id; a person's address as a hash, so that the same person stays the same and nobody can be written to."""
    return (
        f"case when contains({value}, '@') then 'sha256:' || left(sha256(lower({value})), 32) "
        f"else nullif({value}, '') end"
    )


def is_true(value: str) -> str:
    """SQL: LiteLLM writes true, 'True', false, 'False', null or 'None'."""
    return f"(lower(coalesce({value}, '')) = 'true')"


def first_of(source: str, names: tuple[str, ...]) -> str:
    """SQL: the first of several keys of a JSON object that has a value."""
    return f"coalesce({', '.join(f'({source} ->> {literal(name)})' for name in names)})"


# A caller's attributes of a request, by the names that are in use for them.
ATTRIBUTES = {
    "service_name": ("service", "service_name"),
    "workflow": ("workflow", "workflow_id"),
    "feature": ("feature",),
    "customer_id": ("customer_id", "customer"),
    "environment": ("environment", "env"),
    "experiment": ("experiment", "experiment_id", "job", "job_id"),
    "cost_center": ("cost_center",),
}
ACTOR_TOKEN = "actor_token"  # noqa: S105 - the name of a field


def caller_attributes(source: str, tags: str | None = None) -> dict[str, str]:
    """SQL of the columns that a JSON object of the caller's own words fills, or else its tags (`env:prod`)."""
    return {
        column: f"coalesce(nullif({first_of(source, names)}, ''), {_in_tags(tags, names)})"
        if tags
        else first_of(source, names)
        for column, names in ATTRIBUTES.items()
    }


def _in_tags(tags: str, names: tuple[str, ...]) -> str:
    """SQL: the value of the first tag `name:value` of some names; case, `-` and `_` of the name don't matter."""
    known = ", ".join(literal(name.replace("_", "")) for name in names)
    plain = "translate(lower(trim(split_part(tag, ':', 1))), '_-', '')"
    found = f"list_filter({_listed(tags)}, lambda tag: {plain} in ({known}) and contains(tag, ':'))"
    return f"nullif(trim(regexp_replace({found}[1], '^[^:]*:', '')), '')"


def _listed(tags: str) -> str:
    """SQL: a JSON list of texts."""
    return f"cast(case when json_valid({tags}) and json_type({tags}) = 'ARRAY' then {tags} end as varchar[])"


def own_tags(value: str) -> str:
    """SQL: a JSON list of tags without the automatic ones; an empty list where there is none."""
    return (
        f"cast(to_json(list_filter(coalesce({_listed(value)}, []), "
        "lambda tag: not starts_with(tag, 'User-Agent:'))) as varchar)"
    )


def unmistakable(identifier: str, *fields: str) -> str:
    """SQL: an id; where it is empty one made of the record's fields, so that two requests never become one."""
    return f"coalesce({no_id_is_none(identifier)}, 'unnamed:' || md5(concat_ws('|', {', '.join(fields)})))"


def served(answered: str, aliases: tuple[str, ...], deployed: tuple[str, ...]) -> str:
    """SQL: the model that answered: as the response names it, unless that only repeats a name that the gateway made up.

    Then it is the first of what the gateway deployed that is named; where nothing is, the response's name stands.
    """
    own = f"nullif({answered}, '')"
    made_up = ", ".join(f"lower({alias})" for alias in aliases)
    answer = f"case when lower({own}) in ({made_up}) then null else {own} end"
    named = (answer, *(f"nullif({name}, '')" for name in deployed), own)
    return f"coalesce({', '.join(named)})"
