"""An installation's files are its user's alone, but for what is published."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ingestion.settings import PROJECT_ROOT, Home
from orchestration.environment import prepare


@pytest.fixture(autouse=True)
def usual_umask(environment: None) -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(home: Home) -> dict[str, int]:
    return {
        path.relative_to(home.root).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (home.root, *home.root.rglob("*"))
    }


def test_new_installation_is_its_users_alone_but_for_the_publication(tmp_path: Path) -> None:
    home = Home(tmp_path / "var" / "own")
    prepare(home)
    (home.root / "later").write_text("by this process or a child of it")
    found = modes(home)
    assert found.pop(".") == 0o711, "readers come through to the publication, and see no other name"
    assert found.pop("published") == 0o755
    assert {"lake", "dlt", "dagster", "dagster/dagster.yaml", "later"} <= found.keys()
    assert {path for path, mode in found.items() if mode & 0o077} == set()
    assert stat.S_IMODE(home.root.parent.stat().st_mode) == 0o755, "what lies above is not the installation's"


def test_installation_of_an_earlier_release_is_closed(tmp_path: Path) -> None:
    home = Home(tmp_path / "own")
    for folder in (home.lake, home.dlt / "vercel", home.dagster, home.root / "dbt_target", home.published):
        folder.mkdir(parents=True)
    for file in (home.warehouse, home.root / "notes.txt", home.database):
        file.write_text("x")
    home.dagster.chmod(0o770)  # a group's
    prepare(home)
    found = modes(home)
    assert {name: found[name] for name in ("lake", "dlt", "dagster", "dbt_target", "warehouse.duckdb")} == {
        **dict.fromkeys(("lake", "dlt", "dagster", "dbt_target"), 0o700),
        "warehouse.duckdb": 0o600,
    }
    assert found["published"] == 0o755 and found["published/marts.duckdb"] == 0o644
    assert found["notes.txt"] == 0o644, "what the installation did not make is left alone"


def test_processes_that_start_together_make_one_installation(tmp_path: Path) -> None:
    """As a schedule's run, a command and a page of the UI do, and the workers of these tests."""
    together = 8
    barrier = Barrier(together)

    def start(home: Home) -> None:
        barrier.wait()
        prepare(home)

    with ThreadPoolExecutor(together) as processes:
        for number in range(25):
            home = Home(tmp_path / str(number))
            for started in [processes.submit(start, home) for _ in range(together)]:
                started.result()
            assert modes(home)["."] == 0o711 and modes(home)["published"] == 0o755
            assert [path.name for path in home.dagster.iterdir()] == ["dagster.yaml"]


def test_publication_elsewhere_can_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTOWNER_PUBLISHED", str(tmp_path / "share" / "costs"))
    home = Home(tmp_path / "own")
    prepare(home)
    assert stat.S_IMODE((tmp_path / "share").stat().st_mode) & 0o111 == 0o111
    assert stat.S_IMODE(home.published.stat().st_mode) == 0o755


def test_process_that_crashes_leaves_no_memory_behind(tmp_path: Path) -> None:
    """In a process of its own: the limit can't be raised again. Its children have it too."""
    code = (
        "import resource, subprocess, sys; from pathlib import Path; from ingestion.settings import Home; "
        "from orchestration.environment import prepare; prepare(Home(Path(sys.argv[1]))); "
        "print(resource.getrlimit(resource.RLIMIT_CORE), flush=True); subprocess.run(['sh', '-c', 'ulimit -Hc'])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "own")],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.split("\n") == ["(0, 0)", "0", ""]
