"""Opening a stack: which vault its record's secrets are sealed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config import Project, Settings
from engine.core.errors import RecordUnavailableError
from engine.core.model import Options, Put, Snapshot
from engine.core.values import Secret
from engine.opening import Place, Secrets
from engine.state.memory import MemoryBackend
from engine.state.secrets import Vault
from tests.contract.records import ME, NAME, UPDATE, resource

ENVIRON = {"PULUMI_CONFIG_PASSPHRASE": "correct horse"}


class Counted:
    """A record that counts how often its salt is looked up."""

    def __init__(self, record: Any) -> None:
        self._record = record
        self.lookups = 0

    def secrets_state(self) -> Any:
        self.lookups += 1
        return self._record.secrets_state()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._record, name)


class Stuck(Counted):
    """A record that cannot be written, nor read either if so wished."""

    def __init__(self, record: Any, readable: bool) -> None:
        super().__init__(record)
        self.readable = readable

    def secrets_state(self) -> Any:
        if not self.readable:
            raise RecordUnavailableError("it cannot be read")
        return super().secrets_state()

    def set_secrets_state(self, state: Any) -> None:
        raise RecordUnavailableError(f"there is no room for {state}")


@pytest.mark.parametrize("readable", [True, False])
@pytest.mark.parametrize("had_salt", [True, False])
def test_a_file_in_the_place_of_a_record_is_sealed_all_the_same(tmp_path: Path, had_salt: bool, readable: bool) -> None:
    backend = MemoryBackend()
    inner = backend.create(NAME)
    known = Vault.create("correct horse")
    if had_salt:
        inner.set_secrets_state(known.state)
    record: Any = Stuck(inner, readable)
    secrets = Secrets(Place(Project("lab", tmp_path), Settings(""), backend, ENVIRON, {}), NAME, record)
    if not (had_salt and readable):
        with pytest.raises(RecordUnavailableError):
            secrets.seal("cannot be recorded")
    assert secrets.for_file(Snapshot((resource("a"),))) is None
    vault = secrets.for_file(Snapshot((resource("a", outputs={"token": Secret("s3cret")}),)))
    assert vault is not None
    assert (vault.salt == known.salt) is (had_salt and readable)
    opened = Vault.open(vault.state, "correct horse")
    assert opened.content(vault.seal("s3cret")["ciphertext"]) == "s3cret"


@pytest.mark.parametrize(
    "members",
    [
        {"inputs": {"a": Secret(1)}},
        {"outputs": {"a": [Secret(1)]}},
        {"options": Options(replacement_trigger=Secret(1))},
    ],
    ids=["an input", "inside an output", "a trigger"],
)
def test_every_kind_of_secret_is_opened(tmp_path: Path, members: dict[str, Any]) -> None:
    backend = MemoryBackend()
    record = backend.create(NAME)
    secrets = Secrets(Place(Project("lab", tmp_path), Settings(""), backend, ENVIRON, {}), NAME, record)
    lease = record.acquire(ME, seal=secrets.seal)
    lease.start(UPDATE)
    lease.end(None, [Put(resource("a", key=1, **members))])
    lease.finish("succeeded", {})
    [found] = secrets.unseal(record.load()).resources
    assert {name: getattr(found, name) for name in members} == members


def test_the_record_is_asked_for_its_salt_once_after_each_load(tmp_path: Path) -> None:
    backend = MemoryBackend()
    record: Any = Counted(backend.create(NAME))
    secrets = Secrets(Place(Project("lab", tmp_path), Settings(""), backend, ENVIRON, {}), NAME, record)
    envelopes = [secrets.seal(f"secret {number}") for number in range(100)]
    first = Vault.open(record.secrets_state(), "correct horse")
    assert first.content(envelopes[99]["ciphertext"]) == "secret 99"
    assert record.lookups < 5

    # Another process puts a deployment with a salt of its own into the stack's place (`stack import`).
    other = Vault.create("correct horse")
    record.set_secrets_state(other.state)
    secrets.unseal(Snapshot())
    envelope = secrets.seal("new")
    assert other.content(envelope["ciphertext"]) == "new"
    assert first.salt != other.salt
