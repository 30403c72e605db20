import pytest

from oviton.runtime.notes import missing_body_maps, refinement_notes
from oviton.runtime.person import Garment
from oviton.runtime.report import RefinementReport


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


@pytest.mark.parametrize(
    ("accepted", "stopped", "told"),
    [
        (True, "steps", []),
        (True, "not a number", ["stopped after step 7: the loss was no longer a number; the last weights"]),
        (True, "time", ["stopped after step 7: the next one might have exceeded the time budget"]),
        (True, "plateau", ["stopped after step 7: the loss no longer fell"]),
        (False, "steps", ["not refined, this is the feed-forward result: it rose"]),
        (False, "not a number", ["the loss was no longer a number", "not refined, this is the feed-forward result"]),
    ],
)
def test_how_a_refinement_ended(accepted, stopped, told):
    report = RefinementReport(
        accepted=accepted, reason="" if accepted else "it rose", steps=7, seconds=1, stopped=stopped,
        losses_before={}, losses_after={}, texture_before=0, texture_after=0, peak_memory_mb=1,
    )  # fmt: skip
    found = refinement_notes(report)
    assert len(found) == len(told)
    assert all(words in note for words, note in zip(told, found, strict=True))
    assert refinement_notes(None) == []
