"""A build of a part of the ledger: what dbt leaves alone is as refreshed as what it builds, and the UI is told so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.errors import DagsterDbtError

from orchestration.news import Scope
from orchestration.verdicts import Verdicts, check_of

Node = Mapping[str, Any]


@dataclass(frozen=True)
class LeftAlone:
    """What dbt does not build: how dbt is told, and which nodes of the manifest that is; and whether their tests run."""

    arguments: tuple[str, ...]
    holds: Callable[[Node], bool]
    is_tested: bool

    def assets(self, manifest: Mapping[str, Any], translator: DagsterDbtTranslator) -> set[dg.AssetKey]:
        """The models and seeds that are left alone."""
        kinds = ("model", "seed")
        nodes = (node for node in manifest["nodes"].values() if node["resource_type"] in kinds)
        return {translator.get_asset_key(node) for node in nodes if self.holds(node)}


def _is_settled(node: Node) -> bool:
    """Whether only another project makes it say something else: staging's views name the lake's files, the others do not."""
    is_view = node["config"]["materialized"] == "view" and node["fqn"][1] != "staging"
    return bool(node["resource_type"] == "seed" or is_view)


LEFT_ALONE = {
    Scope.TODAY: LeftAlone(
        ("--exclude", "config.meta.refresh:on_news"),
        lambda node: node["config"].get("meta", {}).get("refresh") == "on_news",
        is_tested=False,
    ),
    # What is read through a view may be new: the tests of views run.
    Scope.DELIVERIES: LeftAlone(
        # One value: dagster-dbt takes no more of it.
        (
            *("--indirect-selection", "empty", "--exclude"),
            "resource_type:seed config.materialized:view,fqn:costowner.intermediate "
            "config.materialized:view,fqn:costowner.marts",
        ),
        _is_settled,
        is_tested=True,
    ),
    Scope.EVERYTHING: LeftAlone((), lambda node: False, is_tested=True),
}


def with_the_rest(
    events: Iterable[Any],
    assets: dg.AssetsDefinition,
    unchanged: Set[dg.AssetKey],
    verdicts: Verdicts,
    is_tested: bool = True,
) -> Iterator[Any]:
    """Events of a build of a part, and every model that stays as it is as refreshed all the same.

    What follows them runs then, and their age is judged by it; what their checks said of them holds. Dagster wants
    models after what they are made of, and checks after their models: each is told as soon as it may be, while dbt goes
    on. `is_tested`: whether tests of what is unchanged may be among the events.
    """
    names = {key: name for name, key in assets.keys_by_output_name.items()}
    keys = {name: key for key, name in names.items()}
    order = TopologicalSorter({key: assets.asset_deps[key] & names.keys() for key in names})
    order.prepare()
    ready: list[dg.AssetKey] = list(order.get_ready())
    built: dict[dg.AssetKey, dg.Output[Any]] = {}
    open_checks = set(assets.check_keys)

    def told() -> Iterator[Any]:
        while known := [key for key in ready if key in built or key in unchanged]:
            for key in known:
                yield built.pop(key, None) or dg.Output(None, names[key], metadata={"nothing new": True})
                ready.remove(key)
                order.done(key)
                if key in unchanged and not is_tested:
                    yield from say_again({check for check in open_checks if check.asset_key == key})
            ready.extend(order.get_ready())

    def say_again(checks: Set[dg.AssetCheckKey]) -> Iterator[dg.AssetCheckResult]:
        open_checks.difference_update(checks)
        yield from verdicts.standing(sorted(checks, key=dg.AssetCheckKey.to_user_string))

    try:
        yield from told()
        for event in events:
            if isinstance(event, dg.Output):
                built[keys[event.output_name]] = event
                yield from told()
                continue
            if check := check_of(event):
                open_checks.discard(check)
            yield event
    except DagsterDbtError:
        yield from built.values()
        raise
    yield from say_again(open_checks.copy())
