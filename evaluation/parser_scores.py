"""How well a person parser sees: photographs of a street, real cases with true maps, rendered people.

Run as ``python -m oviton.evaluation.parser_scores --street DIR --cases DIR --rendered DIR``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import torch
import typer
from PIL import Image

from ..data.classes import CLASS_NAMES, NUM_CLASSES, PALETTE
from ..data.errors import InputError
from ..data.files import atomic_path
from ..data.images import UInt8Array, read_image
from ..data.person_folder import read_person_folder
from ..networks.person_parser import PersonParser, PersonParserGraph
from ..prepare.person_folders import body_colours
from ..prepare.preparer import Preparer
from ..training.parser_data import is_held_out
from ..training.parser_samples import UNKNOWN

MIN_PIXELS = 500
"""Classes with fewer pixels in all photographs together are left out of the mean."""


@dataclass
class LabelScores:
    """Pixels counted over pictures.

    Parameters
    ----------
    counts
        True class by class seen, `[20, 20]`.
    silhouettes
        IoU of every picture's person.
    """

    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros((NUM_CLASSES, NUM_CLASSES), np.int64))
    silhouettes: list[float] = field(default_factory=list)

    def add(self, seen: UInt8Array, truth: UInt8Array) -> None:
        """Take a picture's labels `[H, W]`; a true label of 255 is not known."""
        known = truth != UNKNOWN
        pairs = truth[known].astype(np.int64) * NUM_CLASSES + seen[known]
        self.counts += np.bincount(pairs, minlength=NUM_CLASSES**2).reshape(NUM_CLASSES, NUM_CLASSES)
        one, other = (seen > 0) & known, (truth > 0) & known
        self.silhouettes.append(float((one & other).sum() / max(1, (one | other).sum())))

    @property
    def accuracy(self) -> float:
        """Share of the known pixels that are right."""
        return float(np.diag(self.counts).sum() / self.counts.sum())

    @property
    def iou(self) -> dict[str, float]:
        """IoU of each class that is there."""
        right = np.diag(self.counts)
        either = self.counts.sum(axis=0) + self.counts.sum(axis=1) - right
        present = np.nonzero(self.counts.sum(axis=1) >= MIN_PIXELS)[0]
        return {CLASS_NAMES[c]: float(right[c] / either[c]) for c in present}

    @property
    def miou(self) -> float:
        """The mean of `iou`."""
        return float(np.mean(list(self.iou.values())))


@dataclass
class BodyScores:
    """Body maps compared, a number a picture.

    Parameters
    ----------
    parts
        Share of the true body's pixels whose part is right.
    u, v
        Mean absolute difference of U and V where the part is right, in [0, 1].
    """

    parts: list[float] = field(default_factory=list)
    u: list[float] = field(default_factory=list)
    v: list[float] = field(default_factory=list)

    def add(self, seen: UInt8Array, truth: UInt8Array) -> None:
        """Take a picture's body maps `[H, W, 3]`."""
        body = truth[..., 0] > 0
        right = body & (seen[..., 0] == truth[..., 0])
        self.parts.append(float(right.sum() / max(1, body.sum())))
        difference = np.abs(seen[right].astype(np.float64) - truth[right]) / 255
        self.u.append(float(difference[:, 1].mean()))
        self.v.append(float(difference[:, 2].mean()))

    def __str__(self) -> str:
        each = ", ".join(f"{p:.3f} {u:.3f} {v:.3f}" for p, u, v in zip(self.parts, self.u, self.v, strict=True))
        means = f"part right {np.mean(self.parts):.3f}, ΔU {np.mean(self.u):.3f}, ΔV {np.mean(self.v):.3f}"
        return means if len(self.parts) > 9 else f"{means} (each: {each})"


def eager_preparer(checkpoint: Path) -> Preparer:
    """Return a preparer whose parser is a checkpoint's, run by torch: to watch a training."""
    network = PersonParser.open(checkpoint)
    graph = PersonParserGraph(network).eval()

    def parse(image: UInt8Array) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
        with torch.inference_mode():
            labels, body, people = graph(torch.from_numpy(image.copy())[None])
        return labels[0].numpy(), body[0].numpy(), people[0].numpy()

    return Preparer(parse, (network.config.height, network.config.width), lambda: None)


def see(image: UInt8Array, preparer: Preparer) -> tuple[UInt8Array, UInt8Array]:
    """Return labels and body map of a photograph's largest person; nothing where nobody is found."""
    try:
        prepared = preparer(image)
    except InputError:
        return np.zeros(image.shape[:2], np.uint8), np.zeros_like(image)
    assert prepared.densepose is not None
    return prepared.labels, prepared.densepose


