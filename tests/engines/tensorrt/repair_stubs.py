"""Write TensorRT's published type stubs where mypy reads them, with their few syntax errors mended.

The stubs were generated from the library: a parameter is called ``in``, which Python does not allow, and one without a
default follows others with one. They come without `py.typed`, so mypy passes them by where pip puts them.

    python tests/engines/tensorrt/repair_stubs.py FOLDER
"""

from __future__ import annotations

import re
import sys
from importlib.metadata import files
from pathlib import Path

DISTRIBUTION = "tensorrt-stubs"


def repair(text: str) -> str:
    """Return stubs that parse, and that import nothing but each other."""
    text = re.sub(r"\bin: (?=list\[)", "in_: ", text)
    text = re.sub(r"(Weights = None, channel_axis: int)(\) -> IScaleLayer)", r"\1 = ...\2", text)
    text = re.sub(r"^(import|from) tensorrt_libs.*$", "", text, flags=re.MULTILINE)
    return "# mypy: ignore-errors\n" + text


def main(folder: Path) -> None:
    """Write the repaired stubs into `folder`."""
    found = [file for file in files(DISTRIBUTION) or () if file.suffix == ".pyi"]
    for file in found:
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(repair(Path(file.locate()).read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
