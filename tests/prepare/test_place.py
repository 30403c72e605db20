"""Crops and the way back."""

import numpy as np
import pytest

from oviton.prepare.place import Place


def test_inverse_undoes_the_map() -> None:
    place = Place.around((30.0, 50.0), (8.0, 9.0), 2.5, 0.3)
    back = place.inverse

    def apply(p: Place, x: float, y: float) -> tuple[float, float]:
        return p.a * x + p.b * y + p.c, p.d * x + p.e * y + p.f

    assert apply(place, 8.0, 9.0) == pytest.approx((30.0, 50.0))
    assert apply(back, *apply(place, 3.0, 7.0)) == pytest.approx((3.0, 7.0))


def test_a_box_lies_in_the_middle_with_room_around_it() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[40:140, 100:150] = 255
    crop = Place.of_box((100, 40, 150, 140), (96, 64)).image(picture, (96, 64))
    rows, columns = np.nonzero(crop[..., 0] > 200)
    assert rows.min() + rows.max() == pytest.approx(95, abs=1)
    assert columns.min() + columns.max() == pytest.approx(63, abs=1)
    assert 0.75 < (rows.max() - rows.min() + 1) / 96 < 0.9


def test_whole_pictures_keep_their_shape_and_are_padded() -> None:
    picture = np.full((100, 200, 3), 9, np.uint8)
    crop = Place.whole((100, 200), (64, 64)).image(picture, (64, 64), fill=(77, 77, 77))
    assert (crop[20:44] == 9).all()
    assert (crop[:15] == 77).all()
    assert (crop[49:] == 77).all()


def test_values_come_back_where_they_were() -> None:
    values = np.zeros((120, 80), np.uint8)
    values[30:90, 20:60] = 7
    place = Place.of_box((20, 30, 60, 90), (192, 128))
    again = place.inverse.nearest(place.nearest(values, (192, 128)), (120, 80))
    assert (again != values).mean() < 0.002


def test_strides_take_the_middle_of_what_they_skip() -> None:
    values = np.arange(64, dtype=np.uint8).reshape(8, 8)
    found = Place(1, 0, 0, 0, 1, 0).nearest(values, (8, 8), stride=2)
    assert np.array_equal(found, values[1::2, 1::2])


def test_a_box_of_the_crop_lies_in_the_picture() -> None:
    box = (20.0, 30.0, 60.0, 90.0)
    place = Place.of_box(box, (192, 128))
    assert place.box(place.inverse.box(box)) == pytest.approx(box)
    left, top, right, bottom = place.inverse.box(box)
    assert left + right == pytest.approx(128)
    assert right - left == pytest.approx(128 * 40 / (40 + 2 * 0.1 * 60))
    assert top + bottom == pytest.approx(192)
