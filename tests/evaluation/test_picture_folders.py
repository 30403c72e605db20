import pytest

from oviton.data.errors import InputError
from oviton.evaluation.picture_folders import PictureFolders


def write_one(path, text):
    with PictureFolders.create(path) as folders:
        (folders.path / "truth").mkdir()
        (folders.path / "truth" / "upper_0001.png").write_text(text)


def test_those_of_an_earlier_run_are_replaced(tmp_path):
    for text in ("old", "new"):
        write_one(tmp_path / "p", text)
    assert (tmp_path / "p" / "truth" / "upper_0001.png").read_text() == "new"


@pytest.mark.parametrize("name", ["report.json", "thesis.png", "truth/notes.txt", "truth/deeper/x.png"])
def test_other_files_among_them_are_kept(tmp_path, name):
    write_one(tmp_path / "p", "old")
    (tmp_path / "p" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "p" / name).write_text("years of work")
    with pytest.raises(InputError, match="p holds other files"):
        write_one(tmp_path / "p", "new")
    assert (tmp_path / "p" / name).read_text() == "years of work"
