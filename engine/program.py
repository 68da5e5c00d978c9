"""Runs a stack program in this process, through Pulumi's SDK.

The program is an ordinary Pulumi Python program: a file or folder run as `__main__`, or a function. It talks to the
`monitor` object it is given, by plain method calls; there is no gRPC, no subprocess and no CLI (spec section 1.2). This
module brings what the CLI's language host would: settings, config, arguments, working directory and an event loop; and
it gives everything back as it found it, so that a program can be run twice in one process (a preview, then an up).

Two choices make it fast. The cyclic garbage collector is off while the program runs: resources make large cyclic
webs that live to the end anyway, and scanning them again and again is what makes 5,000 resources take four times as
long. And a call to the monitor runs at once, on the event loop's thread: one that has its answer returns it, one that
does not (`Later`) leaves a future behind, so that a thousand waiting registrations hold no thread at all.

Left to others: what the calls mean (`monitor`), what is done about them (`deployment`).
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import io
import logging
import os
import pickle
import runpy
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TextIO

from engine.core.errors import Diagnostic, ProgramError, Severity, UsageError, WorksteadError

InlineProgram = Callable[[], "Awaitable[None] | None"]


class Awaited(Protocol):
    """An answer that is not there yet."""

    def then(self, callback: Callable[[Any, BaseException | None], None]) -> None:
        """Call back once with (answer, None) or (None, error), from any thread."""
        ...


class Later(BaseException):
    """Raised by the monitor in place of a response: it follows from an answer that is not there yet.

    `respond(answer)` makes the response, `refuse(error)` the exception the program gets instead. A BaseException, so
    that it passes through the SDK's own handlers on the way to `_Calls.submit`.
    """

    def __init__(
        self,
        awaited: Awaited,
        respond: Callable[[Any], Any],
        refuse: Callable[[BaseException], BaseException],
    ) -> None:
        self.awaited = awaited
        self.respond = respond
        self.refuse = refuse


class OffLoop(BaseException):
    """Raised by the monitor when a call must not run on the event loop's thread, because it may take long."""


class _Mailbox:
    """Brings answers from other threads to the event loop, all that have come in at once.

    While anything is outstanding the SDK waits for the first of *all* its outputs, again and again, so waking it costs
    in proportion to what waits: about ten microseconds for a resource. The mailbox lets letters gather for ten times as
    long, which nobody notices beside calls that reach a cloud.
    """

    _PATIENCE = 1e-4
    _MOST = 0.1

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._letters: list[tuple[asyncio.Future[Any], Later, Any, BaseException | None]] = []
        self._waiting = 0

    def expect(self, later: Later) -> asyncio.Future[Any]:
        """A future of the loop's that gets the response."""
        future = self._loop.create_future()
        self._waiting += 1

        def answered(answer: Any, error: BaseException | None) -> None:
            with self._lock:
                self._letters.append((future, later, answer, error))
                first = len(self._letters) == 1
            if first:
                with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                    self._loop.call_soon_threadsafe(self._gather)

        later.awaited.then(answered)
        return future

    def _gather(self) -> None:
        self._loop.call_later(min(self._waiting * self._PATIENCE, self._MOST), self._open)

    def _open(self) -> None:
        with self._lock:
            letters, self._letters = self._letters, []
        self._waiting -= len(letters)
        for future, later, answer, error in letters:
            if future.done():
                continue
            if error is not None:
                future.set_exception(later.refuse(error))
                continue
            try:
                future.set_result(later.respond(answer))
            except Exception as problem:
                future.set_exception(problem)


class _Calls(ThreadPoolExecutor):
    """The event loop's default executor: the SDK's calls run inline, anything else the program sends gets a thread.

    For an inline call `submit` returns a future of the loop's own, which the loop takes as it is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: int) -> None:
        super().__init__(threads, thread_name_prefix="program")
        self._loop = loop
        self._mailbox = _Mailbox(loop)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if getattr(fn, "__module__", None) != "pulumi.runtime._context":
            return super().submit(fn, *args, **kwargs)
        future = self._loop.create_future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Later as later:
            return self._mailbox.expect(later)
        except OffLoop:
            return super().submit(fn, *args, **kwargs)
        except Exception as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation of a program. `config` maps full keys to text; `program` is a file, a folder or a function."""

    program: Path | InlineProgram
    project: str
    stack: str
    root: Path
    config: Mapping[str, str] = field(default_factory=dict)
    secret_keys: tuple[str, ...] = ()
    organization: str = "organization"
    parallel: int = 32
    preview: bool = True
    arguments: tuple[str, ...] = ()
    debug: bool = False


