"""The processes of `costowner ui`: they end together, however the first of them ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ingestion.settings import PROJECT_ROOT, Home
from orchestration.cli.init import make_installation
from orchestration.cli.main import main
from orchestration.code_location import CODE_LOCATION

DEADLINE_SECONDS = 240
# A module that starts a process which ignores the signal of Ctrl-C, then waits itself.
WORKER = """
import signal, subprocess, sys
deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print('works', flush=True); signal.pause()"
subprocess.Popen([sys.executable, "-c", deaf])
signal.pause()
"""
QUIET = "import signal; signal.pause()"
FAILING = "import sys; sys.exit(3)"
# What `costowner ui` does with such modules, up to a word on its standard input.
PARENT = """
import os, signal, sys, threading
from orchestration.ui.child_processes import ChildProcesses
children, one_ended = ChildProcesses(), threading.Event()
for name in sys.argv[1:]:
    children.start(name, name)
children.watch(one_ended.set)
if sys.stdin.readline() == "kill\\n":
    os.kill(os.getpid(), signal.SIGKILL)
if "failing" in sys.argv:
    one_ended.wait()
children.end(seconds=0.5)
print(children.ended_first, flush=True)
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "quiet.py").write_text(QUIET)
    (tmp_path / "failing.py").write_text(FAILING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(PROJECT_ROOT))))
    return tmp_path


def parent_of(*names: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def output_of_all(parent: subprocess.Popen[str], word: str) -> str:
    """What the processes print. All hold the pipe: its end is the end of the last of them."""
    output, _ = parent.communicate(f"{word}\n", timeout=DEADLINE_SECONDS)
    return output


def test_children_end_with_what_they_started_also_where_that_ignores_the_signal(modules: Path) -> None:
    parent = parent_of("worker", "quiet")
    assert parent.stdout is not None and parent.stdout.readline() == "works\n"
    assert output_of_all(parent, "end").splitlines()[-1] == "None" and parent.returncode == 0


def test_end_of_one_is_reported_with_its_exit_code_and_ends_all(modules: Path) -> None:
    parent = parent_of("worker", "failing")
    assert output_of_all(parent, "end").splitlines()[-1] == "failing ended (exit code 3)"


@pytest.mark.skipif(sys.platform != "linux", reason="the system ends a process with its parent on Linux only")
def test_children_end_with_a_parent_that_is_killed(modules: Path) -> None:
    (modules / "worker.py").write_text("import signal; print('works', flush=True); signal.pause()")
    parent = parent_of("worker")
    assert parent.stdout is not None and parent.stdout.readline() == "works\n"
    assert output_of_all(parent, "kill") == "" and parent.returncode == -signal.SIGKILL


def test_port_in_use_is_one_line_that_names_it_and_the_way_out(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process keeps its own
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["costowner", "ui", "--port", str(port)])
        assert main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f"port {port}" in line and "--port" in line


@pytest.mark.parametrize("arguments", [[], ["--demo"]])
def test_processes_of_the_ui_find_the_packages_whatever_the_installation(
    arguments: list[str], tmp_path: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster starts `python -m dagster` in the folder that it works in, and loads our event log by its name."""
    make_installation(tmp_path / "bills")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path / "bills"))
    found = []
    command = [sys.executable, "-c", "import orchestration.event_log"]
    monkeypatch.setattr(
        "orchestration.ui.serve.serve", lambda _: found.append(subprocess.run(command, check=False).returncode)
    )
    monkeypatch.setattr("orchestration.cli.main._installation", lambda *_: nullcontext(Home(tmp_path / "bills")))
    monkeypatch.setattr("sys.argv", ["costowner", "ui", *arguments])
    assert main() == 0 and found == [0]


@pytest.fixture
def running_ui(read_home: Home) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`costowner ui` as a shell starts it in the background, with SIGINT ignored; and its address."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration", "ui", "--port", "0"],
            cwd=PROJECT_ROOT,
            env={**os.environ, "COSTOWNER_UI_TOKEN": TOKEN},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        address = next(line.split()[-1] for line in lines if "http://127.0.0.1:" in line)
        yield process, address
    finally:
        process.kill()


TOKEN = "canary-4711-of-the-user-interface"
HEALTH = """{
  instance { daemonHealth { allDaemonStatuses { required healthy } } }
  workspaceOrError { ... on Workspace { locationEntries { name locationOrLoadError { __typename } } } }
}"""


def asked(address: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"{address}{path}",
        json.dumps(body).encode() if body else None,
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
        return json.load(answer)


def test_ui_serves_the_definitions_and_runs_the_daemon_until_it_is_ended(
    running_ui: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = running_ui
    assert asked(address, "/server_info")["dagster_webserver_version"]
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        health = asked(address, "/graphql", {"query": HEALTH})["data"]
        daemons = [one for one in health["instance"]["daemonHealth"]["allDaemonStatuses"] if one["required"]]
        if daemons and all(one["healthy"] for one in daemons):
            break
        assert process.poll() is None and time.monotonic() < deadline, health
    [location] = health["workspaceOrError"]["locationEntries"]
    loaded = {"__typename": "RepositoryLocation"}
    assert location == {"name": CODE_LOCATION, "locationOrLoadError": loaded}
    children = [Path(f"/proc/{pid}/environ") for pid in descendants(process.pid)]
    assert len(children) >= 3 or sys.platform != "linux"
    assert not any(TOKEN.encode() in child.read_bytes() for child in children)
    process.terminate()
    # Every process holds the pipe: its end is the end of the last of them.
    output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0 and TOKEN not in output
    assert "Traceback" not in output, output


def descendants(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(child) for child in listed.read_text().split()] if listed.exists() else []
    return [*children, *(found for child in children for found in descendants(child))]


@pytest.mark.parametrize("name", ["COSTOWNER_UI_TOKEN", "COSTOWNER_UI_HOSTS", "COSTOWNER_UI_READ_ONLY"])
def test_wrong_setting_ends_the_command_before_anything_starts(
    name: str, prepared_home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "too short *")
    monkeypatch.setattr("sys.argv", ["costowner", "ui"])
    assert main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"costowner: {name}=")
    assert ("too short" in line) is (name != "COSTOWNER_UI_TOKEN")
