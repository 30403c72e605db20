"""Whether the house is in order: layout, contracts, pictures, weights, speed, and commands that work in any folder.

``make accept-house`` prints every target with its measured value. What takes long is read from result files, which
name their commit: ``--clones`` and ``--against CHECKOUT`` write them.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...bundle.bundle import SHIPPED_BUNDLES, Bundle
from ..machine import write
from .clones import measure_clone
from .targets import ROOT, Target, judge, passes, read_result, runs
from .turns import measure_against

BEFORE = "dea0af0"
"""The commit before the house was built; lines are counted against it."""

CLONES = ("oviton", "oviton-main", "a b")
"""Names of folders; two of them are no Python names."""

TIMED = "a b"
"""The clone that is tested alone, so that its times count; the others may run side by side."""

TEST_MINUTES, CI_MINUTES = 10, 20
SLOWER = 1.03
MANY_MODULES = {"oviton.runtime.refinement"}
"""Folders within folders that a contract may name."""

ENGINE_LINES = 60


def main() -> None:
    """Judge, or measure what takes long."""
    parser = argparse.ArgumentParser(prog="python -m oviton.benchmarks.acceptance.house", description=__doc__)
    parser.add_argument("--clones", nargs="*", metavar="NAME", help="clone into folders of these names, and test there")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="time an older checkout and this one in turns")
    options = parser.parse_args()
    if options.clones is not None:
        for name in options.clones or CLONES:
            found = measure_clone(name, ("try-on", "test", *(["test-more"] if name == TIMED else ())))
            print(write("house-clones", {**read_result("house-clones")[0], name: found}))
    if options.against:
        print(write("house-bench", measure_against(options.against)))
    if options.clones is None and options.against is None:
        judge("One house", targets())


def targets() -> Iterator[Target]:
    """Yield every target; the quick ones are measured here."""
    yield from clones()
    yield ci_folder()
    yield passes("golden tests", "tests/golden")
    yield from speed()
    yield contracts(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    yield runs("import-linter", "lint-imports")
    yield passes("a new engine touches one file", "tests/engines", "-k", "extending")
    yield example_length(ROOT / "docs" / "extending.md")
    yield walk(ROOT / "docs" / "architecture.md")
    yield lines()


def clones() -> Iterator[Target]:
    """Judge what `measure_clone` found."""
    results, missing = read_result("house-clones")
    for name in CLONES:
        for command, limit in (("try-on", None), ("test", TEST_MINUTES if name == TIMED else None)):
            wanted = "exit 0" + (f" in under {limit} min" if limit else "")
            found = results.get(name, {}).get(command)
            if found is None:
                yield Target(f"make {command} in a clone named {name!r}", wanted, missing, passed=False)
                continue
            minutes = found["seconds"] / 60
            yield Target(
                f"make {command} in a clone named {name!r}",
                wanted,
                f"exit {found['status']} in {minutes:.1f} min, commit {found['commit']}",
                found["status"] == 0 and (limit is None or minutes < limit),
            )
    both = [results.get(TIMED, {}).get(command) for command in ("test", "test-more")]
    found_both = [run for run in both if run is not None]
    minutes = sum(run["seconds"] for run in found_both) / 60
    yield Target(
        "CI: make test, then make test-more",
        f"exit 0 in under {CI_MINUTES} min",
        f"{minutes:.1f} min, commit {found_both[-1]['commit']}" if found_both else missing,
        len(found_both) == 2 and all(run["status"] == 0 for run in found_both) and minutes < CI_MINUTES,
    )


def ci_folder() -> Target:
    """Judge the folder that CI runs in, by its script."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    found = re.findall(r"git clone .*/([^/\"\n]+)\"", script)
    odd = [name for name in found if not name.isidentifier()]
    wanted = "a clone whose name is no Python name, make test, make test-more"
    commands = all(f"\nmake {target}\n" in f"{script}\n" for target in ("test", "test-more"))
    return Target("CI's folder", wanted, ", ".join(found) or "the checkout itself", bool(odd) and commands)


def speed() -> Iterator[Target]:
    """Judge what `measure_against` found."""
    results, commit = read_result("house-bench")
    wanted = f"at most {SLOWER} times as long as before"
    if results and results["bundle"] != Bundle.open(SHIPPED_BUNDLES / "base").manifest.digest:
        results, commit = {}, f"measured with another bundle, {results['bundle'][:12]}…; measure again"
    if not results:
        yield Target("headlines, before and after in turns", wanted, commit, passed=False)
        return
    for name, found in results["ratios"].items():
        measured = f"{found['value']:.3f} ({found['low']:.3f} to {found['high']:.3f}), {commit}"
        yield Target(f"{name}, after over before", wanted, measured, found["value"] <= SLOWER)


def contracts(project: dict[str, Any]) -> Target:
    """Judge whether import-linter's contracts name folders only."""
    named = {
        module.strip().removesuffix(".**")
        for contract in project["tool"]["importlinter"]["contracts"]
        for key in ("layers", "modules", "source_modules", "forbidden_modules", "ignore_imports")
        for entry in contract.get(key, ())
        for module in re.split(r"\||->", entry)
        if module.strip().startswith("oviton.")
    }
    deeper = sorted(name for name in named if name.count(".") != 1 and name not in MANY_MODULES)
    measured = f"{len(named)} names" + (f", deeper: {', '.join(deeper)}" if deeper else ", all folders")
    return Target("import-linter's contracts", "name folders only", measured, not deeper)


def example_length(page: Path) -> Target:
    """Judge the length of the docs' example of an engine, their longest block of Python."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    longest = max((block.count("\n") for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)), default=0)
    wanted = f"1 to {ENGINE_LINES} lines"
    return Target(f"the engine in docs/{page.name}", wanted, f"{longest} lines", 0 < longest <= ENGINE_LINES)


def walk(page: Path) -> Target:
    """Judge whether a page holds a walk, and whether every file that it names is there."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    walks = [title for title in re.findall(r"^## (.+)$", text, re.MULTILINE) if "step by step" in title]
    names = set(re.findall(r"`([\w/]+(?:\.py|/))`", text))
    known = {file.name for file in ROOT.glob("[!.]*/**/*.py")}
    absent = sorted(name for name in names if not (ROOT / name).exists() and name not in known)
    measured = f"{len(walks)} walk, {len(names)} files named" + (f", absent: {', '.join(absent)}" if absent else "")
    return Target(
        f"docs/{page.name}", "one walk; every file that it names exists", measured, len(walks) == 1 and not absent
    )


def lines() -> Target:
    """Count lines of Python by folder, before and now."""
    before, now = count_lines(BEFORE), count_lines("HEAD")
    rows = [f"{folder} {before[folder]} → {now[folder]}" for folder in sorted({*before, *now})]
    return Target("lines of Python", "", "\n".join([*rows, f"all {before.total()} → {now.total()}"]))


def count_lines(commit: str) -> Counter[str]:
    """Return lines of Python by top folder of a commit; none when a shallow clone lacks it."""
    command = ["git", "-C", str(ROOT), "grep", "--count", "", commit, "--", "*.py"]
    found: Counter[str] = Counter()
    for line in subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines():
        _, path, count = line.split(":")
        found[path.split("/")[0] if "/" in path else "."] += int(count)
    return found


if __name__ == "__main__":
    main()
