"""Dress one person each time that a line with an engine's name comes in, and answer with the seconds that it took.

Run as a file, with whatever ``oviton`` its search path leads to, so that two versions can be timed in turns. It uses
the public names only.
"""

import sys
import time
from pathlib import Path

from oviton import Garment, Person, TryOn


def main(people: Path) -> None:
    """Answer until the input ends."""
    person = Person.open(people / "hugo")
    garments = [Garment.open(people / "ana", wear="upper_clothes"), Garment.open(people / "ben", wear="pants")]
    loaded: dict[str, TryOn] = {}
    for line in sys.stdin:
        engine = line.strip()
        if engine not in loaded:
            loaded[engine] = TryOn.load(engine=engine)
        started = time.perf_counter()
        loaded[engine](person, garments)
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
