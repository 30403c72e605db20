"""Which of several people is meant."""

import pytest

from oviton.data.errors import InputError
from oviton.prepare.choice import choose, parse_who
from oviton.prepare.people import Found

SMALL_LEFT = Found((10.0, 40.0, 40.0, 100.0), 50)
LARGE_MIDDLE = Found((50.0, 0.0, 110.0, 200.0), 300)
RIGHT = Found((100.0, 20.0, 150.0, 160.0), 200)
PEOPLE = [LARGE_MIDDLE, RIGHT, SMALL_LEFT]


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        ("largest", LARGE_MIDDLE),
        ("left", SMALL_LEFT),
        ("right", RIGHT),
        ((20, 50), SMALL_LEFT),
        ((104, 90), LARGE_MIDDLE),  # in both boxes, nearer to the middle of this one
        ((108, 90), RIGHT),
        ((55, 190), LARGE_MIDDLE),
    ],
)
def test_chooses_by_size_side_or_point(who, wanted):
    assert choose(PEOPLE, who, "photo.jpg") is wanted


def test_nobody_there_is_told_with_where_people_are():
    with pytest.raises(InputError, match=r"photo.jpg: nobody at 5,5; people are at .*10,40,40,100"):
        choose(PEOPLE, (5, 5), "photo.jpg")
    with pytest.raises(InputError, match=r"photo.jpg: no person was found"):
        choose([], "largest", "photo.jpg")


def test_reads_what_people_type():
    assert [parse_who(text) for text in ("LEFT", " largest ", "12, 34")] == ["left", "largest", (12, 34)]
    for text in ("", "middle", "1", "1,2,3", "1.5,2"):
        with pytest.raises(InputError, match="allowed: largest, left, right, or a point"):
            parse_who(text)
