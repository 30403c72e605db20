from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from oviton.networks.checkpoint import save_checkpoint, untrained_networks
from oviton.networks.config import preset
from oviton.training.options import TrainOptions
from oviton.training.trainer import train


class Listener:
    """An observer that remembers."""

    def __init__(self, on_step=None) -> None:
        self.notes: list[str] = []
        self.losses: list[float] = []
        self.on_step = on_step

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, step, steps, losses, seconds_left) -> None:
        self.losses.append(losses["loss"])
        if self.on_step is not None:
            self.on_step(step)


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny networks gain nothing from more, and other tests may run beside these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def listener():
    return Listener()


@pytest.fixture
def data(tmp_path, people) -> Path:
    """A copy of six of the example people, to add to and to damage."""
    for folder in sorted(people.iterdir())[:6]:
        shutil.copytree(folder, tmp_path / "data" / folder.name)
    return tmp_path / "data"


@pytest.fixture
def paired(data) -> Path:
    """The same with pairs, which for a test need not be of one outfit."""
    names = sorted(folder.name for folder in data.iterdir())[:6]
    rows = [
        f"{person},{garment},{garment}/labels.png,{classes}"
        for person, garment, classes in zip(
            names,
            [*names[1:], names[0]],
            ["upper_clothes", "pants+skirt", "dress", "", "upper_clothes", ""],
            strict=True,
        )
    ]
    (data / "pairs.csv").write_text("\n".join(["person,garment,before,classes", *rows]) + "\n", encoding="utf-8")
    return data


@pytest.fixture
def options(data, tmp_path):
    """A function that makes tiny options of a part; every keyword can be changed."""

    def make(part: str, **changed) -> TrainOptions:
        plain = TrainOptions(part, (data,), tmp_path / "out", preset="tiny", steps=4, batch=2)
        made = dataclasses.replace(plain, **changed)
        if made.conditioning == "surface":
            networks = untrained_networks(preset("tiny").with_conditioning("surface"), 3)
            save_checkpoint(made.checkpoint, networks, "correspondence", "tried")
        return made

    return make


@pytest.fixture
def run(listener):
    """A function that trains and returns the report."""
    return lambda options: train(options, listener)
