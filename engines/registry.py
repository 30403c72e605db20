"""Which engines exist, which of them this machine can run, and why not the others.

An engine says all that is known of it in its own file, with `@register(EngineSpec(…))`. Files of this folder whose
names end in ``_engine`` are found, and what other distributions name in the entry point group ``oviton.engines``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..data.errors import EngineError, InputError
from ..data.optional import install_command, is_installed, version_of

if TYPE_CHECKING:
    from .engine import BaseEngine

ENTRY_POINTS = "oviton.engines"


@dataclass(frozen=True)
class EngineSpec:
    """What is known of an engine on a device without asking the machine.

    Parameters
    ----------
    engine
        Name on the command line.
    device
        ``"cpu"`` or ``"cuda"``.
    precisions
        Precisions, the fastest first.
    module
        The Python module that must be installed.
    distributions
        The Python distributions that may bring it; the version of the first that is installed counts.
    extra
        The extra of oviton that installs it. Default: None, and the hint names the first distribution.
    auto
        Whether ``auto`` tries it. Default: no, it is taken by name only.
    rank
        Its place in lists and in the order of ``auto``, the lowest first. Default: after all that oviton brings.
    threads
        Whether its number of CPU threads can be chosen. Default: no.
    build_options
        Whether it builds plans that `BuildOptions` are for. Default: no.
    refits
        Whether its weights can be replaced. Default: yes.
    parallel
        Whether its graphs may be loaded side by side, and are sooner there then. Default: no.
    """

    engine: str
    device: str
    precisions: tuple[str, ...]
    module: str
    distributions: tuple[str, ...]
    extra: str | None = None
    auto: bool = False
    rank: int = 1000
    threads: bool = False
    build_options: bool = False
    refits: bool = True
    parallel: bool = False

    @property
    def label(self) -> str:
        """Its name with the device."""
        return f"{self.engine} ({self.device})"


@dataclass(frozen=True)
class Availability:
    """Whether an engine runs here.

    Parameters
    ----------
    candidate
        The engine.
    version
        Installed version, if any.
    reason
        Why it cannot run; None when it can.
    precisions
        Precisions that this machine has for it, the fastest first.
    hardware
        The GPU and its driver, for an engine that runs on one.
    """

    candidate: EngineSpec
    version: str | None
    reason: str | None
    precisions: tuple[str, ...]
    hardware: str = ""


_Class = TypeVar("_Class", bound="type[BaseEngine]")

_classes: dict[EngineSpec, type[BaseEngine]] = {}
_broken: dict[EngineSpec, str] = {}
"""Other distributions' engines that could not be imported, and why."""


def register(spec: EngineSpec) -> Callable[[_Class], _Class]:
    """Make an engine known under its name; used as a decorator of its class, once for each device.

    Parameters
    ----------
    spec
        What is known of it.

    Raises
    ------
    InputError
        When another module has registered an engine of that name and device.
    """

    def decorate(cls: _Class) -> _Class:
        for other, owner in list(_classes.items()):
            if other.label == spec.label:
                if owner.__module__ != cls.__module__:
                    raise InputError(
                        f"engine {spec.label} of {cls.__module__}: the name is taken by {owner.__module__}; "
                        "choose another"
                    )
                del _classes[other]  # its module is loaded anew
        _classes[spec] = cls
        cls.specs = (spec, *cls.__dict__.get("specs", ()))
        return cls

    return decorate


def specs() -> tuple[EngineSpec, ...]:
    """Return every engine on every device, in the order of ``auto``, and then those that are taken by name only."""
    _discover()
    return tuple(sorted((*_classes, *_broken), key=lambda spec: (not spec.auto, spec.rank)))


def class_of(spec: EngineSpec) -> type[BaseEngine]:
    """Return the class that was registered."""
    return _classes[spec]


def engine_names() -> tuple[str, ...]:
    """Return the names that ``--engine`` takes, besides ``auto``."""
    return tuple(dict.fromkeys(spec.engine for spec in specs()))


def availability(spec: EngineSpec) -> Availability:
    """Tell whether an engine can run on this machine, by asking it, not by guessing from the platform."""
    if spec in _broken:
        return Availability(spec, None, _broken[spec], ())
    if not is_installed(spec.module):
        command = install_command(spec.distributions[0], spec.extra)
        return Availability(spec, None, f"{spec.engine} is not installed; run: {command}", ())
    version: str | None = None
    reason: str | None = None
    precisions: tuple[str, ...] = ()
    hardware = ""
    try:
        version = installed_version(spec.module, spec.distributions)
        hardware = class_of(spec).hardware(spec)
        precisions = class_of(spec).probe(spec)
    except InputError as error:
        reason = str(error)
    except Exception as error:  # a broken installation fails in its own way; it must not take the others along
        reason = _cannot_be_imported(error)
    return Availability(spec, version, reason, precisions, hardware)


def survey() -> tuple[Availability, ...]:
    """Return the availability of every engine, in the order of `specs`."""
    return tuple(availability(spec) for spec in specs())


def choose(engine: str, failed: Sequence[Availability] = ()) -> tuple[Availability, tuple[Availability, ...]]:
    """Choose an engine by name, or the first that runs here for ``auto``.

    Parameters
    ----------
    engine
        ``"auto"`` or a name.
    failed
        Engines that were chosen before and failed, each with its reason; they are not chosen again.

    Returns
    -------
    tuple
        The choice, and the engines before it, each with its reason.

    Raises
    ------
    InputError
        When the name is unknown.
    EngineError
        When nothing runs here.
    """
    if engine not in ("auto", *engine_names()):
        raise InputError(f"engine {engine!r} is unknown; allowed: auto, {', '.join(engine_names())}")
    passed: list[Availability] = []
    for spec in specs():
        if not (spec.auto if engine == "auto" else spec.engine == engine):
            continue
        before = next((a for a in failed if a.candidate == spec), None)
        found = before or availability(spec)
        if found.reason is None:
            return found, tuple(passed)
        passed.append(found)
    reasons = "; ".join(f"{a.candidate.label}: {a.reason}" for a in passed)
    raise EngineError(f"engine {engine!r} cannot run here: {reasons}")


def installed_version(module: str, distributions: Sequence[str]) -> str | None:
    """Return the version of the first distribution that is installed, or else the one that the module itself names.

    JetPack, for one, brings TensorRT as a Debian package.
    """
    found = next((version for name in distributions if (version := version_of(name))), None)
    if found is None and is_installed(module):
        version = getattr(importlib.import_module(module), "__version__", None)
        return None if version is None else str(version)
    return found


@cache
def _discover() -> None:
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.endswith("_engine"):
            importlib.import_module(f".{module.name}", __package__)
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            entry.load()
        except Exception as error:
            spec = EngineSpec(entry.name, "unknown", (), entry.module, ())
            _broken[spec] = str(error) if isinstance(error, InputError) else _cannot_be_imported(error)


def _cannot_be_imported(error: Exception) -> str:
    return f"cannot be imported ({type(error).__name__}: {error})"
