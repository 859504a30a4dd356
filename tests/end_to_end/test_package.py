"""The wheel in its own environment: a new user goes from an empty folder to a published ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ingestion.settings import PROJECT_ROOT

pytestmark = pytest.mark.slow

CANARY = "canary-4711"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def run(*command: str | Path, cwd: Path, **settings: str) -> str:
    """Run a command, which must succeed, without the checkout on its path. Gives its output."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=cwd, env={**environment, **settings}, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def costowner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel with the versions of the lock file."""
    folder = tmp_path_factory.mktemp("package")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", PROJECT_ROOT, "-w", folder, cwd=folder)
    (wheel,) = folder.glob("costowner-*.whl")
    run(sys.executable, "-m", "venv", folder / "environment", cwd=folder)
    python = folder / "environment" / "bin" / "python"
    run(python, *PIP, "--require-hashes", "-r", PROJECT_ROOT / "requirements.lock", cwd=folder)
    run(python, *PIP, "--no-deps", wheel, cwd=folder)
    return python.with_name("costowner")


def installed(costowner: Path) -> dict[str, int]:
    """The files of the wheel with their sizes, without compiled Python."""
    packages = next((costowner.parent.parent / "lib").glob("python*")) / "site-packages"
    files = (file for name in ("costowner", "ingestion", "orchestration") for file in (packages / name).rglob("*"))
    return {str(file): file.stat().st_size for file in files if file.is_file() and "__pycache__" not in file.parts}


def test_wheel_refreshes_the_sample_company_from_any_folder(costowner: Path, tmp_path: Path) -> None:
    before = installed(costowner)
    run(costowner, "init", "bills", cwd=tmp_path)
    # The demo ignores the user's settings.
    output = run(costowner, "refresh", "--demo", cwd=tmp_path, SOURCES__FOCUS__EXPORTS=f"own=/{CANARY}")
    assert "refresh done" in output and CANARY not in output
    with duckdb.connect(str(tmp_path / "costowner-demo" / "published" / "marts.duckdb"), read_only=True) as marts:
        conserved = marts.execute(
            "select count(*), count(*) filter (not is_reconciled) from fact_reconciliation"
        ).fetchone()
        sources = marts.execute("select count(distinct source) from fact_cost").fetchone()
    assert conserved and conserved[0] and not conserved[1]
    assert sources and sources[0] >= 4
    assert "How it is owned" in run(costowner, "status", "--demo", cwd=tmp_path)
    states = {
        state["name"]: state for state in json.loads(run(costowner, "sources", "--json", cwd=tmp_path / "bills"))
    }
    assert states["aws"]["state"] == "not set up" and states["aws"]["last_extract"] is None
    assert installed(costowner) == before
