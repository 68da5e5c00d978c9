"""Between uvicorn and the emulators: bytes to `Request`, `Outcome` to bytes, or to a closed connection.

Plain uvicorn with its pure-Python protocol. The one thing ASGI cannot say is "close the socket without an answer", so
the protocol class puts its own `hang_up` into the scope's state.

Emulators, plain synchronous functions, run on the event loop itself. One call takes a tenth of a millisecond and SQLite
lets one writer in at a time, so a pool of threads could only queue them: it was tried and cost a third of the
throughput (1,840 requests a second on one core against 2,650). What really waits, a slow answer, waits on the loop.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from email.utils import formatdate
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from providers.emulation.emulator import Emulator, Request, Response, Speed
from providers.emulation.store import CloudFile

MOST_BYTES: Final = 16 * 1024 * 1024  # above every vendor's own limit, which its emulator words itself
TOO_LARGE: Final = Response(413, b"request entity too large\n", {"content-type": "text/plain"})

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Line(H11Protocol):
    """One connection, which the application can drop without an answer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app_state = {**self.app_state, "hang_up": self.hang_up}

    def hang_up(self) -> None:
        """Close the socket now, whatever is unsent."""
        self.transport.abort()


class Application:
    """The ASGI application of all clouds: the port a request came in by says which."""

    def __init__(self, by_port: Mapping[int, Emulator], file: CloudFile, speed: Speed) -> None:
        self.by_port = by_port
        self.file = file
        self.speed = speed
        self.stopping = asyncio.Event()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        emulator = self.by_port[scope["server"][1]]
        try:
            body = await _body(receive)
        except _ClientGone:
            return
        if body is None:
            await _send(send, TOO_LARGE, {"connection": "close"})
            return
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            headers[name.decode("latin-1")] = value.decode("latin-1")
        request = Request(scope["method"], (scope["raw_path"] + query).decode("latin-1"), headers, body)
        outcome = emulator.respond(self.file, request, self.speed)
        if outcome.delay:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), outcome.delay)
        if outcome.response is None:
            scope["state"]["hang_up"]()
            while (await receive())["type"] != "http.disconnect":
                pass  # until uvicorn has seen it too: an application that returns before is answered for, with a 500
            return
        await _send(send, outcome.response, {"date": formatdate(outcome.now, usegmt=True)})


class HttpServer(uvicorn.Server):
    """uvicorn, told when it is ready, and run on sockets that are bound already."""

    def __init__(self, application: Application) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=Line,
                loop="asyncio",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,  # ours tells the emulator's time, which a client may compare its clock with
                timeout_keep_alive=60,
                timeout_graceful_shutdown=5,
            )
        )
        self.application = application
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, and say so."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the slow answers early, then everything."""
        self.application.stopping.set()
        await super().shutdown(sockets)


class _ClientGone(Exception):
    """The client hung up before its request was complete: nothing is done."""


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when it is too large to be anybody's."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, response: Response, more: Mapping[str, str]) -> None:
    length = {} if response.status == 204 else {"content-length": str(len(response.body))}  # RFC 9110, 8.6
    headers = {**length, **response.headers, **more}
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": response.body})
