"""Changes at random that leave what is known of a crop true, so that few pictures teach much."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

from ..data.classes import CLASS_IDS
from ..data.images import UInt8Array
from ..networks.person_parser import BODY_STRIDE, LABEL_STRIDE
from ..prepare.place import Place
from .parser_samples import PERSON_HEIGHT, UNKNOWN, Crop, box_distances

REGIONS = (
    ("upper_clothes",), ("dress",), ("coat",), ("pants",), ("skirt",), ("socks",), ("scarf",), ("hat",), ("glove",),
    ("left_shoe", "right_shoe"), ("hair",),
)  # fmt: skip
"""What may have any colour."""

_BEHIND_HAIR = ("background", "upper_clothes", "dress", "coat", "torso_skin")


def change_picture(image: UInt8Array, rng: np.random.Generator) -> UInt8Array:
    """Change colours, sharpness, noise and compression at random."""
    gamma, gain = np.exp(rng.uniform(-0.35, 0.35)), np.exp(rng.uniform(-0.15, 0.15) + rng.normal(0, 0.06, 3))
    ramp = np.arange(256) / 255
    lift = rng.uniform(-0.06, 0.06)
    tables = [np.clip(ramp**gamma * factor + lift, 0, 1) * 255 for factor in gain]
    picture = Image.fromarray(image).point(np.rint(np.concatenate(tables)).astype(int).tolist())
    if rng.random() < 0.5:
        picture = ImageEnhance.Color(picture).enhance(rng.uniform(0, 1.5))
    draw = rng.random()
    if draw < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6)))
    elif draw < 0.45:
        share = rng.uniform(0.35, 0.9)
        small = (max(16, round(picture.width * share)), max(16, round(picture.height * share)))
        picture = picture.resize(small, Image.Resampling.BILINEAR).resize(picture.size, Image.Resampling.BICUBIC)
    if rng.random() < 0.25:
        noise = rng.normal(0, rng.uniform(1, 9), (*image.shape[:2], 3)).astype(np.float32)
        picture = Image.fromarray(np.clip(np.asarray(picture) + noise, 0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=int(rng.integers(25, 96)))
        picture = Image.open(file)
    return np.asarray(picture)


def recolour(crop: Crop, rng: np.random.Generator) -> None:
    """Give a garment or the hair another colour and contrast, in place; folds and textures stay."""
    there = [mask for names in REGIONS if (mask := _surely(crop, *names)).mean() > 0.004]
    if not there:
        return
    mask = there[rng.integers(len(there))]
    alpha = _full_size(mask, crop.image)
    inside = alpha[..., 0] > 0.5
    if not inside.any():
        return
    grey = rng.uniform(15, 245)
    wanted = np.clip(grey + rng.normal(0, 45 if rng.random() < 0.5 else 8, 3), 5, 250)
    picture = crop.image.astype(np.float32)
    mean = picture[inside].mean(axis=0)
    # Folds are darker by a share of the light, so a darker cloth has a lower contrast.
    contrast = np.clip(wanted / np.maximum(mean, 20), 0.4, 1.6) * rng.uniform(0.6, 1.2)
    changed = (picture - mean) * contrast + wanted
    crop.image = np.clip(np.rint(picture + alpha * (changed - picture)), 0, 255).astype(np.uint8)


def worn_colour(crop: Crop, rng: np.random.Generator) -> npt.NDArray[np.float64] | None:
    """Return the mean colour of something that a crop's person wears, `[3]`; None where nothing is."""
    there = [mask for names in REGIONS if (mask := _surely(crop, *names)).mean() > 0.004]
    if not there:
        return None
    picture = crop.image[::LABEL_STRIDE, ::LABEL_STRIDE]
    mean: npt.NDArray[np.float64] = picture[there[rng.integers(len(there))]].mean(axis=0)
    return mean