def run(this: Evaluation, monitor: Any, log: Any, output: TextIO, errors: TextIO) -> None:
    """Evaluate the program. What it prints goes to `output` and `errors`; `log` has the SDK's engine method `Log`.

    Raises ProgramError when the program does, or when there is no program; WorksteadErrors of the monitor pass.
    """
    entry = _entry(this.program)
    with ExitStack() as borrowed:
        borrowed.enter_context(_no_collector())
        borrowed.enter_context(_place(this, entry))
        borrowed.enter_context(redirect_stdout(output))
        borrowed.enter_context(redirect_stderr(errors))
        # The SDK keeps settings, root resource and config in context variables; a fresh context keeps runs apart.
        contextvars.Context().run(_evaluate, this, entry, monitor, log)


def _entry(program: Path | InlineProgram) -> Path | InlineProgram:
    if not isinstance(program, Path):
        return program
    entry = program / "__main__.py" if program.is_dir() else program
    if not entry.is_file():
        raise ProgramError(
            f"there is no program at {program}",
            why="`main` in Pulumi.yaml names a Python file, or a folder with a __main__.py; without it, the folder of "
            "Pulumi.yaml itself counts.",
            remedy="write the program there, or correct `main`",
            reference="program-missing",
        )
    return entry


def _evaluate(this: Evaluation, entry: Path | InlineProgram, monitor: Any, log: Any) -> None:
    import pulumi.runtime
    from pulumi.runtime.stack import run_in_stack

    loop = asyncio.new_event_loop()
    calls = _Calls(loop, max(this.parallel, 1) * 4)
    loop.set_default_executor(calls)
    # The loop must be set before the program makes its first Output, which happens when its modules are imported.
    asyncio.set_event_loop(loop)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    pulumi.runtime.set_all_config(dict(this.config), list(this.secret_keys))
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=this.project,
            stack=this.stack,
            organization=this.organization,
            parallel=this.parallel,
            dry_run=this.preview,
            monitor=monitor,
            engine=log,
            root_directory=str(this.root),
        )
    )

    def body() -> Awaitable[None] | None:
        if isinstance(entry, Path):
            runpy.run_path(str(entry), run_name="__main__")
            return None
        return entry()

    try:
        with _quiet_sdk(this.debug), _whole_pickler():
            loop.run_until_complete(run_in_stack(body))
    except BaseException as error:
        explained = _explained(error)
        if explained is error:
            raise
        raise explained from explained.__cause__ or error  # an engine's error keeps the cause it came with
    finally:
        _abandon(loop)
        calls.shutdown(wait=False, cancel_futures=True)
        asyncio.set_event_loop(None)
        loop.close()


def _abandon(loop: asyncio.AbstractEventLoop) -> None:
    """End what a failed program left running, quietly: its outcome is known already."""
    left = [task for task in asyncio.all_tasks(loop) if not task.done()]
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.set_exception_handler(lambda _loop, _context: None)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without the collector. Whoever wants none of its cost afterwards either (a command) has it off already."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _quiet_sdk(debug: bool) -> Iterator[None]:
    """Without --debug, drop the SDK's debug messages at their source: it builds and sends four for each resource."""
    import pulumi.log

    if debug:
        yield
        return
    loud = pulumi.log.debug
    pulumi.log.debug = _say_nothing
    try:
        yield
    finally:
        pulumi.log.debug = loud


@contextmanager
def _whole_pickler() -> Iterator[None]:
    """Give Python's pickler back its methods after each provider that the SDK pickles.

    The SDK replaces them each time and never puts them back, one wrapped around the other: each pickle is slower than
    the one before, and the 320th provider of a program ends in a RecursionError (spec section 9.4).
    """
    from pulumi.dynamic import dynamic

    pickler: Any = pickle._Pickler
    serialize = dynamic.serialize_provider
    own = pickler._batch_setitems, pickler.save_dict

    def serialize_and_restore(provider: Any) -> str:
        try:
            return serialize(provider)
        finally:
            pickler._batch_setitems, pickler.save_dict = own

    dynamic.serialize_provider = serialize_and_restore
    try:
        yield
    finally:
        dynamic.serialize_provider = serialize


def _say_nothing(*_message: Any, **_options: Any) -> None:
    """Stands in for the SDK's debug log."""


@contextmanager
def _place(this: Evaluation, entry: Path | InlineProgram) -> Iterator[None]:
    """The process as the program expects it: folder, arguments, import path. Its own modules are forgotten after."""
    if not isinstance(entry, Path):
        yield
        return
    folder = entry.parent.resolve()
    saved = os.getcwd(), sys.argv, list(sys.path), set(sys.modules)
    os.chdir(folder)
    sys.argv = [str(entry), *this.arguments]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(saved[0])
        sys.argv = saved[1]
        sys.path[:] = saved[2]
        _forget(set(sys.modules) - saved[3], folder)


