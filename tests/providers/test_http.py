"""The HTTP client against a real socket: what is tried again, how long it waits, which error comes out."""

from __future__ import annotations

import datetime
import gzip
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.core.contract import CallContext
from engine.core.errors import CancelledError, CloudError, DeadlineError, UsageError, WorksteadError
from providers import http, patience
from providers.http import OK, Answer, HttpClient, Judgement, Patience, Request, Verdict
from tests.contract.contract_cases import TestClock, under

Reply = bytes | Callable[[socket.socket], None]

OURS = {"cloud": "test", "account": "ours"}


class LittleServer:
    """Answers each request with the next of its replies, the last one for ever; keeps what it was sent."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.replies: list[Reply] = []
        self.requests: list[bytes] = []
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._connected, args=(plain,), daemon=True).start()

    def _connected(self, plain: socket.socket) -> None:
        try:
            with plain:
                self._answer(self._tls.wrap_socket(plain, server_side=True) if self._tls else plain)
        except OSError:
            pass

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            received = b""
            while b"\r\n\r\n" not in received:
                part = connection.recv(65536)
                if not part:
                    return
                received += part
                if received[:1] == b"\x16":  # the beginning of a TLS handshake
                    connection.sendall(reply(400))
                    return
            head, _, body = received.partition(b"\r\n\r\n")
            lines = [line.lower() for line in head.split(b"\r\n")]
            length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
            while len(body) < length:
                body += connection.recv(65536)
            self.requests.append(head + b"\r\n\r\n" + body)
            answer = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listening.close()


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drop(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def judge(request: Request, answer: Answer) -> Judgement:
    if answer.status == 429:
        return Judgement(Verdict.THROTTLED, CloudError("throttled", retryable=True))
    if answer.status == 503:
        return Judgement(Verdict.UNAVAILABLE, CloudError("unavailable", retryable=True))
    if answer.status >= 500:
        return Judgement(Verdict.UNCERTAIN, CloudError("broken", retryable=True, uncertain=True))
    if answer.status >= 400:
        return Judgement(Verdict.REFUSED, CloudError("refused"))
    return OK


@pytest.fixture
def server() -> Iterator[LittleServer]:
    little = LittleServer()
    yield little
    little.close()


@pytest.fixture
def signed() -> list[Request]:
    return []


@pytest.fixture
def client(server: LittleServer, signed: list[Request]) -> Iterator[HttpClient]:
    def sign(request: Request) -> dict[str, str]:
        signed.append(request)
        return {"X-Signature": f"number {len(signed)}"}

    made = HttpClient(server.url, sign, judge, **OURS, patience=Patience(unavailable=3, uncertain=2, crowded=60))
    yield made
    made.close()


def send(
    client: HttpClient, *, repeatable: bool = True, clock: TestClock | None = None, limit: float | None = None
) -> Answer:
    with under((clock or TestClock()).call(limit=limit)):
        return client.send(
            "POST", "/a%20b?x=1&y=%2F", body=b'{"secret": "swordfish"}', reads=False, repeatable=repeatable
        )


# --- one answer -------------------------------------------------------------------------------------------------------


def test_what_is_sent_is_what_was_signed(server: LittleServer, client: HttpClient, signed: list[Request]) -> None:
    server.replies = [reply(body=b'{"a": 1}', X_Thing="yes")]
    answer = send(client)
    assert (answer.status, answer.json(), answer.headers["x-thing"]) == (200, {"a": 1}, "yes")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"POST /a%20b?x=1&y=%2F HTTP/1.1"
    assert signed[0].target == "/a%20b?x=1&y=%2F"
    assert f"http://{signed[0].host}" == server.url
    assert signed[0].body == body == b'{"secret": "swordfish"}'
    assert b"x-signature: number 1" in head.lower()
    assert head.lower().count(b"host:") == 1


def test_a_body_that_is_no_json() -> None:
    assert Answer(200, {}, b"<html>").json() is None
    assert Answer(200, {}, b"\xff\xfe").json() is None
    assert Answer(200, {}, b"").json() is None


def test_a_refusal_is_final(server: LittleServer, client: HttpClient) -> None:
    server.replies = [reply(400)]
    with pytest.raises(CloudError, match="refused"):
        send(client)
    assert len(server.requests) == 1


# --- trying again -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("repeatable", [True, False])
def test_what_was_not_carried_out_is_tried_again(
    server: LittleServer, client: HttpClient, signed: list[Request], status: int, repeatable: bool
) -> None:
    server.replies = [reply(status), reply(status), reply()]
    clock = TestClock()
    assert send(client, repeatable=repeatable, clock=clock).status == 200
    assert [b"number 1" in server.requests[0], b"number 3" in server.requests[2]] == [True, True]
    assert len(signed) == 3, "each try is signed"
    assert 1000 < clock.now < 1003


def test_what_is_uncertain_is_tried_again_only_when_repeating_does_no_harm(
    server: LittleServer, client: HttpClient
) -> None:
    server.replies = [reply(500), reply()]
    assert send(client).status == 200
    server.replies = [drop, reply()]
    assert send(client).status == 200
    server.requests.clear()
    for failing in (reply(500), drop):
        server.replies = [failing]
        with pytest.raises(CloudError) as caught:
            send(client, repeatable=False)
        assert caught.value.uncertain
        assert caught.value.retryable
    assert len(server.requests) == 2


@pytest.mark.parametrize(("status", "tries"), [(503, 3), (500, 2)])
def test_patience_ends_with_the_last_error(server: LittleServer, client: HttpClient, status: int, tries: int) -> None:
    server.replies = [reply(status)]
    with pytest.raises(CloudError) as caught:
        send(client)
    assert len(server.requests) == tries
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry_After": "7"}, 7),
        ({"Retry_After": "0"}, 0.5),
        ({"Retry_After": "1.5"}, 1.5),
        ({"Retry_After": "99999"}, patience.LONGEST_ASKED),
        ({"Retry_After": "Tue, 14 Nov 2023 22:13:50 GMT", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 30),
        ({"Retry_After": "Tue, 14 Nov 2023 22:13:00 GMT", "Date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 0.5),
    ],
)
def test_retry_after_is_honoured(
    server: LittleServer, client: HttpClient, headers: dict[str, str], waited: float
) -> None:
    server.replies = [reply(429, **headers), reply()]
    clock = TestClock()
    send(client, clock=clock)
    assert clock.now - 1000 == pytest.approx(waited)


@pytest.mark.parametrize("text", ["soon", "-3", "Tue, 99 Nov", "1e999x"])
def test_nonsense_in_retry_after_is_ignored(server: LittleServer, client: HttpClient, text: str) -> None:
    server.replies = [reply(429, Retry_After=text), reply()]
    clock = TestClock()
    assert send(client, clock=clock).status == 200
    assert clock.now == 1000.5


def test_throttling_is_put_up_with_for_a_time_in_ever_longer_pauses(server: LittleServer, client: HttpClient) -> None:
    server.replies = [reply(429)]
    clock = TestClock()
    with pytest.raises(CloudError, match="throttled"):
        send(client, clock=clock)
    assert 1060 <= clock.now <= 1060 + patience.LONGEST_PAUSE
    assert 10 < len(server.requests) < 15
    assert "waiting for the rate limit, 12 s" in clock.reports


def test_pauses_grow_with_jitter(server: LittleServer, signed: list[Request]) -> None:
    client = HttpClient(server.url, lambda request: {}, judge, **OURS, patience=Patience(unavailable=12))
    server.replies = [reply(503)]
    total = []
    for _ in range(2):
        clock = TestClock()
        with pytest.raises(CloudError):
            send(client, clock=clock)
        total.append(clock.now - 1000)
    client.close()
    assert total[0] != total[1]
    assert all(5 < seconds < 12 * patience.LONGEST_PAUSE for seconds in total)


# --- limits and cancelling --------------------------------------------------------------------------------------------


def test_a_pause_that_would_outlast_the_limit_is_not_begun(server: LittleServer, client: HttpClient) -> None:
    server.replies = [reply(429, Retry_After="60")]
    clock = TestClock()
    with pytest.raises(DeadlineError) as caught:
        send(client, clock=clock, limit=30)
    assert clock.now == 1000
    assert "throttled" in caught.value.why
    assert not caught.value.uncertain


def test_no_time_left(server: LittleServer, client: HttpClient) -> None:
    server.replies = [reply()]
    with pytest.raises(DeadlineError):
        send(client, limit=0)
    assert not server.requests


def test_a_slow_answer_meets_the_customers_limit(server: LittleServer, client: HttpClient) -> None:
    server.replies = [lambda connection: time.sleep(0.5)]
    started = time.monotonic()
    with pytest.raises(DeadlineError) as caught:
        send(client, limit=0.1, repeatable=False)
    assert caught.value.uncertain
    assert time.monotonic() - started < 0.45


def test_a_slow_answer_meets_our_own_limit(
    server: LittleServer, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "ANSWER_LIMIT", 0.1)
    server.replies = [lambda connection: time.sleep(0.3), reply()]
    assert send(client).status == 200
    server.replies = [lambda connection: time.sleep(0.3)]
    with pytest.raises(CloudError) as caught:
        send(client, repeatable=False)
    assert caught.value.uncertain
    assert caught.value.reference == "answer-lost"


def dribble(connection: socket.socket) -> None:
    """An answer that is on its way for ever, each byte well within the limit of a read."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.01)


