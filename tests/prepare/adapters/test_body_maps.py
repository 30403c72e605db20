"""Networks for body maps that users bring are fed and read as their authors say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from torch.nn.functional import conv2d, interpolate

from oviton.data.errors import InputError
from oviton.data.person_folder import read_person_folder
from oviton.prepare.adapters.table import BODY_MAPS, open_body_map
from oviton.prepare.place import Place

from adapter_models import linear, look, photograph, save

BODYPIX = Path("photos", "trial", "bodypix_x050_s16.onnx")
AROUND = [folder / "shared" for folder in Path(__file__).resolve().parents]
SHARED = next((folder for folder in AROUND if (folder / BODYPIX).exists() and (folder / "real_cases").is_dir()), None)
"""The folder beside this checkout that holds BodyPix itself and real photographs."""

# BodyPix's parts in its own order, as DensePose's: halves of the face, upper arms front and back of the left and then
# the right, lower arms alike, hands, torso, legs alike, feet.
DENSEPOSE_OF_BODYPIX = [24, 23, 17, 15, 18, 16, 21, 19, 22, 20, 4, 3, 2, 1, 10, 8, 9, 7, 14, 12, 13, 11, 5, 6]


def weigh(picture, weights, name, stride):
    kernel, bias = (torch.from_numpy(weights[f"{name}_{each}"]) for each in ("weights", "bias"))
    return conv2d(picture, kernel, bias, stride=stride)


def transposed(source, target, order):
    return helper.make_node("Transpose", [source], [target], perm=order)


def save_bodypix(path, size, weights):
    outputs, nodes = {}, [transposed("whatever", "picture", [0, 3, 1, 2])]
    for name in ("offsets", "heat", "short", "body"):
        nodes += [look("picture", name, 16), transposed(name, f"{name}_out", [0, 2, 3, 1])]
        count = len(weights[f"{name}_bias"])
        outputs[f"{name}_out"] = (
            [1, None, None, count] if None in size else [1, size[0] // 16 + 1, size[1] // 16 + 1, count]
        )
    return save(path, nodes, (TensorProto.FLOAT, [1, *size, 3]), outputs, weights)


@pytest.fixture
def bodypix(rng):
    parts = {"offsets": 48, "heat": 24, "short": 34, "body": 1}
    return {key: value for name, count in parts.items() for key, value in linear(rng, name, count).items()}


@pytest.mark.parametrize(("size", "crop_size"), [((97, 65), (97, 65)), ((None, None), (449, 305))])
def test_bodypix_is_fed_and_read_as_documented(tmp_path, bodypix, size, crop_size):
    model = open_body_map(f"bodypix={save_bodypix(tmp_path / 'model.onnx', size, bodypix)}")
    assert model.size == crop_size
    crop = photograph(*crop_size)
    found = model(crop, (0, 0, 1, 1))

    picture = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 127.5 - 1
    offsets, heat, body = (
        interpolate(weigh(picture, bodypix, name, 16), crop_size, mode="bilinear", align_corners=True)[0].numpy()
        for name in ("offsets", "heat", "body")
    )
    best = heat.argmax(axis=0)
    parts = np.array(DENSEPOSE_OF_BODYPIX)[best]
    rows, columns = np.indices(crop_size)
    expected = np.stack([parts, *(offsets[2 * best + axis, rows, columns].clip(0, 1) * 255 for axis in (0, 1))], axis=2)
    expected[body[0] <= 0] = 0
    assert 0.1 < (body > 0).mean() < 0.9
    assert len(np.unique(parts)) > 4
    assert (np.abs(found - expected).max(axis=2) > 0.51).mean() < 1e-3


def test_other_sides_and_outputs_are_not_bodypix(tmp_path, bodypix, rng):
    with pytest.raises(InputError, match=r"found an input 96 high, 65 wide; bodypix expects sides of 16k \+ 1"):
        open_body_map(f"bodypix={save_bodypix(tmp_path / 'odd.onnx', (96, 65), bodypix)}")
    poses = bodypix | linear(rng, "heat", 17)
    problem = r"heat_out \[1, 7, 5, 17\].*; bodypix expects an output \[1, \?, \?, 24\]"
    with pytest.raises(InputError, match=problem):
        open_body_map(f"bodypix={save_bodypix(tmp_path / 'poses.onnx', (97, 65), poses)}")
    with pytest.raises(InputError, match=r"'dense=a.onnx': allowed: NAME=FILE, NAME one of densepose, bodypix"):
        open_body_map("dense=a.onnx")
    assert list(BODY_MAPS) == ["densepose", "bodypix"]


@pytest.mark.skipif(SHARED is None, reason="BodyPix itself and real photographs are not beside this checkout")
@pytest.mark.parametrize("case", ["case_1", "case_2", "case_3"])
def test_the_real_bodypix_agrees_with_densepose(case):
    model = open_body_map(f"bodypix={SHARED / BODYPIX}")
    person = read_person_folder(SHARED / "real_cases" / case / "person")
    rows, columns = np.nonzero(person.densepose[..., 0])
    box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    place = Place.of_box(box, model.size)
    found = place.inverse.nearest(model(place.image(person.image, model.size), box), person.labels.shape, (0, 0, 0))
    body, true = found[..., 0] > 0, person.densepose[..., 0] > 0
    right = true & (found[..., 0] == person.densepose[..., 0])
    assert (body & true).sum() > 0.85 * (body | true).sum()
    assert right.sum() > 0.78 * true.sum()
    error = np.abs(found[right].astype(int) - person.densepose[right])[:, 1:].mean(axis=0) / 255
    assert (error < 0.12).all()


NAMES = ["coarse_segm", "fine_segm", "u", "v"]
EXPORTED = [f"pred_densepose_{name}" for name in NAMES]


def save_densepose(path, size, weights, names, *, people=1, boxes=None):
    """Write a DensePose; of two people the first is everybody's negative, the second is true."""
    nodes = [
        helper.make_node("Cast", ["whatever"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["floats", "front"], ["batch"]),
        transposed("batch", "picture", [0, 3, 1, 2]),
    ]
    outputs, constants = {}, {"front": np.array([0], np.int64)}
    if boxes is not None:
        nodes.append(helper.make_node("Identity", ["constant_boxes"], ["pred_boxes"]))
        outputs["pred_boxes"], constants["constant_boxes"] = [2, 4], np.array(boxes, np.float32)
    for own, name in zip(NAMES, names, strict=True):
        nodes += [look("picture", f"{own}_one", 4, own), helper.make_node("Neg", [f"{own}_one"], [f"{own}_not"])]
        last = [f"{own}_not", f"{own}_one"][-people:]
        nodes.append(helper.make_node("Concat", last, [name], axis=0))
        outputs[name] = [len(last), len(weights[f"{own}_bias"]), None, None]
    if names == EXPORTED:  # names count, not the order
        outputs = dict(reversed(outputs.items()))
    return save(path, nodes, (TensorProto.UINT8, [*size, 3]), outputs, weights | constants)


@pytest.fixture
def densepose(rng):
    weights = {}
    for name, count in zip(NAMES, (15, 25, 25, 25), strict=True):
        weights |= linear(rng, name, count, middle=127.5, spread=100 if name in ("u", "v") else 50)
    weights["coarse_segm_bias"][0] += 1
    for name in ("u", "v"):
        weights[f"{name}_bias"] += 0.5
    return weights


def expected_densepose(crop, weights, size):
    picture = torch.from_numpy(crop[..., ::-1].copy()).permute(2, 0, 1)[None].float()
    coarse, fine, u, v = (
        interpolate(weigh(picture, weights, name, 4), size, mode="bilinear", align_corners=False)[0] for name in NAMES
    )
    part = fine.argmax(0) * (coarse.argmax(0) > 0)
    values = [each.gather(0, part[None])[0].clamp(0, 1) * 255 * (part > 0) for each in (u, v)]
    assert 0.1 < (part > 0).float().mean() < 0.95
    assert len(part.unique()) > 4
    return torch.stack([part, *values], dim=2).numpy()


@pytest.mark.parametrize("names", [EXPORTED, ["a", "b", "c", "d"]])
def test_densepose_of_one_person_fills_the_picture(tmp_path, densepose, names):
    model = open_body_map(f"densepose={save_densepose(tmp_path / 'model.onnx', (96, 64), densepose, names)}")
    assert model.size == (96, 64)
    crop = photograph(96, 64)
    expected = expected_densepose(crop, densepose, (96, 64))
    assert (np.abs(model(crop, (0, 0, 64, 96)) - expected).max(axis=2) > 0.51).mean() < 1e-3


def test_densepose_of_several_is_that_of_the_box_on_the_person(tmp_path, densepose):
    boxes = [(40, 60, 64, 96), (10.6, 20.2, 50.8, 80.9)]
    file = save_densepose(tmp_path / "model.onnx", (96, 64), densepose, NAMES, people=2, boxes=boxes)
    crop = photograph(96, 64)
    found = open_body_map(f"densepose={file}")(crop, (8, 18, 52, 84))
    expected = np.zeros((96, 64, 3))
    expected[20:80, 10:50] = expected_densepose(crop, densepose, (60, 40))
    assert (np.abs(found - expected).max(axis=2) > 0.51).mean() < 1e-3
    assert not open_body_map(f"densepose={file}")(crop, (0, 0, 8, 8)).any()  # nobody is there


def test_several_people_need_boxes(tmp_path, densepose):
    file = save_densepose(tmp_path / "model.onnx", (96, 64), densepose, NAMES, people=2)
    problem = r"model\.onnx: found 2 people without boxes; densepose expects one person, or boxes \[\?, 4\]"
    with pytest.raises(InputError, match=problem):
        open_body_map(f"densepose={file}")(photograph(96, 64), (0, 0, 64, 96))


def test_densepose_without_sizes_sees_a_short_side_of_800(tmp_path, densepose):
    file = save_densepose(tmp_path / "model.onnx", (None, None), densepose, NAMES)
    assert open_body_map(f"densepose={file}").size == (1200, 800)


def test_what_is_no_densepose_is_refused(tmp_path, densepose, bodypix, rng):
    file = save_bodypix(tmp_path / "bodypix.onnx", (97, 65), bodypix)
    problem = r"found input float \[1, 97, 65, 3\]; densepose expects one input, uint8 \[\?, \?, 3\]"
    with pytest.raises(InputError, match=problem):
        open_body_map(f"densepose={file}")
    few = save_densepose(tmp_path / "few.onnx", (96, 64), densepose | linear(rng, "v", 24), NAMES)
    with pytest.raises(InputError, match=r"v \[1, 24, .*; densepose expects 3 outputs \[\?, 25, \?, \?\]"):
        open_body_map(f"densepose={few}")
