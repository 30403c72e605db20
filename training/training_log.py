"""Losses in words and in TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..data.optional import require


@contextmanager
def tensorboard(folder: Path, step: int) -> Iterator[Any]:
    """Open a TensorBoard log that goes on at `step`; what an interrupted run logged beyond it is dropped."""
    require("tensorboard", extra="train", purpose="training's log")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder), purge_step=step) as writer:
        yield writer


def means(recent: list[dict[str, float]]) -> dict[str, float]:
    """Return each loss's mean over the steps that had it."""
    names = dict.fromkeys(name for each in recent for name in each)
    return {name: float(np.mean([each[name] for each in recent if name in each])) for name in names}


def told(losses: Mapping[str, float]) -> str:
    """Return losses as one line of text."""
    return ", ".join(f"{name} {value:.4f}" for name, value in losses.items())


def log(logs: Any, group: str, losses: Mapping[str, float], step: int) -> None:
    """Write losses to a TensorBoard log, as ``group/name``."""
    for name, value in losses.items():
        logs.add_scalar(f"{group}/{name}", value, step)
