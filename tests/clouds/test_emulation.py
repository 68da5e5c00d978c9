"""What all emulators share: durability, the clock, faults, the log, the server. Spoken to over real sockets.

The toy cloud below has just enough of an API: `put` makes a thing that takes ten seconds to be ready, `get` looks at
it, `refuse` changes something and then refuses.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import ClassVar

import httpx2
import pytest

from engine.core.errors import UsageError
from providers.emulation import (
    PACE,
    Call,
    CloudFile,
    Emulator,
    Fault,
    Refused,
    Request,
    Response,
    Server,
    Speed,
    Stage,
    Switch,
    emulator_class,
    ensure_running,
    find_home,
    serve,
    stop_running,
)
from providers.emulation import server as server_module

ROOT = Path(__file__).parents[2]


class ToyEmulator(Emulator):
    """A cloud of things: POST /put/NAME, /get/NAME, /delete/NAME, /refuse/NAME, /crash/NAME."""

    cloud = "toy"
    operations = ("put", "get", "delete", "refuse", "crash")
    switches: ClassVar = {"put": Switch("auto", PACE, "how a thing gets ready")}

    def aim(self, request: Request) -> tuple[str, tuple[str, ...]]:
        _, operation, name = request.path.split("/")
        return operation, (name,)

    def answer(self, call: Call) -> Response:
        (name,) = call.subjects
        if call.operation == "crash":
            raise ZeroDivisionError
        if call.operation in ("put", "refuse"):
            course = call.course(Stage("READY", 10), pace=call.switch("put"), failed="BROKEN")
            call.objects.add("thing", f"id-{name}", owner="me", name=name, status="MAKING", course=course)
            call.object = f"id-{name}"
        if call.operation == "refuse":
            raise Refused(Response.of_json(400, {"no": name}))
        found = call.objects.get("thing", f"id-{name}", look=True)
        if found is None:
            raise Refused(Response.of_json(404, {}))
        if call.operation == "delete":
            lingering = call.course(Stage(None, 10))
            found = call.objects.save(found, status="LEAVING", course=lingering)
        return Response.of_json(200, {"status": found.status})

    def fault_response(self, fault: Fault) -> Response:
        if fault.parameters.get("code") == "unheard-of":
            raise ValueError("no such answer")
        status = {"throttle": 429, "quota": 409}.get(fault.kind) or fault.parameters.get("status", 500)
        return Response.of_json(status, {"kind": fault.kind})


CLIENT = httpx2.Client(timeout=10)  # one for all tests: making one costs 30 ms


@pytest.fixture(scope="module", autouse=True)
def _close_client() -> Iterator[None]:
    yield
    CLIENT.close()


class Toy:
    """The served toy and a client of it."""

    def __init__(self, file: CloudFile, url: str) -> None:
        self.file = file
        self.url = url

    def __call__(self, operation: str, name: str = "a") -> httpx2.Response:
        return CLIENT.post(f"{self.url}/{operation}/{name}")

    def status(self, name: str = "a") -> str:
        return self("get", name).json()["status"]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CloudFile]:
    with CloudFile(tmp_path / ".workstead" / "cloud.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toy]:
    with (
        CloudFile(tmp_path_factory.mktemp("served") / "cloud.db") as file,
        serve([ToyEmulator], file, speed="real") as server,
    ):
        yield Toy(file, server.urls["toy"])


@pytest.fixture
def toy(served: Toy) -> Toy:
    """A fresh cloud whose clock stands still; the server behind it is one for all tests, because ending one waits."""
    served.file.reset()
    served.file.freeze(1_700_000_000.0)
    return served


# The file


def test_the_file_and_its_folder_are_for_the_owner_alone(file: CloudFile) -> None:
    assert file.objects() == []
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_objects_are_shown_as_they_are_now_without_a_server(toy: Toy) -> None:
    toy("put")
    row = {"cloud": "toy", "type": "thing", "id": "id-a", "name": "a"}
    assert toy.file.objects() == [{**row, "status": "MAKING"}]
    toy.file.advance(10)
    assert toy.file.objects() == [{**row, "status": "READY"}]
    toy("delete")
    assert toy.file.objects() == [{**row, "status": "LEAVING"}]
    toy.file.advance(10)
    assert toy.file.objects() == []


def test_a_gone_object_makes_room_for_one_of_its_name(toy: Toy) -> None:
    toy("put")
    toy("delete")
    toy.file.advance(10)
    assert toy("put").status_code == 200


def test_objects_survive_a_restart(file: CloudFile) -> None:
    with serve([ToyEmulator], file, speed="instant") as server:
        Toy(file, server.urls["toy"])("put")
    file.close()
    with serve([ToyEmulator], file, speed="instant") as server:
        assert Toy(file, server.urls["toy"]).status() == "READY"


def test_edit_and_delete_behind_the_engines_back(toy: Toy) -> None:
    toy("put")
    toy.file.edit("toy", "id-a", {"inner.size": 3, "label": "x"}, status="STOPPED")
    toy.file.edit("toy", "id-a", {"label": None})
    with toy.file.transaction("toy") as transaction:
        found = transaction.get("thing", "id-a")
    assert found is not None
    assert found.body == {"inner": {"size": 3}}
    toy.file.advance(100)
    assert toy.status() == "STOPPED"  # the change that was under way is over
    toy.file.delete("toy", "id-a")
    assert toy("get").status_code == 404
    with pytest.raises(UsageError) as refused:
        toy.file.delete("toy", "id-a")
    assert refused.value.reference == "no-such-object"


def test_an_edit_that_makes_no_sense_changes_nothing(toy: Toy) -> None:
    toy("put")
    toy.file.edit("toy", "id-a", {"size": 3})
    with pytest.raises(UsageError):
        toy.file.edit("toy", "id-a", {"label": "x", "size.inner": 1})
    with toy.file.transaction("toy") as transaction:
        found = transaction.get("thing", "id-a")
    assert found is not None
    assert found.body == {"size": 3}


def test_what_depends_on_an_object_goes_with_it(file: CloudFile) -> None:
    with file.transaction("toy") as transaction:
        transaction.add("thing", "parent", owner="me")
        transaction.add("thing", "child", owner="me", parent="parent")
        transaction.add("thing", "grandchild", owner="me", parent="child")
        transaction.add("thing", "stranger", owner="you", parent="parent")
    file.delete("toy", "parent")
    assert [row["id"] for row in file.objects()] == ["stranger"]


def test_what_depends_on_an_object_goes_with_it_in_time(toy: Toy) -> None:
    toy("put")
    with toy.file.transaction("toy") as transaction:
        transaction.add("part", "p", owner="me", parent="id-a")
        transaction.add("screw", "s", owner="me", parent="p")
        transaction.add("screw", "t", owner="you", parent="id-a")
    toy("delete")
    toy.file.advance(10)
    assert [row["id"] for row in toy.file.objects()] == ["t"]  # nobody has looked yet
    assert toy("get").status_code == 404
    assert [row["id"] for row in toy.file.objects()] == ["t"]


def test_an_id_of_several_types_needs_the_type(file: CloudFile) -> None:
    with file.transaction("toy") as transaction:
        transaction.add("thing", "same", owner="me")
        transaction.add("other", "same", owner="me")
    with pytest.raises(UsageError) as refused:
        file.delete("toy", "same")
    assert refused.value.reference == "ambiguous-object"
    file.delete("toy", "same", type="other")
    assert [row["type"] for row in file.objects()] == ["thing"]


def test_reset_leaves_a_fresh_cloud(toy: Toy) -> None:
    toy("put")
    toy.file.add_fault("toy", "slow", times=None)
    toy.file.set_switch("toy", "put", "never")
    toy.file.reset()
    assert toy.file.objects() == toy.file.log() == toy.file.faults() == []
    assert toy.file.switches("toy") == {"put": "auto"}
    assert abs(toy.file.now() - time.time()) < 5


def test_the_same_seed_gives_the_same_identifiers(file: CloudFile) -> None:
    def draw() -> list[str]:
        with file.transaction("toy") as transaction:
            return [transaction.new_text("abc", 12) for _ in range(3)]

    first = draw()
    assert len({*first, *draw()}) == 6
    file.set_seed("known")
    known = draw()
    file.set_seed("known")
    assert draw() == known


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cloud.db").write_bytes(b"not a database, but long enough to be looked at as one" * 40)
    with CloudFile(tmp_path / "cloud.db") as file, pytest.raises(UsageError) as refused:
        file.objects()
    assert refused.value.reference == "cloud-file-unreadable"


@pytest.mark.parametrize("obstacle", ["a folder", "a file for a folder", "something else"])
def test_emulators_do_not_start_on_a_file_they_cannot_use(tmp_path: Path, obstacle: str) -> None:
    path = tmp_path / "home" / "cloud.db"
    if obstacle == "a file for a folder":
        path.parent.write_text("")
    elif obstacle == "a folder":
        path.mkdir(parents=True)
    else:
        path.parent.mkdir()
        path.write_bytes(b"not a database, but long enough to be looked at as one" * 40)
    with pytest.raises(UsageError) as refused, CloudFile(path) as file:
        serve([ToyEmulator], file)
    assert refused.value.reference == "cloud-file-unreadable"
    assert str(path) in refused.value.summary
    assert refused.value.remedy


def test_a_file_that_breaks_under_a_server_is_said_in_one_line(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    with toy.file.transaction() as transaction:
        transaction.sql.execute("ALTER TABLE object RENAME TO hidden")
    try:
        answered = toy("get")
    finally:
        with toy.file.transaction() as transaction:
            transaction.sql.execute("ALTER TABLE hidden RENAME TO object")
    assert answered.status_code == 500
    assert "emulator cannot answer" in answered.text
    assert "Traceback" not in caplog.text
    assert toy("get").status_code == 404


def test_a_file_of_a_later_format_is_refused(file: CloudFile) -> None:
    with file.transaction() as transaction:
        transaction.sql.execute("PRAGMA user_version = 99")
    file.close()
    with pytest.raises(UsageError) as refused:
        file.log()
    assert "format 99" in str(refused.value)


def test_an_exception_undoes_the_whole_transaction(file: CloudFile) -> None:
    def add_and_fail() -> None:
        with file.transaction("toy") as transaction:
            transaction.add("thing", "a", owner="me")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    assert file.objects() == []


def test_find_home_walks_up_to_the_project(tmp_path: Path) -> None:
    inner = tmp_path / "stacks" / "deep"
    inner.mkdir(parents=True)
    assert find_home(inner) == inner / ".workstead"
    (tmp_path / "Pulumi.yml").touch()
    assert find_home(inner) == tmp_path / ".workstead"


# Several processes


SERVING = textwrap.dedent(
    """
    import sys, time
    sys.path[:0] = {paths!r}
    from pathlib import Path
    from providers.emulation import CloudFile, serve
    from test_emulation import ToyEmulator
    server = serve([ToyEmulator], CloudFile(Path({path!r})), speed="instant")
    print(server.urls["toy"], flush=True)
    sys.stdin.read()
    """
)


def serving_process(path: Path) -> tuple[subprocess.Popen[str], str]:
    """Another process that serves the file until it is killed or its input ends, and its URL."""
    code = SERVING.format(paths=[str(ROOT), str(Path(__file__).parent)], path=str(path))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def finished(process: subprocess.Popen[str]) -> None:
    with process:  # closes its pipes and waits
        process.kill()


def test_what_was_answered_survives_kill_9(file: CloudFile) -> None:
    process, url = serving_process(file.path)
    answered: list[str] = []

    def write() -> None:
        with httpx2.Client() as client:
            for number in range(100_000):
                try:
                    client.post(f"{url}/put/n{number}")
                except httpx2.HTTPError:
                    return
                answered.append(f"id-n{number}")

    writer = threading.Thread(target=write)
    writer.start()
    while len(answered) < 50:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    writer.join()
    finished(process)
    kept = [row["id"] for row in file.objects()]
    assert kept[: len(answered)] == answered
    assert len(kept) <= len(answered) + 1  # the one under way may have been committed
    assert len(file.log()) == len(kept)
    with serve([ToyEmulator], file, speed="instant") as server:
        assert Toy(file, server.urls["toy"]).status("n0") == "READY"


def test_two_processes_serve_one_file(file: CloudFile) -> None:
    process, theirs = serving_process(file.path)
    file.add_fault("toy", "throttle", "put", times=7)
    try:
        with serve([ToyEmulator], file, speed="instant") as server:
            urls = (server.urls["toy"], theirs)
            with ThreadPoolExecutor(8) as pool:
                statuses = list(pool.map(lambda n: Toy(file, urls[n % 2])("put", f"n{n}").status_code, range(60)))
            made = {row["name"] for row in file.objects()}
            assert statuses.count(429) == 7  # each used once, whoever served the call
            assert made == {f"n{number}" for number, status in enumerate(statuses) if status == 200}
            assert {Toy(file, url).status(next(iter(made))) for url in urls} == {"READY"}
    finally:
        finished(process)


def test_many_threads_open_a_new_file_at_once(tmp_path: Path) -> None:
    def open_and_write(number: int) -> None:
        with CloudFile(tmp_path / "new" / "cloud.db") as file, file.transaction("toy") as transaction:
            transaction.add("thing", str(number), owner="me")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_write, range(24)))
    with CloudFile(tmp_path / "new" / "cloud.db") as file:
        assert len(file.objects()) == 24


# The clock


@pytest.mark.parametrize(("speed", "seconds"), [("instant", 0.0), ("fast", 0.1), ("real", 10.0)])
def test_speed_says_how_the_vendors_seconds_pass(file: CloudFile, speed: str, seconds: float) -> None:
    file.freeze(1_700_000_000.0)
    with serve([ToyEmulator], file, speed=speed) as server:
        toy = Toy(file, server.urls["toy"])
        toy("put")
        if seconds:
            file.advance(seconds - 0.001)
            assert toy.status() == "MAKING"
            file.advance(0.002)
        assert toy.status() == "READY"


@pytest.mark.parametrize("speed", list(Speed))
def test_looks_and_seconds_by_switch_hold_at_any_speed(file: CloudFile, speed: Speed) -> None:
    file.freeze(1_700_000_000.0)
    file.set_switch("toy", "put", "looks:3")
    with serve([ToyEmulator], file, speed=speed) as server:
        toy = Toy(file, server.urls["toy"])
        assert toy("put").json()["status"] == "MAKING"  # looks once itself
        assert [toy.status() for _ in range(4)] == ["MAKING", "MAKING", "READY", "READY"]
        file.set_switch("toy", "put", "seconds:60")
        toy("put", "b")
        file.advance(59)
        assert toy.status("b") == "MAKING"
        file.advance(1)
        assert toy.status("b") == "READY"
        file.set_switch("toy", "put", "never")
        toy("put", "c")
        file.advance(1e9)
        assert toy.status("c") == "MAKING"


def test_looking_from_outside_is_no_look(toy: Toy) -> None:
    toy.file.set_switch("toy", "put", "looks:2")
    toy("put")
    for _ in range(5):
        assert toy.file.objects()[0]["status"] == "MAKING"


def test_an_injected_clock(tmp_path: Path) -> None:
    hour = [0.0]
    with CloudFile(tmp_path / "cloud.db", clock=lambda: hour[0] * 3600) as file:
        assert file.now() == 0
        file.advance(60)
        hour[0] = 1
        assert file.now() == 3660


def test_the_answers_date_is_the_emulators(toy: Toy) -> None:
    toy.file.advance(86_400)
    assert parsedate_to_datetime(toy("put").headers["date"]).timestamp() == 1_700_086_400


def test_a_retention_rule_holds_at_any_speed(toy: Toy) -> None:
    with toy.file.transaction("toy") as transaction:
        call = Call(ToyEmulator, Request("POST", "/put/x", {}, b""), transaction, Speed.INSTANT, "put", ("x",))
        turns = call.course(Stage("DELETED", 30), Stage(None, 86_400, scaled=False))
        assert [turn.due for turn in turns] == [1_700_000_000, 1_700_086_400]


# Faults


def test_throttle_for_n_calls_with_retry_after(toy: Toy) -> None:
    toy.file.add_fault("toy", "throttle", "put", times=2, retry_after="3")
    answers = [toy("put") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "3"


def test_a_rate_limit_lets_so_many_calls_through(toy: Toy) -> None:
    """Refused calls count as much as others, and a call above the limit has no effect."""
    toy.file.freeze()
    toy.file.add_fault("toy", "rate-limit", per_second="2", burst=3, retry_after=1)
    answers = [toy(operation, name) for operation, name in (("put", "a"), ("get", "no"), ("get", "a"), ("put", "b"))]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 429]
    assert answers[3].json() == {"kind": "throttle"}
    assert answers[3].headers["retry-after"] == "1"
    assert [each["name"] for each in toy.file.objects()] == ["a"]
    toy.file.advance(0.5)
    assert [toy("put", name).status_code for name in "bc"] == [200, 429]
    toy.file.advance(60)
    assert [toy("get").status_code for _ in range(4)] == [200, 200, 200, 429]
    toy.file.clear_faults()
    assert toy("get").status_code == 200


@pytest.mark.parametrize("parameters", [{"per_second": "0"}, {"per_second": "many"}, {"code": "unheard-of"}])
def test_a_rate_limit_that_makes_no_sense(toy: Toy, parameters: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        toy.file.add_fault("toy", "rate-limit", **parameters)
    assert caught.value.reference == "fault-parameter"


def test_faults_are_used_once_under_concurrency(toy: Toy) -> None:
    toy.file.add_fault("toy", "throttle", times=5)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda number: toy("put", f"n{number}").status_code, range(40)))
    assert statuses.count(429) == 5
    assert toy.file.faults() == []


def test_drop_before_does_nothing(toy: Toy) -> None:
    toy.file.add_fault("toy", "drop-before", "put")
    with pytest.raises(httpx2.RemoteProtocolError):
        toy("put")
    assert toy.file.objects() == []
    assert toy("put").status_code == 200


def test_drop_after_has_done_it(toy: Toy) -> None:
    toy.file.add_fault("toy", "drop-after", "put")
    with pytest.raises(httpx2.RemoteProtocolError):
        toy("put")
    assert [row["name"] for row in toy.file.objects()] == ["a"]


def test_a_drop_sends_not_one_byte(toy: Toy) -> None:
    toy.file.add_fault("toy", "drop-before")
    host, _, port = toy.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"POST /put/a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
        assert line.recv(100) == b""


def test_slow_has_done_it_before_it_answers(toy: Toy) -> None:
    toy.file.add_fault("toy", "slow", "put", seconds=0.5)
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(toy, "put")
        while not toy.file.objects():
            time.sleep(0.005)
        assert toy("get").status_code == 200  # others are not held up
        assert not slow.done()
        assert slow.result().status_code == 200
    assert time.monotonic() - started >= 0.5


def test_slow_ends_with_the_server(file: CloudFile) -> None:
    file.add_fault("toy", "slow", seconds=60)
    with ThreadPoolExecutor(1) as pool:
        with serve([ToyEmulator], file) as server:
            slow = pool.submit(Toy(file, server.urls["toy"]), "put")
            while not file.objects():
                time.sleep(0.005)
            started = time.monotonic()
        assert slow.result().status_code == 200
        assert time.monotonic() - started < 5


def test_an_error_after_the_effect(toy: Toy) -> None:
    toy.file.add_fault("toy", "error", "put", status=504, after=True)
    assert toy("put").status_code == 504
    assert len(toy.file.objects()) == 1


def test_an_error_before_it(toy: Toy) -> None:
    toy.file.add_fault("toy", "error", "put", status="503", after="false")
    toy.file.add_fault("toy", "quota", "put")
    assert [toy("put").status_code for _ in range(3)] == [503, 409, 200]


def test_an_answer_without_the_effect(toy: Toy) -> None:
    toy.file.add_fault("toy", "no-effect", "put")
    assert toy("put").json() == {"status": "MAKING"}
    assert toy.file.objects() == toy.file.faults() == []
    toy("put")
    toy.file.add_fault("toy", "no-effect", "delete")
    assert toy("delete").json() == {"status": "LEAVING"}
    assert toy.status() == "MAKING"
    toy.file.add_fault("toy", "no-effect", "refuse")
    assert toy("refuse", "b").status_code == 400  # what is refused is refused


def test_a_fault_in_the_words_of_the_call(file: CloudFile) -> None:
    class Bilingual(ToyEmulator):
        cloud = "toy-bilingual"

        def fault_answer(self, call: Call, fault: Fault) -> Response:
            return Response(418, call.operation.encode()) if call.operation == "get" else self.fault_response(fault)

    file.add_fault("toy-bilingual", "throttle", times=2)
    with serve([Bilingual], file, speed="instant") as server:
        toy = Toy(file, server.urls["toy-bilingual"])
        assert [toy(operation).status_code for operation in ("get", "put", "put")] == [418, 429, 200]


def test_the_last_word_on_every_answer(file: CloudFile) -> None:
    class Numbering(ToyEmulator):
        cloud = "toy-numbering"

        def finish(self, call: Call, response: Response) -> Response:
            return Response(response.status, response.body, {"x-number": str(call.objects.calls_so_far())})

    with serve([Numbering], file, speed="instant") as server:
        toy = Toy(file, server.urls["toy-numbering"])
        file.add_fault("toy-numbering", "throttle", "get")
        file.add_fault("toy-numbering", "non-json", "put")
        answers = [toy(operation) for operation in ("get", "put", "refuse", "put")]
        assert [answer.status_code for answer in answers] == [429, 502, 400, 200]
        assert [answer.headers["x-number"] for answer in answers] == ["0", "1", "2", "3"]


def test_an_answer_without_content_has_no_length(file: CloudFile) -> None:
    class Silent(ToyEmulator):
        cloud = "toy-silent"

        def answer(self, call: Call) -> Response:
            return Response(204)

    with serve([Silent], file) as server:
        answer = Toy(file, server.urls["toy-silent"])("put")
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-length" not in answer.headers


def test_a_page_instead_of_json(toy: Toy) -> None:
    toy.file.add_fault("toy", "non-json")
    answer = toy("put")
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert toy.file.objects() == []


def test_a_fault_for_one_object_by_name_or_id(toy: Toy) -> None:
    for name in ("id-a", "id-b"):
        toy("put", name)  # their ids are id-id-a and id-id-b: the request carries the name
    toy.file.add_fault("toy", "throttle", object="id-b")
    assert toy("get", "id-a").status_code == 200
    assert toy("get", "id-b").status_code == 429
    with toy.file.transaction("toy") as transaction:  # by name, when the request carries the ID
        transaction.add("thing", "x1", owner="me", name="known-as")
    toy.file.add_fault("toy", "throttle", object="known-as")
    assert toy("get", "x2").status_code == 404
    assert toy("get", "x1").status_code == 429


def test_stuck_and_fail(toy: Toy) -> None:
    toy.file.add_fault("toy", "stuck", "put", object="a")
    toy.file.add_fault("toy", "fail", "put", object="b", times=1)
    toy.file.add_fault("toy", "fail", "put", object="c", status="ODD", changes={"why": "bad luck"})
    for name in "abcd":
        toy("put", name)
    toy.file.advance(1e6)
    assert [toy.status(name) for name in "abcd"] == ["MAKING", "BROKEN", "ODD", "READY"]
    assert toy.file.faults() == []


def test_a_refused_call_does_not_use_up_the_stuck(toy: Toy) -> None:
    toy.file.add_fault("toy", "stuck")
    toy("refuse")
    assert len(toy.file.faults()) == 1


def test_for_ever_until_cleared(toy: Toy) -> None:
    toy.file.add_fault("toy", "throttle", times=None)
    assert {toy("put").status_code for _ in range(5)} == {429}
    toy.file.clear_faults("toy")
    assert toy("put").status_code == 200


@pytest.mark.parametrize(
    ("arguments", "parameters", "reference"),
    [
        (("nowhere", "slow"), {}, "unknown-cloud"),
        (("toy", "lightning"), {}, "unknown-fault"),
        (("toy", "slow", "fetch"), {}, "unknown-operation"),
        (("toy", "slow"), {"times": 0}, "fault-times"),
        (("toy", "slow"), {"seconds": "soon"}, "fault-parameter"),
        (("toy", "slow"), {"minutes": 1}, "fault-parameter"),
        (("toy", "drop-after"), {"seconds": 1}, "fault-parameter"),
        (("toy", "error"), {"status": 99}, "fault-parameter"),
        (("toy", "error"), {"code": "unheard-of"}, "fault-parameter"),
        (("toy", "error"), {"after": "perhaps"}, "fault-parameter"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    file: CloudFile, arguments: tuple[str, ...], parameters: dict[str, object], reference: str
) -> None:
    with pytest.raises(UsageError) as refused:
        file.add_fault(*arguments, **parameters)  # type: ignore[arg-type]
    assert refused.value.reference == reference
    assert file.faults() == []


def test_switches_are_checked(file: CloudFile) -> None:
    file.set_switch("toy", "put", "looks:2")
    assert file.switches("toy") == {"put": "looks:2"}
    for name, value, reference in (("get", "auto", "unknown-switch"), ("put", "soon", "switch-value")):
        with pytest.raises(UsageError) as refused:
            file.set_switch("toy", name, value)
        assert refused.value.reference == reference
    with pytest.raises(UsageError):
        emulator_class("nowhere")


# Calls and their log


def test_the_log_tells_every_call(toy: Toy) -> None:
    toy.file.add_fault("toy", "drop-after", "get")
    toy("put")
    with pytest.raises(httpx2.RemoteProtocolError):
        toy("get")
    toy.file.advance(1.5)
    toy("get", "b")
    assert toy.file.log() == [
        {"time": "2023-11-14T22:13:20.000000Z", "cloud": "toy", "operation": "put", "object": "id-a", "status": 200},
        {"time": "2023-11-14T22:13:20.000000Z", "cloud": "toy", "operation": "get", "object": "a", "status": "dropped"},
        {"time": "2023-11-14T22:13:21.500000Z", "cloud": "toy", "operation": "get", "object": "b", "status": 404},
    ]


def test_objects_are_counted_for_quotas(toy: Toy) -> None:
    for name in "abc":
        toy("put", name)
    toy("delete", "a")
    with toy.file.transaction("toy") as transaction:
        assert [transaction.at_least(count, "thing", owner="me") for count in (0, 3, 4)] == [True, True, False]
        assert not transaction.at_least(1, "thing", owner="you")
    toy.file.advance(10)
    with toy.file.transaction("toy") as transaction:
        assert [transaction.at_least(count, "thing", owner="me") for count in (2, 3)] == [True, False]


def test_calls_are_counted_for_limits_of_rate(toy: Toy) -> None:
    toy("put")
    toy.file.advance(10)
    for _ in range(3):
        toy("get")
    with toy.file.transaction("toy") as transaction:
        since = transaction.now - 5
        assert [transaction.calls_since(since, most) for most in (2, 3, 9)] == [2, 3, 3]
        assert transaction.calls_since(since - 5, 9) == 4
        before = transaction.calls_so_far()
    with toy.file.transaction("other") as transaction:
        assert transaction.calls_since(0, 9) == 0
        transaction.record("put", "x", 200)
        assert transaction.calls_so_far() == before + 1


def test_a_refused_call_changes_nothing_but_the_log(toy: Toy) -> None:
    assert toy("refuse").status_code == 400
    assert toy.file.objects() == []
    assert [line["status"] for line in toy.file.log()] == [400]


def test_a_mistake_of_the_emulator_does_not_look_like_the_vendors(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    answer = toy("crash")
    assert answer.status_code == 500
    assert "bug in Workstead" in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert [line["status"] for line in toy.file.log()] == [500]
    assert toy("put").status_code == 200


def test_the_log_does_not_grow_for_ever(file: CloudFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.emulation.transaction.LOG_KEEPS", 1500)
    with file.transaction("toy") as transaction:
        for number in range(4000):
            transaction.record("put", str(number), 200)
    kept = file.log()
    assert len(kept) == 1500
    assert kept[-1]["object"] == "3999"


# The server


@contextmanager
def serve_on_free_ports(emulators: list[type[Emulator]], file: CloudFile) -> Iterator[tuple[int, Server]]:
    """A server on consecutive ports, tried until nobody else has one of them."""
    for _ in range(20):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            first = probe.getsockname()[1]
        with suppress(UsageError), serve(emulators, file, ports=first, speed="instant") as server:
            yield first, server
            return
    pytest.fail("no free ports")


def test_consecutive_ports_one_per_cloud(file: CloudFile) -> None:
    class Second(ToyEmulator):
        cloud = "toy-two"

    with serve_on_free_ports([ToyEmulator, Second], file) as (first, server):
        assert server.urls == {"toy": f"http://127.0.0.1:{first}", "toy-two": f"http://127.0.0.1:{first + 1}"}
        for url in server.urls.values():
            assert Toy(file, url)("put").status_code == 200
    assert [row["cloud"] for row in file.objects()] == ["toy", "toy-two"]


def test_a_port_in_use_says_which_and_what_to_do(file: CloudFile) -> None:
    with serve([ToyEmulator], file) as server:
        port = int(server.urls["toy"].rpartition(":")[2])
        with pytest.raises(UsageError) as refused:
            serve([ToyEmulator], file, ports=port)
    assert refused.value.reference == "emulator-port-in-use"
    assert str(port) in refused.value.summary
    assert "--port" in refused.value.remedy
    with serve([ToyEmulator], file, ports=port) as again:  # free again at once
        assert again.urls == server.urls


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.1", "::", "example.org"])
def test_only_loopback(file: CloudFile, address: str) -> None:
    with pytest.raises(UsageError) as refused:
        serve([ToyEmulator], file, address=address)
    assert refused.value.reference == "emulator-loopback-only"


def test_ports_and_speeds_there_are_not(file: CloudFile) -> None:
    with pytest.raises(UsageError) as refused:
        serve([ToyEmulator], file, ports=70_000)
    assert refused.value.reference == "emulator-port-refused"
    with pytest.raises(UsageError) as refused:
        serve([ToyEmulator], file, speed="brisk")
    assert refused.value.reference == "emulator-speed"


def test_stop_twice_is_fine_and_quick(file: CloudFile) -> None:
    server = serve([ToyEmulator], file)
    with httpx2.Client() as client:
        client.post(f"{server.urls['toy']}/put/a")  # leaves an idle connection behind
        started = time.monotonic()
        server.stop()
        server.stop()
    assert time.monotonic() - started < 2
    with pytest.raises(httpx2.ConnectError):
        httpx2.post(f"{server.urls['toy']}/put/a")


def test_a_body_beyond_all_limits_is_cut_off(toy: Toy) -> None:
    answer = httpx2.post(f"{toy.url}/put/a", content=b"x" * (16 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert toy.file.objects() == []


def test_a_request_cut_short_is_not_carried_out(toy: Toy) -> None:
    host, _, port = toy.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(b"POST /put/a HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf")
    assert toy("get", "b").status_code == 404
    assert [row["operation"] for row in toy.file.log()] == ["get"]


def test_one_server_per_file_and_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "emulator_classes", lambda: {"toy": ToyEmulator})
    home = tmp_path / ".workstead"
    with ThreadPoolExecutor(8) as pool:
        urls = list(pool.map(lambda _: ensure_running(home)["toy"], range(8)))
    try:
        assert len(set(urls)) == 1
        assert httpx2.post(f"{urls[0]}/put/a").status_code == 200
    finally:
        stop_running()
    with pytest.raises(httpx2.ConnectError):
        httpx2.post(f"{urls[0]}/put/a")
    again = ensure_running(home)["toy"]
    try:
        assert httpx2.post(f"{again}/get/a").status_code == 200
    finally:
        stop_running()
