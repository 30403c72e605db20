import os

import pytest
from oviton.data.errors import InputError
from oviton.data.files import atomic_folder, atomic_path


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


def test_folder_target_is_refused(tmp_path):
    (tmp_path / "out.png").mkdir()
    with pytest.raises(InputError, match="folder"), atomic_path(tmp_path / "out.png") as temporary:
        temporary.write_text("new")
    assert names(tmp_path) == ["out.png"]


def test_failed_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "bundle"
    with atomic_folder(target, replaceable="mark") as folder:
        (folder / "mark").write_text("1")

    def fail_half_way():
        with atomic_folder(target, replaceable="mark") as folder:
            (folder / "mark").write_text("2")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail_half_way()
    assert (target / "mark").read_text() == "1"
    assert names(tmp_path) == ["bundle"]


def test_folder_of_someone_else_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds other files"), atomic_folder(tmp_path, replaceable="mark"):
        pass
    assert (tmp_path / "thesis.txt").exists()