def held_out(street: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the photographs that are kept for evaluation, and their labels."""
    for labels in sorted((street / "cihp").glob("*.png")):
        if is_held_out(labels.stem):
            yield street / "images" / f"{labels.stem}.jpg", labels


@dataclass
class Scores:
    """Everything that is measured of one kind of pictures.

    Parameters
    ----------
    labels, body
        What is seen against what is true.
    rows
        Photograph, labels and body map of some of them, to be looked at.
    """

    labels: LabelScores = field(default_factory=LabelScores)
    body: BodyScores = field(default_factory=BodyScores)
    rows: list[UInt8Array] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        labels, body = self.labels, self.body
        return {
            "pictures": len(labels.silhouettes),
            "silhouette": float(np.mean(labels.silhouettes)),
            "accuracy": labels.accuracy,
            "miou": labels.miou,
            "iou": labels.iou,
            **({"part_right": body.parts, "delta_u": body.u, "delta_v": body.v} if body.parts else {}),
        }


def score_street(preparer: Preparer, street: Path, limit: int | None = None) -> Scores:
    """Score the held-out photographs of a street.

    Raises
    ------
    InputError
        When there are none.
    """
    scores = Scores()
    chosen = list(held_out(street))[:limit]
    if not chosen:
        raise InputError(f"{street}: holds no images and cihp labels that are kept for evaluation")
    for number, (photograph, truth) in enumerate(chosen):
        image = read_image(photograph)
        seen, body = see(image, preparer)
        scores.labels.add(seen, np.asarray(Image.open(truth)))
        if number % max(1, len(chosen) // 12) == 0:
            scores.rows.append(_row(image, seen, body))
    return scores


def score_folders(preparer: Preparer, folders: Iterable[Path]) -> Scores:
    """Score person folders, whose labels and, where there are any, body maps are true."""
    scores = Scores()
    for folder in folders:
        person = read_person_folder(folder)
        seen, body = see(person.image, preparer)
        scores.labels.add(seen, person.labels)
        if person.densepose is not None:
            scores.body.add(body, person.densepose)
        scores.rows.append(_row(person.image, seen, body))
    return scores


def main(
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint; by default the shipped bundle is run.")] = None,
    bundle: Annotated[Path | None, typer.Option(help="A bundle; by default the shipped one.")] = None,
    street: Annotated[Path | None, typer.Option(help="Folder with images and cihp.")] = None,
    cases: Annotated[Path | None, typer.Option(help="Folder with case_N/{person,garment}.")] = None,
    rendered: Annotated[Path | None, typer.Option(help="Folder of rendered triplets.")] = None,
    limit: Annotated[int | None, typer.Option(help="At most so many pictures of a kind.")] = None,
    sheets: Annotated[Path | None, typer.Option(help="Draw a sheet of each kind into this folder.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every number here.")] = None,
) -> None:
    """Print every score of a person parser."""
    found: dict[str, Scores] = {}
    with Preparer.load(bundle) if checkpoint is None else eager_preparer(checkpoint) as preparer:
        if street is not None:
            found["street"] = score_street(preparer, street, limit)
        if cases is not None:
            found["cases"] = score_folders(preparer, sorted(cases.glob("case_*/*/"))[:limit])
        if rendered is not None:
            people = sorted(path.parent for path in rendered.glob("*/*/*/labels.png"))
            found["rendered"] = score_folders(preparer, people[:limit])
    for name, scores in found.items():
        _print(name, scores)
        if sheets is not None:
            sheets.mkdir(parents=True, exist_ok=True)
            rows = scores.rows[:12]
            half = len(rows) // 2
            sheet = np.concatenate([np.concatenate(part, axis=1) for part in (rows[:half], rows[half : 2 * half])])
            Image.fromarray(sheet).save(sheets / f"{name}.png")
    if json_file is not None:
        text = json.dumps({name: scores.to_json() for name, scores in found.items()}, indent=1)
        with atomic_path(json_file) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")


def _print(name: str, scores: Scores) -> None:
    labels = scores.labels
    each = ", ".join(f"{what} {value:.2f}" for what, value in labels.iou.items())
    print(
        f"{name} ({len(labels.silhouettes)}): silhouette IoU {np.mean(labels.silhouettes):.3f}, pixel accuracy "
        f"{labels.accuracy:.3f}, mIoU {labels.miou:.3f} over {len(labels.iou)} classes\n    {each}"
    )
    if scores.body.parts:
        print(f"    body map: {scores.body}")


def _row(image: UInt8Array, labels: UInt8Array, body: UInt8Array) -> UInt8Array:
    tiles = (image, PALETTE[labels], body_colours(body))
    scaled = [Image.fromarray(tile).resize((192, 288), Image.Resampling.BILINEAR) for tile in tiles]
    return np.concatenate([np.asarray(tile) for tile in scaled], axis=0)


if __name__ == "__main__":
    typer.run(main)
