import numpy as np
import pytest

from oviton.data.errors import InputError
from oviton.wardrobe.body import body_model
from oviton.wardrobe.makehuman import fingerprint, load_assets
from oviton.wardrobe.pose import sample_pose


@pytest.fixture
def assets(tmp_path):
    """A cap of three vertices above three head vertices, and one decimetre as unit."""
    model = body_model()
    top = np.argsort(-model.neutral[:13000, 2])[:3]
    shoe = tmp_path / "clothes" / "shoes99"
    shoe.mkdir(parents=True)
    (shoe / "cap.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1/1 2/2 3/3\n")
    ties = "\n".join(f"{v} {v} {v} 0.5 0.25 0.25 0.0 0.3 0.1" for v in top)
    (shoe / "cap.mhclo").write_text(f"# a note\nobj_file cap.obj\nverts 0\n{ties}\nmaterial x\ndelete_verts\n3 - 5 9\n")
    return tmp_path, top


def test_vertices_follow_their_ties_and_offsets(assets):
    folder, top = assets
    loaded = load_assets(folder)
    assert loaded.kinds("shoes") == ("makehuman/shoes99",)
    asset = loaded.by_slot["shoes"]["shoes99"]
    figure = body_model().figure(4, {})
    (layer,) = asset.drape(figure, lambda surface: np.zeros((len(surface.anatomy), 3), np.float32)).layers
    # MakeHuman's axes: y up, z to the front.
    assert np.allclose(layer.points, figure.rest[top] + [0, -0.01, 0.03], atol=2e-3)
    assert asset.hides.tolist() == [3, 4, 5, 9]


def test_it_moves_with_the_body(assets):
    folder, top = assets
    asset = load_assets(folder).by_slot["shoes"]["shoes99"]
    figure = body_model().figure(4, sample_pose(np.random.default_rng(0)))
    (layer,) = asset.drape(figure, lambda surface: np.zeros((len(surface.anatomy), 3), np.float32)).layers
    head = figure.pose(figure.rest[top], body_model().weights[top])
    assert np.abs(np.linalg.norm(layer.points - head, axis=1) - np.hypot(0.01, 0.03)).max() < 3e-3


def test_the_fingerprint_follows_the_files(assets):
    folder, _ = assets
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    with (folder / "clothes/shoes99/cap.mhclo").open("a") as file:
        file.write("# another note\n")
    assert fingerprint(folder) != before


def test_a_folder_without_assets_is_refused(tmp_path):
    with pytest.raises(InputError, match="mhclo"):
        fingerprint(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        fingerprint(tmp_path / "nowhere")


def test_a_damaged_asset_is_named(tmp_path):
    folder = tmp_path / "clothes" / "shoes01"
    folder.mkdir(parents=True)
    (folder / "broken.mhclo").write_text("obj_file none.obj\nverts 0\n 1 2 nonsense\n")
    with pytest.raises(InputError, match=r"broken\.mhclo"):
        load_assets(tmp_path)
