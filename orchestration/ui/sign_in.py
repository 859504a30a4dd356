"""The page on which a person enters the token of the Dagster UI once. A cookie that no script can read then stands for it."""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

PATH = "/sign-in"
FIELD = "token"
COOKIE = "costowner_ui"
# Of a form, in bytes: room for any token, and no more for one who has none.
MOST = 4096
PRIVATE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
}
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Costowner: sign in</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 24em; margin: 15vh auto; padding: 0 1em }}
  input, button {{ font: inherit; width: 100%; box-sizing: border-box; padding: .5em; margin-top: .5em }}
</style>
<h1>Costowner</h1>
<p role="alert">{problem}</p>
<form method="post" action="{action}">
  <label>Token of this UI (<code>COSTOWNER_UI_TOKEN</code>)
    <input name="{field}" type="password" autocomplete="current-password" required autofocus>
  </label>
  <button>Sign in</button>
</form>
</html>
"""


def page(problem: str = "") -> str:
    """The form, as HTML. `problem`: why the last token was refused; our own text, which needs no escaping."""
    return PAGE.format(problem=problem, action=PATH, field=FIELD)


def session_of(token: str) -> str:
    """The value of the cookie: not the token, which no browser keeps. A new token ends all sessions."""
    return hmac.new(token.encode(), b"session of the Costowner UI", hashlib.sha256).hexdigest()


def is_same(given: str, secret: str) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    return hmac.compare_digest(given.encode(), secret.encode())


def sign_in_route(token: str) -> Route:
    """The page at `PATH`. A wrong token is answered with 401, a form of more than `MOST` bytes with 413."""

    async def sign_in(request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(page(), headers=PRIVATE)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST:
                return PlainTextResponse("the form is too large\n", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        given = parse_qs(body.decode(errors="replace")).get(FIELD, [""])[0].strip()
        if not is_same(given, token):
            return HTMLResponse(page("This is not the token."), HTTPStatus.UNAUTHORIZED, headers=PRIVATE)
        signed_in = RedirectResponse("/", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
        # To the end of the browser's session, and only in requests that a page of this origin makes.
        is_tls = request.url.scheme == "https"
        signed_in.set_cookie(COOKIE, session_of(token), secure=is_tls, httponly=True, samesite="strict")
        return signed_in

    return Route(PATH, sign_in, methods=["GET", "POST"])
