"""Compiled plans on disk, each beside a sidecar that says exactly what it was compiled for."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock, Timeout

from ..data.errors import InputError
from ..data.files import atomic_path, others_may_write
from .plan_key import PlanKey

NOWHERE = Path(os.devnull, "oviton")
"""A folder that cannot be: nothing is found in it, and nothing kept."""


@dataclass(frozen=True)
class Plan:
    """A compiled plan.

    Parameters
    ----------
    data
        Its bytes; dropped once an engine is made of them.
    size
        Their number.
    hit
        Whether it came from the cache.
    seconds
        Time to read or build it.
    stale
        When built although a plan for the same slot exists: each differing field with the old and the new value.
    not_kept
        Why the built plan could not be stored; None when it was.
    details
        What its builder noted of it.
    options
        Builder options that it was built with.
    path
        Where it lies; None when it could not be kept.
    """

    data: bytes
    size: int
    hit: bool
    seconds: float
    stale: dict[str, tuple[str, str]]
    not_kept: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    path: Path | None = None


@dataclass(frozen=True)
class Built:
    """What a builder made: the plan, and what it noted of it, kept in the sidecar."""

    data: bytes
    details: dict[str, Any]


class PlanCache:
    """A folder of plans.

    What lies in it is run, so a folder that other users may write is not used: nothing is read from it or kept in it.

    Parameters
    ----------
    root
        The folder, which is made when something is kept. Default: ``$OVITON_CACHE``, else the user's cache folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._folder = root or default_cache_folder()

    @property
    def refusal(self) -> str | None:
        """Why the folder is not used; None when it is."""
        return _refusal(self._folder)

    @property
    def root(self) -> Path:
        """The folder; one that cannot be when it is not used."""
        return NOWHERE if self.refusal else self._folder

    def get_or_build(
        self,
        key: PlanKey,
        build: Callable[[], bytes | Built],
        *,
        accept_covering: bool = False,
        on_wait: Callable[[], None] | None = None,
    ) -> Plan:
        """Return the plan for `key`, building and storing it when it is not there or is damaged.

        Of several processes that want one plan at once, one builds it and the others wait for it. A folder that cannot
        be written costs a build at every start, no more: the plan says why it was not kept.

        Parameters
        ----------
        key
            What the plan is for.
        build
            Makes it.
        accept_covering
            Whether a plan that was built for more than this will do; see `PlanKey.unmet`.
        on_wait
            Called once when another process is building it.
        """
        started = time.perf_counter()
        found = self.find(key, accept_covering=accept_covering)
        if found is not None:
            return replace(found, seconds=time.perf_counter() - started)
        with self._only_builder(key, on_wait):
            found = self.find(key, accept_covering=accept_covering)  # whoever was waited for made it
            if found is not None:
                return replace(found, seconds=time.perf_counter() - started)
            stale = self.difference_to_newest(key)
            built = build()
            if isinstance(built, bytes):
                built = Built(built, {})
            not_kept = self._keep(key, built)
        seconds = time.perf_counter() - started
        where = self._path(key) if not_kept is None else None
        return Plan(built.data, len(built.data), False, seconds, stale, not_kept, built.details, key.options, where)

    def discard(self, plan: Plan) -> None:
        """Remove a stored plan that turned out to be of no use."""
        if plan.path is not None:
            plan.path.with_suffix(".json").unlink(missing_ok=True)
            plan.path.unlink(missing_ok=True)

    def find(self, key: PlanKey, *, accept_covering: bool = False) -> Plan | None:
        """Return the stored plan for `key`, or None. A damaged one is as good as none."""
        path = self._path(key)
        if accept_covering and not path.exists():
            others = [p for p in self._sidecars(key) if not key.unmet(_stored_key(p))]
            path = max(others, key=_age, default=path.with_suffix(".json")).with_suffix(".plan")
        return _read_verified(path, None if accept_covering else key)

    def _keep(self, key: PlanKey, built: Built) -> str | None:
        path = self._path(key)
        try:
            self.store(path, built.data)
            self.store(path.with_suffix(".json"), (json.dumps(_sidecar(key, built), indent=1) + "\n").encode())
        except InputError:
            return self.refusal or f"{self.root} takes no files; {_ANOTHER}"
        except OSError as error:
            return f"cannot write {self.root}: {error.strerror or error}; free space, or {_ANOTHER}"
        return None

    @contextmanager
    def _only_builder(self, key: PlanKey, on_wait: Callable[[], None] | None) -> Iterator[None]:
        """Hold the lock of one plan. Where no lock can be made, none can be kept either, so nobody else minds."""
        # Lock files stay: one that is removed could be waited for by one process and made anew by another.
        lock = FileLock(self.root / ".locks" / f"{self._path(key).stem}.lock")
        try:
            _make(self.root)
            (self.root / ".locks").mkdir(exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            if on_wait is not None:
                on_wait()
            lock.acquire()
        except OSError:
            yield
            return
        try:
            yield
        finally:
            lock.release()

    def store(self, path: Path, data: bytes) -> None:
        """Write a file of the cache, whole or not at all.

        Raises
        ------
        InputError
            When the folder cannot be written.
        """
        if self.refusal:
            raise InputError(self.refusal)
        _make(self.root)
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)

    def difference_to_newest(self, key: PlanKey) -> dict[str, tuple[str, str]]:
        """Compare `key` field by field with the newest other plan of its slot; empty when there is none."""
        others = [p for p in self._sidecars(key) if p.stem != self._path(key).stem]
        if not others:
            return {}
        newest = max(others, key=_age)
        stored = _stored_key(newest)
        return key.differences(stored) if stored else {"sidecar": (f"{newest.name} is unreadable", "rebuilt")}

    def unmet_of_newest(self, key: PlanKey) -> dict[str, tuple[str, str]]:
        """Return what keeps the newest plan of this slot from being used; empty when there is none."""
        newest = max(self._sidecars(key), key=_age, default=None)
        return key.unmet(_stored_key(newest)) if newest is not None else {}

    def _sidecars(self, key: PlanKey) -> list[Path]:
        return list(self.root.glob(f"{key.slot}-*.json"))

    def _path(self, key: PlanKey) -> Path:
        return self.root / f"{key.slot}-{key.digest[:16]}.plan"


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another process has just replaced it
        return 0.0


