"""Photographs of people whose colours say what they wear, and a preparer that reads them."""

import numpy as np
import pytest

from oviton.prepare.preparer import Preparer

from coloured_people import paint, person, read_colours


@pytest.fixture
def preparer():
    return Preparer(read_colours, (96, 64), lambda: None)


@pytest.fixture
def two_people():
    """A photograph of two people, a large one at the left, its labels and parts; and the rows and columns of both."""
    labels, parts = np.zeros((300, 400), np.uint8), np.zeros((300, 400), np.uint8)
    left, right = np.s_[40:280, 60:140], np.s_[100:250, 260:310]
    labels[left], parts[left] = person(240, 80)
    labels[right], parts[right] = person(150, 50, clothes=7)
    return paint(labels, parts), labels, parts, (left, right)
