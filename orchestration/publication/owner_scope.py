"""What an owner may see of each mart: the declaration `owners_see` of its YAML, and the SQL that finds whose a row is.

A row is its owner's, and that of every owner above it on the row's days. Who was above an owner follows the declared
dates (`dim_owner`): a team that hands a service over keeps the rows from before, and the next team has those since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# The mart has nothing for owners; all of it is the company's; a view shows what is left of the table that it reads.
NOTHING, EVERYTHING, ITS_TABLE = "nothing", "everything", "its_table"
# The column that joins an owner's version.
VERSION = "owner_key"


@dataclass(frozen=True)
class OwnRows:
    """An owner sees its own rows of the mart, and those of the owners below it.

    `owner` is the column of the owner's id, or `owner_key`. `days` are the columns of the first and last day (date or
    timestamp) that a row is about, `month` that of its billing month: an owner above sees the row if it was above on all of
    these days. With neither, it has to be above always; of a row that describes an owner's version, on any day of it.
    `hidden` columns are NULL: they would show what others have.
    """

    owner: str
    days: tuple[str, ...] = ()
    month: str = ""
    hidden: tuple[str, ...] = ()


OwnersSee = OwnRows | str


def owners_see(model: str, declared: object) -> OwnersSee:
    """The declaration of a model; `nothing` where it has none. Raises ValueError, which names the model, for a wrong one."""
    if declared is None:
        return NOTHING
    if declared in (NOTHING, EVERYTHING, ITS_TABLE):
        return str(declared)
    known = {"owner", "days", "month", "hidden"}
    if not isinstance(declared, Mapping) or "owner" not in declared or not known >= declared.keys():
        raise ValueError(
            f"{model}: meta owners_see is {NOTHING}, {EVERYTHING}, {ITS_TABLE}, or has owner and any of days, month and "
            f"hidden; it is {declared!r}"
        )
    days = declared.get("days", ())
    return OwnRows(
        owner=declared["owner"],
        days=(days,) if isinstance(days, str) else tuple(days),
        month=declared.get("month", ""),
        hidden=tuple(declared.get("hidden", ())),
    )


def holders_of(owners: str) -> str:
    """The select of who sees whose rows when, from `dim_owner`: `reader_id`, `owner_id`, `held_from`, `held_to` (exclusive).

    As in fact_cost, an owner's first version also counts before it and its last one after it.
    """
    return f"""
        with recursive
            versions as ({versions_of(owners)}),

            above as (
                select distinct
                    owner_id as reader_id, owner_id, date '0001-01-01' as held_from, date '9999-12-31' as held_to
                from versions
                union
                select
                    versions.parent_owner_id,
                    above.owner_id,
                    greatest(above.held_from, versions.held_from),
                    least(above.held_to, versions.held_to)
                from above
                inner join
                    versions
                    on above.reader_id = versions.owner_id
                    and above.held_from < versions.held_to
                    and versions.held_from < above.held_to
                where versions.parent_owner_id in (select owner_id from versions)
            ),

            -- Versions that follow each other under the same owner are one time.
            ordered as (
                select
                    *,
                    max(held_to) over (
                        partition by reader_id, owner_id order by held_from, held_to
                        rows between unbounded preceding and 1 preceding
                    ) as held_before_to
                from above
            ),

            numbered as (
                select
                    *,
                    count(*) filter (where held_before_to is null or held_from > held_before_to) over (
                        partition by reader_id, owner_id order by held_from, held_to
                    ) as stretch
                from ordered
            )

        select reader_id, owner_id, min(held_from) as held_from, max(held_to) as held_to
        from numbered
        group by reader_id, owner_id, stretch
    """


def versions_of(owners: str) -> str:
    """The select of each owner's versions with the days on which they count: `held_from`, `held_to` (exclusive)."""
    return f"""
        select
            owner_key,
            owner_id,
            parent_owner_id,
            case
                when row_number() over (partition by owner_id order by valid_from) = 1 then date '0001-01-01'
                else valid_from
            end as held_from,
            case
                when row_number() over (partition by owner_id order by valid_from desc) = 1 then date '9999-12-31'
                else valid_to
            end as held_to
        from {owners}
    """


def own_rows(mart: str, scope: OwnRows, holders: str, versions: str) -> str:
    """The select of a mart's rows with `reader`, the number of who sees them: a row comes once for each that does.

    `holders` is a table of `holders_of` with the number of each `reader_id`, `versions` one of `versions_of`.
    """
    hidden = ", ".join(f'case when false then mart."{name}" end as "{name}"' for name in scope.hidden)
    columns = f"mart.* replace ({hidden})" if hidden else "mart.*"
    if scope.owner != VERSION:
        return f"""
            select holder.reader, {columns}
            from {mart} as mart
            inner join {holders} as holder on mart."{scope.owner}" = holder.owner_id
            where {_is_seen(*_days(scope))}
        """
    versioned = f"""
        from {mart} as mart
        inner join {versions} as version on mart."{VERSION}" = version."{VERSION}"
        inner join {holders} as holder on version.owner_id = holder.owner_id
    """
    if scope.month:
        first, last = _days(scope)
        seen = _is_seen(f"greatest({first}, version.held_from)", f"least({last}, version.held_to - 1)")
        return f"select holder.reader, {columns} {versioned} where {seen}"
    # An owner may have been above twice during one version.
    return f"""
        select distinct holder.reader, {columns} {versioned}
        where holder.held_from < version.held_to and version.held_from < holder.held_to
    """


def _is_seen(first: str, last: str) -> str:
    """Whether a row of these days is the reader's own, or of an owner that it was above on all of them."""
    return f"(holder.reader_id = holder.owner_id or (holder.held_from <= {first} and {last} < holder.held_to))"


def _days(scope: OwnRows) -> tuple[str, str]:
    """The first and the last day of a row; NULL where the row does not state them."""
    if scope.month:
        first = f"try_cast(mart.\"{scope.month}\" || '-01' as date)"
        return first, f"last_day({first})"
    if scope.days:
        return f'cast(mart."{scope.days[0]}" as date)', f'cast(mart."{scope.days[-1]}" as date)'
    return "date '0001-01-01'", "date '9999-12-30'"