@contextmanager
def import_path(program: Path | InlineProgram) -> Iterator[None]:
    """Make the program's own modules importable without running it: recorded providers may live there."""
    if not isinstance(program, Path):
        yield
        return
    folder = str((program if program.is_dir() else program.parent).resolve())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _forget(imported: set[str], folder: Path) -> None:
    """Drop the program's own modules, so that their top-level code runs again in the next evaluation."""
    inside = str(folder) + os.sep
    for name in imported:
        file = getattr(sys.modules.get(name), "__file__", None) or ""
        if file.startswith(inside) and "site-packages" not in file[len(inside) :]:
            del sys.modules[name]


class Lines(io.StringIO):
    """What the program prints, line by line, as messages; what a watcher prints meanwhile goes where it belongs."""

    def __init__(
        self, told: Callable[[Diagnostic], None], watching: threading.local, severity: Severity, behind: TextIO
    ) -> None:
        super().__init__()
        self._told = told
        self._watching = watching
        self._severity = severity
        self._behind = behind
        self._open = ""

    def write(self, text: str, /) -> int:
        if getattr(self._watching, "now", False):
            return self._behind.write(text)
        *lines, self._open = (self._open + text).split("\n")
        for line in lines:
            self._told(Diagnostic(self._severity, line))
        return len(text)

    def end(self) -> None:
        """Tell the last line too, which nothing ended."""
        if self._open:
            self.write("\n")


# --- errors -----------------------------------------------------------------------------------------------------------

_NOT_THE_USERS = (
    *(os.sep + part + os.sep for part in ("pulumi", "asyncio", "concurrent", "engine")),
    os.sep + "runpy.py",
    "<frozen runpy>",
)


def _explained(error: BaseException) -> BaseException:
    """What a person should be told: engine errors and Ctrl-C as they are, everything else as a ProgramError."""
    from pulumi.config import ConfigMissingError, ConfigTypeError
    from pulumi.errors import RunError

    if isinstance(error, WorksteadError | KeyboardInterrupt):
        return error
    if isinstance(error, ConfigMissingError):
        return UsageError(
            f"the program requires the setting {error.key}, and this stack does not have it",
            why=_asked_at(error),
            remedy=f"workstead config set {'--secret ' if error.secret else ''}{error.key} <value>",
            reference="config-missing",
        )
    if isinstance(error, ConfigTypeError):
        return UsageError(
            f"the program requires the setting {error.key} to be of type {error.expect_type}, and it is not",
            why=_asked_at(error),
            remedy=f"workstead config set {error.key} <{error.expect_type}>",
            reference="config-type",
        )
    if isinstance(error, RunError):
        # The SDK may raise an error from itself, so both ways back are looked at.
        inner = next((e for e in (error.__cause__, error.__context__) if isinstance(e, WorksteadError)), None)
        return inner or ProgramError(str(error), reference="program-stopped")
    if isinstance(error, SystemExit):
        return ProgramError(
            f"the program ended itself with exit code {error.code}",
            why="A program that leaves early has not declared all its resources, so the rest would be deleted.",
            remedy="let it run to its end, or raise an error",
            reference="program-exit",
        )
    if isinstance(error, ModuleNotFoundError):
        return ProgramError(
            f"the program imports a module that is not installed here: {error.name}",
            why=f"Programs run in Workstead's own Python, {sys.executable}; no other virtualenv is looked into.\n"
            + users_traceback(error),
            remedy=f"install the package that has it: {sys.executable} -m pip install …; or correct the name",
            reference="module-missing",
        )
    return ProgramError(
        f"the program raised {type(error).__name__}: {error}",
        why="\n" + users_traceback(error),
        remedy="correct the program; nothing was changed for the resources it did not reach",
        reference="program-raised",
    )


def _asked_at(error: BaseException) -> str:
    """Where the program did what led to this error."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_foreign(frame.filename)]
    return f"It is asked for at {own[-1].filename}, line {own[-1].lineno}." if own else ""


def users_traceback(error: BaseException) -> str:
    """The traceback without the frames of the SDK, the event loop and this engine."""
    whole = traceback.TracebackException.from_exception(error)
    link: traceback.TracebackException | None = whole
    while link is not None:
        own = [frame for frame in link.stack if not _is_foreign(frame.filename)]
        link.stack = traceback.StackSummary.from_list(own)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "".join(whole.format()).rstrip()


def _is_foreign(filename: str) -> bool:
    return any(part in filename for part in _NOT_THE_USERS) and (
        "site-packages" in filename or filename.startswith((sys.prefix, sys.base_prefix, _ENGINE, "<frozen"))
    )


_ENGINE = str(Path(__file__).resolve().parent)
