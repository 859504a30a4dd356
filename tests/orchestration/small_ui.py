"""Definitions for the tests of the UI: one asset, one check, one sensor."""

import dagster as dg


@dg.asset
def bill() -> int:
    return 1


@dg.asset_check(asset=bill)
def adds_up() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.sensor(target=bill)
def delivered() -> dg.SkipReason:
    return dg.SkipReason("nothing was delivered")


defs = dg.Definitions(assets=[bill], asset_checks=[adds_up], sensors=[delivered])