def _stored_key(sidecar: Path) -> dict[str, Any]:
    """Return the key in a sidecar; empty when it cannot be read."""
    try:
        return dict(json.loads(sidecar.read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _read_verified(path: Path, key: PlanKey | None) -> Plan | None:
    """Return a plan that is what its sidecar says, and, unless `key` is None, is for exactly that key."""
    try:
        sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        data = path.read_bytes()
        intact = sidecar["sha256"] == hashlib.sha256(data).hexdigest()
        stored, details = dict(sidecar["key"]), dict(sidecar["details"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not intact or (key is not None and stored != asdict(key)):
        return None
    return Plan(data, len(data), True, 0.0, {}, None, details, stored.get("options") or {}, path)


def _sidecar(key: PlanKey, built: Built) -> dict[str, Any]:
    return {"key": asdict(key), "sha256": hashlib.sha256(built.data).hexdigest(), "details": built.details}


def default_cache_folder() -> Path:
    """Return where plans are kept: ``$OVITON_CACHE``, else the user's cache folder; `NOWHERE` for who has no home."""
    named = os.environ.get("OVITON_CACHE")
    if named:
        return Path(named)
    try:
        folder = platformdirs.user_cache_path("oviton")
    except RuntimeError:
        return NOWHERE
    return folder if folder.is_absolute() else NOWHERE


_ANOTHER = "set OVITON_CACHE to a folder of your own"


def _refusal(folder: Path) -> str | None:
    """Return why a folder is not used; None when it is, be it only once something is kept."""
    if folder == NOWHERE:
        return f"this user has no home folder; {_ANOTHER}"
    try:
        if folder.exists() and not folder.is_dir():
            return f"{folder} is a file, not a folder; {_ANOTHER}"
        shared = folder.exists() and others_may_write(folder)
    except OSError as error:
        return f"cannot read {folder}: {error.strerror}; {_ANOTHER}"
    return f"{folder} may be written by other users, so plans in it are not trusted; {_ANOTHER}" if shared else None


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
