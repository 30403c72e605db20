"""Opening a bundle: its manifest is checked, then every file against its hash, before anything is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ..data.errors import InputError
from ..data.files import sha256
from .manifest import MANIFEST_NAME, SCHEMA_VERSION, Form, GraphEntry, Manifest

SHIPPED_BUNDLES = Path(__file__).resolve().parent.parent / "bundles"
DEFAULT_BUNDLE = "small"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on disk.

    Parameters
    ----------
    path
        Its folder.
    manifest
        What is in it.
    """

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path | str | None = None) -> Bundle:
        """Open and verify a bundle.

        Parameters
        ----------
        path
            The bundle's folder; the shipped one when None.

        Raises
        ------
        InputError
            When it is missing, of a newer schema, truncated or tampered with.
        """
        path = Path(path) if path is not None else SHIPPED_BUNDLES / DEFAULT_BUNDLE
        manifest = _read_manifest(path)
        for name, entry in manifest.files.items():
            _check_file(path, name, entry.size, entry.sha256)
        return cls(path, manifest)

    def file(self, entry_files: dict[Form, str], form: Form) -> Path:
        """Return the path of one form of a graph or program."""
        return self.path / entry_files[form]

    def graph_file(self, graph: GraphEntry, form: Form) -> Path:
        """Return the path of one form of a graph.

        Raises
        ------
        InputError
            When the bundle does not hold that form.
        """
        if form not in graph.files:
            raise InputError(f"{self.path}: graph {graph.name} has no {form}; it holds {', '.join(graph.files)}")
        return self.path / graph.files[form]

    @property
    def identity(self) -> str:
        """Return the SHA-256 of the manifest, which holds every other file's hash."""
        return sha256(self.path / MANIFEST_NAME)

    @property
    def sample_folders(self) -> tuple[Path, ...]:
        """Return the person folders that gates run on."""
        return tuple(self.path / name for name in self.manifest.samples)


def _read_manifest(path: Path) -> Manifest:
    file = path / MANIFEST_NAME
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{path}: not a bundle (no {MANIFEST_NAME}); make one with: oviton export CHECKPOINT -o {path}"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error}); export the bundle again") from None
    version = values.get("schema_version") if isinstance(values, dict) else None
    if not isinstance(version, int):
        raise InputError(f"{file}: no schema_version; allowed: {SCHEMA_VERSION}; is it a bundle's manifest?")
    if version > SCHEMA_VERSION:
        raise InputError(
            f"{file}: schema_version {version} is newer than this program's {SCHEMA_VERSION}; upgrade oviton"
        )
    if version < SCHEMA_VERSION:
        raise InputError(
            f"{file}: schema_version {version} is older than this program's {SCHEMA_VERSION}; export it again"
        )
    try:
        return Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{file}: field {where}: {first['msg']}; export the bundle again") from None


def _check_file(folder: Path, name: str, size: int, expected: str) -> None:
    file = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise InputError(f"{folder}: the manifest names {name!r}, outside the bundle; do not use it")
    try:
        found_size = file.stat().st_size
        if found_size != size:
            raise InputError(
                f"{file}: {found_size} bytes found, {size} expected; it is truncated or was changed; "
                "fetch or export the bundle again"
            )
        found = sha256(file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; fetch or export the bundle again") from None
    if found != expected:
        raise InputError(
            f"{file}: sha256 {found[:12]}… found, {expected[:12]}… expected; it was changed; "
            "fetch or export the bundle again"
        )
