"""One place where optional libraries are imported."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from types import ModuleType

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
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".", maxsplit=1)[0]:
            raise
        raise MissingExtraError(
            f"{purpose} needs {module}, which is not installed; run: {install_command(module, extra)}"
        ) from None


def install_command(module: str, extra: str | None) -> str:
    """Return the command that installs an optional library."""
    return f"pip install 'oviton[{extra}]'" if extra else f"pip install {module}"


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
