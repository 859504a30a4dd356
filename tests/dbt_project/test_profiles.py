"""The profile's two Sparks: a cluster's session is set as the one in dbt's own process is."""

from __future__ import annotations

import yaml

from orchestration.dbt.project_files import DBT_PROJECT

PREFIX = "set:hiveconf:"
# Where the local one keeps its tables, how small they are, and that it has no UI: a cluster has its own.
LOCAL = {
    "spark.sql.shuffle.partitions",
    "spark.sql.warehouse.dir",
    "spark.sql.ui.explainMode",
    "spark.sql.debug.maxToStringFields",
    "spark.sql.maxMetadataStringLength",
    "spark.sql.maxPlanStringLength",
}


def test_session_of_a_cluster_has_the_settings_of_the_one_in_this_process() -> None:
    outputs = yaml.safe_load((DBT_PROJECT / "profiles.yml").read_text())["costowner"]["outputs"]
    sent = outputs["spark"]["server_side_parameters"]
    assert all(name.startswith(PREFIX) for name in sent), "a Thrift server ignores what has no prefix"
    cluster = {name.removeprefix(PREFIX): value for name, value in sent.items()}
    session = {
        name: value
        for name, value in outputs["spark_session"]["server_side_parameters"].items()
        if name.startswith("spark.sql.") and name not in LOCAL
    }
    assert cluster == session
