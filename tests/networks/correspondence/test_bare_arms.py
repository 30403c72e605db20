"""Bare arms: against a loop over pixels, and on arms before which a blouse hangs."""

import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.correspondence.bare_arms import with_bare_arms
from oviton.networks.correspondence.coverage import Coverage, coverage_lookup
from oviton.networks.shape import working_coverage

TOP, DRESS, COAT, GLOVE, ARM = (CLASS_IDS[name] for name in ("upper_clothes", "dress", "coat", "glove", "left_arm"))
TORSO, UPPER_ARM, FOREARM, OTHER_FOREARM = 2, 15, 21, 22


def tensors(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(array)).to(torch.int32) for array in arrays]


def naive(coverage, labels, maps, source):
    """Loops over photographs, classes and pixels."""
    told, outline, part, on_body = (each.numpy() for each in coverage)
    labels, part_there, source = labels.numpy(), maps.numpy()[..., 0], source.numpy()
    found = told.copy(), outline.copy()
    arms = np.isin(part, (15, 16, 17, 18)) & (on_body > 0)
    finer = labels.shape[2] // part.shape[1]
    for n, c in np.ndindex(source.shape):
        if c not in (TOP, DRESS, COAT) or source[n, c] < 1:
            continue
        seen, parts = (each[n, source[n, c] - 1, ::finer, ::finer] for each in (labels, part_there))
        sides = (((15, 17), (4, 19, 21)), ((16, 18), (3, 20, 22)))
        bare = []
        for upper, _ in sides:
            arm = seen[np.isin(parts, upper)]
            bare.append(np.isin(arm, (10, 13, 14, 15, 16, 17)).sum() * 3 > np.isin(arm, (TOP, DRESS, COAT)).sum())
        lower = [p for (_, parts), is_bare in zip(sides, bare, strict=True) if is_bare for p in parts]
        upper = [p for (parts, _), is_bare in zip(sides, bare, strict=True) if is_bare for p in parts]
        for each in found:
            each[n, c] = np.where(np.isin(part[n], lower), -np.abs(each[n, c]), each[n, c])
        before = found[0][n, c].copy()
        for y, x in np.argwhere(np.isin(part[n], upper) & (on_body[n] > 0)):
            window = np.s_[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4]
            found[0][n, c, y, x] = before[window][arms[n][window]].mean()
    return found


@pytest.mark.parametrize("seed", range(4))
def test_equals_naive_loops(seed):
    rng = np.random.default_rng(seed)
    count, garments, height, width = 2, 2, 16, 12
    part = torch.from_numpy(rng.integers(0, 25, (count, height, width))).to(torch.int32)
    part[:, 4:12, 3:9] = torch.from_numpy(rng.choice([15, 16, 21, 22], (count, 8, 6))).to(torch.int32)
    source = torch.from_numpy(rng.integers(-1, garments + 1, (count, 20))).to(torch.int32)
    told, outline = (torch.from_numpy(rng.uniform(-1, 1, (count, 20, height, width))).float() for _ in range(2))
    lent = (source > 0)[:, :, None, None]
    on_body = ((part > 0) & torch.from_numpy(rng.random(part.shape) < 0.8)).float()
    coverage = Coverage(told * lent, outline * lent, part, on_body)
    labels = rng.choice([0, TOP, TOP, COAT, DRESS, ARM], (count, garments, 2 * height, 2 * width))
    labels[rng.random((count, garments)) < 0.5] = TOP
    given = tensors(labels, rng.integers(0, 25, (*labels.shape, 3)), source)
    found = with_bare_arms(coverage, *given)
    for here, there in zip(found[:2], naive(coverage, *given), strict=True):
        torch.testing.assert_close(here, torch.from_numpy(there), atol=1e-6, rtol=0)
    assert found[2:] == coverage[2:]


def arm(sleeve=0, before=(40, 60)):
    """A photograph of an arm along V beside a torso: sleeve, skin, and a blouse that hangs before some of the arm."""
    maps = np.zeros((1, 1, 64, 32, 3))
    rows = (np.arange(32) * 8)[:, None]
    for part, half in ((UPPER_ARM, np.s_[:32]), (FOREARM, np.s_[32:])):
        maps[0, 0, half, 8:12, 0], maps[0, 0, half, 8:12, 1], maps[0, 0, half, 8:12, 2] = part, 100, rows
    maps[0, 0, :, 12:24] = TORSO, 100, 100
    labels = np.zeros((1, 1, 64, 32))
    labels[..., 8:12] = ARM
    labels[..., 12:24] = TOP
    labels[..., :sleeve, 8:12] = TOP
    labels[..., slice(*before), 8:12] = TOP
    return maps, labels


def seen(maps, labels, c=TOP, pool=1):
    source = np.zeros((1, 20))
    source[0, c] = 1
    return working_coverage(*tensors(maps[:, 0], labels, maps, source), pool)


@pytest.mark.parametrize("sleeve", [0, 12, 22])
def test_a_blouse_before_a_bare_arm_is_no_sleeve(sleeve):
    maps, labels = arm(sleeve)
    found = seen(maps, labels)
    assert (found.told[0, TOP, 32:, 8:12] < -0.5).all()
    assert (found.outline[0, TOP, 34:, 6:8] < -0.5).all()
    assert (found.told[0, TOP, :, 12:24] > 0.5).all()
    assert (found.told[0, TOP, : max(0, sleeve - 4), 8:12] > 0.5).all()
    assert (found.told[0, TOP, sleeve + 4 : 32, 8:12] < -0.5).all()


@pytest.mark.parametrize("sleeve", [26, 32, 50])
def test_a_sleeve_to_the_elbow_may_go_on(sleeve):
    maps, labels = arm(sleeve)
    found = seen(maps, labels)
    plain = coverage_lookup(*tensors(maps[:, 0], labels, maps), tensors([[0] * TOP + [1] + [0] * (19 - TOP)])[0])
    assert all(torch.equal(here, there) for here, there in zip(found, plain, strict=True))
    assert (found.told[0, TOP, 42:58, 8:12] > 0.5).all()


def test_cloth_in_specks_on_a_bare_upper_arm_is_outvoted():
    maps, labels = arm()
    labels[0, 0, 4:28:6, 9] = TOP
    assert (seen(maps, labels).told[0, TOP, :32, 8:12] < -0.3).all()


def test_gloves_go_with_bare_upper_arms():
    maps, labels = arm()
    labels[labels == TOP] = GLOVE
    assert (seen(maps, labels, GLOVE).told[0, GLOVE, 42:58, 8:12] > 0.5).all()


def test_one_bare_arm_says_nothing_of_the_other():
    maps, labels = arm()
    maps[0, 0, 32:, 8:12, 0] = OTHER_FOREARM
    assert (seen(maps, labels).told[0, TOP, 42:58, 8:12] > 0.5).all()
