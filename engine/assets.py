"""Hashes of assets and archives, as Pulumi's engine computes them when a resource is registered (spec section 2).

An asset's hash is the SHA-256 of its bytes. An archive file's is that of the file; a folder's or a map's that of an
uncompressed tar of its members. Two assets with equal hashes are equal, so this is what makes an edited file a change.
Relative paths count from the program's folder, which is the working directory while the program runs.
"""

from __future__ import annotations

import hashlib
import io
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


_BLOCK = 512


def _tar(archive: Archive) -> bytes:
    """The tar Pulumi's engine hashes, byte for byte: mode 0600, no dates, no owners, each name once."""
    packed = io.BytesIO()
    seen: set[str] = set()
    for name, content in _members(archive, ""):
        if name in seen:
            continue
        seen.add(name)
        packed.write(_tar_header(name, len(content)))
        packed.write(content + bytes(-len(content) % _BLOCK))
    packed.write(bytes(2 * _BLOCK))
    return packed.getvalue()


def _tar_header(name: str, size: int) -> bytes:
    """A member's header in the ustar format as Go writes it; Python's tarfile fills unused fields otherwise."""
    encoded, prefix = name.encode(), b""
    while len(encoded) > 100 and b"/" in encoded[:-1]:
        head, _, encoded = encoded.partition(b"/")
        prefix = prefix + b"/" + head if prefix else head
    fields = b"".join(
        (
            encoded[:100].ljust(100, b"\0"),
            b"0000600\0" + b"0000000\0" * 2,
            b"%011o\0" % size,
            b"00000000000\0",
            b" " * 8,
            b"0",
            bytes(100),
            b"ustar\x0000",
            bytes(64),
            b"0000000\0" * 2,
            prefix[:155].ljust(155, b"\0"),
            bytes(12),
        )
    )
    checksum = b"%06o\0 " % sum(fields)
    return fields[:148] + checksum + fields[156:]


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
        if file.is_file() and ".pulumi" not in file.relative_to(folder).parts:
            yield f"{prefix}{file.relative_to(folder).as_posix()}", file.read_bytes()
