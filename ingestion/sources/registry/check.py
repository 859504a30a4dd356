"""Whether the declarations make sense as a whole: what no schema of a single file can check.

Each problem names the file, the line and the way out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ingestion.errors import near_misses
from ingestion.provider_names import provider_of
from ingestion.sources.registry.client import Entry, Registry
from ingestion.sources.registry.globs import share_a_name
from ingestion.sources.registry.shape import ends, keys_of_claims, owner_entries, plain_model_name, starts

ByOwner = dict[str, list[Entry]]


def _overlaps(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Each declaration that begins before one that begins before it has ended, with the one of them that ends last."""
    latest: Entry | None = None
    for entry in sorted(entries, key=lambda entry: (starts(entry.fields), ends(entry.fields))):
        if latest and starts(entry.fields) < ends(latest.fields):
            yield latest, entry
        if latest is None or ends(entry.fields) > ends(latest.fields):
            latest = entry


def _cycle(start: str, parents: dict[str, set[str]]) -> list[str] | None:
    """A way from an owner back to itself over its parents (of any time), or None."""
    trail = [(start, [start])]
    seen: set[str] = set()
    while trail:
        here, way = trail.pop()
        for above in sorted(parents.get(here, set())):
            if above == start:
                return [*way, above]
            if above not in seen:
                seen.add(above)
                trail.append((above, [*way, above]))
    return None


def _undeclared(entry: Entry, owner: str, role: str, by_id: ByOwner, *place: str | int) -> Iterator[str]:
    """An owner that is named at a place of an entry (else at the field `role`) and is declared nowhere."""
    if owner not in by_id:
        yield f"{entry.at(*(place or (role,)))}: {role} {owner!r} is not declared in owners.yml{near_misses(owner, by_id)}"


