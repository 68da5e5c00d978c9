"""Serving emulators over HTTP on this machine's loopback: one thread, one event loop, one port per cloud.

A server is a daemon thread, so `workstead up` can carry its own clouds with it; it owns nothing that the file does not
have, so ending it at any moment loses nothing. Only loopback addresses are accepted: emulators know published keys.

Left to others: what is answered (`providers.emulation.emulator`), the HTTP protocol (`providers.emulation.asgi`, which
is imported only when a server starts, because uvicorn takes longer to load than most commands take to run).
"""

from __future__ import annotations

import atexit
import errno
import ipaddress
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from engine.core.errors import InternalError, UsageError
from providers.emulation.emulator import Emulator, Speed
from providers.emulation.registry import emulator_classes
from providers.emulation.store import FILE_NAME, CloudFile

if TYPE_CHECKING:
    from providers.emulation.asgi import HttpServer


START_LIMIT: Final = 30.0
"""Seconds for a server to begin to listen; it takes a tenth of one."""


class Server:
    """A running server. `urls`: cloud → base URL. Ends with `stop()` or at the end of a `with` block."""

    def __init__(self, urls: Mapping[str, str], http: HttpServer, thread: threading.Thread) -> None:
        self.urls = dict(urls)
        self._http = http
        self._thread = thread

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Answer what is being answered, close every connection and end; a second call does nothing."""
        self._http.should_exit = True
        self._thread.join()


def serve(
    emulators: Sequence[type[Emulator]],
    file: CloudFile,
    ports: int | None = None,
    speed: Speed | str = Speed.FAST,
    *,
    address: str = "127.0.0.1",
) -> Server:
    """Start serving; returns when connections are accepted.

    `ports`: the first of consecutive ports, in the order of the emulators; None lets the system choose. `speed`: how
    the vendors' durations pass. The caller keeps owning the file. Raises UsageError for a port in use
    (`emulator-port-in-use`), an address that is not loopback (`emulator-loopback-only`), an unknown speed or a file
    that cannot be used.
    """
    from providers.emulation.asgi import Application, HttpServer

    pace = _speed(speed)
    file.open()
    sockets = _bind(emulators, ports, address)
    by_port = {bound.getsockname()[1]: emulator() for bound, emulator in zip(sockets, emulators, strict=True)}
    urls = {emulator.cloud: f"http://{address}:{port}" for port, emulator in by_port.items()}
    http = HttpServer(Application(by_port, file, pace))
    thread = threading.Thread(target=http.run, args=(sockets,), name="emulators", daemon=True)
    thread.start()
    end = time.monotonic() + START_LIMIT
    while not http.ready.wait(0.1):
        if not thread.is_alive():
            raise InternalError("the emulators' server ended while it was starting")
        if time.monotonic() > end:
            raise InternalError(f"the emulators' server was not ready after {START_LIMIT:.0f} s")
    return Server(urls, http, thread)


_RUNNING: Final[dict[Path, tuple[Server, CloudFile]]] = {}
_RUNNING_LOCK = threading.Lock()


def ensure_running(home: Path, speed: Speed | str = Speed.FAST) -> dict[str, str]:
    """The URLs of every cloud's emulator on the project's file, started in this process at the first call.

    `home`: the project's `.workstead` folder. One server per file and process, whatever speed later calls ask for.
    """
    path = (home / FILE_NAME).absolute()
    with _RUNNING_LOCK:
        if path not in _RUNNING:
            file = CloudFile(path)
            _RUNNING[path] = serve(list(emulator_classes().values()), file, speed=speed), file
        return dict(_RUNNING[path][0].urls)


def stop_running() -> None:
    """End every server that `ensure_running` started; happens by itself when the process ends."""
    with _RUNNING_LOCK:
        while _RUNNING:
            _, (server, file) = _RUNNING.popitem()
            server.stop()
            file.close()


atexit.register(stop_running)


def _speed(speed: Speed | str) -> Speed:
    try:
        return Speed(speed)
    except ValueError:
        raise UsageError(
            f"there is no speed {str(speed)!r}", remedy=f"use one of: {', '.join(Speed)}", reference="emulator-speed"
        ) from None


def _bind(emulators: Sequence[type[Emulator]], first: int | None, address: str) -> list[socket.socket]:
    try:
        loopback = ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"emulators do not listen on {address}",
            why="They accept published keys, so only this machine may reach them.",
            remedy="leave the address out, or give one of 127.0.0.0/8",
            reference="emulator-loopback-only",
        )
    sockets: list[socket.socket] = []
    try:
        for offset, emulator in enumerate(emulators):
            port = 0 if first is None else first + offset
            # asyncio sets TCP_NODELAY only where the protocol is named; without it every answer takes 40 ms
            bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            sockets.append(bound)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                bound.bind((address, port))
                bound.listen()  # now: with SO_REUSEADDR two sockets may bind one port as long as neither listens
            except (OSError, OverflowError) as error:
                raise _port_refused(emulator.cloud, port, error) from error
    except BaseException:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def _port_refused(cloud: str, port: int, error: Exception) -> UsageError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return UsageError(
            f"port {port}, meant for the {cloud} emulator, is in use",
            why="Something else on this machine listens there, perhaps another `workstead cloud serve`.",
            remedy="stop it, or choose another first port with --port",
            reference="emulator-port-in-use",
        )
    return UsageError(
        f"port {port}, meant for the {cloud} emulator, cannot be used",
        why=str(error),
        remedy="choose a first port between 1024 and 65000 with --port",
        reference="emulator-port-refused",
    )
