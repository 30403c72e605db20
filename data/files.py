"""Files that are either whole or absent: atomic writes, checked targets, hashes."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


def check_is_file(path: Path) -> None:
    """Raise `InputError` unless `path` is a regular file, so that a pipe is never waited for."""
    if path.is_file():
        return
    if path.is_dir():
        raise InputError(f"{path}: a file is expected, but it is a folder")
    if path.is_symlink():
        raise InputError(f"{path}: a link that leads nowhere")
    raise InputError(f"{path}: no such file" if not path.exists() else f"{path}: not a regular file")


def check_target(path: Path) -> Path:
    """Return where writing to `path` ends up, links followed.

    Raises
    ------
    InputError
        When it is a folder or a device, or lies under a file.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; name a file")
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise InputError(f"cannot write {path}: not a regular file; name a file")
    parent = next(folder for folder in target.parents if folder.exists())
    if not parent.is_dir():
        raise InputError(f"cannot write {path}: {parent} is a file, not a folder")
    if not os.access(parent, os.W_OK):
        raise InputError(f"cannot write {path}: {parent} is not writable; choose another folder")
    return target


def check_folder_target(path: Path, *, is_ours: Callable[[Path], bool]) -> Path:
    """Return where writing the folder `path` ends up, links followed.

    Parameters
    ----------
    path
        The folder to write.
    is_ours
        Tells whether an existing folder that is not empty may be replaced.

    Raises
    ------
    InputError
        When it is no folder, holds something else, is the current folder, or lies under a file.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        if any(target.iterdir()) and not is_ours(target):
            raise InputError(f"{path} holds other files, so it is not replaced; choose a new or empty folder")
        if Path.cwd().is_relative_to(target):
            raise InputError(f"{path} is the folder you are in, which cannot be replaced; name another one")
    elif target.exists() or target.is_symlink():
        raise InputError(f"cannot write the folder {path}: a file of that name exists; choose another name")
    parent = next(folder for folder in target.parents if folder.exists())
    if not parent.is_dir():
        raise InputError(f"cannot write {path}: {parent} is a file, not a folder")
    return target


def check_writable(path: Path, target: Path) -> None:
    """Raise `InputError` unless files can be made where `target` is to lie, by making one for a moment.

    Permissions do not tell: a superuser has them all, and yet ``/proc`` or a read-only disk takes no files.

    Parameters
    ----------
    path
        What messages call it.
    target
        What `check_target` or `check_folder_target` returned for it.
    """
    parent = next(folder for folder in target.parents if folder.exists())
    probe = parent / f".oviton-{uuid.uuid4().hex[:12]}"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {parent} takes no files ({error.strerror}); choose another folder"
        ) from None


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block succeeds.

    A block that raises leaves `path` as it was. The temporary path keeps the suffix, since writers often choose the
    format by it. A link is followed, not replaced. The file gets the permissions that the umask allows, whatever the
    writer gave it.

    Raises
    ------
    InputError
        When `path` cannot be written.

    Examples
    --------
    >>> with atomic_path(Path("notes.txt")) as temporary:
    ...     _ = temporary.write_text("whole or absent")
    >>> Path("notes.txt").read_text()
    'whole or absent'
    """
    target = check_target(Path(path))
    temporary = target.with_name(f".oviton-{uuid.uuid4().hex[:12]}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(exist_ok=False)
        mode = stat.S_IMODE(temporary.stat().st_mode)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    try:
        yield temporary
        try:
            # safetensors puts a private file of its own in the place of the one that it is given.
            if stat.S_IMODE(temporary.stat().st_mode) != mode:
                temporary.chmod(mode)
            temporary.replace(target)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its place when the block succeeds.

    Parameters
    ----------
    path
        The folder to write. A link is followed, not replaced.
    is_ours
        Tells whether an existing folder may be replaced; one that is not empty and is not ours never is. It is asked
        before the block and again after it, since others may write there meanwhile.

    Raises
    ------
    InputError
        When `path` exists and holds something else, before the block or after it, or cannot be written. What is there
        stays as it is then.
    """
    target = check_folder_target(Path(path), is_ours=is_ours)
    temporary = target.with_name(f".oviton-{uuid.uuid4().hex[:12]}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; choose a writable folder") from None
    try:
        yield temporary
        try:
            check_folder_target(target, is_ours=is_ours)
        except InputError as error:
            raise InputError(f"{path} changed meanwhile, so the new folder was not written: {error}") from None
        try:
            _swap(temporary, target)
        except OSError as error:
            raise InputError(f"cannot write {path}: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(temporary: Path, target: Path) -> None:
    """Put a folder in the place of another, which is deleted, or of none; a failure leaves the other one there."""
    if not target.is_dir() or not any(target.iterdir()):
        temporary.replace(target)  # the system itself refuses when something has just been put there
        return
    retired = temporary.with_suffix(".old")
    target.replace(retired)
    try:
        temporary.replace(target)
    except OSError:
        retired.replace(target)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def others_may_write(folder: Path) -> bool:
    """Tell whether a folder may be changed by users whom this process does not trust anyway.

    It trusts its own user, the superuser, and whoever owns this code. A group that bears its owner's own number has
    no other member. Where there are no such permissions, as on Windows, the answer is no.
    """
    if not hasattr(os, "getuid"):
        return False
    status = folder.stat()
    foreign = status.st_uid not in (0, os.getuid(), Path(__file__).stat().st_uid)
    shared = status.st_mode & stat.S_IWGRP and status.st_gid not in (0, status.st_uid)
    return bool(foreign or shared or status.st_mode & stat.S_IWOTH)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
