"""Pulumi's pass phrase format, byte for byte, so that a record and a stack's settings can go either way (spec 12.3).

A `Vault` is one salt opened with its pass phrase. What it encrypts is text: for a recorded secret the JSON text of its
value (`codec.text_of`), for a setting the setting itself. A text the vault has seen keeps the cipher text it had, so an
unchanged secret does not change the record; the price is that equal secrets of one stack can share a cipher text.

Deriving the key takes 0.2 s on purpose, so it is done once per salt and pass phrase in a process. `cryptography` is
imported only when something is encrypted: most commands of a stack without secrets never need it.

Left to others: where the pass phrase comes from (`engine.config`), what a secret means (`engine.core.values`).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from typing import Any, Final

from engine.core.errors import CredentialsError, RecordError
from engine.core.model import ResourceState, Snapshot
from engine.core.values import SECRET, SIGNATURE, Sealed, Secret, reveal, transform
from engine.state.codec import content_of, not_unicode, text_of

_TYPE: Final = "passphrase"
_ROUNDS: Final = 1_000_000
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_CHECK: Final = "pulumi"

_DERIVING: Final = Lock()


class Vault:
    """One salt, opened. Made by `create`, `open` or `from_salt`; safe to use from many threads."""

    def __init__(self, key: bytes, salt: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self.salt = salt
        self._cipher = AESGCM(key)
        self._lock = Lock()
        self._sealed: dict[str, str] = {}
        self._opened: dict[str, str] = {}

    @classmethod
    def create(cls, passphrase: str) -> Vault:
        """A vault with a salt of its own. The empty pass phrase is legal."""
        salt = os.urandom(_SALT_BYTES)
        vault = cls(_derived(passphrase, salt), "")
        vault.salt = f"v1:{_text(salt)}:{vault._encrypted(_CHECK)}"
        return vault

    @classmethod
    def open(cls, state: Mapping[str, Any], passphrase: str) -> Vault:
        """The vault of a `secrets_providers` object. Raises CredentialsError, also for other kinds of providers."""
        kind = state.get("type")
        inner = state.get("state")
        salt = inner.get("salt") if isinstance(inner, Mapping) else None
        if kind != _TYPE or not isinstance(salt, str):
            raise CredentialsError(
                f"the stack's secrets are kept by {kind!r}, which Workstead cannot open",
                why="It opens secrets that are encrypted with a pass phrase.",
                remedy="run `pulumi stack change-secrets-provider passphrase` with the real pulumi, then export again",
                reference="secrets-provider-unknown",
            )
        return cls.from_salt(salt, passphrase)

    @classmethod
    def from_salt(cls, salt: str, passphrase: str) -> Vault:
        """The vault of a salt, such as the `encryptionsalt` of a stack's settings. Raises CredentialsError."""
        version, _, rest = salt.partition(":")
        encoded, _, check = rest.partition(":")
        try:
            if version != "v1":
                raise ValueError(version)
            vault = cls(_derived(passphrase, _bytes(encoded)), salt)
        except ValueError as error:
            raise CredentialsError(
                f"the stack's encryption salt {salt!r} is malformed",
                why="It reads v1:<salt>:<check>.",
                remedy="copy it again from where it was last right, such as the settings in version control",
                reference="salt-malformed",
            ) from error
        try:
            right = vault.decrypt(check) == _CHECK
        except RecordError:
            right = False
        if not right:
            raise CredentialsError(
                "the pass phrase is wrong",
                why="It does not open the check word of this stack's encryption salt.",
                remedy="set PULUMI_CONFIG_PASSPHRASE (or the file in PULUMI_CONFIG_PASSPHRASE_FILE) to the right one",
                reference="passphrase-wrong",
            )
        return vault

    @property
    def state(self) -> dict[str, Any]:
        """The `secrets_providers` object that opens this vault again."""
        return {"type": _TYPE, "state": {"salt": self.salt}}

    def encrypt(self, text: str) -> str:
        """The cipher text of a text: the one it had before, if this vault has seen it. Raises InputError."""
        known = self._sealed.get(text)
        if known is not None:
            return known
        made = self._encrypted(text)
        with self._lock:
            kept = self._sealed.setdefault(text, made)
            self._opened.setdefault(kept, text)
        return kept

    def decrypt(self, ciphertext: str) -> str:
        """The text of a cipher text. Raises RecordError when it is damaged or of another vault."""
        known = self._opened.get(ciphertext)
        if known is not None:
            return known
        text = self._decrypted(ciphertext)
        with self._lock:
            self._opened[ciphertext] = text
            self._sealed.setdefault(text, ciphertext)
        return text

    def seal(self, content: Any) -> dict[str, Any]:
        """The envelope of a secret's content, encrypted: a `Seal` for leases and exports."""
        return {SIGNATURE: SECRET, "ciphertext": self.encrypt(text_of(reveal(unsealed(content, self))))}

    def content(self, ciphertext: str, pending: bool = False) -> Any:
        """The content of a recorded secret. `pending`: of a pending operation, where it may be unknown."""
        content = content_of(self.decrypt(ciphertext), pending)
        with self._lock:  # other engines may spell the same value differently: ours shall find this cipher text too
            self._sealed.setdefault(text_of(content), ciphertext)
        return content

    def _encrypted(self, text: str) -> str:
        try:
            data = text.encode()
        except UnicodeEncodeError:
            raise not_unicode() from None
        nonce = os.urandom(_NONCE_BYTES)
        return f"v1:{_text(nonce)}:{_text(self._cipher.encrypt(nonce, data, None))}"

    def _decrypted(self, ciphertext: str) -> str:
        from cryptography.exceptions import InvalidTag

        try:
            version, nonce, sealed = ciphertext.split(":")
            if version != "v1":
                raise ValueError(version)
            return self._cipher.decrypt(_bytes(nonce), _bytes(sealed), None).decode()
        except (ValueError, InvalidTag) as error:
            raise RecordError(
                "a secret cannot be decrypted",
                why="Its cipher text is damaged, or was made with another salt than this stack's.",
                remedy="bring back an earlier version of the record, or set the secret anew",
                reference="secret-damaged",
            ) from error


