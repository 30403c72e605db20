import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from oviton.data.errors import InputError
from oviton.data.files import atomic_folder, atomic_path, check_target


def marked(folder):
    return (folder / "mark").is_file()


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_failure_leaves_the_old_file(tmp_path):
    target = tmp_path / "out.txt"
    target.write_text("old")

    def fail_half_way():
        with atomic_path(target) as temporary:
            temporary.write_text("new")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


def test_file_gets_ordinary_permissions(tmp_path):
    mask = os.umask(0o022)
    try:
        with atomic_path(tmp_path / "sub" / "out.txt") as temporary:
            temporary.write_text("new")
    finally:
        os.umask(mask)
    assert (tmp_path / "sub" / "out.txt").stat().st_mode & 0o777 == 0o644


def test_a_writer_that_replaces_the_file_gives_it_no_permissions_of_its_own(tmp_path):
    mask = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "out.safetensors") as temporary:
            save_file({"x": np.zeros(1, np.float16)}, temporary)
    finally:
        os.umask(mask)
    assert (tmp_path / "out.safetensors").stat().st_mode & 0o777 == 0o640


def test_folder_target_is_refused(tmp_path):
    (tmp_path / "out.png").mkdir()
    with pytest.raises(InputError, match="folder"), atomic_path(tmp_path / "out.png") as temporary:
        temporary.write_text("new")
    assert names(tmp_path) == ["out.png"]


def test_failed_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "bundle"
    with atomic_folder(target, is_ours=marked) as folder:
        (folder / "mark").write_text("1")

    def fail_half_way():
        with atomic_folder(target, is_ours=marked) as folder:
            (folder / "mark").write_text("2")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert (target / "mark").read_text() == "1"
    assert names(tmp_path) == ["bundle"]


def test_folder_of_someone_else_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"), atomic_folder(tmp_path, is_ours=marked):
        pass
    assert (tmp_path / "thesis.txt").exists()


def test_a_link_is_followed_not_replaced(tmp_path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    with atomic_path(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_devices_pipes_and_loops_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path / "pipe", tmp_path / "loop", Path("/dev/null")):
        with pytest.raises(InputError, match="cannot write"):
            check_target(path)
    assert Path("/dev/null").is_char_device()


def test_a_file_is_no_parent(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file is a file, not a folder"):
        check_target(tmp_path / "file" / "x.png")


def test_a_linked_folder_is_replaced_behind_its_link(tmp_path):
    with atomic_folder(tmp_path / "real", is_ours=marked) as folder:
        (folder / "mark").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_folder(tmp_path / "link", is_ours=marked) as folder:
        (folder / "mark").write_text("2")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "mark").read_text() == "2"
    assert sorted(names(tmp_path)) == ["link", "real"]


def test_a_failed_swap_restores_the_old_folder(tmp_path, monkeypatch):
    target = tmp_path / "bundle"
    with atomic_folder(target, is_ours=marked) as folder:
        (folder / "mark").write_text("1")
    replace = Path.replace

    def fail_for_the_new(self, other):
        if self.suffix != ".old" and Path(other) == target:
            raise OSError(28, "No space left on device")
        return replace(self, other)

    def write_anew():
        with atomic_folder(target, is_ours=marked) as folder:
            (folder / "mark").write_text("2")

    monkeypatch.setattr(Path, "replace", fail_for_the_new)
    with pytest.raises(InputError, match="No space left"):
        write_anew()
    assert (target / "mark").read_text() == "1"
    assert names(tmp_path) == ["bundle"]


def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="the folder you are in"), atomic_folder(Path(), is_ours=marked):
        pass
