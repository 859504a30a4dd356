"""A real Spark cluster on loopback, from PyPI's pyspark alone: a standalone master, workers and a Thrift server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.engines import SHORT_LIVED, SPARK_PYTHON

THRIFT = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
# How long a server may take to listen, seconds.
PATIENCE = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Cluster:
    """A running cluster. `settings` are what costowner needs to find it."""

    folder: Path
    settings: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def kill_a_worker(self) -> None:
        """SIGKILL to a worker and its executors: what they held of shuffles is gone with them."""
        worker = self.workers.pop()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


@contextmanager
def _server(folder: Path, name: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process group of its own, its output in a file, gone when the context ends."""
    environment = {
        **os.environ,
        **SHORT_LIVED,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": str(SPARK_PYTHON),
    }
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not _listens(port):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.2)  # there is nothing to wait on but the port


@contextmanager
def spark_cluster(folder: Path, workers: int = 2, memory: str = "2g") -> Iterator[Cluster]:
    """A master, workers of one core each and a Thrift server, its metastore and tables below `folder`."""
    binaries = SPARK_PYTHON.parent
    folder.mkdir(parents=True, exist_ok=True)
    master_port, thrift_port = free_port(), free_port()
    master_url = f"spark://127.0.0.1:{master_port}"
    with ExitStack() as stack:
        at = ["--host", "127.0.0.1", "--webui-port", "0"]
        master = stack.enter_context(
            _server(
                folder,
                "master",
                [
                    str(binaries / "spark-class"),
                    "org.apache.spark.deploy.master.Master",
                    *at,
                    *("--port", str(master_port)),
                ],
            )
        )
        _wait_for(master_port, master, folder / "master.log")
        cluster = Cluster(
            folder,
            {
                "COSTOWNER_ENGINE": "spark",
                "COSTOWNER_SPARK_HOST": "127.0.0.1",
                "COSTOWNER_SPARK_PORT": str(thrift_port),
                "COSTOWNER_SPARK_THREADS": "2",
            },
        )
        for number in range(workers):
            work = folder / f"worker-{number}"
            command = [str(binaries / "spark-class"), "org.apache.spark.deploy.worker.Worker", *at]
            command += ["--cores", "1", "--memory", memory, "--work-dir", str(work), master_url]
            cluster.workers.append(stack.enter_context(_server(folder, f"worker-{number}", command)))
        settings = {
            "spark.driver.memory": "2g",
            "spark.executor.memory": "1500m",
            "spark.executor.cores": "1",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.log.level": "WARN",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/metastore;create=true",
        }
        options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
        thrift = stack.enter_context(
            _server(
                folder,
                "thrift",
                [
                    *(str(binaries / "spark-submit"), "--master", master_url, "--class", THRIFT, *options),
                    *("spark-internal", "--hiveconf", f"hive.server2.thrift.port={thrift_port}"),
                    *("--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1"),
                ],
            )
        )
        _wait_for(thrift_port, thrift, folder / "thrift.log")
        yield cluster
