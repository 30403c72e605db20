"""Parsers that users bring are fed and read as their authors say."""

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from torch.nn.functional import interpolate

from oviton.data.errors import EngineError, InputError
from oviton.prepare.adapters.table import PARSERS, open_parser

from adapter_models import linear, look, photograph, save, save_parser

RGB, BGR = [0, 1, 2], [2, 1, 0]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SCHP = ((0.406, 0.456, 0.485), (0.225, 0.224, 0.229))
SAPIENS = ((123.675 / 255, 116.28 / 255, 103.53 / 255), (58.395 / 255, 57.12 / 255, 57.375 / 255))
DOCUMENTED = {  # size, crop, order of channels, mean and deviation of 0 to 1, how logits are enlarged, ids
    "schp-lip": ((473, 473), (473, 473), BGR, SCHP, True, 20),
    "schp-atr": ((512, 512), (512, 512), BGR, SCHP, True, 18),
    "segformer-clothes": ((512, 512), (768, 512), RGB, IMAGENET, False, 18),
    "fashn": ((576, 384), (576, 384), RGB, IMAGENET, False, 18),
    "sapiens": ((1024, 768), (1024, 768), RGB, SAPIENS, False, 28),
}


def test_all_are_documented():
    assert list(PARSERS) == list(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_pixels_and_logits_are_as_documented(tmp_path, rng, name):
    size, crop_size, order, (mean, deviation), align_corners, ids = DOCUMENTED[name]
    weights = linear(rng, "logits", ids)
    parser = open_parser(f"{name}={save_parser(tmp_path / 'model.onnx', size, weights)}")
    assert parser.size == crop_size
    assert parser.border == ((0, 0, 0) if name.startswith("schp") else (124, 116, 104))
    crop = photograph(*crop_size)
    found = parser(crop)

    picture = torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 255
    picture = interpolate(picture, size, mode="bilinear", antialias=True)[:, order]
    picture = (picture - torch.tensor(mean)[:, None, None]) / torch.tensor(deviation)[:, None, None]
    kernel, bias = (torch.from_numpy(weights[f"logits_{each}"]) for each in ("weights", "bias"))
    logits = torch.nn.functional.conv2d(picture, kernel, bias, stride=4)
    expected = interpolate(logits, crop_size, mode="bilinear", align_corners=align_corners)[0].argmax(0).numpy()
    assert len(np.unique(expected)) > 4
    stretched = size != crop_size  # which rounds to whole levels
    assert (found != expected).mean() < (0.01 if stretched else 1e-4)


@pytest.mark.parametrize("open_sides", [False, True])
def test_of_several_answers_the_last_with_all_ids_counts(tmp_path, rng, open_sides):
    weights = linear(rng, "first", 20) | linear(rng, "fused", 20) | linear(rng, "edges", 2)
    names = ("first", "fused", "edges")
    everything = save_parser(tmp_path / "all.onnx", (473, 473), weights, names, open_sides=open_sides)
    fused = {name: value for name, value in weights.items() if name.startswith("fused")}
    alone = save_parser(tmp_path / "fused.onnx", (473, 473), fused, ("fused",))
    crop = photograph(473, 473)
    assert np.array_equal(open_parser(f"schp-lip={everything}")(crop), open_parser(f"schp-lip={alone}")(crop))


def test_a_model_that_fails_is_named(tmp_path, rng):
    nodes = [helper.make_node("Reshape", ["whatever", "square"], ["picture"]), look("picture", "logits", 1)]
    constants = linear(rng, "logits", 18) | {"square": np.array([1, 3, 5, 5], np.int64)}
    picture = (TensorProto.FLOAT, ["batch", "channels", "height", "width"])
    file = save(tmp_path / "square.onnx", nodes, picture, {"logits": [1, 18, 5, 5]}, constants)
    with pytest.raises(EngineError, match=r"square\.onnx: ONNX Runtime failed: .*Reshape"):
        open_parser(f"fashn={file}")(photograph(576, 384))


def test_what_does_not_fit_is_refused_in_one_line(tmp_path, rng):
    file = save_parser(tmp_path / "atr.onnx", (512, 512), linear(rng, "logits", 18))
    for text, problem in {
        "schp=atr.onnx": "parser 'schp=atr.onnx': allowed: NAME=FILE, NAME one of schp-lip, schp-atr, ",
        "schp-atr": "parser 'schp-atr': allowed: NAME=FILE",
        f"fashn={file}": r"found input float \[1, 3, 512, 512\]; fashn expects one input, float \[1, 3, 576, 384\]",
        f"schp-lip={file}": r"512\]; schp-lip expects one input, float \[1, 3, 473, 473\]",
        f"schp-atr={tmp_path}/none.onnx": "no such file; schp-atr takes an ONNX file",
    }.items():
        with pytest.raises(InputError, match=problem) as refused:
            open_parser(text)
        assert "\n" not in str(refused.value)
    lip = save_parser(tmp_path / "lip.onnx", (512, 512), linear(rng, "logits", 20))
    problem = r"found outputs logits \[1, 20, 128, 128\]; schp-atr expects an output \[1, 18, \?, \?\]"
    with pytest.raises(InputError, match=problem):
        open_parser(f"schp-atr={lip}")
    (tmp_path / "notes.onnx").write_text("a letter")
    with pytest.raises(InputError, match=r"notes.onnx: ONNX Runtime cannot read it .*; sapiens takes an ONNX file"):
        open_parser(f"sapiens={tmp_path / 'notes.onnx'}")
