"""The command line as a user meets it: real processes for the main path, one process for the many ways to be wrong."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oviton.bundle.bundle import Bundle
from oviton.engines.registry import engine_names


def wear(people, name="ben", classes="upper_clothes"):
    return ["--wear", f"{classes}={people / name}"]


def test_try_on_in_a_real_process(people, out, read_picture):
    command = [
        sys.executable, "-m", "oviton", "try-on", people / "ana", *wear(people), "-o", out / "look.png",
        "--labels-out", out / "labels.png", "--report", out / "report.json", "--engine", "onnxruntime",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    assert "look.png: 256x512, onnxruntime fp32 on cpu" in done.stdout
    assert "untrained" not in done.stdout
    assert read_picture(out / "look.png").shape == (512, 256, 3)
    assert read_picture(out / "labels.png").max() < 20
    assert json.loads((out / "report.json").read_text())["engine"]["name"] == "onnxruntime"
    assert sorted(p.name for p in out.iterdir()) == ["labels.png", "look.png", "report.json"]


def test_same_request_same_bytes(run, people, out):
    for name in ("a", "b"):
        run("try-on", people / "ana", *wear(people), "-o", out / f"{name}.png", "--engine", "onnxruntime")
    assert (out / "a.png").read_bytes() == (out / "b.png").read_bytes()


def test_a_jpeg_is_written_and_its_loss_is_said(run, people, out):
    arguments = ["--engine", "onnxruntime", "-o", out / "look.jpg", "--report", out / "report.json"]
    status, stdout, stderr = run("try-on", people / "ana", *wear(people), *arguments)
    assert status == 0, stderr
    assert "note: JPEG changes every pixel; write .png or .webp" in stdout
    assert any("JPEG" in note for note in json.loads((out / "report.json").read_text())["notes"])


def damage(folder: Path, what: str) -> None:
    if what == "missing image":
        (folder / "image.png").unlink()
    elif what == "no picture":
        (folder / "image.png").write_text("hello")
    elif what == "empty picture":
        (folder / "image.png").write_bytes(b"")
    elif what == "label 20":
        Image.fromarray(np.full((512, 256), 20, np.uint8)).save(folder / "labels.png")
    elif what == "labels of another size":
        Image.fromarray(np.zeros((5, 7), np.uint8)).save(folder / "labels.png")
    elif what == "part 25":
        Image.fromarray(np.full((512, 256, 3), 25, np.uint8)).save(folder / "densepose.png")
    elif what == "no body map":
        (folder / "densepose.png").unlink()
    elif what == "bomb":
        Image.new("1", (16_000, 16_000)).save(folder / "image.png")


DAMAGES = {
    "missing image": ("ana", "no photograph found; allowed names: image.jpg"),
    "no picture": ("image.png", "not a picture; allowed: JPEG, PNG, WEBP"),
    "empty picture": ("image.png", "not a picture; allowed: JPEG, PNG, WEBP"),
    "label 20": ("labels.png", "label id 20 found; allowed: 0 to 19"),
    "labels of another size": ("labels.png", "7x5 found, but image.png is 256x512"),
    "part 25": ("densepose.png", "DensePose part 25 found; allowed: 0 to 24"),
    "no body map": ("ana", "a person needs a body map"),
    "bomb": ("image.png", "allowed: up to 67 Mpx"),
}


def assert_refused(result, *words):
    status, stdout, stderr = result
    assert status == 2, stderr
    assert stdout == ""
    assert stderr.startswith("oviton: ")
    assert stderr.count("\n") == 1
    for word in words:
        assert word in stderr


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_person_is_one_line_and_no_file(run, people, person_copy, out, what):
    damage(person_copy, what)
    assert_refused(run("try-on", person_copy, *wear(people), "-o", out / "look.png"), *DAMAGES[what])
    assert not list(out.iterdir())


REQUESTS = {
    "no such person": (["{people}/nobody", "--wear", "coat={people}/dev"], ["nobody", "a folder is expected"]),
    "no such garment": (["{people}/ana", "--wear", "coat={people}/nobody"], ["nobody", "a folder is expected"]),
    "unknown class": (["{people}/ana", "--wear", "rucksack={people}/ben"], ["'rucksack' is unknown", "allowed: hat"]),
    "no garment": (["{people}/ana", "--wear", "face={people}/ben"], ["'face' is not a garment"]),
    "class absent": (["{people}/ana", "--wear", "coat={people}/ben"], ["ben", "no pixel is labelled coat"]),
    "no equals sign": (["{people}/ana", "--wear", "coat"], ["--wear 'coat'", "CLASS[,CLASS]=FOLDER"]),
    "worn and removed": (
        ["{people}/ana", "--wear", "coat={people}/dev", "--remove", "coat"],
        ["coat is to be worn from", "and removed; choose one"],
    ),
    "worn twice": (
        ["{people}/ana", "--wear", "pants={people}/ben", "--wear", "pants={people}/dev"],
        ["pants is to be worn from both"],
    ),
    "nothing to do": (["{people}/ana"], ["nothing to do", "--wear or --remove"]),
    "nine garments": (["{people}/ana", *["--wear", "coat={people}/dev"] * 9], ["9 garments given; allowed: up to 8"]),
    "unknown engine": (["{people}/ana", "--remove", "coat", "--engine", "gpu"], ["'gpu' is unknown; allowed: auto"]),
    "unknown precision": (["{people}/ana", "--remove", "coat", "--precision", "fp8"], ["no precision 'fp8'"]),
    "no bundle": (["{people}/ana", "--remove", "coat", "--bundle", "{people}"], ["people: not a bundle"]),
    "unknown picture type": (["{people}/ana", "--remove", "coat", "-o", "{out}/a.gif"], ["a.gif", "allowed endings"]),
    "lossy labels": (["{people}/ana", "--remove", "coat", "--labels-out", "{out}/a.jpg"], ["a.jpg", "endings: .png"]),
    "one file for two outputs": (
        ["{people}/ana", "--remove", "coat", "-o", "{out}/a.png", "--labels-out", "{out}/a.png"],
        ["a.png", "two outputs"],
    ),
    "no person": ([], ["Missing argument", "--help"]),
    "unknown option": (["{people}/ana", "--magic"], ["No such option: --magic", "--help"]),
    "labels into a folder": (["{people}/ana", "--remove", "coat", "--labels-out", "{out}/.."], ["allowed endings"]),
    "report into a folder": (["{people}/ana", "--remove", "coat", "--report", "{out}"], ["out", "it is a folder"]),
    "report into a device": (["{people}/ana", "--remove", "coat", "--report", "/dev/null"], ["not a regular file"]),
    "output under a file": (["{people}/ana", "--remove", "coat", "-o", "{people}/ana/image.png/x.png"], ["is a file"]),
    "output where no file can be": (
        ["{people}/nobody", "--remove", "coat", "-o", "/proc/x.png"],
        ["cannot write /proc/x.png", "choose another folder"],
    ),
    "report where no file can be": (
        ["{people}/nobody", "--remove", "coat", "--report", "/proc/x"],
        ["cannot write /proc/x", "choose another folder"],
    ),
    "name too long": (["x" * 300, "--remove", "coat"], ["File name too long"]),
}


@pytest.mark.parametrize("what", REQUESTS)
def test_a_wrong_request_is_one_line_and_no_file(run, people, out, what):
    arguments, words = REQUESTS[what]
    filled = [a.format(people=people, out=out) for a in arguments]
    output = [] if "-o" in filled else ["-o", out / "look.png"]
    assert_refused(run("try-on", *filled, *output), *words)
    assert not list(out.iterdir())


@pytest.mark.parametrize("what", ["flipped byte", "truncated", "newer schema"])
def test_a_damaged_bundle_is_refused(run, people, bundle_copy, out, what):
    path = bundle_copy / "appearance_generator.fp16.onnx"
    if what == "flipped byte":
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif what == "truncated":
        path.write_bytes(path.read_bytes()[:100])
    else:
        path = bundle_copy / "manifest.json"
        path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    result = run("try-on", people / "ana", *wear(people), "--bundle", bundle_copy, "-o", out / "look.png")
    assert_refused(result, path.name)
    assert not list(out.iterdir())


@pytest.mark.parametrize("option", ["-o", "--report", "--labels-out"])
def test_inputs_are_never_overwritten(run, people, person_copy, out, option):
    before = (person_copy / "labels.png").read_bytes()
    output = [] if option == "-o" else ["-o", out / "look.png"]
    result = run("try-on", person_copy, "--remove", "coat", option, person_copy / "labels.png", *output)
    assert_refused(result, "labels.png lies in the input folder")
    assert (person_copy / "labels.png").read_bytes() == before
    assert not list(out.iterdir())


def test_a_second_photograph_is_not_put_beside_the_first(run, people, person_copy):
    result = run("try-on", person_copy, "--remove", "coat", "-o", person_copy / "image.jpg")
    assert_refused(result, "image.jpg lies in the input folder")
    assert not (person_copy / "image.jpg").exists()


def test_a_bundle_is_never_written_into(run, people, bundle_copy, out):
    report = bundle_copy / "manifest.json"
    before = report.read_bytes()
    arguments = ["--remove", "coat", "--bundle", bundle_copy, "--report", report, "-o", out / "look.png"]
    assert_refused(run("try-on", people / "ana", *arguments), "manifest.json lies in the input folder")
    assert report.read_bytes() == before


def test_no_arguments_print_the_help(run):
    status, stdout, stderr = run()
    assert status == 2
    assert "try-on" in stdout
    assert stderr == ""


def test_ctrl_c_is_a_cancellation(run, people, out, monkeypatch):
    from oviton.runtime.try_on import TryOn

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TryOn, "__call__", interrupt)
    result = run("try-on", people / "ana", *wear(people), "-o", out / "look.png", "--engine", "onnxruntime")
    assert (result[0], result[2]) == (130, "oviton: cancelled\n")
    assert not list(out.iterdir())


def test_an_old_picture_survives_a_failed_request(run, people, out):
    (out / "look.png").write_bytes(b"old")
    run("try-on", people / "ana", "--wear", f"coat={people / 'ben'}", "-o", out / "look.png")
    assert (out / "look.png").read_bytes() == b"old"


def test_output_that_is_a_folder_is_refused(run, people, out):
    (out / "look.png").mkdir()
    result = run("try-on", people / "ana", *wear(people), "-o", out / "look.png", "--engine", "onnxruntime")
    assert_refused(result, "look.png", "folder")
    assert [p.name for p in out.iterdir()] == ["look.png"]


def test_compile_twice_hits_the_cache(run, tiny_bundle_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("OVITON_CACHE", str(tmp_path / "plans"))
    monkeypatch.setenv("COLUMNS", "200")
    first = run("compile", tiny_bundle_folder, "--engine", "openvino", "--precision", "fp32")
    second = run("compile", tiny_bundle_folder, "--engine", "openvino", "--precision", "fp32")
    assert first[0] == second[0] == 0
    assert (first[1].count("built"), second[1].count("cache")) == (5, 5)


def test_exported_checkpoint_dresses_a_person(run, people, exported, out):
    """The spine itself: checkpoint, bundle, engine, picture."""
    bundle, printed = exported
    assert "bundle: tiny 64x32" in printed
    assert "untrained" not in printed
    status, stdout, _ = run(
        "try-on", people / "ana", *wear(people), "--bundle", bundle, "-o", out / "look.png", "--engine", "torch"
    )
    assert status == 0
    assert "torch fp32 on cpu" in stdout
    assert "untrained" not in stdout
    assert (out / "look.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["checkpoint folder or --untrained PRESET"]),
        (["nowhere"], ["shape.safetensors", "no such file"]),
        (["--untrained", "huge"], ["'huge' is unknown; allowed: paper"]),
        (["--untrained", "tiny", "--conditioning", "magic"], ["'magic'", "codes, surface"]),
        (["nowhere", "--conditioning", "surface"], ["nowhere brings its own", "--untrained"]),
        (["--untrained", "tiny", "--samples", "nowhere"], ["nowhere", "no such folder"]),
    ],
)
def test_wrong_export_is_one_line(run, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert_refused(run("export", *arguments), *words)
    assert not list(tmp_path.iterdir())


def test_export_never_replaces_a_strangers_folder(run, people, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    result = run("export", "--untrained", "tiny", "-o", tmp_path, "--samples", people)
    assert_refused(result, "holds other files")
    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.slow
def test_a_bundle_is_exported_anew_under_its_own_name_with_its_own_people(run, bundle_copy, tmp_path):
    older = Bundle.open(bundle_copy).manifest.model_copy(update={"name": "ours", "digest": ""})
    older = older.model_copy(update={"digest": older.compute_digest()})
    (bundle_copy / "manifest.json").write_text(older.model_dump_json(), encoding="utf-8")
    status, _, stderr = run("export", bundle_copy, "-o", tmp_path / "new")
    assert status == 0, stderr
    new = Bundle.open(tmp_path / "new").manifest
    assert (new.name, new.trained, new.samples) == ("ours", older.trained, older.samples)
    kept = [name for name in older.files if name.startswith("samples/") or name.endswith(".safetensors")]
    assert all(new.files[name] == older.files[name] for name in kept)


def test_doctor_names_every_engine(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    status, stdout, _ = run("doctor")
    assert status == 0
    for word in ("openvino", "onnxruntime", "tensorrt-rtx", "torch", "cuda", "GPU: ", "engine=auto takes:"):
        assert word in stdout
    values = json.loads(run("doctor", "--json")[1])
    assert {e["engine"] for e in values["engines"]} == set(engine_names())
    assert all(e["runs"] or e["reason"] for e in values["engines"])


def test_paths_are_printed_as_they_are(run, people, out):
    odd = out / ":bomb: [red]a  b[" / "é=x.png"
    status, stdout, _ = run("try-on", people / "ana", *wear(people), "-o", odd, "--engine", "onnxruntime")
    assert status == 0
    assert str(odd) in stdout
    assert odd.is_file()


def test_a_terminal_without_utf8_gets_its_message(people, out):
    command = [sys.executable, "-m", "oviton", "compile", "--engine", "onnxruntime"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "shape_encoder" in done.stdout


def test_a_reader_that_leaves_early_is_no_failure(people, out):
    command = f"{shlex.quote(sys.executable)} -m oviton doctor --json | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""


def test_termination_leaves_no_temporary_files(people, out):
    command = [sys.executable, "-m", "oviton", "export", "--untrained", "tiny", "-o", out / "b", "--samples", people]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert "exporting" in process.stderr.readline()
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert not list(out.iterdir())


def test_version(run):
    from oviton import __version__

    assert run("--version")[:2] == (0, f"{__version__}\n")


def test_a_bug_is_one_line_and_exit_1(run, people, out, monkeypatch):
    from oviton.runtime.try_on import TryOn

    monkeypatch.setattr(TryOn, "__call__", lambda *_: 1 / 0)
    result = run("try-on", people / "ana", *wear(people), "-o", out / "look.png", "--engine", "onnxruntime")
    assert result[0] == 1
    assert "ZeroDivisionError" in result[2]
    assert result[2].count("\n") == 1


@pytest.mark.more
def test_concurrent_runs_share_one_cache(people, out, tmp_path):
    command = [sys.executable, "-m", "oviton", "try-on", people / "ana", *wear(people), "--engine", "openvino"]
    environment = {"OVITON_CACHE": str(tmp_path / "plans"), "PATH": "/usr/bin:/bin"}
    started = [
        subprocess.Popen([*command, "-o", out / f"{i}.png"], env=environment, stderr=subprocess.PIPE) for i in range(2)
    ]
    for process in started:
        assert process.wait(timeout=120) == 0, process.stderr.read()
        process.stderr.close()
    assert (out / "0.png").read_bytes() == (out / "1.png").read_bytes()
    shutil.rmtree(tmp_path / "plans")
