import pickle
import time

import numpy as np
import pytest

from oviton.wardrobe.fabric import (
    HARD_KINDS,
    HARD_KINDS_BELOW,
    KINDS,
    REPEATING_KINDS,
    TEXTURED_KINDS,
    Fabric,
    sample_fabric,
)
from oviton.wardrobe.fabrics import checks, stripes
from oviton.wardrobe.fabrics.canvas import Canvas
from oviton.wardrobe.fabrics.motifs import draw_motif, motif_names
from oviton.wardrobe.fabrics.palette import distance, draw_scheme
from oviton.wardrobe.fabrics.pattern import Decal, Flat, Tile, lookup
from oviton.wardrobe.fabrics.words import draw_number, draw_word, is_held_out_word


def swatch(pixels=40, size=0.5, top=0.55):
    """Cloth coordinates of the chest, and the front panel's number for each."""
    place = (np.arange(pixels, dtype=np.float32) + 0.5) / pixels * np.float32(size)
    s, t = np.meshgrid(place - np.float32(size / 2), np.float32(top) - place)
    return np.stack([s, t], -1).reshape(-1, 2), np.zeros(pixels**2, dtype=np.uint8)


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_colours_for_every_panel(kind, held_out):
    rng = np.random.default_rng(1)
    cloth = rng.uniform((-0.5, -0.8), (0.5, 0.6), (400, 2)).astype(np.float32)
    panel = rng.integers(0, 4, 400).astype(np.uint8)
    for _ in range(2):
        colours = sample_fabric(rng, held_out=held_out, kinds=[kind])(cloth, panel)
        assert colours.shape == (400, 3)
        assert colours.dtype == np.float32
        assert colours.min() >= 0
        assert colours.max() <= 1


@pytest.mark.parametrize("kind", ["plain", "tartan", "floral", "denim", "graphic"])
def test_a_fabric_is_its_kind_and_seed(kind):
    cloth, panel = swatch()
    fabric = Fabric(kind, 12)
    colours = fabric(cloth, panel)
    np.testing.assert_array_equal(colours, Fabric(kind, 12)(cloth, panel))
    np.testing.assert_array_equal(colours, fabric(cloth, panel))  # calls do not change it
    np.testing.assert_array_equal(colours[:7], fabric(cloth[:7], panel[:7]))  # nor does the company of other places
    again = pickle.loads(pickle.dumps(fabric))
    assert again == fabric
    np.testing.assert_array_equal(colours, again(cloth, panel))
    assert not np.array_equal(colours, Fabric(kind, 14)(cloth, panel))


def test_no_fragments_is_no_error():
    none = np.zeros((0, 2), dtype=np.float32), np.zeros(0, dtype=np.uint8)
    for kind in KINDS:
        assert Fabric(kind, 4)(*none).shape == (0, 3)


def test_sampling_follows_the_generator_and_the_kinds_asked_for():
    draws = [[sample_fabric(rng) for _ in range(20)] for rng in (np.random.default_rng(3), np.random.default_rng(3))]
    assert draws[0] == draws[1]
    assert {sample_fabric(np.random.default_rng(i), kinds=["dots", "knit"]).kind for i in range(20)} == {"dots", "knit"}


def test_frequencies_are_those_of_a_wardrobe():
    rng = np.random.default_rng(0)
    kinds = [sample_fabric(rng).kind for _ in range(3000)]
    share = {kind: kinds.count(kind) / len(kinds) for kind in KINDS}
    assert 0.2 < share["plain"] + share["melange"] < 0.32
    assert 0.11 < share["stripes"] + share["rugby"] + share["vertical_stripes"] < 0.2
    assert min(share.values()) > 0


