"""No credential lies below an installation: planted in every secret setting, none is found in any file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ingestion.lake.contract import Source
from ingestion.lake.pipeline import remove_trace
from ingestion.settings import Home
from ingestion.sources.catalog import SOURCES
from orchestration.assets import raw
from orchestration.run_lock import RUN_LOCK, RunLock
from sample_company.server import Response, Route, serving

# Every secret of every source, by its setting; `aws` and `focus` leave theirs to boto3.
SECRETS = {
    setting.upper().replace(".", "__"): setting.replace("sources.", "canary-").replace(".", "-")
    for source in SOURCES
    for setting in source.secrets
}
MONGO = "SOURCES__LLM_GATEWAY__MONGO_URI"


def everything_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    return ((path, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file())


def found_below(folder: Path) -> list[tuple[str, str]]:
    return [
        (setting, str(path.relative_to(folder)))
        for path, content in everything_below(folder)
        for setting, canary in SECRETS.items()
        if canary.encode() in content
    ]


def landed(home: Home, source: Source, instance: dg.DagsterInstance) -> list[str]:
    result = dg.materialize(
        [raw.raw_assets(source)], partition_key="2026-10", instance=instance, resources={RUN_LOCK: RunLock()}
    )
    logs = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert not [line for line in logs for secret in SECRETS.values() if secret in line]
    return logs


@pytest.mark.parametrize("status", [200, 401, 404, 500])
def test_no_credential_lies_below_the_installation_whatever_the_vendor_answers(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Dagster's own storage and dlt's working folder lie there too."""
    assert len(SECRETS) >= 7 and MONGO in SECRETS
    monkeypatch.setenv("COSTOWNER_HOME", str(prepared_home.root))
    monkeypatch.setenv("COSTOWNER_NOW", "2026-10-03T06:00:00")
    monkeypatch.setenv("COSTOWNER_REGISTRY", str(Path(__file__).resolve().parents[2] / "registry"))
    # An installation may ask dlt for its trace: it gets none all the same.
    monkeypatch.setenv("ENABLE_RUNTIME_TRACE", "true")
    monkeypatch.setattr(raw, "AGAIN", dg.RetryPolicy(max_retries=0))
    monkeypatch.setattr(
        "ingestion.access.http.random.uniform", lambda *span: 0.0
    )  # another attempt is made at once

    def answer(request: Any) -> Response:
        # A vendor that repeats what it got: no message may quote an answer.
        return Response(status, repr(dict(request.headers)).encode())

    with serving([Route(method, ".*", answer) for method in ("GET", "POST")]) as base:
        for setting, canary in SECRETS.items():
            monkeypatch.setenv(
                setting, f"mongodb://user:{canary}@127.0.0.1:1/?timeoutMS=50" if setting == MONGO else canary
            )
        for source in SOURCES:
            for field in fields(source.settings):
                if field.name.endswith("base_url") or field.name in ("litellm_api_url", "ai_gateway_url"):
                    monkeypatch.setenv(f"SOURCES__{source.name.upper()}__{field.name.upper()}", base)
        for name in ("SOURCES__VERCEL__TEAM_ID", "SOURCES__ATLAS__CLIENT_ID", "SOURCES__ATLAS__ORG_ID"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("SOURCES__VERCEL__AI_GATEWAY_DIMENSIONS", "day")
        with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
            for source in SOURCES:
                landed(prepared_home, source, instance)
    assert found_below(prepared_home.root) == []
    assert len(list(everything_below(prepared_home.root))) > 50, "there was something to look through"
    assert list(prepared_home.dlt.rglob("trace*")) == []


def test_trace_of_an_earlier_release_is_removed_and_its_keys_named_for_replacement(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    vercel = next(source for source in SOURCES if source.name == "vercel")
    trace = prepared_home.dlt / "vercel" / "trace.pickle"
    trace.parent.mkdir(parents=True)
    trace.write_bytes(b"canary-vercel-token")
    monkeypatch.setenv("COSTOWNER_HOME", str(prepared_home.root))
    with dg.DagsterInstance.ephemeral() as instance:
        first, second = (landed(prepared_home, vercel, instance) for _ in range(2))
    assert not trace.exists() and remove_trace(prepared_home, vercel) is None
    (warning,) = [line for line in first if "trace.pickle" in line]
    assert (
        "kept sources.vercel.token, sources.vercel.ai_gateway_key in clear" in warning
        and "replace them by new ones" in warning
    )
    assert [line for line in second if "trace.pickle" in line] == []
