"""Garments as codes, without a server: the small graphs against the rules in NumPy, and a native repository by hand."""

import functools

import numpy as np
import onnxruntime
import pytest

from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle
from oviton.bundle.samples import sample_requests
from oviton.data.classes import CLASS_IDS, GARMENTS, MIRRORED, SKIN
from oviton.data.errors import InputError
from oviton.engines.engine_set import EngineSet
from oviton.triton_models import small_graphs
from oviton.triton_models.codes import check_codes_can_be, codes_objection, merge_inputs
from oviton.triton_models.model_config import read_config
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository

LEFT, RIGHT, SHIRT, COAT = (CLASS_IDS[name] for name in ("left_shoe", "right_shoe", "upper_clothes", "coat"))
CODED, SEEN = 1, 2
BITS = {"person_labels": 1, "densepose": 2, "garment_labels": 4, "source": 16, "garment_classes": 32, "wear": 64}
OTHER_SIDE = np.arange(20)
OTHER_SIDE[[14, 15, 16, 17, 18, 19]] = 15, 14, 17, 16, 19, 18


@pytest.fixture(scope="module")
def run_small(tiny_bundle):
    """Run one of the small graphs."""
    made = {}

    def run(build, inputs):
        if build not in made:
            model = getattr(small_graphs, f"build_{build}")(tiny_bundle.manifest)
            made[build] = onnxruntime.InferenceSession(model.SerializeToString())
        names = [output.name for output in made[build].get_outputs()]
        return dict(zip(names, made[build].run(names, inputs), strict=True))

    return run


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert np.array_equal(found[name], array), name


def present(labels):
    """Which classes have a pixel; ids that are none count as background."""
    return np.array([[(np.where(row < 20, row, 0) == c).any() for c in range(20)] for row in labels])


def flagged(**wrong):
    """Add up the bits of what is wrong in each request."""
    rows = {name: np.asarray(where).reshape(len(where), -1).any(axis=1) for name, where in wrong.items()}
    return sum(where * np.int32(BITS[name]) for name, where in rows.items()).astype(np.int32)[:, None]


def checked_garment(inputs):
    labels, wear = inputs["garment_labels"], inputs["wear"]
    wrong = (wear > 1) | ((wear > 0) & ~np.isin(np.arange(20), GARMENTS))
    worn = (wear == 1) & ~wrong
    return {
        "input_flags": flagged(garment_labels=labels > 19, wear=wrong),
        "garment_classes": np.where(worn, np.where(present(labels), SEEN, CODED), 0).astype(np.uint8),
        "encoded_images": inputs["garment_image"][:, None],
        "encoded_labels": labels[:, None],
        "encoded_source": np.where(worn, 1, -1).astype(np.int32),
        "blank_image": np.zeros_like(inputs["garment_image"]),
        "blank_labels": np.zeros_like(labels),
    }


def checked_codes(inputs):
    labels, classes, source = inputs["person_labels"], inputs["garment_classes"], inputs["source"]
    beyond = (source < -1) | (source > classes.shape[1])
    known = np.where(beyond, -1, source)
    held = np.take_along_axis(classes, np.maximum(known - 1, 0)[:, None], axis=1)[:, 0]
    lacking = (known > 0) & (held == 0)
    checked = np.where(lacking, -1, known).astype(np.int32)
    seen = np.where(checked > 0, held == SEEN, present(labels) & (checked == 0))
    rows = np.maximum(checked, 0)
    height, width = labels.shape[1:]
    return {
        "input_flags": flagged(
            person_labels=labels > 19,
            densepose=inputs["densepose"][..., 0] > 24,
            source=beyond,
            garment_classes=lacking,
        ),
        "checked_source": checked,
        "person_source": np.where(checked > 0, -1, checked).astype(np.int32),
        "code_rows": np.where(~seen & seen[:, OTHER_SIDE], rows[:, OTHER_SIDE], rows).astype(np.int32),
        "blank_images": np.zeros((len(labels), 1, height, width, 3), np.uint8),
        "blank_labels": np.zeros((len(labels), 1, height, width), np.uint8),
    }


def random_codes_request(seed, requests=4, garments=3):
    rng = np.random.default_rng(seed)
    labels = rng.choice(rng.permutation(24)[:9], (requests, 64, 32)).astype(np.uint8)  # some ids are none
    if seed % 2:
        labels %= 20
    return {
        "person_labels": labels,
        "densepose": rng.integers(0, 25 + seed % 2, (requests, 64, 32, 3), np.uint8),
        "garment_classes": rng.integers(0, 3, (requests, garments, 20), np.uint8),
        "source": rng.integers(-2 + seed % 2, garments + 2 - seed % 2, (requests, 20), np.int32),
    }


@pytest.mark.parametrize("seed", range(8))
def test_the_check_of_codes(run_small, seed):
    inputs = random_codes_request(seed)
    assert_same(run_small("codes_check", inputs), checked_codes(inputs))


