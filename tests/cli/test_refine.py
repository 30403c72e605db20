import io
import json

import pytest
from rich.console import Console

from oviton.cli import refine
from oviton.runtime.refinement.step import RefinementStep


@pytest.fixture
def dress(run, people, out, tiny_bundle_folder):
    def call(*more):
        return run(
            "try-on", people / "hugo", "--wear", f"upper_clothes={people / 'ana'}", "--bundle", tiny_bundle_folder,
            "--engine", "onnxruntime", "-o", out / "look.png", *more,
        )  # fmt: skip

    return call


def test_refines_keeps_the_outfit_and_wears_it_again(dress, out, read_picture):
    frames, outfit = out / "frames", out / "o.safetensors"
    status, stdout, stderr = dress(
        "--refine",
        6,
        "--frames",
        frames,
        "--save-outfit",
        outfit,
        "--report",
        out / "report.json",
        "--plot",
        out / "curve.png",
    )
    assert status == 0, stderr
    assert "refined in 6 steps" in stdout
    assert "o.safetensors: kept" in stdout
    assert "[6/6] loss" in stderr
    assert [p.name for p in sorted(frames.iterdir())] == [f"step_{i:04d}.png" for i in range(1, 7)]
    told = json.loads((out / "report.json").read_text())["refinement"]
    assert told["accepted"]
    assert told["peak_memory_mb"] > 50
    curve = read_picture(out / "curve.png")
    assert curve.shape[:2] == (480, 840)
    assert curve[..., :3].std() > 10
    assert told["losses_after"]["loss"] < told["losses_before"]["loss"]
    refined = read_picture(out / "look.png").astype(int)
    status, stdout, _ = dress("--outfit", outfit)
    assert status == 0
    assert "a refined outfit is worn" in stdout
    assert abs(read_picture(out / "look.png") - refined).mean() < 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--refine", "0"], "steps: 0 given; allowed: 1 to"),
        (["--refine", "-5"], "steps: -5 given"),
        (["--time-budget", "3"], "--time-budget goes with --refine"),
        (["--seed", "3"], "--seed goes with --refine"),
        (["--always"], "--always goes with --refine"),
        (["--plot", "curve.png"], "--plot goes with --refine"),
        (["--refine", "3", "--plot", "curve.txt"], "allowed: a name that ends in .png, .svg, .pdf"),
        (["--refine", "3", "--time-budget", "0"], "allowed: more than 0"),
        (["--save-outfit", "o.safetensors"], "goes with --refine"),
        (["--refine", "3", "--save-outfit", "o.pt"], "ends in .safetensors"),
        (["--refine", "3", "--outfit", "o.safetensors"], "choose one"),
        (["--outfit", "nowhere.safetensors"], "no such file"),
    ],
)
def test_wrong_options_are_one_line_and_no_file(dress, out, arguments, words):
    status, stdout, stderr = dress(*arguments)
    assert status == 2
    assert stdout == ""
    assert words in stderr
    assert stderr.count("\n") == 1
    assert not list(out.iterdir())


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ("d", "look.png lies in the output"),
        ("full", "full holds other files, so it is not replaced; choose a new or empty folder"),
        ("full/file", "a file of that name exists; choose another name"),
        ("full/file/frames", "file is a file, not a folder"),
    ],
)
def test_frames_that_would_harm_are_told_before_photographs_are_read(run, out, frames, words):
    (out / "full").mkdir()
    (out / "full" / "file").write_text("years of work")
    status, stdout, stderr = run(
        "try-on", out / "nobody", "--remove", "coat", "--refine", 3, "--frames", out / frames,
        "-o", out / "d" / "look.png",
    )  # fmt: skip
    assert (status, stdout, stderr.count("\n")) == (2, "", 1)
    assert words in stderr
    assert [path.name for path in out.rglob("*")] == ["full", "file"]


@pytest.mark.parametrize("exists", [False, True])
def test_new_and_empty_folders_take_frames(run, out, exists):
    if exists:
        (out / "frames").mkdir()
    _, _, stderr = run(
        "try-on", out / "nobody", "--remove", "coat", "--refine", 3, "--frames", out / "frames", "-o", out / "look.png"
    )
    assert "nobody: a folder is expected" in stderr


def test_a_refinement_that_fails_leaves_no_frames(run, people, out, tiny_bundle_folder):
    status, _, stderr = run(
        "try-on", people / "hugo", "--wear", f"hat={people / 'hugo'}", "--bundle", tiny_bundle_folder,
        "-o", out / "look.png", "--refine", 3, "--frames", out / "frames",
    )  # fmt: skip
    assert status == 2
    assert "at least 64" in stderr
    assert not list(out.iterdir())


def test_a_short_time_budget_says_so(dress, out):
    status, stdout, _ = dress("--refine", 5, "--time-budget", "0.001", "--save-outfit", out / "o.safetensors")
    assert status == 0
    assert "of the time budget of 0.001 s, preparation took" in stdout
    assert "not written, since nothing was refined" in stdout
    assert not (out / "o.safetensors").exists()


@pytest.mark.parametrize(("width", "whole"), [(80, False), (200, True)])
def test_the_bar_has_room_on_any_terminal(monkeypatch, width, whole):
    screen = io.StringIO()
    monkeypatch.setattr(refine, "err", Console(file=screen, force_terminal=True, width=width, color_system=None))
    losses = {"loss": 22.742, "reference": 12.3, "kept": 4.5, "lookup": 5.868, "adversarial": 0.074}
    with refine.shown_steps(12, None) as on_step:
        on_step(RefinementStep(3, losses, None, 1.0))
    lines = [line for line in screen.getvalue().replace("\r", "\n").splitlines() if "3/12" in line]
    assert any("━" in line and "loss 22.742" in line for line in lines)
    assert any("adversarial 0.074" in line for line in lines) == whole
