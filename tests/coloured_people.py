"""A parser that needs no network: pictures whose colours say what a parser would see in them."""

import numpy as np

LABELS, PARTS = 12, 10
"""Levels of red that a label takes, and of green that a part takes."""


def paint(labels, parts):
    """Return a picture `[H, W, 3]` that says its labels and body parts; blue is where a body is."""
    return np.stack([labels * LABELS + LABELS // 2, parts * PARTS + PARTS // 2, (parts > 0) * 200 + 20], axis=2).astype(
        np.uint8
    )


def read_colours(image, *, everybody=False):
    """Return labels, body map and people as a parser would, of a picture of one or two people side by side.

    Only the person in the middle has labels and a body map, unless everybody has.
    """
    red, green, blue = (image[..., i].astype(int) for i in range(3))
    body = (blue > 120) & (blue < 228)  # brighter is a page
    labels = np.where(body, red // LABELS, 0).clip(0, 19)
    densepose = np.stack([np.where(body, green // PARTS, 0).clip(0, 24), body * 100, body * 150], axis=2)
    coarse = body[::4, ::4]
    height, width = coarse.shape
    people = np.zeros((5, height, width), np.uint8)
    columns = np.flatnonzero(coarse.any(axis=0))
    for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1) if len(columns) else []:
        rows = np.flatnonzero(coarse[:, run].any(axis=1))
        y, x = np.mgrid[rows[0] : rows[-1] + 1, run[0] : run[-1] + 1] + 0.5
        there = coarse[rows[0] : rows[-1] + 1, run[0] : run[-1] + 1]
        sides = np.stack([x - run[0], y - rows[0], run[-1] + 1 - x, rows[-1] + 1 - y]) / height * 255
        window = people[:, rows[0] : rows[-1] + 1, run[0] : run[-1] + 1]
        window[0][there], window[1:][:, there] = 255, np.round(sides[:, there])
    middle = np.abs(columns - width / 2).argmin() if len(columns) else 0
    for run in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1) if len(columns) else []:
        if columns[middle] not in run and not everybody:
            labels[:, run[0] * 4 : run[-1] * 4 + 4] = 0
            densepose[:, run[0] * 4 : run[-1] * 4 + 4] = 0
    return labels.astype(np.uint8), densepose.astype(np.uint8), people


def person(height, width, clothes=5, part=2):
    """Return the maps of a person: a face, clothes below it, legs."""
    labels = np.full((height, width), clothes, np.uint8)
    parts = np.full((height, width), part, np.uint8)
    labels[: height // 5], parts[: height // 5] = 13, 23
    labels[-height // 4 :], parts[-height // 4 :] = 9, 9
    return labels, parts
