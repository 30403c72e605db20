"""Rendered people with the body maps that the person parser sees, whose faults the generators are to know.

Labels, pairs and correspondence stay exact. Run as ``python -m oviton.training.prepared_people PEOPLE OUTPUT``.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import typer

from ..data.errors import InputError
from ..data.files import atomic_folder, atomic_path
from ..data.images import read_image, write_image
from ..prepare.preparer import Preparer
from .dataset import PAIRS_NAME

BODY_MAP = "densepose.png"


def prepare_people(
    people: Path, output: Path, preparer: Preparer, on_progress: Callable[[int, int], None] = lambda *_: None
) -> dict[str, str]:
    """Copy person folders and their pairs, with seen body maps; what is there is kept.

    Parameters
    ----------
    people
        A folder of `oviton render`.
    output
        The folder to write.
    preparer
        Sees the pictures.
    on_progress
        Called with how many are done, and of how many.

    Returns
    -------
    dict
        Why people were left out, by name.
    """
    output.mkdir(parents=True, exist_ok=True)
    left_out: dict[str, str] = {}
    names = sorted(path.name for path in people.iterdir() if (path / BODY_MAP).is_file())
    for number, name in enumerate(names, start=1):
        if not (output / name).is_dir():
            try:
                seen = preparer(read_image(people / name / "image.png"), name=name).densepose
            except InputError as error:
                left_out[name] = str(error)
                continue
            with atomic_folder(output / name, is_ours=lambda _: True) as folder:
                shutil.copytree(people / name, folder, ignore=shutil.ignore_patterns(BODY_MAP), dirs_exist_ok=True)
                assert seen is not None
                write_image(folder / BODY_MAP, seen)
        on_progress(number, len(names))
    with (people / PAIRS_NAME).open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    kept = [row for row in rows if not {*row[:2]} & left_out.keys()]
    with atomic_path(output / PAIRS_NAME) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *kept])
    return left_out


def main(people: Path, output: Path) -> None:
    """Write rendered people as the person parser sees them; go on where an earlier run stopped."""

    def tell(done: int, total: int) -> None:
        if done % 100 == 0:
            print(f"preparing people: {done} of {total}", flush=True)

    with Preparer.load() as preparer:
        left_out = prepare_people(people, output, preparer, tell)
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}")


if __name__ == "__main__":
    typer.run(main)
