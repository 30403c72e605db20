"""`GarmentCodes`: a garment as the few hundred numbers that a server's encoders made of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ...data.classes import CLASS_NAMES, NUM_CLASSES
from ...data.errors import InputError
from ...data.files import atomic_path, check_is_file
from ...runtime.framed_photo import FramedPhoto
from ...runtime.notes import told_name
from ...runtime.person import Garment
from ..codes import APPEARANCE_CODES, CLASSES, SHAPE_CODES, WEAR
from .served_model import ServedModel
from .tensors import Array

FORMAT = "oviton garment codes 1"


@dataclass(frozen=True, eq=False)
class GarmentCodes:
    """An encoded garment. Made by `TryOnClient.encode_garment`; worn in place of a `Garment`.

    Parameters
    ----------
    name
        For messages.
    classes
        The ids of the classes that are worn from it.
    shape_codes
        Of each of `classes`, float32 `[C, Ds, 8, 4]`.
    appearance_codes
        Of every class, float32 `[20, Dt]`; what a class that is worn lends to its mirror image among them.
    held
        As the server said, uint8 `[20]`: 0 no code, 1 a code of a class that is not in the photograph, 2 a code.
    bundle
        Identity of the bundle that encoded it.

    Examples
    --------
    >>> with TryOnClient("localhost:8001") as tryon:
    ...     codes = tryon.encode_garment(Garment.open("shirt/", wear="upper_clothes"))
    ...     codes.save("shirt.safetensors")
    ...     look = tryon(Person.open("person/"), [GarmentCodes.open("shirt.safetensors")])
    >>> look.report.source
    {'upper_clothes': 1, 'dress': -1}
    """

    name: str
    classes: tuple[int, ...]
    shape_codes: npt.NDArray[np.float32]
    appearance_codes: npt.NDArray[np.float32]
    held: npt.NDArray[np.uint8]
    bundle: str

    @property
    def size(self) -> int:
        """Return how many numbers the codes are."""
        return self.shape_codes.size + self.appearance_codes.size

    def save(self, path: Path | str) -> None:
        """Write the codes as safetensors; the file appears whole or not at all."""
        tensors = {
            "shape_codes": self.shape_codes,
            "appearance_codes": self.appearance_codes,
            "held": self.held,
        }
        metadata = {"format": FORMAT, "bundle": self.bundle, "name": self.name}
        metadata["classes"] = json.dumps([CLASS_NAMES[c] for c in self.classes])
        with atomic_path(Path(path)) as temporary:
            save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, temporary, metadata)

    @classmethod
    def open(cls, path: Path | str) -> GarmentCodes:
        """Read codes.

        Raises
        ------
        InputError
            When the file is missing, damaged or something else.
        """
        path = Path(path)
        check_is_file(path)
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if metadata.get("format") != FORMAT:
                raise ValueError(f"format {metadata.get('format')!r}, {FORMAT!r} expected")
            classes = tuple(CLASS_NAMES.index(name) for name in json.loads(metadata["classes"]))
            found = cls(metadata["name"], classes, bundle=metadata["bundle"], **tensors)
            found._check()
        except (SafetensorError, OSError, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path}: not a garment's codes ({error}); encode the garment again") from None
        return found

    def _check(self) -> None:
        shape, appearance = self.shape_codes, self.appearance_codes
        if [array.dtype.name for array in (shape, appearance, self.held)] != ["float32", "float32", "uint8"]:
            raise ValueError("a tensor has a wrong dtype")
        if shape.ndim != 4 or len(shape) != len(self.classes) or appearance.ndim != 2:
            raise ValueError("a tensor has a wrong shape")
        if len(appearance) != NUM_CLASSES or self.held.shape != (NUM_CLASSES,):
            raise ValueError("a tensor has a wrong shape")
        if not self.classes or not self.held[list(self.classes)].all():
            raise ValueError("it has no code of a class that is worn from it")
        if not (np.isfinite(shape).all() and np.isfinite(appearance).all()):
            raise ValueError("it holds NaN or infinity")


def encoder_inputs(garment: Garment, model: ServedModel) -> dict[str, Array]:
    """Return what `garment_encoder` takes: the photograph at the network's size and the classes to be worn."""
    image, labels, _ = FramedPhoto.of(garment, model.bundle.height, model.bundle.width).fit()
    wear = np.zeros((1, NUM_CLASSES), np.uint8)
    wear[0, list(garment.classes)] = 1
    return {
        "garment_image": image[None],
        "garment_labels": labels[None],
        WEAR: wear,
    }


def read_codes(garment: Garment, outputs: dict[str, Array], model: ServedModel) -> GarmentCodes:
    """Return what `garment_encoder` answered."""
    shape = outputs[SHAPE_CODES][0][list(garment.classes)]
    name = told_name(garment.name)
    return GarmentCodes(
        name, garment.classes, shape, outputs[APPEARANCE_CODES][0], outputs[CLASSES][0], model.bundle.identity
    )


def codes_inputs(garments: Sequence[GarmentCodes], model: ServedModel) -> dict[str, Array]:
    """Return the garments as `try_on_codes` takes them, N = 1.

    Raises
    ------
    InputError
        When one was encoded by another bundle.
    """
    found: dict[str, list[Any]] = {name: [] for name in (SHAPE_CODES, APPEARANCE_CODES, CLASSES)}
    for garment in garments:
        if garment.bundle != model.bundle.identity:
            raise InputError(
                f"{garment.name}: its codes are of bundle {garment.bundle[:12]}…, the server has {model.bundle.name} "
                f"({model.bundle.identity[:12]}…); encode the garment again"
            )
        shape = np.zeros((NUM_CLASSES, *garment.shape_codes.shape[1:]), np.float32)
        shape[list(garment.classes)] = garment.shape_codes
        found[SHAPE_CODES].append(shape)
        found[APPEARANCE_CODES].append(garment.appearance_codes)
        found[CLASSES].append(garment.held)
    return {name: np.stack(arrays)[None] for name, arrays in found.items()}
