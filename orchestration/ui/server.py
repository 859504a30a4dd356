"""Dagster's web server with guards before it: it answers its own page, under known names, and no other site's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster_webserver.webserver import DagsterWebserver
from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ingestion.setting_table import UI_HOSTS, UI_READ_ONLY, UI_TOKEN
from orchestration.ui.guards import SameOrigin, SecurityHeaders, TokenRequired
from orchestration.ui.sign_in import sign_in_route

# By which the machine itself, or an SSH tunnel, reaches a server that listens on 127.0.0.1.
LOOPBACK = ("127.0.0.1", "localhost")
# Of Dagster's routes those that an installation has no use for. The first three write events by a plain POST: what a source
# delivered and whether a check passed is for runs to report. Notebooks would be pages of their own scripts on this origin.
LEFT_OUT = (
    "/report_asset_materialization/{asset_key:path}",
    "/report_asset_check/{asset_key:path}",
    "/report_asset_observation/{asset_key:path}",
    "/notebook",
    "/dagit/notebook",
    "/dagit_info",
)
POLL_MILLISECONDS = 2000  # how often an open page asks for news: what `dagster dev` sets
JSON = "application/json"


@dataclass(frozen=True)
class UiSettings:
    """`hosts`: names of a proxy, beside loopback's. `token`: what every request needs, if any."""

    hosts: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)
    is_read_only: bool = False

    @classmethod
    def from_environment(cls) -> UiSettings:
        """Raises SettingError where a value is wrong."""
        return cls(UI_HOSTS.given() or (), UI_TOKEN.given(), UI_READ_ONLY.value())


class GuardedWebserver(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """Dagster's web server, which by itself runs a mutation for whoever asks, by GET too."""

    def __init__(self, context: WorkspaceProcessContext, settings: UiSettings) -> None:
        self._settings = settings
        super().__init__(context, live_data_poll_rate=POLL_MILLISECONDS)

    def build_middleware(self) -> list[Middleware]:
        hosts = [*LOOPBACK, *self._settings.hosts]
        guards = [
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
            Middleware(SameOrigin),
        ]
        if self._settings.token:
            guards.append(Middleware(TokenRequired, token=self._settings.token))
        return [*guards, *super().build_middleware()]

    def build_routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = super().build_routes()  # type: ignore[no-untyped-call]
        kept = [route for route in routes if not (isinstance(route, Route) and route.path in LEFT_OUT)]
        return [sign_in_route(self._settings.token), *kept] if self._settings.token else kept

    async def graphql_http_endpoint(self, request: Request) -> Response:
        # A form of any page can send the other types, and Dagster would take the query from the address.
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.method == "POST" and kind != JSON:
            return PlainTextResponse(f"refused: send GraphQL as {JSON}\n", status_code=415)
        answer: Response = await super().graphql_http_endpoint(request)
        return answer

    async def execute_graphql_request(
        self, request: Request, query: str, variables: dict[str, Any] | None, operation_name: str | None
    ) -> JSONResponse:
        """Every operation over HTTP comes by here, however it was sent."""
        if may_change(query):
            if request.method != "POST":
                return _refused("only queries are answered by GET; send a mutation by POST", 405)
            if self._settings.is_read_only:
                return _refused(f"this UI is read-only ({UI_READ_ONLY.name})", 403)
        return await super().execute_graphql_request(request, query, variables, operation_name)


def may_change(query: str) -> bool:
    """Whether a GraphQL document has an operation that is no query, whichever of its operations is asked for."""
    try:
        document: DocumentNode = parse(query, no_location=True)
    except GraphQLError:
        return False  # nor does it run: the endpoint answers with the error
    operations = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return any(operation.operation is not OperationType.QUERY for operation in operations)


def _refused(reason: str, status: int) -> JSONResponse:
    return JSONResponse({"data": None, "errors": [{"message": f"refused: {reason}"}]}, status_code=status)
