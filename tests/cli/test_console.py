from pathlib import Path

import pytest

from oviton.cli.console import check_outputs
from oviton.data.errors import InputError


def never(_):
    return False


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty current folder, with an input folder and an empty folder in it."""
    monkeypatch.chdir(tmp_path)
    Path("read").mkdir()
    Path("read/kept.safetensors").touch()
    Path("empty").mkdir()


def everything():
    return sorted(str(path) for path in Path().rglob("*"))


@pytest.mark.parametrize(
    ("outputs", "inputs", "folder", "words"),
    [
        (["d/look.png"], [], "d", "d/look.png lies in the output d; write it beside that, not into it"),
        (["d/a/r.json"], [], "d", "d/a/r.json lies in the output d"),
        (["empty/look.png"], [], "empty", "empty/look.png lies in the output empty"),
        (["link/look.png"], [], "empty", "link/look.png lies in the output empty"),
        (["look.png"], [], "look.png/d", "look.png/d lies in the output look.png"),
        (["a.png", "a.png/r.json"], [], None, "a.png/r.json lies in the output a.png"),
        (["a.png", "./a.png"], [], None, "a.png is named for two outputs"),
        (["d"], [], "d", "d is named for two outputs"),
        (["read/r.json"], ["read"], None, "read/r.json lies in the input folder read"),
        ([], ["read"], "read/d", "read/d lies in the input folder read"),
        ([], ["read/kept.safetensors"], "read", "read holds other files, so it is not replaced; choose a new or empty"),
        (["read/kept.safetensors"], ["read/kept.safetensors"], None, "kept.safetensors is read too"),
        (["read"], [], None, "read: it is a folder; name a file"),
        ([], [], "read/kept.safetensors", "a file of that name exists; choose another name"),
    ],
)
def test_outputs_that_would_harm_are_refused(outputs, inputs, folder, words):
    Path("link").symlink_to("empty")
    before = everything()
    folders = {Path(folder): never} if folder else None
    with pytest.raises(InputError, match=words):
        check_outputs([Path(path) for path in outputs], [Path(path) for path in inputs], folders)
    assert everything() == before


def test_an_input_in_a_folder_that_would_be_replaced_is_refused():
    with pytest.raises(InputError, match="read is written as a whole, but the input read/kept"):
        check_outputs([], [Path("read/kept.safetensors")], {Path("read"): lambda _: True})


def test_outputs_beside_each_other_are_fine_and_leave_no_trace():
    before = everything()
    check_outputs([Path("d/look.png"), Path("d/r.json")], [Path("read")], {Path("d/frames"): never})
    check_outputs([Path("look.png")], [], {Path("empty"): never})
    assert everything() == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
@pytest.mark.parametrize("path", ["/proc/x.png", "/proc/new/x.png"])
def test_a_place_that_takes_no_files_is_refused(path):
    for outputs, folders in (([Path(path)], None), ([], {Path(path): never})):
        with pytest.raises(InputError, match=f"cannot write {path}: /proc .*choose another folder"):
            check_outputs(outputs, [], folders)
