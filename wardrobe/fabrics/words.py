"""Words that look like brands, and are none: made of syllables."""

from __future__ import annotations

import zlib

import numpy as np

_ONSETS = ("b", "br", "c", "d", "f", "fl", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "oo")
_CODAS = ("", "", "n", "r", "l", "s", "m", "nd", "x", "rk", "ck")
_AVOIDED = (
    "anu", "coc", "coo", "cok", "cum", "dic", "dik", "fag", "fu", "hom", "kik", "kum", "naz", "neg", "nig", "nud",
    "pak", "pee", "pis", "poo", "pus", "rap", "sex", "slu", "tit", "vag",
)  # fmt: skip
"""Beginnings of words that nobody should have to read on a shirt."""


def is_held_out_word(word: str) -> bool:
    """Return whether a word may only be printed for evaluation (about one in four)."""
    return zlib.crc32(word.lower().encode()) % 4 == 0


def draw_word(rng: np.random.Generator, held_out: bool, syllables: int = 2) -> str:
    """Draw a word from the training or the held-out list, in lower case.

    Parameters
    ----------
    rng
        Source of the draw.
    held_out
        Which of the two lists.
    syllables
        Its length.
    """
    while True:
        word = "".join(
            _ONSETS[int(rng.integers(len(_ONSETS)))] + _VOWELS[int(rng.integers(len(_VOWELS)))]
            for _ in range(syllables)
        )
        word += _CODAS[int(rng.integers(len(_CODAS)))]
        if is_held_out_word(word) == held_out and not any(part in word for part in _AVOIDED):
            return word


def draw_number(rng: np.random.Generator, held_out: bool) -> str:
    """Draw the number on a team shirt or a year, from the training or the held-out list."""
    while True:
        number = str(rng.integers(1, 100) if rng.random() < 0.7 else rng.integers(1950, 2030))
        if is_held_out_word(number) == held_out and number not in ("69", "88"):
            return number
