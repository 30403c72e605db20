"""Requests made of the sample people that a bundle carries, for gates and warm-up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..data.classes import GARMENTS, NUM_CLASSES
from ..data.errors import InputError
from ..data.letterbox import Letterbox
from ..data.person_folder import PersonFolder, read_person_folder
from .families import Arrays


def read_samples(folders: Sequence[Path]) -> list[PersonFolder]:
    """Read sample people: at least two, so that one can wear the other's clothes, each with a body map.

    Raises
    ------
    InputError
        When they are too few or one lacks its body map.
    """
    people = [read_person_folder(folder) for folder in folders]
    for person in people:
        if person.densepose is None:
            raise InputError(f"{person.path}: no densepose.png; gates need a body map for every sample")
    if len(people) < 2:
        raise InputError(f"{len(people)} sample people found; allowed: 2 or more person folders")
    return people


def sample_requests(people: Sequence[PersonFolder], height: int, width: int, requests: int, garments: int) -> Arrays:
    """Build the inputs of `requests` try-ons, each with `garments` garment photographs, from real people.

    Request i dresses person i in the clothes of the people after it. The person takes one class off, and each
    photograph gives something as long as there is a class left that it shows, so that every kind of source occurs.

    Returns
    -------
    dict
        ``person_image``, ``person_labels``, ``densepose``, ``garment_images``, ``garment_labels``,
        ``garment_densepose`` and ``source``, batch first, at the bundle's size.

    Examples
    --------
    >>> people = read_samples(Bundle.open().sample_folders)
    >>> requests = sample_requests(people, 64, 32, requests=2, garments=3)
    >>> requests["person_image"].shape, requests["garment_labels"].shape, requests["source"].shape
    ((2, 64, 32, 3), (2, 3, 64, 32), (2, 20))
    """
    fitted = [_fit(person, height, width) for person in people]
    batch: dict[str, list[npt.NDArray[np.generic]]] = {}
    for request in range(requests):
        image, labels, densepose = fitted[request % len(fitted)]
        worn = [fitted[(request + 1 + g) % len(fitted)] for g in range(garments)]
        source = _deal_out(labels, [garment_labels for _, garment_labels, _ in worn])
        row: Arrays = {
            "person_image": image,
            "person_labels": labels,
            "densepose": densepose,
            "garment_images": np.stack([g[0] for g in worn]),
            "garment_labels": np.stack([g[1] for g in worn]),
            "garment_densepose": np.stack([g[2] for g in worn]),
            "source": source,
        }
        for name, value in row.items():
            batch.setdefault(name, []).append(value)
    return {name: np.stack(values) for name, values in batch.items()}


def _deal_out(labels: npt.NDArray[np.uint8], garment_labels: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.int32]:
    source = np.zeros(NUM_CLASSES, np.int32)
    owned = sorted(set(GARMENTS) & set(np.unique(labels).tolist()))
    removed = owned[1:2]  # the first, most often a top, is worth replacing
    source[removed] = -1
    free = set(GARMENTS) - set(removed)
    for index, worn in enumerate(garment_labels, start=1):
        shown = sorted(free & set(np.unique(worn).tolist()))
        taken = shown[: max(1, len(shown) // (len(garment_labels) - index + 1))]
        source[taken] = index
        free -= set(taken)
    return source


def _fit(
    person: PersonFolder, height: int, width: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    assert person.densepose is not None
    box = Letterbox.of(person.labels, height, width)
    return box.fit_image(person.image), box.fit_labels(person.labels), box.fit_labels(person.densepose)
