import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from oviton.data.errors import InputError
from oviton.data.files import (
    atomic_folder,
    atomic_path,
    check_folder_target,
    check_target,
    check_writable,
    others_may_write,
)


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


def never(_):
    return False


@pytest.mark.parametrize("is_ours", [never, marked])
@pytest.mark.parametrize("existed", [False, True])
def test_what_others_put_there_meanwhile_stays(tmp_path, is_ours, existed):
    target = tmp_path / "frames"
    if existed:
        target.mkdir()

    def write():
        with atomic_folder(target, is_ours=is_ours) as folder:
            (folder / "step.png").write_text("new")
            target.mkdir(exist_ok=True)
            (target / "thesis.txt").write_text("years of work")

    with pytest.raises(InputError, match="frames changed meanwhile, so the new folder was not written"):
        write()
    assert (target / "thesis.txt").read_text() == "years of work"
    assert names(target) == ["thesis.txt"]
    assert names(tmp_path) == ["frames"]


def test_our_folder_that_became_someone_elses_stays(tmp_path):
    target = tmp_path / "bundle"
    with atomic_folder(target, is_ours=marked) as folder:
        (folder / "mark").write_text("1")

    def write_anew():
        with atomic_folder(target, is_ours=lambda folder: names(folder) == ["mark"]) as folder:
            (folder / "mark").write_text("2")
            (target / "thesis.txt").write_text("years of work")

    with pytest.raises(InputError, match="bundle holds other files"):
        write_anew()
    assert sorted(names(target)) == ["mark", "thesis.txt"]
    assert (target / "mark").read_text() == "1"
    assert names(tmp_path) == ["bundle"]


def test_a_file_that_appeared_in_a_folders_place_stays(tmp_path):
    target = tmp_path / "frames"

    def write():
        with atomic_folder(target, is_ours=lambda _: True):
            target.write_text("years of work")

    with pytest.raises(InputError, match=r"frames changed meanwhile.*a file of that name exists"):
        write()
    assert target.read_text() == "years of work"
    assert names(tmp_path) == ["frames"]


def test_files_that_come_after_the_last_look_are_not_lost(tmp_path, monkeypatch):
    target = tmp_path / "frames"
    replace = Path.replace

    def be_overtaken(self, other):
        target.mkdir()
        (target / "thesis.txt").write_text("years of work")
        return replace(self, other)

    def write():
        with atomic_folder(target, is_ours=never) as folder:
            (folder / "step.png").write_text("new")

    monkeypatch.setattr(Path, "replace", be_overtaken)
    with pytest.raises(InputError, match=r"cannot write .*frames: Directory not empty"):
        write()
    assert names(target) == ["thesis.txt"]
    assert names(tmp_path) == ["frames"]


def test_a_folder_to_write_is_new_or_empty_or_ours(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mark").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert check_folder_target(tmp_path / "empty", is_ours=never) == tmp_path / "empty"
    assert check_folder_target(tmp_path / "new" / "er", is_ours=never) == tmp_path / "new" / "er"
    assert check_folder_target(tmp_path / "full", is_ours=marked) == tmp_path / "full"
    for name, words in (
        ("full", "choose a new or empty folder"),
        ("full/mark", "a file of that name exists; choose another name"),
        ("full/mark/x", "mark is a file, not a folder"),
        ("loop", "a file of that name exists"),
    ):
        with pytest.raises(InputError, match=words):
            check_folder_target(tmp_path / name, is_ours=never)


def test_a_place_that_takes_files_is_left_as_it_was(tmp_path):
    check_writable(tmp_path / "new" / "x.png", tmp_path / "new" / "x.png")
    assert not names(tmp_path)


@pytest.mark.parametrize(
    ("mode", "owner", "group", "shared"),
    [
        (0o700, 0, 0, False),
        (0o755, 0, 0, False),
        (0o775, 0, 0, False),  # the superuser's own group
        (0o757, 0, 0, True),
        (0o1777, 0, 0, True),
        (0o775, 0, 4321, True),
        (0o755, 4321, 4321, True),
    ],
)
@pytest.mark.skipif(os.getuid() != 0, reason="only the superuser gives files away")
def test_who_else_may_write(tmp_path, mode, owner, group, shared):
    (tmp_path / "folder").mkdir()
    os.chown(tmp_path / "folder", owner, group)
    (tmp_path / "folder").chmod(mode)
    assert others_may_write(tmp_path / "folder") == shared


def test_a_group_of_ones_own_is_nobody_else(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0o775)
    ours = (tmp_path / "folder").stat()
    monkeypatch.setattr(Path, "stat", lambda _: os.stat_result((ours.st_mode, 0, 0, 1, 1234, 1234, 0, 0, 0, 0)))
    monkeypatch.setattr(os, "getuid", lambda: 1234)
    assert not others_may_write(tmp_path / "folder")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_place_that_takes_no_files_is_told_whatever_its_permissions():
    with pytest.raises(InputError, match=r"cannot write x: /proc takes no files \(.+\); choose another folder"):
        check_writable(Path("x"), Path("/proc/new/x.png"))
