"""What every request to the Dagster UI has to pass, as ASGI middleware: HTTP requests and websockets alike.

Dagster's server answers whoever reaches its port. A page of another site reaches it too, through the browser of somebody who
has the UI at hand, and so does every user of the machine.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from orchestration.ui.sign_in import COOKIE, PATH, PRIVATE, is_same, page, session_of

# What may change nothing (RFC 9110, 9.2.1). A browser shows the answer to the page that asked only if that is of this origin.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# For what Dagster sends without them: only its own page has headers.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A second policy beside that of Dagster's page: a browser obeys both, and the page's nonce stays as it is.
NO_FRAMES = "frame-ancestors 'none'"
POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
ANOTHER_SITE = (
    "refused: a page of another site asked for this. Open the UI in a tab of its own. "
    "Behind a proxy, have it pass the header Host on as the browser sent it.\n"
)
NO_TOKEN = f"a token is needed: send it as `Authorization: Bearer …`, or sign in at {PATH}\n"


class SecurityHeaders:
    """Adds the security headers that an answer lacks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.append("Content-Security-Policy", NO_FRAMES)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuses what a page of another origin asks for: unsafe requests, and websockets, which no browser keeps to one origin.

    Another port of this machine is another origin. A client that is no browser sends neither of the two headers, and passes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_guarded = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] not in SAFE)
        if is_guarded and _is_of_another_origin(Headers(scope=scope)):
            await _refusal(scope, PlainTextResponse(ANOTHER_SITE, status_code=403))(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def _is_of_another_origin(headers: Headers) -> bool:
    """By Sec-Fetch-Site (W3C Fetch Metadata), which only a browser sets, and by Origin (RFC 6454), which older ones send too."""
    if any(site not in ("same-origin", "none") for site in headers.getlist("sec-fetch-site")):
        return True
    # Not the scheme: behind a proxy it is https in the browser, and http here.
    host = headers.get("host", "").lower()
    return any(origin.partition("://")[2].lower() != host for origin in headers.getlist("origin"))


class TokenRequired:
    """Refuses every request that carries neither the token nor the cookie of who signed in with it, but for the sign-in page."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._token = token
        self._session = session_of(token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_guarded = scope["type"] in ("http", "websocket") and scope["path"] != PATH
        if is_guarded and not self._is_known(HTTPConnection(scope)):
            await _refusal(scope, _token_asked_for(Headers(scope=scope)))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _is_known(self, connection: HTTPConnection) -> bool:
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and is_same(given.strip(), self._token):
            return True
        return is_same(connection.cookies.get(COOKIE, ""), self._session)


def _token_asked_for(headers: Headers) -> PlainTextResponse | HTMLResponse:
    more = {"WWW-Authenticate": "Bearer", **PRIVATE}
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(page(), status_code=401, headers=more)
    return PlainTextResponse(NO_TOKEN, status_code=401, headers=more)


def _refusal(scope: Scope, answer: ASGIApp) -> ASGIApp:
    """The answer to a request; a websocket is closed before it is accepted, which its client sees as 403."""
    return answer if scope["type"] == "http" else WebSocketClose(code=POLICY_VIOLATION)