def test_sets_of_kinds_name_kinds():
    assert set(HARD_KINDS) < set(TEXTURED_KINDS) < set(KINDS)
    assert set(REPEATING_KINDS) < set(KINDS)
    assert "plain" not in TEXTURED_KINDS


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [*HARD_KINDS_BELOW, "logo", "graphic"])
def test_prints_on_the_chest_leave_trousers_plain(kind, seed):
    around, up = np.meshgrid(np.linspace(-0.2, 0.2, 60), np.linspace(-0.9, -0.05, 120))
    cloth = np.stack([around.ravel(), up.ravel()], axis=1).astype(np.float32)
    colours = Fabric(kind, seed)(cloth, np.zeros(len(cloth), np.uint8))
    low, high = np.percentile(colours, [5, 95], axis=0)
    assert ((high - low).max() > 0.1) == (kind in HARD_KINDS_BELOW)


def test_held_out_seeds_are_disjoint():
    rng = np.random.default_rng(5)
    training = {sample_fabric(rng) for _ in range(300)}
    held_out = {sample_fabric(rng, held_out=True) for _ in range(300)}
    assert not any(fabric.held_out for fabric in training)
    assert all(fabric.held_out for fabric in held_out)
    assert not {f.seed for f in training} & {f.seed for f in held_out}


@pytest.mark.parametrize("family", ["icons", "flowers", "leaves"])
def test_held_out_motifs_are_other_shapes(family):
    assert not set(motif_names(False, family)) & set(motif_names(True, family))
    rng = np.random.default_rng(0)
    shapes = [{draw_motif(rng, side, family)[0][1].tobytes() for _ in range(100)} for side in (False, True)]
    assert not shapes[0] & shapes[1]
    assert len(shapes[0]) == len(motif_names(False, family))


def test_held_out_words_are_other_words():
    rng = np.random.default_rng(0)
    for draw in (draw_word, draw_number):
        training = {draw(rng, False) for _ in range(300)}
        held_out = {draw(rng, True) for _ in range(300)}
        assert len(training) > 20
        assert not training & held_out
        assert all(map(is_held_out_word, held_out))


def period_of(signal, step):
    """The lag at which a signal first looks like itself again, after it has looked otherwise."""
    signal = signal - signal.mean()
    likeness = np.correlate(signal, signal, "full")[len(signal) - 1 :] / np.arange(len(signal), 0, -1)
    unlike = np.flatnonzero(likeness < 0)
    first = unlike[0] + int(np.argmax(likeness[unlike[0] :] > 0))  # where it begins to look alike again
    last = unlike[unlike > first][0]
    return (first + int(np.argmax(likeness[first:last]))) * step


@pytest.mark.parametrize(("direction", "axis"), [(stripes.ACROSS, 1), (stripes.ALONG, 0)])
@pytest.mark.parametrize("period", [0.02, 0.055, 0.1])
def test_stripes_have_the_period_and_the_share_asked_for(direction, axis, period):
    colours = np.array([[0, 0, 0], [1, 1, 1]], dtype=np.float32)
    pattern = stripes.even(direction, period, colours, duty=0.3)
    cloth = np.zeros((4000, 2), dtype=np.float32)
    cloth[:, axis] = np.arange(4000) * 0.00025 - 0.5
    cloth[:, 1 - axis] = np.linspace(-0.5, 0.5, 4000)  # nothing changes along a stripe
    values = pattern(cloth, np.zeros(4000, dtype=np.uint8))[:, 0]
    assert period_of(values, 0.00025) == pytest.approx(period, abs=0.0006)
    assert values[: round(int(1 / period) * period / 0.00025)].mean() == pytest.approx(0.3, abs=0.02)


def test_gingham_mixes_its_colours_where_they_cross():
    pattern = checks.gingham(np.random.default_rng(2), False)
    colours = np.unique(pattern(*swatch(80)), axis=0)
    assert len(colours) == 3
    middle = sorted(colours.tolist())[1]
    np.testing.assert_allclose(middle, (colours.sum(0) - middle) / 2, atol=1e-6)


