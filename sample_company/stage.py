"""The stage: the sample company's world written to a folder, its APIs served, and the settings to find them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path

from sample_company import atlas, identity, registry, vercel
from sample_company.aws import export
from sample_company.labels import write_labels
from sample_company.llm import litellm, provider_apis, request_log
from sample_company.server import Faults, serving
from sample_company.world import HISTORY_MONTHS, State, World

SEED = 7


@dataclass
class Stage:
    """A running sample company. `environment` is what ingestion needs to find it; `faults` strike its APIs."""

    world: World
    state: State
    folder: Path
    mongo_uri: str
    faults: Faults
    environment: dict[str, str]

    def show(self, as_of: date) -> None:
        """Move the date on: the vendors show what they would show then."""
        self.state.as_of = as_of
        write_world(self.world, as_of, self.folder)
        request_log.write_log(self.world, as_of, self.mongo_uri)
        self.environment["COSTOWNER_NOW"] = datetime(as_of.year, as_of.month, as_of.day, 6, tzinfo=UTC).isoformat()

    def restate(self, seed: int) -> None:
        """From the next `show` on the same company by another seed: every vendor restates all of its past, with other figures."""
        self.world = self.state.world = replace(self.world, seed=seed)


def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def write_world(world: World, as_of: date, folder: Path) -> None:
    """Write what lies in files: registry, exports, logs, and the labels beside them."""
    registry.write_registry(world, folder / "registry")
    export.write_export(world, as_of, folder / "exports")
    litellm.write_logs(world, as_of, folder / "logs")
    identity.write_key_set(folder / "identity")
    labels = chain.from_iterable(vendor.labels(world, as_of) for vendor in registry.VENDORS)
    spikes = chain.from_iterable(vendor.spikes(world) for vendor in registry.VENDORS)
    write_labels(labels, spikes, folder / "labels")


@contextmanager
def staged(
    folder: Path,
    seed: int = SEED,
    until: date | None = None,
    as_of: date | None = None,
    history_months: int = HISTORY_MONTHS,
) -> Iterator[Stage]:
    """The sample company, served while the context lasts."""
    world = World(seed, until or yesterday(), history_months)
    state = State(world, as_of or world.until + timedelta(days=1))
    routes = [*vercel.routes(state), *atlas.routes(state), *provider_apis.routes(state)]
    faults = Faults()
    with serving(routes, faults=faults) as base_url, request_log.mongo_server() as mongo_uri:
        environment = {
            "COSTOWNER_REGISTRY": str(folder / "registry"),
            "COSTOWNER_HISTORY_START": f"{world.start:%Y-%m}",
            **export.settings(folder / "exports"),
            **vercel.settings(base_url),
            **atlas.settings(base_url),
            **provider_apis.settings(base_url),
            **litellm.settings(folder / "logs"),
            **request_log.settings(mongo_uri),
            **identity.settings(folder / "identity"),
        }
        stage = Stage(world, state, folder, mongo_uri, faults, environment)
        stage.show(state.as_of)
        yield stage
