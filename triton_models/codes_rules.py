"""What the three small models around garments as codes compute, in NumPy; `codes_graphs` are the same as ONNX.

A garment's `garment_classes`, uint8 `[20]`: 0 it has no code of this class, 1 it has one, but no pixel of the class is
in its photograph, 2 it has one of what is in its photograph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..bundle.manifest import Manifest
from ..data.classes import GARMENTS, MIRRORED, NUM_CLASSES
from .codes import APPEARANCE_CODES, CLASSES, SHAPE_CODES, UNSEEN, WEAR
from .input_check import CHECKED_SOURCE, OUTPUT, SOURCE
from .input_flags import BITS, CODES_BITS, LARGEST, flag_inputs

Arrays = dict[str, npt.NDArray[Any]]

CODED, SEEN = 1, 2
IS_GARMENT = np.isin(np.arange(NUM_CLASSES), GARMENTS)
MIRROR = np.arange(NUM_CLASSES)
"""The other shoe, arm or leg of each class; of the rest, itself."""
for _left, _right in MIRRORED:
    MIRROR[[_left, _right]] = _right, _left


def check_garment(inputs: Arrays) -> Arrays:
    """Flag what is wrong with a garment photograph, and prepare it for the encoders: see `codes.garment_check_outputs`.

    What is wrong counts as unlabelled, and as not worn.
    """
    labels, wear = inputs["garment_labels"], inputs[WEAR]
    wrong = (wear > 1) | ((wear > 0) & ~IS_GARMENT)
    worn = (wear == 1) & ~wrong
    flags = _flag((labels > LARGEST["garment_labels"]).any(axis=(1, 2)), BITS["garment_labels"])
    flags |= _flag(wrong.any(axis=1), CODES_BITS[WEAR])
    return {
        OUTPUT: flags,
        CLASSES: np.where(worn, np.where(present(labels), SEEN, CODED), 0).astype(np.uint8),
        "encoded_images": inputs["garment_image"][:, None],
        "encoded_labels": labels[:, None],
        "encoded_source": np.where(worn, 1, -1).astype(np.int32),
        "blank_image": np.zeros_like(inputs["garment_image"]),
        "blank_labels": np.zeros_like(labels),
    }


def check_codes(inputs: Arrays) -> Arrays:
    """Flag what is wrong with a request, and prepare the person for the encoders: see `codes.codes_check_outputs`.

    What is wrong counts as unlabelled, and as removed.
    """
    labels, classes, source = inputs["person_labels"], inputs[CLASSES], inputs[SOURCE]
    beyond = (source < -1) | (source > classes.shape[1])
    known = np.where(beyond, -1, source)
    held = _of_source(classes, known)
    lacking = (known > 0) & (held == 0)
    checked = np.where(lacking, -1, known).astype(np.int32)
    flags = flag_inputs({**inputs, "garment_labels": classes})
    flags |= _flag(lacking.any(axis=1), CODES_BITS[CLASSES])
    seen = np.where(checked > 0, held == SEEN, present(labels) & (checked == 0))
    # A shoe that is not in its photograph takes what the other's photograph lends; row 0 is the person's own run.
    rows = np.maximum(checked, 0)
    rows = np.where(~seen & seen[:, MIRROR], rows[:, MIRROR], rows).astype(np.int32)
    height, width = labels.shape[1:]
    return {
        OUTPUT: flags,
        CHECKED_SOURCE: checked,
        "person_source": np.where(checked > 0, -1, checked).astype(np.int32),
        "code_rows": rows,
        "blank_images": np.zeros((len(labels), 1, height, width, 3), np.uint8),
        "blank_labels": np.zeros((len(labels), 1, height, width), np.uint8),
    }


def unseen(inputs: Arrays, manifest: Manifest) -> Arrays:
    """Return blanks, one for each garment that is codes, for what a shape generator would look garments up in."""
    looked_up = (spec for spec in manifest.graph("shape_generator").inputs if spec.name in UNSEEN)
    leading = inputs[CLASSES].shape[:2]
    return {spec.name: np.zeros((*leading, *map(int, spec.shape[2:])), np.uint8) for spec in looked_up}


def merge_codes(inputs: Arrays) -> Arrays:
    """Take each class's shape codes from where `source` says, and its appearance codes from ``code_rows``."""
    shape = np.concatenate([inputs["person_shape_codes"][:, None], inputs[SHAPE_CODES]], axis=1)
    appearance = np.concatenate([inputs["person_appearance_codes"][:, None], inputs[APPEARANCE_CODES]], axis=1)
    rows = np.arange(len(shape))[:, None], np.arange(NUM_CLASSES)
    return {
        "shape_codes": shape[rows[0], np.maximum(inputs[SOURCE], 0), rows[1]],
        "appearance_codes": appearance[rows[0], inputs["code_rows"], rows[1]],
    }


def present(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which classes have a pixel, `[N, 20]`; ids that are none count as background."""
    counts = np.stack([np.bincount(row.ravel(), minlength=256) for row in labels])
    counts[:, 0] += counts[:, NUM_CLASSES:].sum(axis=1)
    found: npt.NDArray[np.bool_] = counts[:, :NUM_CLASSES] > 0
    return found


def _of_source(classes: npt.NDArray[np.uint8], source: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    """Return what the garment that a class is worn from says of it, `[N, 20]`."""
    index = np.maximum(source - 1, 0).astype(np.int64)[:, None]
    return np.take_along_axis(classes, index, axis=1)[:, 0]


def _flag(wrong: npt.NDArray[np.bool_], bit: int) -> npt.NDArray[np.int32]:
    return np.where(wrong, np.int32(bit), np.int32(0))[:, None]
