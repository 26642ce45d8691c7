"""Who may ask the explorer, and what a browser may do with its answers. Every answer passes here, errors too.

It listens on loopback, and pages of other sites must not read it: by its name (a rebound host name), by where a request comes from, or
inside a frame. Ports are not looked at, so that a tunnel (ssh -L) works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OWN = ("none", "same-origin")
"""What a browser says of a request that the user or the page itself made."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_PORT = re.compile(r":\d+$")


class Guard:
    """Refuses requests by their host and origin, and sets the headers of every answer.

    Parameters
    ----------
    app
        The application behind it.
    hosts
        Host names that are allowed besides those of loopback.
    framed
        Whether pages on loopback (a notebook) may show it in a frame.

    """

    def __init__(self, app: ASGIApp, *, hosts: Iterable[str] = (), framed: bool = False) -> None:
        self.app = app
        self.hosts = frozenset(name.lower() for name in (*LOOPBACK, *hosts))
        ancestors = "http://127.0.0.1:* http://localhost:*" if framed else "'none'"
        self.policy = POLICY.format(ancestors=ancestors)
        self.framed = framed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse.

        Parameters
        ----------
        scope, receive, send
            Of ASGI.

        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(message)
            await send(message)

        refused = self.refusal(Headers(scope=scope), str(scope["path"]))
        await (self.app if refused is None else refused)(scope, receive, headed)

    def refusal(self, headers: Headers, path: str, /) -> JSONResponse | None:
        """The answer to a request that may not be asked.

        Parameters
        ----------
        headers
            Of the request.
        path
            What is asked for.

        Returns
        -------
        JSONResponse | None
            421 for a host name that is not allowed, 403 for a request of another site, None for all others.

        """
        host = _PORT.sub("", headers.get("host", "")).lower()
        if host not in self.hosts:
            names = ", ".join(sorted(self.hosts))
            return _error(421, f"this explorer answers to {names}, and was asked as {host!r}; give that name to impasto explore --host")
        site = headers.get("sec-fetch-site", "none")
        # A notebook shows the page, and nothing but the page, in a frame; the policy of the page says which sites may.
        in_frame = self.framed and path == "/" and headers.get("sec-fetch-dest") == "iframe"
        if site not in OWN and not in_frame:
            return _error(403, "another site asked, and this explorer answers its own page only; open its address yourself")
        return None

    def _add_headers(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        headers["Content-Security-Policy"] = self.policy
        for name, value in HEADERS.items():
            headers[name] = value


def _error(status: int, sentence: str) -> JSONResponse:
    content: dict[str, Any] = {"detail": sentence}
    return JSONResponse(content, status_code=status)
