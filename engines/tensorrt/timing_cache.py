"""Measured kernel times on disk, one file for each library version and GPU, shared by processes under a lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ...data.errors import InputError
from ...data.files import atomic_path

if TYPE_CHECKING:
    import tensorrt as trt


class TimingCacheFile:
    """A timing cache's file.

    Parameters
    ----------
    folder
        The plan cache's folder.
    engine, version, device
        What measured the times, and where.
    """

    def __init__(self, folder: Path, engine: str, version: str, device: str) -> None:
        slug = re.sub(r"[^a-z0-9.]+", "-", f"{engine}-{version}-{device}".lower()).strip("-")
        self.path = folder / f"timing-{slug}.cache"

    def read(self) -> bytes:
        """Return what is stored; nothing when there is no file."""
        try:
            return self.path.read_bytes()
        except OSError:
            return b""

    def update(self, merge: Callable[[bytes], bytes]) -> None:
        """Replace the content by what `merge` makes of it, while no other process does.

        A folder that cannot be written keeps nothing: the next build measures again.
        """
        try:
            (self.path.parent / ".locks").mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.parent / ".locks" / f"{self.path.stem}.lock"), atomic_path(self.path) as temporary:
                temporary.write_bytes(merge(self.read()))
        except (OSError, InputError):
            return


def attach(config: trt.IBuilderConfig, file: TimingCacheFile) -> None:
    """Let a build use the stored times. TensorRT itself refuses those of another GPU or version."""
    cache: Any = config.create_timing_cache(file.read())  # None for content that is none
    if cache is None or not config.set_timing_cache(cache, False):
        config.set_timing_cache(config.create_timing_cache(b""), False)


def keep(config: trt.IBuilderConfig, file: TimingCacheFile) -> None:
    """Add a build's times to the stored ones, of which another process may have added some meanwhile."""

    def merge(stored: bytes) -> bytes:
        measured = config.get_timing_cache()
        other = config.create_timing_cache(stored) if stored else None
        if other is not None:
            measured.combine(other, True)
        return bytes(memoryview(measured.serialize()))

    file.update(merge)
