"""People are told apart by the boxes on which their pixels agree."""

import numpy as np

from oviton.prepare.people import find_others, find_people

STRIDE = 4


def look(size: tuple[int, int], boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    """Return what a perfect network says of people who fill their boxes (left, top, right, bottom, coarse pixels)."""
    height, width = size
    people = np.zeros((5, height, width), np.uint8)
    for left, top, right, bottom in boxes:
        y, x = np.mgrid[top:bottom, left:right] + 0.5
        shares = np.stack([x - left, y - top, right - x, bottom - y]) / height
        people[0, top:bottom, left:right] = 255
        people[1:, top:bottom, left:right] = np.rint(shares * 255)
    return people


def test_nobody_is_found_in_an_empty_look() -> None:
    assert find_people(look((48, 64), [])) == []


def test_one_person_has_their_box() -> None:
    (person,) = find_people(look((48, 64), [(10, 4, 26, 44)]))
    assert np.abs(np.array(person.box) - np.array([10, 4, 26, 44]) * STRIDE).max() < STRIDE


def test_people_who_touch_are_two_and_the_largest_is_first() -> None:
    first, second = find_people(look((48, 64), [(26, 20, 38, 44), (10, 4, 26, 44)]))
    assert np.abs(np.array(first.box) - np.array([10, 4, 26, 44]) * STRIDE).max() < STRIDE
    assert np.abs(np.array(second.box) - np.array([26, 20, 38, 44]) * STRIDE).max() < STRIDE
    assert first.area > second.area


def test_pixels_of_others_are_those_that_say_another_box() -> None:
    people = look((48, 64), [(26, 20, 38, 44), (10, 4, 26, 44)])
    others = find_others(people, (40, 16, 104, 176))
    expected = np.zeros((48, 64), bool)
    expected[20:44, 26:38] = True
    assert np.array_equal(others, expected)