def unsealed(value: Any, vault: Vault, pending: bool = False) -> Any:
    """`value` with every sealed secret opened; the same object when there is none. Raises RecordError."""

    def opened(item: Any) -> Any:
        if type(item) is Sealed:
            return Secret(vault.content(item.ciphertext, pending))
        if type(item) is Secret:
            content = unsealed(item.value, vault, pending)
            return item if content is item.value else Secret(reveal(content))
        return item

    return transform(value, opened)


def unseal_snapshot(snapshot: Snapshot, vault: Vault) -> Snapshot:
    """The snapshot with every secret opened, pending operations included. Raises RecordError naming the resource."""
    return replace(
        snapshot,
        resources=tuple(_unsealed_state(state, vault) for state in snapshot.resources),
        pending=tuple(
            replace(operation, resource=_unsealed_state(operation.resource, vault, pending=True))
            for operation in snapshot.pending
        ),
    )


def _unsealed_state(state: ResourceState, vault: Vault, pending: bool = False) -> ResourceState:
    trigger = state.options.replacement_trigger
    try:
        inputs = unsealed(state.inputs, vault, pending)
        outputs = unsealed(state.outputs, vault, pending)
        opened = unsealed(trigger, vault, pending)
    except RecordError as error:
        error.urn = state.urn
        raise
    if opened is not trigger:
        state = state.but(options=replace(state.options, replacement_trigger=opened))
    if inputs is state.inputs and outputs is state.outputs:
        return state
    return state.but(inputs=inputs, outputs=outputs)


def _derived(passphrase: str, salt: bytes) -> bytes:
    with _DERIVING:  # so that two threads which ask at once wait for one derivation instead of making two
        return _derive(passphrase, salt)


@lru_cache(maxsize=64)
def _derive(passphrase: str, salt: bytes) -> bytes:
    # surrogateescape: a pass phrase from the environment that is not UTF-8 counts by its bytes, as it does in Pulumi
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode("utf-8", "surrogateescape"), salt, _ROUNDS, _KEY_BYTES)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
