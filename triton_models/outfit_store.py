"""Refined outfits on disk, by id, bounded: the one that was not used for longest goes first."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path

from filelock import FileLock

from ..data.errors import InputError
from ..engines.plan_cache import default_cache_folder
from ..runtime.refinement.refined_weights import RefinedWeights

SUFFIX = ".safetensors"
_ID = re.compile(r"[0-9a-f]{32}")


class NotFoundError(InputError):
    """An outfit that is not, or no longer, kept here."""


class OutfitStore:
    """A folder of outfits that several processes may read and write.

    Parameters
    ----------
    folder
        Where.
    limit
        Bytes that all outfits together may take.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit

    def save(self, outfit: RefinedWeights) -> str:
        """Keep an outfit, let the longest unused ones go, and return its id: 32 hexadecimal characters.

        Ids are random, so that nobody guesses another's.

        Raises
        ------
        InputError
            When the outfit alone is larger than the limit, or the folder cannot be written.
        """
        if outfit.size > self.limit:
            raise InputError(
                f"the refined outfit takes {outfit.size / 1e6:.1f} MB, and all together may take "
                f"{self.limit / 1e6:.1f} MB; serve with a larger --outfits-mb"
            )
        name = secrets.token_hex(16)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self.folder / ".lock"):
            outfit.save(self._path(name))
            self._evict(keep=name)
        return name

    def open(self, name: str) -> RefinedWeights:
        """Return an outfit and note that it was used.

        Raises
        ------
        InputError
            When the id is none.
        NotFoundError
            When no outfit bears it.
        """
        if not _ID.fullmatch(name):
            raise InputError(
                f"outfit {name[:40]!r}; allowed: the 32 hexadecimal characters that try_on_refined answered"
            )
        path = self._path(name)
        try:
            os.utime(path)
        except FileNotFoundError:
            raise NotFoundError(f"outfit {name} is not, or no longer, kept here; refine it again") from None
        return RefinedWeights.open(path)

    def stamp(self, name: str) -> None:
        """Note that an outfit was used, if it is still here."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self._path(name))

    def usage(self) -> tuple[int, int]:
        """Return how many outfits there are, and their bytes."""
        sizes = [size for _, size, _ in self._entries()]
        return len(sizes), sum(sizes)

    def _evict(self, keep: str) -> None:
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self.limit:
                return
            if path.stem != keep:
                path.unlink(missing_ok=True)
                total -= size

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return last use, size and path of every outfit."""
        found = []
        for path in self.folder.glob(f"*{SUFFIX}"):
            if _ID.fullmatch(path.stem):
                with contextlib.suppress(FileNotFoundError):
                    status = path.stat()
                    found.append((status.st_mtime_ns / 1e9, status.st_size, path))
        return found

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"


def default_outfit_folder(identity: str) -> Path:
    """Return where a bundle's outfits are kept: below ``$OVITON_OUTFITS``, else in the user's cache folder."""
    root = os.environ.get("OVITON_OUTFITS")
    return (Path(root) if root else default_cache_folder() / "outfits") / identity[:16]