def enlarge_hair(crop: Crop, rng: np.random.Generator) -> None:
    """Let the hair stand off the head of a crop's one person, in place, before the background or the clothes."""
    hair = _surely(crop, "hair")
    face = _surely(crop, "face")
    if hair.mean() < 0.002 or not face.any():
        return
    rows, columns = np.nonzero(hair | face)
    grow = rng.uniform(1.15, 1.8)
    middle = (float(columns.mean()) * LABEL_STRIDE, float(np.nonzero(face)[0].mean()) * LABEL_STRIDE)
    place = Place.around(middle, middle, 1 / grow)
    height, width = crop.image.shape[:2]
    larger = place.nearest(hair.repeat(LABEL_STRIDE, 0).repeat(LABEL_STRIDE, 1).astype(np.uint8), (height, width))
    over = _surely(crop, *_BEHIND_HAIR[: len(_BEHIND_HAIR) if rng.random() < 0.5 else 1])
    mask = (larger[::LABEL_STRIDE, ::LABEL_STRIDE] > 0) & (over | hair)
    mask[rows.max() + 1 :] = False  # it does not get longer
    alpha = _full_size(mask, crop.image)
    zoomed = place.image(crop.image, (height, width)).astype(np.float32)
    crop.image = np.rint(crop.image + alpha * (zoomed - crop.image)).astype(np.uint8)
    new = mask & ~hair
    crop.sets[new] = 1 << CLASS_IDS["hair"]
    step = BODY_STRIDE // LABEL_STRIDE
    coarse = new[::step, ::step]
    crop.presence[coarse] = 1
    crop.body[coarse] = (UNKNOWN, 0, 0)
    crop.box = box_distances(crop.presence == 1)


def carry_bag(crop: Crop, bag: Image.Image, rng: np.random.Generator) -> None:
    """Put a bag before the person or beside them, in place; what it hides is background.

    Parameters
    ----------
    bag
        RGBA, cut out of a sample of a street photograph, whose people are `PERSON_HEIGHT` pixels high.
    """
    rows, columns = np.nonzero(crop.presence == 1)
    if not len(rows):
        return
    tall = int(rows.max() - rows.min() + 1) * BODY_STRIDE
    scale = tall / PERSON_HEIGHT * rng.uniform(0.7, 1.4)
    turned = bag.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else bag
    size = (max(4, round(bag.width * scale)), max(4, round(bag.height * scale)))
    smooth = Image.Resampling.BILINEAR
    turned = turned.resize(size, smooth).rotate(rng.normal(0, 12), smooth, expand=True)
    low = rows > rows.min() + 0.25 * (rows.max() - rows.min())
    place = int(rng.choice(np.flatnonzero(low))) if low.any() else 0
    picture = Image.fromarray(crop.image)
    mask = Image.new("L", picture.size)
    x, y = int(columns[place]) * BODY_STRIDE, int(rows[place]) * BODY_STRIDE
    corner = (x - turned.width // 2, y - turned.height // 2)
    picture.paste(turned, corner, turned)
    mask.paste(turned.getchannel("A"), corner)
    hidden = np.asarray(mask) > 127
    crop.image = np.asarray(picture)
    crop.sets[hidden[LABEL_STRIDE // 2 :: LABEL_STRIDE, LABEL_STRIDE // 2 :: LABEL_STRIDE]] = 1
    coarse = hidden[BODY_STRIDE // 2 :: BODY_STRIDE, BODY_STRIDE // 2 :: BODY_STRIDE]
    crop.body[coarse] = (UNKNOWN, 0, 0)
    crop.presence[coarse] = UNKNOWN


def _surely(crop: Crop, *names: str) -> npt.NDArray[np.bool_]:
    """Return where a crop's class is one of these and nothing else, `[H/2, W/2]`."""
    return np.isin(crop.sets, [1 << CLASS_IDS[name] for name in names])


def _full_size(mask: npt.NDArray[np.bool_], image: UInt8Array) -> npt.NDArray[np.float32]:
    """Return a mask of every other pixel for all of them, its border soft: 0 to 1, `[H, W, 1]`."""
    size = (image.shape[1], image.shape[0])
    grown = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    return (np.asarray(grown, np.float32) / 255)[..., None]
