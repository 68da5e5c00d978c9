"""Opening a stack: which vault its record's secrets are sealed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.config import Project, Settings
from engine.core.model import Snapshot
from engine.opening import Place, Secrets
from engine.state.backend import StackName
from engine.state.memory import MemoryBackend
from engine.state.secrets import Vault

NAME = StackName("lab", "dev")
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