def test_an_answer_that_dribbles_meets_the_customers_limit(server: LittleServer, client: HttpClient) -> None:
    server.replies = [dribble]
    now = time.monotonic
    call = CallContext("urn:test", "create", now, lambda _seconds: False, lambda _text: None, now() + 0.2, now())
    with under(call), pytest.raises(DeadlineError) as caught:
        client.send("POST", "/a", reads=False, repeatable=False)
    assert caught.value.uncertain


def test_cancelling_between_tries(server: LittleServer, client: HttpClient) -> None:
    server.replies = [reply(429)]
    with pytest.raises(CancelledError):
        send(client, clock=TestClock(cancelled=True))
    assert len(server.requests) == 1


# --- broken connections -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_an_endpoint_out_of_reach(url: str) -> None:
    client = HttpClient(url, lambda request: {}, judge, **OURS, patience=Patience(unavailable=2))
    with pytest.raises(CloudError) as caught:
        send(client, repeatable=False)
    client.close()
    assert caught.value.reference == "endpoint-unreachable"
    assert url in caught.value.summary
    assert caught.value.retryable
    assert not caught.value.uncertain


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope",
        b"",
    ],
)
def test_garbage_is_an_uncertain_outcome(server: LittleServer, client: HttpClient, garbage: bytes) -> None:
    server.replies = [garbage]
    with pytest.raises(CloudError) as caught:
        send(client, repeatable=False)
    assert caught.value.uncertain


