"""How near a segmentation is to the true one, and whether the person's own pixels stayed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from ..data.classes import BACKGROUND, CLASS_IDS, HEAD
from ..data.images import UInt8Array
from ..data.rim import photo_rim_reach, rim_of
from ..runtime.framed_photo import FramedPhoto
from ..runtime.outfit import OWN
from ..runtime.person import Person
from .triplets import MIN_PIXELS

_HANDS = (3, 4)
"""DensePose parts; CIHP has no class for hands."""

_ARMS = (CLASS_IDS["left_arm"], CLASS_IDS["right_arm"])


def iou(labels: UInt8Array, truth: UInt8Array, c: int) -> float:
    """Return the intersection over union of class `c`, which occurs in at least one of them."""
    drawn, true = labels == c, truth == c
    return float((drawn & true).sum() / (drawn | true).sum())


def mean_iou(labels: UInt8Array, truth: UInt8Array) -> float:
    """Return the mean IoU over the classes of which the truth has at least `MIN_PIXELS` pixels."""
    return float(np.mean([iou(labels, truth, c) for c in visible(truth, range(256))]))


def changed_iou(labels: UInt8Array, truth: UInt8Array, old: UInt8Array) -> float:
    """Return the IoU of what comes and goes: pixels that change to the right class, of all that change or should."""
    should, does = truth != old, labels != old
    return float((should & (labels == truth)).sum() / max(1, (should | does).sum()))


def visible(truth: UInt8Array, classes: Iterable[int]) -> tuple[int, ...]:
    """Return those of the classes of which the truth has at least `MIN_PIXELS` pixels."""
    counts = np.bincount(truth.ravel(), minlength=256)
    return tuple(c for c in classes if counts[c] >= MIN_PIXELS)


def kept_pixels(
    person: Person, labels: UInt8Array, source: npt.NDArray[np.int32], frame: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Return where a look must have the person's own pixels, `[H, W]`: its labels there are theirs.

    Parameters
    ----------
    person
        The person.
    labels
        The look's labels, `[H, W]`.
    source
        The outfit, `[20]`.
    frame
        Height and width of the networks' frame, which tells how far the rim of what is taken off reaches.
    """
    rim = rim_of(person.labels, source, photo_rim_reach(FramedPhoto.of(person, *frame).box))
    own = identity_pixels(person.labels, person.densepose, source)
    kept: npt.NDArray[np.bool_] = own & (labels == person.labels) & ~rim
    return kept


def identity_pixels(
    person_labels: UInt8Array, densepose: UInt8Array, source: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """Return where the person's head, hair, hands and background are, `[H, W]`, as far as the outfit leaves them.

    Parameters
    ----------
    person_labels
        The person's own labels, `[H, W]`.
    densepose
        The person's body map, `[H, W, 3]`; it tells hands from arms.
    source
        The outfit, `[20]`.
    """
    hands = np.isin(densepose[..., 0], _HANDS) & np.isin(person_labels, _ARMS)
    own: npt.NDArray[np.bool_] = (np.isin(person_labels, (BACKGROUND, *HEAD)) | hands) & (source[person_labels] == OWN)
    return own