@pytest.mark.parametrize("seed", range(6))
def test_the_check_of_a_garment(run_small, seed):
    rng = np.random.default_rng(seed)
    inputs = {
        "garment_image": rng.integers(0, 256, (3, 64, 32, 3), np.uint8),
        "garment_labels": rng.choice(rng.permutation(20 + seed % 3)[:7], (3, 64, 32)).astype(np.uint8),
        "wear": rng.integers(0, 2 + seed % 2, (3, 20), np.uint8),
    }
    assert_same(run_small("garment_check", inputs), checked_garment(inputs))


@pytest.mark.parametrize("seed", range(3))
def test_the_merge(run_small, tiny_bundle, seed):
    rng = np.random.default_rng(seed)
    inputs = {}
    for spec in merge_inputs(tiny_bundle.manifest):
        shape = [{"N": 2, "M": 4}.get(size, size) for size in spec.shape]
        codes = spec.dtype == "float32"
        inputs[spec.name] = rng.normal(size=shape).astype(np.float32) if codes else rng.integers(0, 5, shape, np.int32)
    inputs["source"][:, :3] = -1
    found = run_small("codes_merge", inputs)
    for name, rows in (("shape_codes", "source"), ("appearance_codes", "code_rows")):
        for row, c in np.ndindex(2, 20):
            k = inputs[rows][row, c]
            wanted = inputs[f"garment_{name}"][row, k - 1, c] if k > 0 else inputs[f"person_{name}"][row, c]
            assert np.array_equal(found[name][row, c], wanted)
            assert found[name].dtype == np.float32


def test_only_garments_have_codes(run_small):
    inputs = {
        "garment_image": np.zeros((1, 64, 32, 3), np.uint8),
        "garment_labels": np.full((1, 64, 32), LEFT, np.uint8),
        "wear": np.zeros((1, 20), np.uint8),
    }
    inputs["wear"][0, [LEFT, RIGHT]] = 1
    found = run_small("garment_check", inputs)
    assert found["input_flags"].tolist() == [[0]]
    assert {c: int(k) for c, k in enumerate(found["garment_classes"][0]) if k} == {LEFT: SEEN, RIGHT: CODED}
    for c in range(20):
        inputs["wear"] = np.eye(20, dtype=np.uint8)[c : c + 1]
        flags = run_small("garment_check", inputs)["input_flags"].item()
        assert flags == (0 if c in GARMENTS else 64)


def test_skin_and_garments_never_lend_to_each_other():
    """What makes a person's and a garment's own runs enough: the networks' lenders are skin, or the other shoe."""
    from oviton.networks.appearance import _borrowing_weights

    weights = _borrowing_weights().numpy()
    for borrower, lender in zip(*np.nonzero(weights), strict=True):
        assert {borrower, lender} <= set(SKIN) or (borrower, lender) in MIRRORED or (lender, borrower) in MIRRORED
        assert (borrower in GARMENTS) == (lender in GARMENTS)


def test_a_class_that_a_garment_does_not_hold_is_flagged_and_removed(run_small):
    inputs = random_codes_request(1, requests=2, garments=2)
    inputs["person_labels"][:] = 0
    inputs["densepose"][:] = 0
    inputs["garment_classes"][:] = 0
    inputs["source"][:] = 0
    inputs["garment_classes"][:, 1, COAT] = SEEN
    inputs["source"][:, COAT] = 2, 1
    found = run_small("codes_check", inputs)
    assert found["input_flags"].tolist() == [[0], [32]]
    assert found["checked_source"][:, COAT].tolist() == [2, -1]
    assert found["person_source"][:, COAT].tolist() == [-1, -1]


def test_a_bundle_whose_generators_need_more_is_refused(tmp_path, tiny_bundle):
    manifest = tiny_bundle.manifest
    assert codes_objection(manifest) == ""
    garments = next(spec for spec in manifest.graph("appearance_encoder").inputs if spec.name == "garment_images")
    graphs = tuple(
        graph.model_copy(update={"inputs": (*graph.inputs, garments)})
        if graph.name == "appearance_generator"
        else graph
        for graph in manifest.graphs
    )
    surface = manifest.model_copy(update={"graphs": graphs})
    with pytest.raises(
        InputError, match=r"graph appearance_generator of bundle .* needs .* garment_images too; choose"
    ):
        check_codes_can_be(surface)
    bundle = type(tiny_bundle)(tiny_bundle.path, surface)
    with pytest.raises(InputError, match="cannot be served as codes"):
        build_repository(bundle, tmp_path / "r", RepositoryOptions("onnxruntime", codes=True))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def run_native(tmp_path_factory, tiny_bundle):
    return by_hand(tiny_bundle, tmp_path_factory.mktemp("native") / "repository")


