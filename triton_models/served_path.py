"""Which paths Triton can serve from: it starts model processes through a shell, and quotes nothing."""

from __future__ import annotations

import re
from pathlib import Path

from ..data.errors import InputError

_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./~^#-]")


def check_served_path(path: Path, instead: str = "choose a folder") -> Path:
    """Return an absolute path from which Triton can run models.

    Parameters
    ----------
    path
        Of a repository, or of Triton's backends.
    instead
        What to do, in the words before "whose path …".

    Raises
    ------
    InputError
        When it holds a space or another character at which Triton 2.51 dies.
    """
    path = path.resolve()
    wrong = next((character for character in str(path) if not _SAFE.fullmatch(character)), None)
    if wrong is not None:
        what = "a space" if wrong == " " else repr(wrong)
        raise InputError(
            f"{path}: Triton cannot run models from a path with {what}; {instead} whose path has only ASCII letters, "
            "digits and characters like - _ ."
        )
    return path


def check_bundle_path(path: Path) -> Path:
    """Return the absolute path of a bundle that model processes can read; spaces do not matter there.

    Raises
    ------
    InputError
        When it is not ASCII, which is the only encoding that those processes know.
    """
    path = path.resolve()
    wrong = next((character for character in str(path) if not character.isascii()), None)
    if wrong is not None:
        raise InputError(
            f"{path}: Triton's model processes cannot read a bundle from a path with {wrong!r}; copy the bundle to a "
            "folder whose path is ASCII"
        )
    return path
