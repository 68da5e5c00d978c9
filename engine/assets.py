"""Hashes of assets and archives, as Pulumi's engine computes them when a resource is registered (spec section 2).

An asset's hash is the SHA-256 of its bytes. An archive file's is that of the file; a folder's or a map's that of an
uncompressed tar of its members. Two assets with equal hashes are equal, so this is what makes an edited file a change.
Relative paths count from the program's folder, which is the working directory while the program runs.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.core.errors import ProgramError
from engine.core.values import Archive, Asset

_ARCHIVE_FILES = (".tar", ".tgz", ".tar.gz", ".zip", ".jar")


def hashed(value: Asset | Archive) -> Asset | Archive:
    """The asset or archive with its hash. Raises ProgramError when it cannot be read."""
    if value.hash:
        return value
    try:
        if isinstance(value, Asset):
            return replace(value, hash=hashlib.sha256(_content(value)).hexdigest())
        if value.path and Path(value.path).is_file():
            return replace(value, hash=hashlib.sha256(_archive_file(value.path)).hexdigest())
        return replace(value, hash=hashlib.sha256(_tar(value)).hexdigest())
    except OSError as error:
        raise ProgramError(
            f"{value.path or value.uri} cannot be read: {error.strerror or error}",
            why="Its content is part of what the program asks for.",
            remedy="correct the path; relative ones count from the program's folder",
            reference="asset-unreadable",
        ) from error


def _content(asset: Asset) -> bytes:
    if asset.text is not None:
        return asset.text.encode()
    if asset.path:
        return Path(asset.path).read_bytes()
    if asset.uri.startswith("file://"):
        return Path(asset.uri[len("file://") :]).read_bytes()
    with urllib.request.urlopen(asset.uri, timeout=60) as answer:
        return answer.read()


def _archive_file(path: str) -> bytes:
    if not path.endswith(_ARCHIVE_FILES):
        raise ProgramError(
            f"{path} is not an archive",
            why=f"An archive is a folder, or a file that ends in one of {', '.join(_ARCHIVE_FILES)}.",
            remedy="give a folder or such a file, or use a FileAsset",
            reference="archive-format",
        )
    return Path(path).read_bytes()


def _tar(archive: Archive) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in _members(archive, ""):
            entry = tarfile.TarInfo(name)
            entry.mode = 0o600
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _members(archive: Archive, prefix: str) -> Iterator[tuple[str, bytes]]:
    if archive.assets is not None:
        for name in sorted(archive.assets):
            part = archive.assets[name]
            if isinstance(part, Archive):
                yield from _members(part, f"{prefix}{name}/")
            else:
                yield f"{prefix}{name}", _content(part)
        return
    folder = Path(archive.path)
    if not folder.is_dir():
        raise FileNotFoundError(2, "no such folder", archive.path)
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield f"{prefix}{file.relative_to(folder).as_posix()}", file.read_bytes()