def by_hand(bundle, folder):
    """Run an ensemble of a native repository as Triton would: every step's own file, joined by the ensemble's maps."""
    build_repository(bundle, folder, RepositoryOptions("onnxruntime", refinement=False, codes=True))
    assert not list(folder.rglob("*.py"))

    @functools.cache
    def session(model):
        return onnxruntime.InferenceSession(folder / model / "1" / "model.onnx")

    def run(name, values):
        ensemble, tensors = read_config(folder / name), dict(values)
        waiting = list(ensemble.ensemble_scheduling.step)
        assert len([s for s in waiting if set(s.input_map.values()) <= tensors.keys()]) == 1  # see test_repository
        while waiting:
            step = next(s for s in waiting if all(outer in tensors for outer in s.input_map.values()))
            waiting.remove(step)
            feed = {inner: tensors[outer] for inner, outer in step.input_map.items()}
            found = dict(zip(step.output_map, session(step.model_name).run(list(step.output_map), feed), strict=True))
            tensors |= {outer: found[inner] for inner, outer in step.output_map.items()}
        return {output.name: tensors[output.name] for output in ensemble.output}

    return run


def encoded(run, arrays, source):
    """Encode every garment photograph of every request by itself, and return what `try_on_codes` takes."""
    found = []
    for row, images in enumerate(arrays["garment_images"]):
        found.append([])
        for k in range(len(images)):
            photograph = {
                "garment_image": arrays["garment_images"][row, k][None],
                "garment_labels": arrays["garment_labels"][row, k][None],
                "wear": (source[row] == k + 1).astype(np.uint8)[None],
            }
            answer = run("garment_encoder", photograph)
            assert answer.pop("input_flags").tolist() == [[0]]
            found[-1].append(answer)
    names = ("garment_shape_codes", "garment_appearance_codes", "garment_classes")
    codes = {name: np.stack([np.concatenate([k[name] for k in row]) for row in found]) for name in names}
    person = {name: arrays[name] for name in ("person_image", "person_labels", "densepose")}
    return {**person, **codes, "source": source}


def test_natively_codes_give_the_picture_of_the_photographs_bit_for_bit(run_native, in_process, tiny_requests):
    source = np.asarray(tiny_requests["source"])
    found = run_native("try_on_codes", encoded(run_native, tiny_requests, source))
    wanted = in_process.run(tiny_requests)
    assert found["input_flags"].tolist() == [[0], [0]]
    assert np.array_equal(found["image"], wanted["image"])
    assert np.array_equal(found["labels"], wanted["labels"])


def test_a_shape_generator_that_looks_garments_up_draws_codes_as_garments_without_body_maps(tmp_path, sample_people):
    bundle = Bundle.open(SHIPPED_BUNDLES / "small-codes")
    taken = [spec.name for spec in bundle.manifest.graph("shape_generator").inputs]
    assert {"garment_labels", "places"} <= {*taken}
    requests = sample_requests(sample_people, bundle.manifest.height, bundle.manifest.width, 1, 2)
    run, source = by_hand(bundle, tmp_path / "repository"), np.asarray(requests["source"])
    found = run("try_on_codes", encoded(run, requests, source))
    with EngineSet.load(bundle, "onnxruntime", "fp32") as engines:
        wanted = engines.run({**requests, "garment_densepose": np.zeros_like(requests["garment_densepose"])})
        mapped = engines.run(requests)
    assert np.array_equal(found["labels"], wanted["labels"])
    assert np.array_equal(found["image"], wanted["image"])
    assert not np.array_equal(found["labels"], mapped["labels"])


SHOES = [(1, 2), (1, 1), (2, 0), (0, 2), (-1, 1), (2, -1)]


@pytest.mark.parametrize(("left", "right"), SHOES)
@pytest.mark.parametrize("hidden", [(), ("person",), (1,), (2,), ("person", 1), (1, 2)])
def test_a_shoe_borrows_as_it_does_from_photographs(
    run_native, run_small, in_process, tiny_requests, left, right, hidden
):
    """The one class that looks at another: a left shoe that its photograph does not show."""
    arrays = {name: np.array(array[:1]) for name, array in tiny_requests.items()}
    arrays["person_labels"][0, -4:, :16], arrays["person_labels"][0, -4:, 16:] = LEFT, RIGHT
    for k in range(2):
        arrays["garment_labels"][0, k, -4 - k :, :16], arrays["garment_labels"][0, k, -4 - k :, 16:] = LEFT, RIGHT
    for which in hidden:
        labels = arrays["person_labels"][0] if which == "person" else arrays["garment_labels"][0, which - 1]
        labels[labels == LEFT] = 0
    source = np.zeros((1, 20), np.int32)
    source[0, [LEFT, RIGHT, SHIRT]] = left, right, 1
    arrays["source"] = source
    coded = encoded(run_native, arrays, source)
    own = in_process["appearance_encoder"]
    wanted = own(**{spec.name: arrays[spec.name] for spec in own.inputs})["appearance_codes"]
    taken = ("person_labels", "densepose", "garment_classes", "source")
    checked = run_small("codes_check", {name: coded[name] for name in taken})
    blank = {"garment_images": checked["blank_images"], "garment_labels": checked["blank_labels"]}
    person = {**arrays, **blank, "source": checked["person_source"]}
    of_person = own(**{spec.name: person[spec.name] for spec in own.inputs})["appearance_codes"]
    rows = np.concatenate([of_person[:, None], coded["garment_appearance_codes"]], axis=1)
    found = rows[0, checked["code_rows"][0], np.arange(20)]
    assert np.array_equal(found, wanted[0])