def _dates(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if starts(entry.fields) >= ends(entry.fields):
            yield f"{entry.at('valid_to')}: valid_to must be after valid_from (it is the first day after)"


def _owners(by_id: ByOwner) -> Iterator[str]:
    parents: dict[str, set[str]] = defaultdict(set)
    for owner, versions in by_id.items():
        for before, after in _overlaps(versions):
            yield (
                f"{after.place}: owner {owner!r} is declared twice for the same days (also {before.place}); "
                "end the first with valid_to on the day the second begins"
            )
        for entry in versions:
            if parent := entry.fields.get("parent"):
                yield from _undeclared(entry, parent, "parent", by_id)
                parents[owner].add(parent)
    for owner in sorted(by_id):
        way = _cycle(owner, parents)
        if way and owner == min(way):
            yield f"{by_id[owner][0].place}: the parents form a circle: {' → '.join(way)}"


def _rules(rules: Iterable[Entry], by_id: ByOwner) -> Iterator[str]:
    ids: dict[str, Entry] = {}
    same: dict[tuple[Any, ...], list[Entry]] = defaultdict(list)
    for entry in rules:
        rule = entry.fields
        if rule["id"] in ids:
            yield f"{entry.at('id')}: rule id {rule['id']!r} is used twice (also {ids[rule['id']].at('id')})"
        ids[rule["id"]] = entry
        match = rule.get("match", "exact")
        if match == "owner":
            if rule["owner"] != "*" or "value" in rule:
                yield f"{entry.at('match')}: match: owner takes owner: '*' and no value"
        else:
            yield from _undeclared(entry, rule["owner"], "owner", by_id)
            if "value" not in rule:
                yield f"{entry.place}: a rule of match: {match} needs a value"
        same[(rule["claim"], match, rule.get("value"), rule.get("priority", 100))].append(entry)
    for entries in same.values():
        for before, after in _overlaps(entries):
            yield (
                f"{after.place}: the dates of rule {after.fields['id']!r} overlap those of "
                f"{before.fields['id']!r} ({before.place}) for the same claim and value; "
                "end one where the other begins, or give one a priority"
            )


def _claims(registry: Registry) -> Iterator[str]:
    """Rules on claims that no charge can make: of an unknown kind, or of a key that the registry does not name."""
    # The catalog lists this source too: it is complete only once this module is loaded.
    from ingestion.sources.catalog import CLAIM_KINDS

    kinds = {kind.name: kind for kind in CLAIM_KINDS}
    for entry in registry.rules:
        name, colon, key = entry.fields["claim"].partition(":")
        rule = f"{entry.at('claim')}: rule {entry.fields['id']!r}"
        kind = kinds.get(name)
        if kind is None:
            near = near_misses(name, kinds) or f"; there are {', '.join(sorted(kinds))}"
            yield f"{rule} names the unknown kind of claim {name!r}, so it never matches{near}"
        elif kind.keys is None:
            if colon:
                yield f"{rule}: {name} takes no key, so it never matches; did you mean {name!r}?"
        elif not key:
            yield f"{rule}: {name} needs a key, as in {name}:{(keys_of_claims(registry, kind.keys) or ('team',))[0]}"
        elif key not in (known := keys_of_claims(registry, kind.keys)):
            words = kind.keys.replace("_", " ")
            yield (
                f"{rule}: no charge makes a claim of the {words} {key!r}, because claim_keys.yml does not name it"
                f"{near_misses(key, known) or f'; add {{claim: {kind.keys}, key: {key}}} there'}"
                + ("" if registry.claim_keys else f" (it names none; then these make claims: {', '.join(known)})")
            )


def _budgets(budgets: Iterable[Entry], by_id: ByOwner) -> Iterator[str]:
    by_budget: dict[str, list[Entry]] = defaultdict(list)
    for entry in budgets:
        yield from _undeclared(entry, entry.fields["owner"], "owner", by_id)
        by_budget[entry.fields["id"]].append(entry)
    for budget, entries in by_budget.items():
        for before, after in _overlaps(entries):
            yield (
                f"{after.place}: budget {budget!r} is declared twice for the same days (also {before.place}); "
                "end the first with valid_to on the day the second begins"
            )


def _claim_keys(entries: Iterable[Entry]) -> Iterator[str]:
    seen: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        claim, key = entry.fields["claim"], entry.fields["key"]
        if first := seen.get((claim, key)):
            yield f"{entry.at('key')}: the {claim} key {key!r} is named twice (also {first.at('key')}); keep one"
        seen[claim, key] = entry


def _pools(pools: Iterable[Entry], by_id: ByOwner) -> Iterator[str]:
    kinds = {owner: versions[-1].fields["kind"] for owner, versions in by_id.items()}
    by_pool: dict[str, list[Entry]] = defaultdict(list)
    for entry in pools:
        pool = entry.fields
        yield from _undeclared(entry, pool["owner"], "owner", by_id)
        if kinds.get(pool["owner"]) not in (None, "shared pool"):
            yield f"{entry.at('owner')}: {pool['owner']!r} is not an owner of kind 'shared pool'"
        by_pool[pool["owner"]].append(entry)
        for number, member in enumerate(pool["members"]):
            owner = member["owner"] if isinstance(member, dict) else member
            place = entry.at("members", number)
            yield from _undeclared(entry, owner, "member", by_id, "members", number)
            if kinds.get(owner) == "shared pool":
                yield f"{place}: member {owner!r} is a pool itself; name those who share it"
            if (pool["method"] == "fixed") != isinstance(member, dict):
                yield f"{place}: members have a share where the method is fixed, and only there"
    for entries in by_pool.values():
        for before, after in _overlaps(entries):
            yield f"{after.place}: the pool's dates overlap those of {before.place}"


def _policies(policies: Iterable[Entry]) -> Iterator[str]:
    by_workflow: dict[str, list[Entry]] = defaultdict(list)
    for entry in policies:
        by_workflow[entry.fields["workflow"]].append(entry)
    for workflow, entries in by_workflow.items():
        for before, after in _overlaps(entries):
            yield (
                f"{after.place}: the prompt policy of {workflow!r} is declared twice for the same days (also "
                f"{before.place}); end the first with valid_to on the day the second begins"
            )


def _meet(one: dict[str, Any], other: dict[str, Any], column: str) -> bool:
    """Whether two overrides speak of the same: a price or tier that is not named is any."""
    return one.get(column) is None or other.get(column) is None or one[column] == other[column]


def _share_one(one: dict[str, Any], other: dict[str, Any], column: str) -> bool:
    """Whether two overrides hold at a common place or day of the week: without a list it is every one."""
    mine, theirs = ({str(name).lower() for name in fields.get(column, ())} for fields in (one, other))
    return not mine or not theirs or bool(mine & theirs)


def _share_an_hour(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the hours of two overrides overlap; times of a day compare as texts."""
    (start, end), (begin, stop) = (fields.get("hours", "00:00-24:00").split("-") for fields in (one, other))
    return bool(max(start, begin) < min(end, stop))


def _prices(overrides: Sequence[Entry]) -> Iterator[str]:
    for entry in overrides:
        start, _, end = entry.fields.get("hours", "00:00-24:00").partition("-")
        if start >= end:
            yield (
                f"{entry.at('hours')}: hours {start}-{end} end before they begin; write the part until 24:00 and the "
                "part from 00:00 as two overrides"
            )
    for place, after in enumerate(overrides):
        for before in overrides[:place]:
            one, other = before.fields, after.fields
            if (
                one["provider"] == other["provider"]
                and one.get("only_where_missing", False) == other.get("only_where_missing", False)
                and _meet(one, other, "price_key")
                and _meet(one, other, "service_tier")
                and _share_one(one, other, "regions")
                and _share_one(one, other, "weekdays")
                and _share_an_hour(one, other)
                and share_a_name(one["model"], other["model"])
                and max(starts(one), starts(other)) < min(ends(one), ends(other))
            ):
                yield (
                    f"{after.place}: the price override of {other['model']!r} overlaps that of {one['model']!r} "
                    f"({before.place}): same provider, price, tier, place and days; end one with valid_to where the "
                    "other begins, or name models, price_key, service_tier, regions, weekdays or hours so that only one "
                    "holds"
                )


def _model_names(entries: Iterable[Entry]) -> Iterator[str]:
    by_name: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        provider = entry.fields["provider"]
        by_name[provider_of(provider) or provider, plain_model_name(entry.fields["name"])].append(entry)
    for (provider, name), same in by_name.items():
        for before, after in _overlaps(same):
            yield (
                f"{after.at('name')}: the name {name!r} of {provider} stands for two models on the same days "
                f"(also {before.at('name')}); end the first with valid_to on the day the second begins"
            )


def _reprice(entries: Sequence[Entry]) -> Iterator[str]:
    months: dict[str, Entry] = {}
    for entry in entries:
        month = entry.fields["month"]
        if month in months:
            yield f"{entry.place}: month {month} is repriced twice (also {months[month].place}); keep one"
        months[month] = entry


def problems(registry: Registry) -> list[str]:
    """All that is wrong, in the order of the files; empty where the registry may be used."""
    owners = owner_entries(registry)
    by_id: ByOwner = defaultdict(list)
    for entry in owners:
        by_id[entry.fields["id"]].append(entry)
    return [
        *_dates(
            (
                *owners,
                *registry.rules,
                *registry.pools,
                *registry.budgets,
                *registry.prompt_logging,
                *registry.price_overrides,
                *registry.model_names,
            )
        ),
        *_owners(dict(by_id)),
        *_rules(registry.rules, by_id),
        *_claims(registry),
        *_claim_keys(registry.claim_keys),
        *_pools(registry.pools, by_id),
        *_policies(registry.prompt_logging),
        *_budgets(registry.budgets, by_id),
        *_prices(registry.price_overrides),
        *_model_names(registry.model_names),
        *_reprice(registry.reprice),
    ]
