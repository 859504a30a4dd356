"""A build without news: what dbt leaves alone is as refreshed as what it builds, and the UI is told so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator
from dagster_dbt.errors import DagsterDbtError

from orchestration.verdicts import Verdicts

NEWS_ONLY = "on_news"
# For dbt: what stays as it is where there is no news. The others have `meta: {refresh: always}`.
UNCHANGED = f"config.meta.refresh:{NEWS_ONLY}"


def left_alone(manifest: Mapping[str, Any], translator: DagsterDbtTranslator) -> set[dg.AssetKey]:
    """The models and seeds that dbt does not build where there is no news."""
    return {
        translator.get_asset_key(node)
        for node in manifest["nodes"].values()
        if node["config"].get("meta", {}).get("refresh") == NEWS_ONLY
    }


def with_the_rest(
    events: Iterable[Any], assets: dg.AssetsDefinition, unchanged: Set[dg.AssetKey], verdicts: Verdicts
) -> Iterator[Any]:
    """Events of a build without news, and every model that stays as it is as refreshed all the same.

    What follows them runs then, and their age is judged by it; what their checks said of them holds. Dagster wants
    models after what they are made of: each is told as soon as it may be, while dbt goes on.
    """
    names = {key: name for name, key in assets.keys_by_output_name.items()}
    keys = {name: key for key, name in names.items()}
    order = TopologicalSorter({key: assets.asset_deps[key] & names.keys() for key in names})
    order.prepare()
    ready: list[dg.AssetKey] = list(order.get_ready())
    built: dict[dg.AssetKey, dg.Output[Any]] = {}
    others: list[Any] = []

    def told() -> Iterator[Any]:
        while known := [key for key in ready if key in built or key in unchanged]:
            for key in known:
                yield built.pop(key, None) or dg.Output(None, names[key], metadata={"nothing new": True})
                ready.remove(key)
                order.done(key)
            ready.extend(order.get_ready())

    try:
        yield from told()
        for event in events:
            if isinstance(event, dg.Output):
                built[keys[event.output_name]] = event
                yield from told()
            else:
                others.append(event)
    except DagsterDbtError:
        yield from (*built.values(), *others)
        raise
    yield from others
    said = {(event.asset_key, event.check_name) for event in others if isinstance(event, dg.AssetCheckResult)}
    yield from verdicts.standing(key for key in assets.check_keys if (key.asset_key, key.name) not in said)
