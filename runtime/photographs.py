"""Photographs to arrays and back: fitted into the graphs' frame, and the result fitted into the photograph again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from ..bundle.families import Arrays
from ..data.classes import BACKGROUND, MAY_COVER, NUM_CLASSES, present_classes
from ..data.images import UInt8Array, choose
from ..data.letterbox import Letterbox, Window
from ..data.parallel import in_parallel
from ..data.rim import clean_rim, near, photo_rim_reach, rim_of
from .framed_photo import FramedPhoto
from .outfit import OWN, Outfit
from .person import Garment, Person


def build_request(person: Person, garments: Sequence[Garment], outfit: Outfit, height: int, width: int) -> Arrays:
    """Return every input of the graphs for one request (N = 1), each photograph's person fitted to the network's size.

    Without garments one blank photograph goes along, since the graphs take at least one.
    """
    photos: list[Person | Garment] = [person, *garments]
    own, *worn = in_parallel(*(partial(_fitted, photo, height, width) for photo in photos))
    if not worn:
        blank = np.zeros((height, width, 3), np.uint8)
        worn.append((blank, blank[..., 0], blank))
    images, labels, bodies = (np.stack(arrays)[None] for arrays in zip(*worn, strict=True))
    return {
        "person_image": own[0][None],
        "person_labels": own[1][None],
        "densepose": own[2][None],
        "garment_images": images,
        "garment_labels": labels,
        "garment_densepose": bodies,
        "source": outfit.source[None],
    }


def _fitted(photo: Person | Garment, height: int, width: int) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
    return FramedPhoto.of(photo, height, width).fit()


def restore_result(
    image: UInt8Array, labels: UInt8Array, framed: FramedPhoto, source: npt.NDArray[np.int32]
) -> tuple[UInt8Array, UInt8Array]:
    """Bring a result back into the photograph, at the photograph's own size.

    Labels outside the outfit's reach and pixels whose class stays are taken from the photograph itself, so they are
    identical to it at any size, but for the rim of what is taken off (`oviton.data.rim`). So is everything outside of
    the part that the networks saw. Other people are background that keeps its labels where nothing is drawn over them.

    Parameters
    ----------
    image, labels
        The result at the network's size, uint8 `[H, W, 3]` and `[H, W]`.
    framed
        The original, and which part of it lies in the network's frame.
    source
        The outfit, `[20]`.

    Returns
    -------
    tuple
        Image `[h, w, 3]` and labels `[h, w]`.
    """
    box, part = framed.box, framed.part
    if not box.is_identity:
        reach = photo_rim_reach(box)
        window = _changing_window(labels, framed.labels, source, box, 2 * reach)
        image, labels = _restored(image, labels, framed, source, window, reach)
        part = _within(part, window)
    elif framed.is_whole:
        return image, framed.with_others(labels)
    result = framed.photo.image.copy(), framed.photo.labels.copy()
    result[0][part], result[1][part] = image, framed.with_others(labels, part)
    return result


def _restored(
    image: UInt8Array,
    labels: UInt8Array,
    framed: FramedPhoto,
    source: npt.NDArray[np.int32],
    window: Window,
    reach: int,
) -> tuple[UInt8Array, UInt8Array]:
    """Return a window of the part as it is now."""
    own_image = framed.photo.image[_within(framed.part, window)]
    own_labels = framed.labels[window]
    (drawn, new_labels), painted, rim = in_parallel(
        partial(_restored_labels, labels, framed.labels, source, framed.box, window),
        partial(framed.box.restore_image, image, window),
        partial(rim_of, own_labels, source, reach),
    )
    kept = (new_labels == own_labels) & (source == OWN).take(new_labels)
    speck = (new_labels == BACKGROUND) & (drawn == BACKGROUND)
    own = clean_rim(own_image, painted, speck, kept, rim, reach)
    return choose(kept, own, painted), new_labels


def _changing_window(
    labels: UInt8Array, own: UInt8Array, source: npt.NDArray[np.int32], box: Letterbox, margin: int
) -> Window:
    """Return the window of the part outside of which nothing changes, with a margin around it; one pixel at least.

    That is where something goes, in the photograph's `own` labels, or something new was drawn.
    """
    touched = source != OWN
    goes, comes = touched.take(own), touched.take(labels)
    window = []
    for axis, sampled in ((1, box.sampled_rows), (0, box.sampled_columns)):
        found = np.flatnonzero(goes.any(axis=axis) | comes.any(axis=axis)[sampled])
        start, stop = (found[0], found[-1] + 1) if len(found) else (0, 1)
        window.append(slice(max(0, int(start) - margin), min(len(sampled), int(stop) + margin)))
    rows, columns = window
    return rows, columns


def _restored_labels(
    labels: UInt8Array, own: UInt8Array, source: npt.NDArray[np.int32], box: Letterbox, window: Window
) -> tuple[UInt8Array, UInt8Array]:
    """Return a window of the photograph's labels: as drawn, and with the photograph's own where those count."""
    drawn = box.restore_labels(labels, window)
    return drawn, np.where(_stays(labels, drawn, own, source, box, window), own[window], drawn)


def _stays(
    labels: UInt8Array,
    new_labels: UInt8Array,
    own_labels: UInt8Array,
    source: npt.NDArray[np.int32],
    box: Letterbox,
    window: Window,
) -> npt.NDArray[np.bool_]:
    """Return where in a window the photograph's own, finer label counts.

    The network saw a coarser picture, in which pixels along a border bear their neighbour's label.
    """
    own = own_labels[window]
    untouched = (source == OWN).take(own)
    # As in the network's own merge: only a touched class takes pixels from an untouched one, if it may cover it.
    covers = MAY_COVER & (source != OWN)[:, None]
    covered = covers.take(new_labels.astype(np.int16) * NUM_CLASSES + own)
    # And a pixel that the network took for its neighbour stays if its class goes on right beside it.
    seen = box.restore_labels(box.fit_labels(own_labels), window)
    mistaken = untouched & covered & (own != seen)
    survives = np.zeros(own.shape, bool)
    for c in present_classes(own[mistaken]):
        survives |= mistaken & (own == c) & (box.restore_labels(near(labels == c).astype(np.uint8), window) > 0)
    stays: npt.NDArray[np.bool_] = untouched & (~covered | survives)
    return stays


def _within(part: Window, window: Window) -> Window:
    """Return a part's window as rows and columns of the photograph."""
    rows, columns = (slice(a.start + b.start, a.start + b.stop) for a, b in zip(part, window, strict=True))
    return rows, columns


def differs(a: UInt8Array, b: UInt8Array) -> npt.NDArray[np.bool_]:
    """Return where two pictures `[H, W, 3]` differ, `[H, W]`; several times as fast as `any` over the last axis."""
    channels = a != b
    found: npt.NDArray[np.bool_] = channels[..., 0] | channels[..., 1] | channels[..., 2]
    return found
