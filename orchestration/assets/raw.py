"""Raw tables as assets: one multi-asset a source, made from the source's declaration."""

from collections.abc import Collection, Iterator

import dagster as dg

from ingestion.errors import interruption_of
from ingestion.lake.contract import DELIVERIES, DELIVERY_TOTALS, Landing, Source
from ingestion.lake.notes import known_notes
from ingestion.lake.pipeline import declare, land, remove_trace
from ingestion.settings import PROJECT_ROOT, Home, resolve, utc_now
from ingestion.sources.catalog import SOURCES
from orchestration import backfill_state
from orchestration.assets.code_reference import raw_table_metadata
from orchestration.assets.failure import explained, is_of_one_source
from orchestration.checks.refresh import DELIVERED, reasons, silence
from orchestration.partitions import billing_months, window_of
from orchestration.run_lock import RUN_LOCK

OWNER = "team:data"
# A busy vendor gets another request after one minute, and after three more; then the refresh goes on without it.
AGAIN = dg.RetryPolicy(max_retries=2, delay=60, backoff=dg.Backoff.EXPONENTIAL)


def _before(source: Source) -> list[dg.AssetKey]:
    """Of each source that a source comes after, the delivery notes.

    A source that nothing may be published without comes before all others: where the registry is broken, no vendor is
    requested.
    """
    return [
        dg.AssetKey([other.dataset, DELIVERIES.name])
        for other in SOURCES
        if other.name in source.after or (other.is_required and other is not source)
    ]


def _specs(source: Source) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            [source.dataset, table.name],
            deps=_before(source),
            skippable=True,
            description=f"{table.description}\n\n{source.description}",
            group_name=f"raw_{source.name}",
            kinds={"dlt", "parquet", *source.kinds},
            owners=[OWNER],
            metadata=raw_table_metadata(
                table, PROJECT_ROOT / "ingestion" / "sources" / source.name / "__init__.py"
            ),
        )
        for table in (*source.tables, DELIVERIES, DELIVERY_TOTALS)
    ]


def _warnings(source: Source, landing: Landing) -> list[str]:
    """What to look at in a landing though all was delivered, a line each."""
    found = [f"damaged: {line}" for line in landing.damages]
    if landing.from_future:
        newest = max(landing.from_future.values())
        found.append(
            f"the delivery notes of {len(landing.from_future)} slices are from the future (up to {newest:%Y-%m-%d %H:%M} UTC): "
            "this machine's clock was ahead then, or is behind now. Set it right; what is requested again replaces them"
        )
    if _delivers_nothing(Home.from_environment(), source, landing):
        found.append(silence(source))
    return found


def _metadata(landing: Landing, table: str) -> dict[str, dg.MetadataValue]:
    facts: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.IntMetadataValue(landing.rows.get(table, 0)),
        "slices": dg.JsonMetadataValue(dict(sorted(landing.states.items()))),
        "periods changed": dg.TextMetadataValue(", ".join(sorted(landing.periods)) or "none"),
    }
    if landing.newest_charge_at:
        facts["newest charge"] = dg.TextMetadataValue(landing.newest_charge_at.isoformat())
    if landing.refused:
        facts["refused"] = dg.JsonMetadataValue([list(pair) for pair in landing.refused])
    return facts


def _is_absent(home: Home, source: Source, settings: object | None, landing: Landing | None = None) -> bool:
    """Whether a source is not set up, and nothing of it was ever landed."""
    is_idle = landing is None or not (landing.states or landing.refused)
    return is_idle and not source.is_set_up(settings) and not known_notes(home, source.dataset)


def _delivers_nothing(home: Home, source: Source, landing: Landing) -> bool:
    """Whether a source that brings charges or requests is set up, and has never delivered one."""
    if not source.ledger_sources or landing.refused or sum(landing.rows.values()):
        return False
    return not any(note.row_count for note in known_notes(home, source.dataset).values())


def _awaited(context: dg.AssetExecutionContext, keys: Collection[dg.AssetKey]) -> set[dg.AssetKey]:
    """Those of a step's assets on which another step of this run depends: Dagster would skip it without them."""
    layer = context.job_def.asset_layer
    running = set(layer.executable_asset_keys) - set(keys)
    return {key for key in keys if layer.asset_graph.get(key).child_keys & running}


