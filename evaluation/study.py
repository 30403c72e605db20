"""The human study: a local page of blinded pairs, and the key that tells which picture came from whom."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from ..data.errors import InputError
from ..data.files import atomic_path
from ..data.images import UInt8Array, read_image

_PAGE = Path(__file__).parent / "study_page"

QUESTION = "Which picture looks more convincing?"
REFERENCE_QUESTION = "Which picture shows this person in the garment more convincingly?"

Side = Literal["a", "b"]


class PairKey(BaseModel):
    """One pair, unblinded: its file name without the ending, and what was shown on the left."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    left: Side

    @property
    def split(self) -> str:
        """The part of the name before its last ``_``, or ``""``."""
        return split_of(self.name)


class StudyKey(BaseModel):
    """What unblinds a study's answers; kept from the raters.

    Parameters
    ----------
    schema_version
        Format of this file.
    study
        Identifies the study; every answer file names it too.
    a, b
        What is compared.
    question
        What raters are asked.
    pairs
        The pairs by the ids that the page knows them by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema")
    study: str
    a: str
    b: str
    question: str
    pairs: dict[str, PairKey]


@dataclass(frozen=True)
class StudyOptions:
    """How a study is made.

    Parameters
    ----------
    a_name, b_name
        What to call the folders in the key; by default their own names.
    reference
        Folder of pictures shown above each pair; none by default.
    pairs
        How many pairs are shown, spread over the splits; all by default.
    question
        What raters are asked; by default which picture is more convincing.
    seed
        Seed of order, sides and choice; 0 by default.
    """

    a_name: str | None = None
    b_name: str | None = None
    reference: Path | None = None
    pairs: int | None = None
    question: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """A study, ready to be written.

    Parameters
    ----------
    key
        What unblinds it.
    page
        The HTML page, whole.
    notes
        Pairs that were left out, and why.
    """

    key: StudyKey
    page: str
    notes: tuple[str, ...]

    @classmethod
    def make(cls, a: Path, b: Path, options: StudyOptions = StudyOptions()) -> Study:
        """Pair up two folders of equally named PNGs.

        Order and sides are random; each side shows A in half of the pairs. Pictures are encoded anew, without names or
        metadata that could tell where they are from.

        Parameters
        ----------
        a, b
            The folders.
        options
            What is shown and asked; all pairs without a reference by default.

        Raises
        ------
        InputError
            When a folder is missing, there is no pair, or a picture is unusable.
        """
        names, notes = _common_names(a, b)
        rng, reference = random.Random(options.seed), options.reference
        shown: list[tuple[str, tuple[UInt8Array, UInt8Array], Path | None]] = []
        same = 0
        for name in _spread(names, rng):
            if options.pairs is not None and len(shown) == options.pairs:
                break
            both = read_image(a / f"{name}.png"), read_image(b / f"{name}.png")
            if both[0].shape == both[1].shape and (both[0] == both[1]).all():
                same += 1
                continue
            shown.append((name, both, reference / f"{name}.png" if reference is not None else None))
        if same:
            notes.append(f"left out, since both pictures are the same: {same}")
        if not shown:
            raise InputError(f"{a} and {b}: no pair differs, so there is nothing to choose")
        if any(one.shape != other.shape for _, (one, other), _ in shown):
            notes.append("A and B differ in size, which raters may notice")
        rng.shuffle(shown)
        sides: list[Side] = ["a" if i % 2 else "b" for i in range(len(shown))]
        rng.shuffle(sides)
        digest = hashlib.sha256(f"{options.seed} {options.a_name} {options.b_name} {options.question}".encode())
        key: dict[str, PairKey] = {}
        page: list[dict[str, str | None]] = []
        for index, ((name, both, above), left) in enumerate(zip(shown, sides, strict=True), start=1):
            encoded = [_data_uri(picture) for picture in (both if left == "a" else both[::-1])]
            pair = f"p{index:04d}"
            key[pair] = PairKey(name=name, left=left)
            page.append(
                {
                    "id": pair,
                    "left": encoded[0],
                    "right": encoded[1],
                    "reference": _data_uri(read_image(above)) if above is not None else None,
                }
            )
            digest.update(f"{pair} {name} {left} {encoded[0]} {encoded[1]}".encode())
        asked = options.question or (QUESTION if reference is None else REFERENCE_QUESTION)
        study = StudyKey(
            study=digest.hexdigest()[:12],
            a=options.a_name or a.resolve().name,
            b=options.b_name or b.resolve().name,
            question=asked,
            pairs=key,
        )
        return cls(study, _fill_page({"study": study.study, "question": asked, "pairs": page}), tuple(notes))

    def write(self, page: Path, key: Path) -> None:
        """Write the page, and the key beside it or wherever it is kept."""
        with atomic_path(page) as temporary_page, atomic_path(key) as temporary_key:
            temporary_page.write_text(self.page, encoding="utf-8")
            temporary_key.write_text(self.key.model_dump_json(indent=1, by_alias=True) + "\n", encoding="utf-8")


def split_of(name: str) -> str:
    """Return the part of a picture's name before its last ``_``, or ``""``."""
    return name.rpartition("_")[0]


def _common_names(a: Path, b: Path) -> tuple[list[str], list[str]]:
    found = []
    for folder in (a, b):
        if not folder.is_dir():
            raise InputError(f"{folder}: a folder of PNGs is expected, and there is none")
        found.append({path.stem for path in folder.glob("*.png")})
    common = sorted(found[0] & found[1])
    if not common:
        raise InputError(f"{a} and {b} have no PNG of the same name; write them with: oviton evaluate --pictures")
    alone = len(found[0] ^ found[1])
    return common, [f"left out, since the other folder has none of that name: {alone}"] if alone else []


def _spread(names: Sequence[str], rng: random.Random) -> list[str]:
    """Return the names in random order, the splits taking turns."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(split_of(name), []).append(name)
    for group in groups.values():
        rng.shuffle(group)
    longest = max(len(group) for group in groups.values())
    return [group[i] for i in range(longest) for group in groups.values() if i < len(group)]


def _data_uri(picture: UInt8Array) -> str:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "WEBP", lossless=True, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _fill_page(data: dict[str, object]) -> str:
    # "<" is escaped, so that no text can end the script element that holds it.
    parts = {
        "@STYLE@": (_PAGE / "page.css").read_text(encoding="utf-8"),
        "@SCRIPT@": (_PAGE / "page.js").read_text(encoding="utf-8"),
        "@DATA@": json.dumps(data).replace("<", "\\u003c"),
    }
    page = (_PAGE / "page.html").read_text(encoding="utf-8")
    for placeholder, text in parts.items():
        page = page.replace(placeholder, text)
    return page