def test_prints_are_on_the_front_only():
    cloth, panel = swatch(80)
    for kind in ("logo", "graphic"):
        fabric = Fabric(kind, 8)
        front, back = fabric(cloth, panel), fabric(cloth, panel + 1)
        assert np.abs(front - back).max() > 0.1
        assert back.std(0).max() < 0.03


def test_a_decal_is_upright_and_not_mirrored():
    image = np.zeros((20, 20, 4), dtype=np.float32)
    image[2:8, 12:18] = 1  # white, at the top right of the picture
    decal = Decal(Flat(np.zeros(3, dtype=np.float32)), image, (0.0, 0.3), 0.2)
    cloth = np.array([[0.05, 0.35], [-0.05, 0.35], [0.05, 0.25], [0.5, 0.35]], dtype=np.float32)
    # The wearer's left (positive) is at the right of a picture of the front.
    assert decal(cloth, np.zeros(4, dtype=np.uint8))[:, 0].tolist() == [1, 0, 0, 0]


def test_tiles_have_no_seam():
    rng = np.random.default_rng(0)
    canvas = Canvas(0.06, np.zeros(3, dtype=np.float32))
    canvas.stamp(draw_motif(rng, False), np.ones((3, 3), dtype=np.float32), (0.0, 0.0), 0.02)
    image = canvas.tile().image
    rolled = np.roll(image, (20, 20), (0, 1))
    # Wherever the tile is cut, the motif around the corner is whole: neighbours across the seam differ no more.
    assert np.abs(rolled[20] - rolled[19]).mean() <= np.abs(np.diff(rolled, axis=0)).mean((1, 2)).max()
    cloth = rng.uniform(-0.3, 0.3, (50, 2)).astype(np.float32)
    panel = np.zeros(50, dtype=np.uint8)
    moved = Tile(image)(cloth + np.float32(canvas.size), panel)
    np.testing.assert_allclose(Tile(image)(cloth, panel), moved, atol=2e-3)


def test_lookup_reads_between_pixels_and_around_edges():
    image = np.arange(6, dtype=np.float32).reshape(2, 3, 1)
    columns, rows = np.array([0.5, 2.5, -1.0], np.float32), np.array([0.0, 0.0, 1.0], np.float32)
    np.testing.assert_allclose(lookup(image, columns, rows, wrap=True)[:, 0], [0.5, 1.0, 5.0], atol=1e-5)
    hair = np.full(3, -1e-9, np.float32)  # just over the edge, which rounding must not turn into the period itself
    np.testing.assert_allclose(lookup(image, hair, hair, wrap=True)[:, 0], 0, atol=1e-4)
    np.testing.assert_allclose(lookup(image, columns, rows, wrap=False)[:, 0], [0.5, 2.0, 3.0], atol=1e-5)


def test_schemes_can_be_told_apart():
    rng = np.random.default_rng(0)
    schemes = [draw_scheme(rng, 4, 0.3) for _ in range(100)]
    gaps = [distance(scheme[0], ink) for scheme in schemes for ink in scheme[1:]]
    assert np.quantile(gaps, 0.05) > 0.2
    assert min(gaps) > 0.1


@pytest.mark.parametrize("kind", TEXTURED_KINDS)
def test_structure_can_be_seen(kind):
    cloth, panel = swatch(64)
    # Most kinds vary over the chest; contrast sleeves and plaits of one colour vary less.
    spread = [np.ptp(Fabric(kind, seed)(cloth, panel), axis=0).max() for seed in (2, 6, 10)]
    assert max(spread) > 0.15


def test_fast_enough():
    cloth, panel = swatch(224)  # 50,000 places
    for kind in KINDS:
        fabric = Fabric(kind, 20)
        fabric(cloth[:1], panel[:1])  # draws its pictures
        fastest = np.inf
        for _ in range(3):
            start = time.perf_counter()
            fabric(cloth, panel)
            fastest = min(fastest, time.perf_counter() - start)
        # 1 to 7 ms on an idle core; the limit leaves room for a busy machine.
        assert fastest < 0.06, kind