def test_compressed_answers_are_read(server: LittleServer, client: HttpClient) -> None:
    server.replies = [reply(body=gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")]
    assert send(client).json() == {"a": 1}


def certificate(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_nobody_trusts(tmp_path: Path) -> None:
    server = LittleServer(certificate(tmp_path))
    server.replies = [reply()]
    client = HttpClient(server.url, lambda request: {}, judge, **OURS)
    with pytest.raises(CloudError) as caught:
        send(client)
    client.close()
    server.close()
    assert caught.value.reference == "endpoint-untrusted"
    assert not caught.value.retryable
    assert not server.requests


def test_https_to_a_server_that_speaks_http(server: LittleServer) -> None:
    server.replies = [reply()]
    client = HttpClient(
        server.url.replace("http", "https"), lambda request: {}, judge, **OURS, patience=Patience(unavailable=1)
    )
    with pytest.raises(CloudError) as caught:
        send(client)
    client.close()
    assert not caught.value.uncertain


@pytest.mark.parametrize("url", ["", "df.example", "ftp://df.example", "https://", "//x"])
def test_an_endpoint_that_is_no_address(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        HttpClient(url, lambda request: {}, judge, **OURS)
    assert caught.value.reference == "endpoint-malformed"


def test_stray_characters_in_credentials(server: LittleServer) -> None:
    server.replies = [reply()]
    client = HttpClient(server.url, lambda request: {"x-key": "swordfish\n"}, judge, **OURS)
    with pytest.raises(UsageError) as caught:
        send(client)
    client.close()
    assert "swordfish" not in str(caught.value)


def every_exception(base: type[BaseException]) -> Iterator[type[BaseException]]:
    yield base
    for child in base.__subclasses__():
        yield from every_exception(child)


LOWER = sorted(
    {
        *every_exception(httpx2.HTTPError),
        httpx2.InvalidURL,
        *every_exception(httpx2.StreamError),
        OSError,
        ssl.SSLError,
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", LOWER, ids=lambda kind: kind.__name__)
def test_no_lower_level_error_escapes(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = HttpClient("http://127.0.0.1:1", lambda request: {}, judge, **OURS, patience=Patience(1, 1, 1))
    error = kind.__new__(kind)
    Exception.__init__(error, "something low")

    def fail(request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        raise error

    monkeypatch.setattr(client._wire, "send", fail)
    with pytest.raises(WorksteadError) as caught:
        send(client)
    client.close()
    assert caught.value.remedy
    assert "something low" not in caught.value.summary


def test_nothing_is_logged_but_addresses(
    server: LittleServer, client: HttpClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.replies = [reply(body=b'{"password": "hunter2"}')]
    send(client)
    assert "swordfish" not in caplog.text
    assert "hunter2" not in caplog.text
    assert "number 1" not in caplog.text


def test_a_proxy_is_not_asked_for_the_own_computer(
    server: LittleServer, signed: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client = HttpClient(server.url, lambda request: {}, judge, **OURS)
    server.replies = [reply()]
    assert send(client).status == 200
    client.close()
