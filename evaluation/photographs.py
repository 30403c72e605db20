"""Measuring a bundle on photographs, without any right answer but the photographs themselves.

*Self-swap*: a person is dressed in their own garments, taken from the mirrored photograph. The truth is the photograph.
*Swap*: a person is dressed in somebody else's garment. What the look shows is compared with the garment's photograph,
with the person's body map, and with what the parser sees when it looks at the result again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..data.classes import CLASS_IDS, CLASS_NAMES, ids, present_classes
from ..data.errors import InputError
from ..data.images import UInt8Array, read_image
from ..data.version import __version__
from ..networks.conditioning import SurfaceLookup
from ..networks.mobilenet import MobileNetV2
from ..prepare.preparer import Preparer
from ..runtime.dressing import Look
from ..runtime.framed_photo import FramedPhoto
from ..runtime.outfit import Outfit, plan_outfit
from ..runtime.person import Garment, Person
from ..runtime.photographs import build_request, differs
from ..runtime.try_on import TryOn
from .distribution_metrics import kernel_distance
from .label_metrics import iou, kept_pixels
from .methods import FEED_FORWARD, FLAT, LOOKUP, TRUE_LABELS, UNCHANGED, paint_flat, paint_true_labels
from .photograph_metrics import (
    bared_limbs,
    colour_difference,
    lookup_over,
    pieces,
    roughness,
    texture_difference,
)
from .photograph_report import PhotographReport, SelfSwap, Swap, SwapScores
from .picture_metrics import Mask, extract_features, perceptual_distances, psnr, ssim_map
from .report import PictureScores, Skipped
from .summary import summarise_photographs

FRAME = 512, 256
"""Height and width at which everything is measured, whatever the size of photographs and bundles."""

SWAPPED = ids("upper_clothes", "dress", "coat", "pants", "skirt")
"""What is exchanged."""

SMALLEST_SHARE = 0.015
"""Of the frame, from which on a garment is exchanged."""

OnCase = Callable[[SelfSwap | Swap, "Shown"], None]
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Shown:
    """Pictures of one case, in the frame: RGB `[512, 256, 3]`.

    Parameters
    ----------
    person, garment
        Who is dressed, and in what.
    by_method
        What the methods made of it.
    labels
        The labels that the bundle drew, `[512, 256]`.
    """

    person: UInt8Array
    garment: UInt8Array
    by_method: dict[str, UInt8Array]
    labels: UInt8Array


@dataclass
class PhotographEvaluator:
    """Measures try-ons on photographs.

    Parameters
    ----------
    tryon
        The loaded bundle.
    preparer
        Sees photographs, and results once more.

    Raises
    ------
    InputError
        When the backbone's weights are not installed.
    """

    tryon: TryOn
    preparer: Preparer
    skipped: list[Skipped] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._backbone = MobileNetV2.pretrained().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._lookup = SurfaceLookup()

    def run(
        self,
        photographs: Sequence[Path],
        *,
        seed: int = 0,
        on_case: OnCase | None = None,
        on_progress: OnProgress | None = None,
    ) -> PhotographReport:
        """Dress everybody in their own garments, and in somebody else's.

        Parameters
        ----------
        photographs
            The files.
        seed
            Of who gets whose garment.
        on_case
            Called with the numbers and the pictures of each case.
        on_progress
            Called with what is being done, how much is done, and of how much.

        Raises
        ------
        InputError
            When fewer than two photographs show a person and clothes to exchange.
        """
        tell, total = on_progress or (lambda *_: None), 2 * len(photographs)
        people: list[Person] = []
        selves: list[SelfSwap] = []
        for number, path in enumerate(photographs):
            tell(f"{path.name} in their own clothes", number, total)
            with self._skipping(path.name):
                person = Person.of(self.preparer(read_image(path), name=path.name))
                people.append(person)
                case, shown = self.measure_self(person)
                selves.append(case)
                if on_case is not None:
                    on_case(case, shown)
        if len(people) < 2:
            raise InputError(f"{len(people)} of {len(photographs)} photographs show a person; at least 2 are measured")
        swaps: list[Swap] = []
        features: dict[str, list[npt.NDArray[np.float64]]] = {}
        for number, (person, garment) in enumerate(pair(people, seed)):
            tell(f"{person.name} in clothes of {garment.name}", len(photographs) + number, total)
            with self._skipping(f"{person.name} in clothes of {garment.name}"):
                swap, shown = self.measure_swap(person, garment, features)
                swaps.append(swap)
                if on_case is not None:
                    on_case(swap, shown)
        tell("done", total, total)
        if not selves or len(swaps) < 2:
            first = f"; first: {self.skipped[0].reason}" if self.skipped else ""
            raise InputError(f"too few clothes in {len(photographs)} photographs: at least 2 are exchanged{first}")
        real = np.stack(features.pop(UNCHANGED))
        distances = {method: kernel_distance(np.stack(found), real) for method, found in features.items()}
        return summarise_photographs(
            selves,
            swaps,
            kid_mobilenetv2=distances,
            oviton=__version__,
            bundle=self.tryon.setting.bundle,
            engine=self.tryon.setting.engine,
            conditioning=self.tryon.setting.conditioning,
            skipped=tuple(self.skipped),
        )

    def measure_self(self, person: Person) -> tuple[SelfSwap, Shown]:
        """Dress a person in their own garments, which the mirrored photograph shows.

        Raises
        ------
        InputError
            When the two photographs show no garment in common.
        """
        framed = FramedPhoto.of(person, *FRAME)
        own, truth = framed.fit_labels(person.labels), framed.box.fit_image(framed.image)
        seen = self.preparer(np.ascontiguousarray(person.image[:, ::-1]), name=f"{person.name}, mirrored")
        mirrored = np.bincount(seen.labels.ravel(), minlength=256) > 0
        worn = [c for c in SWAPPED if (own == c).mean() > SMALLEST_SHARE and mirrored[c]]
        if not worn:
            raise InputError(f"{person.name}: shows no garment that its mirror image shows too")
        garment = Garment.of(seen, wear=[CLASS_NAMES[c] for c in worn])
        outfit = plan_outfit([garment], owned=present_classes(person.labels))
        look = self.tryon(person, garment)
        picture, drawn = _fit(framed, look.image), framed.fit_labels(look.labels)
        region = np.isin(own, worn)
        flat = _fit(framed, paint_flat(person, [garment], person.labels))
        pictures = {
            FLAT: flat,
            LOOKUP: self._look_up(person, garment, outfit, own, flat, region),
            FEED_FORWARD: picture,
            TRUE_LABELS: _fit(framed, paint_true_labels(self.tryon.engines, person, [garment], person.labels, outfit)),
        }
        features = extract_features(self._backbone, [truth, *pictures.values()])
        taps = [tap[1:] for tap in features.taps]
        distances = perceptual_distances(taps, [tap[:1] for tap in features.taps], [region])
        scores = {
            method: PictureScores(
                psnr=psnr(made, truth, region), ssim=float(ssim_map(made, truth)[region].mean()), perceptual=distance
            )
            for (method, made), distance in zip(pictures.items(), distances, strict=True)
        }
        case = SelfSwap(name=person.name, iou={CLASS_NAMES[c]: iou(drawn, own, c) for c in worn}, methods=scores)
        return case, Shown(truth, _fit(FramedPhoto.of(garment, *FRAME), garment.image), pictures, drawn)

    def measure_swap(
        self, person: Person, garment: Garment, collected: dict[str, list[npt.NDArray[np.float64]]]
    ) -> tuple[Swap, Shown]:
        """Dress a person in a garment of somebody else's; the pictures' pooled features are collected by method.

        Raises
        ------
        InputError
            When the look does not show the garment.
        """
        (worn,) = garment.classes
        coat = CLASS_IDS["coat"]  # what is worn below it would not show
        remove = ["coat"] if worn != coat and (person.labels == coat).any() else []
        outfit = plan_outfit([garment], remove, owned=present_classes(person.labels))
        look = self.tryon(person, garment, remove)
        framed, lent = FramedPhoto.of(person, *FRAME), FramedPhoto.of(garment, *FRAME)
        own, drawn = framed.fit_labels(person.labels), framed.fit_labels(look.labels)
        shown, garment_labels = _fit(lent, garment.image), lent.fit_labels(garment.labels)
        there, given = drawn == worn, garment_labels == worn
        if not pieces(there) or not pieces(given):
            raise InputError(f"the look shows nothing of {garment.name}'s {CLASS_NAMES[worn]}")
        picture = _fit(framed, look.image)
        flat = picture.copy()
        flat[there] = np.rint(shown[given].mean(axis=0))
        pictures = {
            UNCHANGED: _fit(framed, person.image),
            FLAT: flat,
            LOOKUP: self._look_up(person, garment, outfit, drawn, flat, there),
            FEED_FORWARD: picture,
        }
        features = extract_features(self._backbone, [shown, *pictures.values()])
        for method, pooled in zip(pictures, features.pooled[1:], strict=True):
            collected.setdefault(method, []).append(pooled.double().numpy())
        body = np.zeros((*FRAME, 3), np.uint8) if framed.body is None else framed.box.fit_labels(framed.body)
        manifest = self.tryon.engines.bundle.manifest
        kept = kept_pixels(person, look.labels, outfit.source, (manifest.height, manifest.width))
        case = Swap(
            name=person.name,
            garment=garment.name,
            worn=CLASS_NAMES[worn],
            pieces=(pieces(given), pieces(there)),
            roughness=roughness(there) / roughness(given),
            bared_limbs=bared_limbs(drawn, own, body),
            kept_changed=float((kept & differs(look.image, person.image)).sum() / max(1, kept.sum())),
            methods={
                method: SwapScores(
                    colour=colour_difference(made, there, shown, given),
                    texture=texture_difference([tap[[0, number]] for tap in features.taps], [given, there]),
                )
                for number, (method, made) in enumerate(pictures.items(), start=1)
            },
            reread=self._read_again(look, framed, worn, drawn),
        )
        return case, Shown(pictures[UNCHANGED], shown, pictures, drawn)

    def _read_again(self, look: Look, framed: FramedPhoto, worn: int, drawn: UInt8Array) -> float:
        """Return the IoU of the drawn garment with what the parser takes for it in the result; 0 where it sees none."""
        left, top, right, bottom = framed.photo.subject.box if framed.photo.subject else (0, 0, *drawn.shape[::-1])
        try:
            seen = self.preparer(look.image, ((left + right) // 2, (top + bottom) // 2))
        except InputError:
            return 0.0
        return iou(framed.fit_labels(seen.labels), drawn, worn)

    def _look_up(
        self, person: Person, garment: Garment, outfit: Outfit, labels: UInt8Array, flat: UInt8Array, region: Mask
    ) -> UInt8Array:
        """Return the surface lookup alone, in a region of the frame, over flat colour where it knows nothing.

        Networks that match nobody know nothing anywhere.
        """
        manifest = self.tryon.engines.bundle.manifest
        if "correspondence" not in manifest.steps.graphs:
            return flat
        arrays = build_request(person, [garment], outfit, manifest.height, manifest.width)
        places = self.tryon.engines.pipeline.run(arrays, ("correspondence",))["places"]
        values = {**build_request(person, [garment], outfit, *FRAME), "labels": labels[None], "places": places}
        names = ("labels", "places", "garment_images", "garment_labels", "source")
        with torch.inference_mode():
            found = self._lookup(*(torch.from_numpy(np.array(values[name])) for name in names))
        return lookup_over(flat, found[0].numpy(), region)

    @contextmanager
    def _skipping(self, name: str) -> Iterator[None]:
        """Note what cannot be used, and go on."""
        try:
            yield
        except InputError as error:
            self.skipped.append(Skipped(name=name, reason=str(error)))


def pair(people: Sequence[Person], seed: int) -> Iterator[tuple[Person, Garment]]:
    """Give everybody a garment of somebody else, and everybody's to one other; always the same ones for a seed."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(people))
    for place, number in enumerate(order):
        lender = people[order[place - 1]]
        shares = np.bincount(FramedPhoto.of(lender, *FRAME).fit_labels(lender.labels).ravel(), minlength=256)
        there = [c for c in SWAPPED if shares[c] > SMALLEST_SHARE * FRAME[0] * FRAME[1]]
        if there:
            worn = CLASS_NAMES[int(rng.choice(there))]
            yield (
                people[number],
                Garment(lender.image, lender.labels, worn, densepose=lender.densepose, name=lender.name),
            )


def _fit(framed: FramedPhoto, picture: UInt8Array) -> UInt8Array:
    """Return another picture of the same photograph in the frame."""
    return framed.box.fit_image(np.ascontiguousarray(picture[framed.part]))
