"""`costowner ui`: Dagster's web server in this process, its daemon and its code server as children; all of them end together.

The code server loads the definitions, for the web server and the daemon alike, and starts the runs. "Reload definitions" of the
UI has it load them again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

import click
import dagster as dg
import uvicorn
import yaml
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._grpc.client import DagsterGrpcClient
from dagster._utils.log import configure_loggers
from dagster_webserver.version import __version__
from starlette.applications import Starlette

from ingestion.errors import IngestionError, SettingError
from ingestion.setting_table import UI_TOKEN
from ingestion.settings import PROJECT_ROOT
from orchestration.code_location import CODE_LOCATION
from orchestration.ui.child_processes import ChildProcesses
from orchestration.ui.server import GuardedWebserver, UiSettings

ADDRESS = "127.0.0.1"
# How long an open page or log has to come to its end.
CLOSING_SECONDS = 5


class ServiceEnded(IngestionError):
    """A process that the UI needs has ended."""


def serve(port: int) -> None:
    """Serve the UI on 127.0.0.1 until SIGINT or SIGTERM; port 0 takes a free one. The environment is prepared.

    Raises SettingError where a setting is wrong or the port is taken, ServiceEnded where the daemon or the code server ends.
    """
    settings = UiSettings.from_environment()
    # No child needs it, and a run's environment may be logged.
    os.environ.pop(UI_TOKEN.name, None)
    # A shell's job in the background inherits SIGINT as ignored, and would hand that on.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    children = ChildProcesses()
    with (
        suppress(KeyboardInterrupt),
        _listening(port) as listener,
        tempfile.TemporaryDirectory(prefix="costowner-ui-") as folder,
        _ended(children),
        ExitStack() as stack,
    ):
        configure_loggers()
        click.echo("loading the definitions; the first time this takes a minute")
        workspace = _start_services(children, Path(folder))
        instance = stack.enter_context(dg.DagsterInstance.get())
        target = WorkspaceFileTarget([str(workspace)])
        context = stack.enter_context(
            WorkspaceProcessContext(instance, target, version=__version__, read_only=settings.is_read_only)
        )
        _serve_until_one_ends(GuardedWebserver(context, settings), listener, children)
    if children.ended_first:
        raise ServiceEnded(f"{children.ended_first}, so the UI ends; its reason stands above: start the UI again")


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """The socket of the server, taken before anything is started."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
        except OSError as error:
            raise SettingError(
                f"port {port} can't be used ({error.strerror}): end what uses it, or choose another with --port"
            ) from None
        yield listener


@contextmanager
def _ended(children: ChildProcesses) -> Iterator[None]:
    try:
        yield
    finally:
        # A second Ctrl-C would leave them behind.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        children.end()


def _start_services(children: ChildProcesses, folder: Path) -> Path:
    """Start code server and daemon. Gives the workspace file by which the daemon and the web server find the code server.

    The folder is this user's alone, and so is the socket in it: who reaches it starts runs.
    """
    code_socket, workspace = folder / "code", folder / "workspace.yaml"
    options = ("--socket", str(code_socket), "--location-name", CODE_LOCATION, "--log-level", "warning")
    code = ("--module-name", CODE_LOCATION, "--working-directory", str(PROJECT_ROOT))
    server = children.start("the code server", "dagster", "code-server", "start", *options, *code)
    _wait_for(server, DagsterGrpcClient(socket=str(code_socket)))
    found = {"host": "localhost", "socket": str(code_socket), "location_name": CODE_LOCATION}
    workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": found}]}))
    children.start("the daemon", "dagster._daemon", "run", "--workspace", str(workspace))
    return workspace


def _wait_for(server: subprocess.Popen[bytes], client: DagsterGrpcClient) -> None:
    """Wait until the code server answers: it first loads the definitions."""
    while True:
        with suppress(DagsterUserCodeUnreachableError):
            client.ping("")
            return
        with suppress(subprocess.TimeoutExpired):
            code = server.wait(timeout=0.1)
            raise ServiceEnded(f"the code server ended (exit code {code}); its reason stands above")


def _serve_until_one_ends(webserver: GuardedWebserver, listener: socket.socket, children: ChildProcesses) -> None:
    address, port = listener.getsockname()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        click.echo(f"Dagster UI on http://{address}:{port}")
        with suppress(asyncio.CancelledError):  # of uvicorn, on SIGINT
            yield

    server = uvicorn.Server(
        uvicorn.Config(
            webserver.create_asgi_app(lifespan=lifespan),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=CLOSING_SECONDS,
        )
    )

    def stop() -> None:
        server.should_exit = True

    children.watch(stop)
    # Whoever reads the address may connect at once: uvicorn itself listens only after `lifespan` has printed it.
    listener.listen()
    server.run(sockets=[listener])
