"""Files that are either whole or absent: atomic writes and hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target` that takes its place when the block succeeds.

    A block that raises leaves `target` as it was. The temporary path keeps the suffix of `target`, since writers
    often choose the format by it.

    Raises
    ------
    InputError
        When the folder of `target` cannot be written to.
    """
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}; choose a writable folder") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        try:
            temporary.replace(target)
        except IsADirectoryError:
            raise InputError(f"cannot write {target}: it is a folder; name a file") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path, *, replaceable: str) -> Iterator[Path]:
    """Yield a temporary folder beside `target` that takes its place when the block succeeds.

    Parameters
    ----------
    target
        The folder to write.
    replaceable
        A file name that marks an existing folder as one of ours. An existing folder that is not empty and lacks
        that file is never replaced.

    Raises
    ------
    InputError
        When `target` exists and holds something else, or cannot be written.
    """
    target = Path(target)
    if target.is_file():
        raise InputError(f"cannot write the folder {target}: a file of that name exists; choose another name")
    if target.is_dir() and any(target.iterdir()) and not (target / replaceable).is_file():
        raise InputError(
            f"{target} holds other files (no {replaceable}), so it is not replaced; choose a new or empty folder"
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}; choose a writable folder") from None
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        retired = temporary.with_name(temporary.name + ".old")
        if target.exists():
            target.replace(retired)
        temporary.replace(target)
        shutil.rmtree(retired, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
