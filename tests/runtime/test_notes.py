from oviton.runtime.notes import missing_body_maps
from oviton.runtime.person import Garment


def test_what_is_lost_without_a_body_map_depends_on_what_looks_at_it(people):
    known = Garment.open(people / "ana", wear="upper_clothes")
    unknown = Garment(known.image, known.labels, wear="upper_clothes", name="shirt")
    garments = [known, unknown]
    assert missing_body_maps(garments, "codes", {"garment_labels"}) == []
    looked_at = {"garment_labels", "garment_densepose"}
    assert missing_body_maps(garments, "codes", looked_at) == ["shirt has no body map, so its cut is guessed"]
    (told,) = missing_body_maps(garments, "surface", looked_at)
    assert "only its colours" in told


def test_codes_hold_no_body_map():
    looked_at = {"garment_labels", "garment_densepose"}
    assert missing_body_maps([], "codes", looked_at, codes=["shirt"]) == [
        "shirt is worn as codes, which hold no body map, so its cut is guessed"
    ]
    assert missing_body_maps([], "codes", {"garment_labels"}, codes=["shirt"]) == []
