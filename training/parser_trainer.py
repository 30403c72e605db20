"""Training of the person parser, resumable at any step.

Run as ``python -m oviton.training.parser_trainer RENDERED STREET OUTPUT``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor, nn

from ..networks.person_parser import PersonParser
from ..networks.precision import Precision
from .batch_norms import unfold_batch_norms
from .loop import LoopOptions, TrainingLoop
from .parser_data import ParserData, to_tensors
from .parser_losses import LOSS_WEIGHTS, parser_losses
from .run_guard import locked

BACKBONE_SHARE = 0.3
"""The backbone, which is trained already, learns so much slower."""

FROZEN = 4
"""So many layers of the backbone, which see edges and take a third of a step's time, do not learn."""

MEASURED = 16
"""Over so many batches the batch norms of a bundle's network are measured, which has none."""


@dataclass(frozen=True, kw_only=True)
class ParserOptions(LoopOptions):
    """Options of one training run.

    Parameters
    ----------
    rendered
        Folder of rendered people.
    street
        Folder of samples of street photographs.
    size
        Height and width of crops, multiples of 32.
    init
        A checkpoint or a bundle to start from. Default: None, ImageNet weights.
    """

    rendered: Path
    street: Path
    size: tuple[int, int] = (256, 160)
    init: Path | None = None


class ParserTrainer(TrainingLoop[PersonParser]):
    """One run.

    Parameters
    ----------
    options
        What to do.
    """

    options: ParserOptions
    weights = LOSS_WEIGHTS

    def __init__(self, options: ParserOptions) -> None:
        self.crops = ParserData(options.rendered, options.street, options.size)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            network = PersonParser()
        super().__init__(options, network)

    def start(self) -> None:
        """Give the network ImageNet weights, or those of a checkpoint or a bundle."""
        if self.options.init is None:
            self.network.load_imagenet()
            return
        known = PersonParser.open(self.options.init)
        if any(isinstance(module, nn.BatchNorm2d) for module in known.modules()):
            self.network.load_state_dict(known.state_dict())
            return
        pictures = (to_tensors(self.draw(step))["image"] for step in range(MEASURED))
        unfold_batch_norms(known, self.network.eval(), pictures)

    def groups(self) -> list[dict[str, Any]]:
        """Return the backbone, which learns slower, and the rest."""
        self.network.backbone.features[:FROZEN].requires_grad_(False)
        backbone = list(self.network.backbone.features[FROZEN:].parameters())
        others = [each for name, each in self.network.named_parameters() if not name.startswith("backbone.")]
        return [{"params": backbone, "share": BACKBONE_SHARE}, {"params": others, "share": 1.0}]

    def draw(self, step: int) -> dict[str, Any]:
        """Draw a step's crops."""
        return self.crops.batch(np.random.default_rng([self.options.seed, step]), self.options.batch)

    def terms(self, raw: dict[str, Any]) -> dict[str, Tensor]:
        """Return how far what the network sees is off."""
        batch = to_tensors(raw)
        self.network.backbone.features[:FROZEN].eval()
        with self.options.autocast():
            seen = self.network(batch["image"].contiguous(memory_format=torch.channels_last))
        return parser_losses(seen.float(), batch)

    def data(self) -> str:
        """Say how many pictures there are."""
        return f"crops of {len(self.crops.rendered)} rendered people and {len(self.crops.street)} street photographs"

    def write(self, network: PersonParser, folder: Path, trained: str) -> None:
        """Write a checkpoint."""
        network.save(folder, trained)


def main(
    rendered: Path,
    street: Path,
    output: Path,
    steps: Annotated[int, typer.Option(min=1)] = 10_000,
    until: Annotated[int | None, typer.Option(min=1)] = None,
    batch: Annotated[int, typer.Option(min=1)] = 8,
    size: tuple[int, int] = (256, 160),
    seed: int = 0,
    learning_rate: float = 2e-3,
    threads: int = 1,
    init: Path | None = None,
    precision: Precision = "fp32",
) -> None:
    """Train the person parser, or go on where an earlier run stopped."""
    torch.set_num_threads(threads)
    options = ParserOptions(
        rendered=rendered,
        street=street,
        output=output,
        size=size,
        steps=steps,
        batch=batch,
        seed=seed,
        learning_rate=learning_rate,
        until=until,
        init=init,
        precision=precision,
    )
    with locked(output):
        ParserTrainer(options).run()


if __name__ == "__main__":
    typer.run(main)
