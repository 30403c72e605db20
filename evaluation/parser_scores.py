"""How well a person parser sees: photographs of a street, real cases with true maps, rendered people.

Run as ``python -m oviton.evaluation.parser_scores WEIGHTS --street DIR --cases DIR --rendered DIR``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from PIL import Image

from ..data.classes import CLASS_NAMES, NUM_CLASSES, PALETTE
from ..data.images import UInt8Array, read_densepose, read_image, read_labels
from ..networks.person_parser import PersonParser, PersonParserGraph
from ..prepare.looks import Parser, find, look
from ..training.parser_data import UNKNOWN, is_held_out

FIRST_LOOK = (256, 160)
SECOND_LOOK = (384, 256)
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


def eager_parser(weights: Path) -> Parser:
    """Return the parser with weights of a file, run by torch."""
    graph = PersonParserGraph(PersonParser.open(weights)).eval()

    def parse(image: UInt8Array) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
        with torch.inference_mode():
            labels, body, people = graph(torch.from_numpy(image.copy())[None])
        return labels[0].numpy(), body[0].numpy(), people[0].numpy()

    return parse


def see(image: UInt8Array, parser: Parser, sizes: tuple[tuple[int, int], tuple[int, int]]) -> tuple[UInt8Array, ...]:
    """Return labels and body map of a photograph's largest person, at its size."""
    size = (image.shape[0], image.shape[1])
    found = find(image, parser, sizes[0])
    if not found:
        return np.zeros(size, np.uint8), np.zeros((*size, 3), np.uint8)
    return look(image, found[0].box, parser, sizes[1]).on_photograph(size)


def held_out(street: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the photographs that are kept for evaluation, and their labels."""
    for labels in sorted((street / "cihp").glob("*.png")):
        if is_held_out(labels.stem):
            yield street / "images" / f"{labels.stem}.jpg", labels


def main(
    weights: Path,
    street: Annotated[Path | None, typer.Option(help="Folder with images and cihp.")] = None,
    cases: Annotated[Path | None, typer.Option(help="Folder with case_N/{person,garment}.")] = None,
    rendered: Annotated[Path | None, typer.Option(help="Folder of rendered triplets.")] = None,
    first: tuple[int, int] = FIRST_LOOK,
    second: tuple[int, int] = SECOND_LOOK,
    limit: Annotated[int | None, typer.Option(help="At most so many pictures of a kind.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="A contact sheet of 12 held-out photographs.")] = None,
    threads: int = 1,
) -> None:
    """Print every score of a person parser."""
    torch.set_num_threads(threads)
    parser, sizes = eager_parser(weights), (first, second)
    if street is not None:
        labels, rows, times = LabelScores(), [], []
        chosen = list(held_out(street))[:limit]
        for number, (photograph, truth) in enumerate(chosen):
            started = time.perf_counter()
            image = read_image(photograph)
            seen, body = see(image, parser, sizes)
            times.append(time.perf_counter() - started)
            labels.add(seen, np.asarray(Image.open(truth)))
            if number % max(1, len(chosen) // 12) == 0:
                rows.append(_row(image, seen, body))
        _print_labels(f"street ({len(chosen)}; {np.median(times):.2f} s each)", labels, ">= .95; >= .58")
        if sheet is not None:
            Image.fromarray(np.concatenate([np.concatenate(rows[i:12:2], axis=1) for i in (0, 1)])).save(sheet)
    if cases is not None:
        labels, bodies = LabelScores(), BodyScores()
        for folder in sorted(cases.glob("case_*/*")):
            seen, body = see(read_image(folder / "image.jpg"), parser, sizes)
            labels.add(seen, read_labels(folder / "labels.png"))
            if (folder / "densepose.png").exists():
                bodies.add(body, read_densepose(folder / "densepose.png"))
        _print_labels("real cases", labels, "accuracy >= .94; mIoU >= .86")
        print(f"real cases: {bodies}; targets >= .87, <= .06, <= .055")
    if rendered is not None:
        labels, bodies = LabelScores(), BodyScores()
        for folder in sorted(rendered.glob("*/*/*/"))[:limit]:
            seen, body = see(read_image(folder / "image.png"), parser, sizes)
            labels.add(seen, read_labels(folder / "labels.png"))
            bodies.add(body, read_densepose(folder / "densepose.png"))
        _print_labels(f"rendered ({len(bodies.parts)})", labels, "mIoU >= .90")
        print(f"rendered: {bodies}; targets >= .93")


def _print_labels(what: str, scores: LabelScores, targets: str) -> None:
    each = ", ".join(f"{name} {value:.2f}" for name, value in scores.iou.items())
    print(
        f"{what}: silhouette IoU {np.mean(scores.silhouettes):.3f}, pixel accuracy {scores.accuracy:.3f}, "
        f"mIoU {scores.miou:.3f} over {len(scores.iou)} classes; targets {targets}\n    {each}"
    )


def _row(image: UInt8Array, labels: UInt8Array, body: UInt8Array) -> UInt8Array:
    tiles = (image, PALETTE[labels], body * np.array([10, 1, 1], np.uint8))
    scaled = [Image.fromarray(tile).resize((192, 288), Image.Resampling.BILINEAR) for tile in tiles]
    return np.concatenate([np.asarray(tile) for tile in scaled], axis=0)


if __name__ == "__main__":
    typer.run(main)
