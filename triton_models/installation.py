"""Finding a Triton server: a container's, else the one that the nvidia-pytriton wheel carries.

The wheel's server wants its Python stub among the backends, which it is not in the wheel, so a folder of links with
everything in place is made in the user's cache folder. Nothing of pytriton is imported or run.
"""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..data.errors import InputError, MissingExtraError
from ..data.files import atomic_folder, others_may_write
from ..data.optional import install_command
from ..engines.plan_cache import default_cache_folder

CONTAINER = Path("/opt/tritonserver")
WHEEL = "nvidia-pytriton"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Installation:
    """A Triton server that can be started.

    Parameters
    ----------
    binary
        The server.
    backends, caches
        Folders of its backends and response caches.
    libraries
        Folders for ``LD_LIBRARY_PATH``.
    origin
        What it is, for people.
    """

    binary: Path
    backends: Path
    caches: Path
    libraries: tuple[Path, ...]
    origin: str

    @property
    def backend_names(self) -> tuple[str, ...]:
        """Return the backends that it has."""
        return tuple(sorted(path.name for path in self.backends.iterdir() if path.is_dir()))

    def environment(self) -> dict[str, str]:
        """Return the variables that the server and its model processes need on top of this process's own."""
        libraries = [str(path) for path in self.libraries]
        inherited = os.environ.get("LD_LIBRARY_PATH")
        # Model processes are fresh interpreters: they take the first python3 of PATH for their home, ignore PYTHONPATH,
        # and must find oviton and its libraries where this process did.
        return {
            "LD_LIBRARY_PATH": os.pathsep.join([*libraries, *([inherited] if inherited else [])]),
            "ORT_DISABLE_TELEMETRY": "1",  # Triton's own backend would ask its maker's host
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "OVITON_PATH": os.pathsep.join(str(Path(path).absolute()) for path in sys.path),
        }


def find_triton(cache: Path | None = None) -> Installation:
    """Return a server: a container's binary, else the pip-installed one.

    Parameters
    ----------
    cache
        Where the links into the pip-installed server lie. Default: the user's cache folder.

    Raises
    ------
    MissingExtraError
        When there is none.
    InputError
        When there is one that cannot run here; the message says what is missing.
    """
    binary = CONTAINER / "bin" / "tritonserver"
    if binary.is_file():
        return Installation(binary, CONTAINER / "backends", CONTAINER / "caches", (), f"Triton in {CONTAINER}")
    return _from_wheel(cache or default_cache_folder())


def shared_python_library() -> Path:
    """Return this Python's shared library, which the Python backend's processes are linked against.

    Raises
    ------
    InputError
        When this Python has none.
    """
    name = f"libpython{PYTHON}.so.1.0"
    folders = [sysconfig.get_config_var("LIBDIR"), f"{sys.base_prefix}/lib", sysconfig.get_config_var("LIBPL")]
    multiarch = sysconfig.get_config_var("MULTIARCH")
    folders += [f"/usr/lib/{multiarch}", f"/lib/{multiarch}"] if multiarch else []
    found = next((path for folder in folders if folder and (path := Path(folder, name)).is_file()), None)
    if found is not None:
        return found
    if ctypes.util.find_library(f"python{PYTHON}"):
        return Path(name)  # the loader knows where
    raise InputError(
        f"Triton's Python backend needs {name}, which this Python ({sys.executable}) does not have; on Debian and "
        f"Ubuntu run: sudo apt-get install libpython{PYTHON} — a Python of pyenv must be built with "
        "PYTHON_CONFIGURE_OPTS=--enable-shared; or serve with NVIDIA's container (oviton serve --print-command)"
    )


def _from_wheel(cache: Path) -> Installation:
    package = importlib.util.find_spec("pytriton")
    if package is None or package.origin is None:
        newest = sys.version_info >= (3, 13)  # the wheel wants NumPy below 2, of which Python 3.13 has none
        hint = "use Python 3.11 or 3.12" if newest else f"run: {install_command(WHEEL, 'serve')}"
        raise MissingExtraError(
            f"serving needs a Triton server, and neither {CONTAINER} nor {WHEEL} is installed; {hint}"
        )
    packed = Path(package.origin).parent / "tritonserver"
    libraries = packed.parent.parent / "nvidia_pytriton.libs"
    stub = packed / "python_backend_stubs" / PYTHON / "triton_python_backend_stub"
    if not stub.is_file():
        known = ", ".join(sorted(path.name for path in stub.parent.parent.iterdir()))
        raise InputError(f"the Triton server in {WHEEL} has no Python backend for Python {PYTHON}; it has {known}")
    library = shared_python_library()
    version = importlib.metadata.version(WHEEL)
    backends = _linked_backends(packed, stub, cache / f"triton-backends-{version}-python{PYTHON}")
    folders = (libraries, *([library.parent] if library.is_absolute() else []))
    origin = f"Triton of {WHEEL} {version}"
    return Installation(packed / "bin" / "tritonserver", backends, packed / "caches", folders, origin)


def _linked_backends(packed: Path, stub: Path, home: Path) -> Path:
    """Return the folder of backends: links into the wheel, so that whoever plants a file there is not run."""
    wanted = {path.name: path for path in (packed / "backends" / "python").iterdir() if path.is_file()}
    wanted[stub.name] = stub
    python = home / "python"
    if not _are_links(python, wanted):
        with atomic_folder(home, is_ours=lambda _: True) as temporary:
            (temporary / "python").mkdir()
            for name, path in wanted.items():
                (temporary / "python" / name).symlink_to(path)
    shared = next((folder for folder in (home.parent, home, python) if others_may_write(folder)), None)
    if shared is not None:
        raise InputError(
            f"{shared}: other users may write there, and Triton would run what they put there; set OVITON_CACHE to a "
            "folder of your own"
        )
    return home


def _are_links(folder: Path, wanted: Mapping[str, Path]) -> bool:
    found = list(folder.iterdir()) if folder.is_dir() else []
    return {path.name: path.readlink() for path in found if path.is_symlink()} == wanted and len(found) == len(wanted)
