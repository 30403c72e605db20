"""The overhang lookup against loops over pixels, and against bodies whose cloth hangs off by known widths."""

import numpy as np
import pytest
import torch

from oviton.data.classes import CLASS_IDS
from oviton.networks.correspondence.coverage import coverage_lookup
from oviton.networks.correspondence.overhang import outline_texels, overhang_lookup, reach_for
from oviton.networks.shape import working_coverage

SKIRT, PANTS = CLASS_IDS["skirt"], CLASS_IDS["pants"]
LEG = 7


def tensors(*arrays):
    return [torch.from_numpy(np.ascontiguousarray(array)).to(torch.int32) for array in arrays]


def naive_outline(body, reach):
    """Grow the body a ring at a time: across, then also diagonally; the largest neighbour gives its point."""
    height, width = body.shape[:2]
    place = {(y, x): tuple(int(i) for i in body[y, x]) for y in range(height) for x in range(width)
             if body[y, x, 0] and body[y, x, 1] + body[y, x, 2]}  # fmt: skip
    rings = {}
    for step in range(1, reach + 1):
        around = [(0, 1), (1, 0), (0, -1), (-1, 0)]
        if step % 2 == 0:
            around += [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        grown = {}
        for y in range(height):
            for x in range(width):
                near = [place[y + j, x + i] for j, i in around if (y + j, x + i) in place]
                if (y, x) not in place and near:
                    grown[y, x] = max(near)
        place |= grown
        rings |= dict.fromkeys(grown, step)
    return place, rings


def naive(body, labels, maps):
    """Found classes plus one and confidence, `[finer, N, M, h, w]`."""
    count, height, width = body.shape[:3]
    garments, finer = labels.shape[1], labels.shape[2] // height
    texels, reach = 8, 3  # of a frame of 64 rows
    found = np.zeros((finer, count, garments, height, width), int)
    confidence = np.zeros(found.shape)
    for sample, n, m in np.ndindex(finer, count, garments):
        place, rings = naive_outline(body[n], reach)
        there, there_rings = naive_outline(maps[n, m], reach)
        atlases = [{}]
        for (y, x), ring in there_rings.items():
            part, u, v = there[y, x]
            texel = (ring, part, u * texels // 256, v * texels // 256)
            atlases[0][texel] = labels[n, m, y * finer + sample, x * finer + sample] + 1
        while len(atlases) < texels.bit_length():
            coarser, rank = {}, {}
            for (ring, part, row, column), value in atlases[-1].items():
                where = (ring, part, row // 2, column // 2)
                order = [(0, 0), (1, 1), (0, 1), (1, 0)].index((row % 2, column % 2))
                if order < rank.get(where, 4):
                    coarser[where], rank[where] = value, order
            atlases.append(coarser)
        here_size, there_size = (np.bincount(b[..., 0].ravel(), minlength=25)[1:25] for b in (body[n], maps[n, m]))
        common = (here_size > 8) & (there_size > 8)
        ratio = np.clip(there_size[common].sum() / here_size[common].sum(), 0.25, 4) if common.any() else 1
        for (y, x), ring in rings.items():
            layer = int(np.ceil((ring - 0.5) * np.sqrt(ratio)))
            part, u, v = place[y, x]
            for level, atlas in enumerate(atlases):
                size = texels >> level
                value = atlas.get((layer, part, u * size // 256, v * size // 256))
                if layer <= reach and value is not None:
                    found[sample, n, m, y, x], confidence[sample, n, m, y, x] = value, 0.8**level
                    break
    return found, confidence


@pytest.mark.parametrize(("seed", "finer", "share"), [(0, 1, 0.3), (1, 2, 0.1), (2, 2, 0.5)])
def test_equals_naive_loops(seed, finer, share):
    rng = np.random.default_rng(seed)
    count, garments, height, width = 2, 2, 64, 32

    def random_map(*shape):
        body = rng.integers(1, 256, (*shape, 3))
        body[..., 0] = rng.integers(1, 25, shape) * (rng.random(shape) < share)
        return body

    body, maps = random_map(count, height, width), random_map(count, garments, height, width)
    maps[0, 0, :, :, 1:] = body[0, :, :, 1:]  # else hardly a texel is hit twice
    labels = rng.integers(0, 20, (count, garments, finer * height, finer * width))
    expected = naive(body, labels, maps)
    _, answer = overhang_lookup(*tensors(body, labels, maps))
    assert len(answer) == finer
    for sample, (found, confidence) in enumerate(answer):
        assert np.array_equal(found.reshape(count, garments, height, width), expected[0][sample])
        assert np.allclose(confidence.reshape(count, garments, height, width), expected[1][sample])
    assert expected[0].any()


def test_pixels_beside_the_body_are_those_of_its_outline():
    rng = np.random.default_rng(3)
    body = rng.integers(1, 256, (64, 32, 3))
    body[..., 0] = rng.integers(1, 25, (64, 32)) * (rng.random((64, 32)) < 0.05)
    place, _ = naive_outline(body, 3)
    expected = np.zeros_like(body)
    for (y, x), point in place.items():
        expected[y, x] = point
    nearest, _ = overhang_lookup(*tensors(body[None], body[None, None, ..., 0] % 20, body[None, None]))
    assert np.array_equal(nearest[0], expected)


def leg(height, width, left, right):
    """A leg along V."""
    body = np.zeros((height, width, 3))
    body[:, left:right, 0] = LEG
    body[:, left:right, 1] = np.linspace(10, 245, right - left)
    body[:, left:right, 2] = (np.arange(height) * 250 // height + 1)[:, None]
    return body


def draped(body, clear):
    """Label the leg and what lies within `clear` pixels of it."""
    inside = body[..., 0] > 0
    columns = np.flatnonzero(inside[0])
    labels = np.zeros(inside.shape)
    labels[:, max(0, columns[0] - clear) : columns[-1] + 1 + clear] = PANTS
    return labels


def told(body, maps, labels):
    source = np.zeros((1, 20))
    source[0, PANTS] = 1
    return coverage_lookup(*tensors(body[None], labels[None, None], maps[None, None], source)).told.numpy()[0]


@pytest.mark.parametrize("clear", [0, 2, 4])
def test_cloth_hangs_as_far_off_the_person_as_off_the_photographed_leg(clear):
    body, maps = leg(64, 32, 14, 18), leg(128, 64, 20, 28)
    found = told(body, maps, draped(maps, clear))
    middle = found[PANTS, 10:54]
    assert (middle[:, 14:18] > 0).all()
    wide = clear // 2
    for covered, columns in ((True, range(18, 18 + wide)), (False, range(18 + wide, 21))):
        for column in (*columns, *(31 - c for c in columns)):
            assert ((middle[:, column] > 0) if covered else (middle[:, column] < 0)).all(), column
    assert not middle[:, :11].any()  # out of reach
    assert not np.delete(found, PANTS, axis=0).any()


def test_distances_count_in_the_size_of_the_body():
    """The same trousers photographed from farther away."""
    body, close = leg(64, 32, 14, 18), leg(128, 64, 20, 28)
    far = np.zeros_like(close)
    far[32:96] = leg(64, 64, 22, 26)
    labels = draped(far[32:96], 2)
    from_close = told(body, close, draped(close, 4))[PANTS]
    from_far = told(body, far, np.pad(labels, ((32, 32), (0, 0))))[PANTS]
    assert np.array_equal(np.sign(from_close)[10:54], np.sign(from_far)[10:54])
    unlike = told(body, far, np.pad(draped(far[32:96], 4), ((32, 32), (0, 0))))[PANTS]
    assert not np.array_equal(np.sign(from_close)[10:54], np.sign(unlike)[10:54])


def test_half_a_ring_is_half_told():
    body, maps = leg(64, 32, 14, 18), leg(128, 64, 20, 28)
    found = told(body, maps, draped(maps, 1))[PANTS, 10:54, 18]
    assert np.allclose(found, 0, atol=1e-6)


def test_without_a_body_nothing_is_told():
    body, maps = leg(64, 32, 14, 18), leg(128, 64, 20, 28)
    labels = draped(maps, 4)
    flat, empty = maps.copy(), np.zeros_like(maps)
    flat[..., 1:] = 0
    for other in (flat, empty):
        assert not told(body, other, labels).any()
    assert not told(np.zeros_like(body), maps, labels).any()


def test_rings_and_charts_grow_with_the_frame():
    assert [(reach_for(height), outline_texels(height)) for height in (64, 128, 256)] == [(3, 8), (6, 16), (12, 32)]


@pytest.mark.parametrize(("height", "width"), [(64, 32), (128, 64), (512, 256)])
def test_an_atlas_has_room_for_every_pixel(height, width):
    """TensorRT's ScatterElements takes no more updates than there are elements."""
    assert (reach_for(height) + 1) * 25 * outline_texels(height) ** 2 >= height * width


def test_a_skirt_closes_between_the_legs():
    """Between two legs, cloth belongs to the nearer one."""

    def legs(height, width, *columns):
        body = np.zeros((height, width, 3))
        for part, (left, right) in zip((7, 8), columns, strict=True):
            one = leg(height, width, left, right)
            one[..., 0] *= part / LEG
            body += one
        return body

    body, maps = legs(64, 32, (9, 13), (17, 21)), legs(128, 64, (20, 28), (36, 44))
    labels = np.zeros((128, 64))
    labels[:, 20:44] = SKIRT
    source = np.zeros((1, 20))
    source[0, SKIRT] = 1
    for each in tensors(labels, np.where(maps[..., 0] > 0, SKIRT, 0)):
        found = coverage_lookup(*tensors(body[None]), each[None, None], *tensors(maps[None, None], source)).told[
            0, SKIRT
        ]
        between = found[10:54, 13:17]
        assert bool((between > 0).all()) == bool(each[0, 30] == SKIRT)


def test_the_generator_sees_it_at_its_working_size():
    body, maps = leg(256, 128, 56, 72), leg(256, 128, 40, 56)
    source = np.zeros((1, 20))
    source[0, PANTS] = 1
    labels = draped(maps, 4)
    found = working_coverage(*tensors(body[None], labels[None, None], maps[None, None], source), pool=2).told[0, PANTS]
    assert found.shape == (128, 64)
    assert (found[20:108, 36:38] > 0).all()
    assert (found[20:108, 39:42] < 0).all()
