"""Opening a bundle: its manifest is checked, then every file against its hash, before anything is loaded."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ..data.errors import InputError
from ..data.files import check_is_file, sha256
from .manifest import MANIFEST_NAME, SCHEMA_VERSION, Form, GraphEntry, Manifest

SHIPPED_BUNDLES = Path(__file__).resolve().parent.parent / "bundles"
DEFAULT_BUNDLE = "base"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on disk.

    Parameters
    ----------
    path
        Its folder.
    manifest
        What is in it.

    Examples
    --------
    >>> bundle = Bundle.open(SHIPPED_BUNDLES / "small")
    >>> bundle.manifest.height, bundle.manifest.width, bundle.manifest.is_trained
    (256, 128, True)
    >>> bundle.graph_file(bundle.manifest.graph("compositor"), "onnx_fp32").name
    'compositor.onnx'
    """

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path | str | None = None) -> Bundle:
        """Open and verify a bundle.

        Parameters
        ----------
        path
            The bundle's folder. When None, the one that ``$OVITON_BUNDLE`` names, else the shipped one.

        Raises
        ------
        InputError
            When it is missing, of a newer schema, truncated or tampered with.
        """
        chosen = path or os.environ.get("OVITON_BUNDLE") or SHIPPED_BUNDLES / DEFAULT_BUNDLE
        bundle = cls(*_read_manifest(Path(chosen)))
        unlisted = _present_files(bundle.path) - bundle.manifest.files.keys() - {MANIFEST_NAME}
        if unlisted:
            raise InputError(f"{bundle.path / min(unlisted)}: not listed in the bundle's manifest; remove it")
        for name in bundle.manifest.files:
            bundle.verify(name)
        return bundle

    def program_file(self, name: str, form: Form) -> Path:
        """Return the path of one form of a program that refinement runs; the manifest names them."""
        found = {program.name: program for program in self.manifest.programs}
        if name not in found:
            raise InputError(f"{self.path}: no program {name!r}; it holds {', '.join(found)}")
        return self.path / found[name].files[form]

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

    def verify(self, name: str) -> None:
        """Check a file of the bundle against the manifest.

        Raises
        ------
        InputError
            When it is missing, truncated or changed.
        """
        expected, file = self.manifest.files[name], self.path / name
        check_is_file(file)
        size = file.stat().st_size
        if size != expected.size:
            raise InputError(
                f"{file}: {size} bytes found, {expected.size} expected; it is truncated or was changed; "
                "fetch or export the bundle again"
            )
        found = sha256(file)
        if found != expected.sha256:
            raise InputError(
                f"{file}: sha256 {found[:12]}… found, {expected.sha256[:12]}… expected; it was changed; "
                "fetch or export the bundle again"
            )

    @property
    def identity(self) -> str:
        """Return the digest of the manifest, which covers every file; of a packed bundle, that of its origin."""
        return self.manifest.origin or self.manifest.digest

    @property
    def sample_folders(self) -> tuple[Path, ...]:
        """Return the person folders that gates run on."""
        return tuple(self.path / name for name in self.manifest.samples)


def holds_only_a_bundle(folder: Path) -> bool:
    """Whether a folder is a bundle, of any version, and holds nothing else: then an export may replace it."""
    try:
        values = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
        listed = {*values["files"], MANIFEST_NAME}
        return isinstance(values["schema_version"], int) and _present_files(folder) <= listed
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _present_files(folder: Path) -> set[str]:
    """Return every file below a folder but hidden ones, which file managers leave behind."""
    paths = (p.relative_to(folder) for p in folder.rglob("*") if not p.is_dir())
    return {p.as_posix() for p in paths if not any(part.startswith(".") for part in p.parts)}


def _read_manifest(path: Path) -> tuple[Path, Manifest]:
    file = path / MANIFEST_NAME
    if not os.path.lexists(file):
        raise InputError(f"{path}: not a bundle (no {MANIFEST_NAME}); make one with: oviton export CHECKPOINT")
    check_is_file(file)
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: cannot be read ({error}); export the bundle again") from None
    version = values.get("schema_version") if isinstance(values, dict) else None
    if type(version) is not int:
        raise InputError(f"{file}: no schema_version; allowed: {SCHEMA_VERSION}; is it a bundle's manifest?")
    if version != SCHEMA_VERSION:
        age, advice = ("newer", "upgrade oviton") if version > SCHEMA_VERSION else ("older", "export it again")
        raise InputError(f"{file}: schema_version {version} is {age} than this program's {SCHEMA_VERSION}; {advice}")
    try:
        manifest = Manifest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"field {'.'.join(map(str, first['loc']))}: " if first["loc"] else ""
        problem = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{file}: {where}{problem}; fetch or export the bundle again") from None
    if not manifest.digest:
        raise InputError(f"{file}: it has no digest; fetch or export the bundle again")
    return path, manifest