def _land(context: dg.AssetExecutionContext, source: Source) -> Landing | None:
    """Land a source over the run's months; None where it is not set up.

    Where it fails by itself (its vendor, its settings) the others go on, with what it delivered before; the run
    fails when all is published (`every_source_was_refreshed`).
    """
    home = Home.from_environment()
    if (trace := remove_trace(home, source)) and source.secrets:
        context.log.warning(
            f"{source.title}: removed {trace}, in which an earlier release kept {', '.join(source.secrets)} in clear, readable "
            "to every user of this machine: replace them by new ones"
        )
    try:
        settings = resolve(source.settings, source.name)
        if settings is None:
            declare(home, source)
            context.log.info(f"{source.title}: not set up (no setting sources.{source.name}.*), skipped")
            return None if _is_absent(home, source, settings) else Landing(source.name)
        window = window_of(context.partition_key_range)
        context.log.info(f"{source.title}: asking for {window.first} to {window.last}")
        landing = land(home, source, settings, window, utc_now())
        if _is_absent(home, source, settings, landing):
            return None
        if not landing.refused:
            backfill_state.landed(home, source, settings, window)
    except Exception as error:
        if interruption := interruption_of(error):
            raise interruption from None
        message, try_again = explained(error)
        is_last_try = not try_again or context.retry_number >= AGAIN.max_retries
        if not is_last_try:
            wait = AGAIN.calculate_delay(context.retry_number + 1)
            context.log.warning(f"{source.title}: {message}; next try in {wait:g} seconds")
        if source.is_required or not is_of_one_source(error) or not is_last_try:
            if "\n" in message:
                context.log.error(f"{source.title}: {message}")
            # Not from the error: Dagster would keep its text, in which a library quotes what it could not read.
            raise dg.Failure(message, allow_retries=try_again) from None
        declare(home, source)
        context.log.error(f"{source.title}: not refreshed: {message}")
        return Landing(source.name, refused=[(f"{source.name} as a whole", message)])
    context.log.info(str(landing))
    return landing


def raw_assets(source: Source) -> dg.AssetsDefinition:
    """The raw tables of a source, landed for a range of billing months in one run.

    A source that is not set up lands nothing, and shows neither a materialization nor a check; its tables exist, empty.
    Only where another step of the run waits for a table is it materialized, with metadata that show the reason.
    """
    specs = _specs(source)
    check = dg.AssetCheckSpec(
        DELIVERED,
        asset=specs[0].key,
        description=(
            "The vendor answered, and every slice could be read; none was refused. A warning where the source is set up and "
            "has never delivered anything, where a file of the lake was damaged, and where a delivery note is from the future."
        ),
    )

    @dg.multi_asset(
        name=source.dataset,
        specs=specs,
        check_specs=[check],
        can_subset=True,
        partitions_def=billing_months(),
        backfill_policy=dg.BackfillPolicy.single_run(),
        retry_policy=AGAIN,
        required_resource_keys={RUN_LOCK},
    )
    def landed(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        landing = _land(context, source)
        selected = [spec.key for spec in specs if spec.key in context.selected_asset_keys]
        if landing is None:
            for key in _awaited(context, selected):
                yield dg.MaterializeResult(asset_key=key, metadata={"skipped": dg.TextMetadataValue("not set up")})
            return
        for key in selected:
            yield dg.MaterializeResult(asset_key=key, metadata=_metadata(landing, key.path[-1]))
        if check.key not in context.selected_asset_check_keys:
            return
        warnings = _warnings(source, landing)
        for line in warnings:
            context.log.warning(f"{source.title}: {line}")
        yield dg.AssetCheckResult(
            asset_key=specs[0].key,
            check_name=check.name,
            passed=not landing.refused and not warnings,
            severity=dg.AssetCheckSeverity.ERROR if landing.refused else dg.AssetCheckSeverity.WARN,
            description="; ".join([*reasons(landing.refused), *warnings]) or None,
            metadata={
                "refused": dg.JsonMetadataValue([list(pair) for pair in landing.refused]),
                "warnings": dg.JsonMetadataValue(list(warnings)),
            },
        )

    return landed


RAW_ASSETS: list[dg.AssetsDefinition] = [raw_assets(source) for source in SOURCES]
