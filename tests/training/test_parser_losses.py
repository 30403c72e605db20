"""The parser's losses against plain loops."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from oviton.training.parser_losses import (
    coordinate_loss,
    overlap_loss,
    partial_cross_entropy,
    unpack_sets,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_sets_unpack_to_their_bits() -> None:
    sets = torch.tensor([[[0b1, 0b1010]]], dtype=torch.int32)
    possible = unpack_sets(sets)
    assert possible.shape == (1, 20, 1, 2)
    assert possible[0, :, 0, 0].nonzero().flatten().tolist() == [0]
    assert possible[0, :, 0, 1].nonzero().flatten().tolist() == [1, 3]


def test_partial_cross_entropy_is_the_log_of_the_sum_of_probabilities(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 2, (2, 5, 3, 4))
    possible = rng.random((2, 5, 3, 4)) < 0.4
    possible[:, 2] |= ~possible.any(axis=1)
    possible[0, :, 0, 0] = True
    weights = rng.uniform(0.5, 2, 5)
    total = weight = 0.0
    for n in range(2):
        for y in range(3):
            for x in range(4):
                inside = possible[n, :, y, x]
                if inside.all():
                    continue
                p = np.exp(logits[n, :, y, x]) / np.exp(logits[n, :, y, x]).sum()
                total -= weights[inside].mean() * np.log(p[inside].sum())
                weight += weights[inside].mean()
    found = partial_cross_entropy(torch.tensor(logits), torch.tensor(possible), torch.tensor(weights).float())
    assert float(found) == pytest.approx(total / weight, rel=1e-5)


def test_partial_cross_entropy_of_single_classes_is_cross_entropy(rng: np.random.Generator) -> None:
    logits, truth = torch.tensor(rng.normal(size=(2, 5, 3, 4))).float(), torch.tensor(rng.integers(0, 5, (2, 3, 4)))
    possible = F.one_hot(truth, 5).permute(0, 3, 1, 2).bool()
    weights = torch.tensor(rng.uniform(0.5, 2, 5)).float()
    assert float(partial_cross_entropy(logits, possible, weights)) == pytest.approx(
        float(F.cross_entropy(logits, truth, weights)), rel=1e-5
    )


def test_nothing_known_costs_nothing_and_has_a_gradient_of_zero() -> None:
    logits = torch.zeros(1, 3, 2, 2, requires_grad=True)
    loss = partial_cross_entropy(logits, torch.ones(1, 3, 2, 2, dtype=torch.bool), torch.ones(3))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_overlap_is_nought_where_right_and_one_where_wrong() -> None:
    truth = torch.tensor([[[0, 1], [1, 0]]])
    possible = F.one_hot(truth, 3).permute(0, 3, 1, 2).bool()
    sure = possible.float() * 50
    assert float(overlap_loss(sure, possible)) == pytest.approx(0, abs=1e-5)
    assert float(overlap_loss(sure.roll(1, dims=3), possible)) == pytest.approx(1, abs=1e-5)


def test_coordinates_are_compared_on_their_own_part_only(rng: np.random.Generator) -> None:
    seen, truth = rng.random((1, 24, 2, 3, 4)), rng.random((1, 3, 4, 2))
    parts = rng.integers(0, 25, (1, 3, 4))
    parts[0, 0, 0] = 255
    differences = [
        abs(seen[0, parts[0, y, x] - 1, i, y, x] - truth[0, y, x, i])
        for y in range(3) for x in range(4) for i in range(2) if 0 < parts[0, y, x] < 25
    ]  # fmt: skip
    found = coordinate_loss(torch.tensor(seen), torch.tensor(parts), torch.tensor(truth))
    assert float(found) == pytest.approx(np.mean(differences))
