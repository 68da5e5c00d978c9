"""Where the pass phrase of a stack's secrets comes from.

    PULUMI_CONFIG_PASSPHRASE → the file PULUMI_CONFIG_PASSPHRASE_FILE names → our own key file → nobody gave one

Our own key file exists so that trying Workstead needs no set-up: the first secret of a stack whose owner never gave a
pass phrase is encrypted with a random one kept in the person's configuration folder. What that is worth:

* The key is not in the project folder, so committing, copying or backing that up does not give the secrets away.
* It is as safe as the person's account on this machine (file mode 0600), not more: it is not encrypted itself.
* It is one key for all the stacks of this person on this machine. Nobody else, no other machine and no pipeline has
  it: who loses it loses the secrets. So a pipeline or a team sets PULUMI_CONFIG_PASSPHRASE, which always wins; and
  the real `pulumi` opens the stack when the file's content is given it that way.

Left to others: deriving a key from it, encrypting (`engine.state.secrets`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.core.errors import CredentialsError

_BYTES: Final = 24  # of chance: 32 url-safe characters


def passphrase(environ: Mapping[str, str], home: Path | None = None) -> str | None:
    """The pass phrase to use, or None. An empty PULUMI_CONFIG_PASSPHRASE is a legal one, as in Pulumi.

    `home`: the folder of our own key file when it is not the usual one. Raises CredentialsError when a file that
    should hold one cannot be read.
    """
    if "PULUMI_CONFIG_PASSPHRASE" in environ:
        return environ["PULUMI_CONFIG_PASSPHRASE"]
    if named := environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        return _content(Path(named), "PULUMI_CONFIG_PASSPHRASE_FILE")
    own = own_key_file(home)
    return _own_content(own) if own.exists() else None


def own_key_file(home: Path | None = None) -> Path:
    """Where our own pass phrase is or would be."""
    if home is None:
        import platformdirs  # here, so that commands without secrets do not pay for it

        home = Path(platformdirs.user_config_dir("workstead"))
    return home / "passphrase"


def ensure_own_passphrase(home: Path | None = None) -> str:
    """Our own pass phrase, created when there is none yet. Two processes at once get the same one.

    Raises CredentialsError when the file can be neither read nor created.
    """
    import secrets  # here, so that commands that need no new key do not pay for it

    file = own_key_file(home)
    draft = file.with_name(f".passphrase.{secrets.token_hex(8)}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(secrets.token_urlsafe(_BYTES) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            try:
                os.link(draft, file)  # unlike a rename this never replaces what another process put there
            except FileExistsError:
                pass
            finally:
                draft.unlink()
    except OSError as error:
        raise CredentialsError(
            f"the key file {file} cannot be created: {error}",
            why="It would hold the pass phrase of this person's secrets.",
            remedy="set PULUMI_CONFIG_PASSPHRASE, or make the folder writable",
            reference="passphrase-file",
        ) from error
    return _own_content(file)


def _own_content(file: Path) -> str:
    text = _content(file, "")
    if text:
        return text
    raise CredentialsError(
        f"the key file {file} is empty",
        why="Secrets encrypted with an empty pass phrase are not secret.",
        remedy="restore it from a backup; delete it if no secret was made with it",
        reference="passphrase-file",
    )


def _content(file: Path, origin: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialsError(
            f"the pass phrase cannot be read from {file}: {error}",
            path=origin,
            remedy="name a readable file of text, or set PULUMI_CONFIG_PASSPHRASE",
            reference="passphrase-file",
        ) from error
