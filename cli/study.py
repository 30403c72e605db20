"""`oviton study make` and `oviton study score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from .console import check_outputs, out, status

if TYPE_CHECKING:
    from ..evaluation.study_score import Preference, StudyScore

app = typer.Typer(
    help="Let people judge: a local page of blinded pairs, and the score of their choices.", no_args_is_help=True
)


@app.command()
def make(
    a: Annotated[Path, typer.Argument(metavar="A_DIR", help="Folder of PNGs.")],
    b: Annotated[Path, typer.Argument(metavar="B_DIR", help="Folder of equally named PNGs.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The page to write; raters get this file only.")
    ] = Path("study.html"),
    key: Annotated[
        Path | None,
        typer.Option(help="The key to write, not for raters; by default the page's name with .key.json."),
    ] = None,
    a_name: Annotated[str | None, typer.Option(help="What A is called in the key; by default its folder.")] = None,
    b_name: Annotated[str | None, typer.Option(help="What B is called in the key; by default its folder.")] = None,
    reference: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of equally named PNGs to show above each pair.")
    ] = None,
    pairs: Annotated[int | None, typer.Option(min=1, help="Show so many pairs, spread over the splits.")] = None,
    question: Annotated[str | None, typer.Option(help="What to ask.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of order and sides.")] = 0,
) -> None:
    """Make a page on which people choose the better picture of each pair, not knowing which is which."""
    from ..evaluation.study import Study, StudyOptions

    key = key or output.with_suffix(".key.json")
    check_outputs([output, key], inputs=[a, b, *([reference] if reference is not None else [])])
    with status("encoding pictures"):
        study = Study.make(a, b, StudyOptions(a_name, b_name, reference, pairs, question, seed))
        study.write(output, key)
    for note in study.notes:
        out.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    size = len(study.page) / 1e6
    out.print(
        f"{escape(str(output))}: {len(study.key.pairs)} pairs, {size:.1f} MB; key in {escape(str(key))}", soft_wrap=True
    )


@app.command()
def score(
    answers: Annotated[list[Path], typer.Argument(metavar="ANSWERS...", help="The files that raters saved.")],
    key: Annotated[
        Path | None, typer.Option(help="The study's key; by default the one that lies beside the answers.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every number to this file.")] = None,
) -> None:
    """Unblind and count the choices."""
    from ..data.files import atomic_path
    from ..evaluation.study_score import find_key, open_key, score_study

    if json_file is not None:
        check_outputs([json_file], inputs=[])
    result = score_study(open_key(key or find_key(answers[0])), answers)
    if json_file is not None:
        with atomic_path(json_file) as temporary:
            temporary.write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _print(result)


def _print(result: StudyScore) -> None:
    out.print(f"A = {escape(result.a)}, B = {escape(result.b)}: {escape(result.question)}", soft_wrap=True)
    table = Table("votes", "A", "B", "undecided", "A preferred", "95 % interval", title=f"Study {result.study}")
    _add_row(table, "all", result.overall)
    for name, found in result.splits.items():
        _add_row(table, name, found)
    out.print(table)
    raters = Table("rater", "pairs", "A preferred", "undecided", "agrees with others", "seconds a pair")
    for rater in result.raters:
        raters.add_row(
            escape(rater.name or rater.id),
            f"{rater.answered} of {result.pairs}",
            _percent(rater.result.preference),
            str(rater.result.ties),
            _percent(rater.agreement),
            f"{rater.median_seconds:.1f}",
        )
    out.print(raters)
    if len(result.raters) > 1:
        out.print(f"raters agree on {_percent(result.agreement)} of what two of them decided (chance: 50 %)")
        if result.ci95_over_pairs is not None:
            low, high = result.ci95_over_pairs
            out.print(f"over other pairs the preference for A may be {low:.0%} to {high:.0%} (bootstrap over pairs)")
    low, high = result.left_ci95
    if result.left_share is not None and not low <= 0.5 <= high:
        out.print(
            f"[yellow]note:[/] the left picture was chosen {result.left_share:.0%} of the time; raters favour a side"
        )


def _add_row(table: Table, name: str, found: Preference) -> None:
    low, high = found.ci95
    interval = f"{low:.0%} to {high:.0%}" if found.preference is not None else "–"
    table.add_row(escape(name), str(found.a), str(found.b), str(found.ties), _percent(found.preference), interval)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
