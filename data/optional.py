"""One place where optional libraries are imported."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import sys
from types import ModuleType
from typing import Any

from .errors import MissingExtraError


def require(module: str, *, purpose: str, extra: str | None = None) -> ModuleType:
    """Import an optional library, or say which extra installs it.

    Parameters
    ----------
    module
        Import name, for example ``"torch"``.
    purpose
        What needs it, as the subject of a sentence: ``"the torch engine"``.
    extra
        The extra of this project that installs it; None for what the base install brings.

    Raises
    ------
    MissingExtraError
        When the library is not installed.
    """
    _forbid_telemetry()
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".", maxsplit=1)[0]:
            raise
        raise MissingExtraError(
            f"{purpose} needs {module}, which is not installed; run: {install_command(module, extra)}"
        ) from None


def install_command(module: str, extra: str | None) -> str:
    """Return the command that installs an optional library.

    It names the packages that make up the extra, not ``oviton[extra]``: package indexes do not hold this project, so
    that whatever bears its name there would be somebody else's.

    Parameters
    ----------
    module
        Name of the library, which is named alone when the extra is None or unknown.
    extra
        The extra of this project that installs it.

    Examples
    --------
    >>> install_command("openvino", extra=None)
    'pip install openvino'
    """
    try:
        declared = importlib.metadata.requires("oviton") or []
    except importlib.metadata.PackageNotFoundError:  # an edge package runs without being installed
        declared = []
    packages = [text.split(";")[0].strip() for text in declared if text.endswith(f'extra == "{extra}"')] or [module]
    quoted = (f'"{package}"' if set(package) & set("<>[") else package for package in packages)
    return f"pip install {' '.join(quoted)}"


def _forbid_telemetry() -> None:
    """Keep libraries from telling their makers that they are used, which some do whenever they are imported."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    modules: dict[str, Any] = sys.modules
    modules.setdefault("openvino_telemetry", None)  # OpenVINO goes without what it cannot import


def is_installed(module: str) -> bool:
    """Tell whether a library is installed, without importing it. A folder of type stubs alone does not count."""
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:  # the package that it would lie in is missing
        return False
    return spec is not None and spec.origin is not None


def version_of(distribution: str) -> str | None:
    """Return the installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
