from pathlib import Path

import pytest

from oviton.bundle.bundle import Bundle
from oviton.data.errors import InputError
from oviton.triton_models.installation import Installation
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.served_path import check_served_path
from oviton.triton_models.server import ServerOptions, TritonServer


def test_paths_that_triton_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "a-b_c.d", "a~b", "a,b", "a#b", "v1.2+x=3"):
        assert check_served_path(Path(name)) == tmp_path / name


@pytest.mark.parametrize(
    ("name", "told"),
    [("a b", "a space"), ("a'b", '"\'"'), ("a$b", r"'\$'"), ("josé", "'é'"), ("a(b", r"'\('"), ("a&b", "'&'")],
)
def test_paths_at_which_triton_dies_are_refused(tmp_path, name, told):
    with pytest.raises(InputError, match=f"Triton cannot run models from a path with {told}; choose a folder") as error:
        check_served_path(tmp_path / name / "repository")
    assert "\n" not in str(error.value)


def test_nothing_is_built_or_started_there(tmp_path, tiny_bundle):
    folder = tmp_path / "my models"
    with pytest.raises(InputError, match="with a space"):
        build_repository(tiny_bundle, folder, RepositoryOptions("onnxruntime", python=True))
    installation = Installation(Path("/none"), Path("/none"), Path("/none"), (), "none")
    with pytest.raises(InputError, match="with a space"):
        TritonServer(installation, folder, ServerOptions(grpc_port=0, metrics_port=0))
    cached = Installation(Path("/none"), tmp_path / "my cache", Path("/none"), (), "none")
    with pytest.raises(InputError, match=r"set OVITON_CACHE to a folder whose path"):
        TritonServer(cached, tmp_path, ServerOptions(grpc_port=0, metrics_port=0))
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_model_processes_could_not_read_is_refused(tmp_path, tiny_bundle):
    bundle = Bundle(tmp_path / "josé" / "bundle", tiny_bundle.manifest)
    options = RepositoryOptions("onnxruntime", python=True, embed_bundle=False)
    with pytest.raises(InputError, match="cannot read a bundle from a path with 'é'; copy the bundle") as error:
        build_repository(bundle, tmp_path / "r", options)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_repository_without_python_may_lie_anywhere(tmp_path, tiny_bundle):
    """It is for a container, which sees another path."""
    folder = tmp_path / "my models"
    build_repository(tiny_bundle, folder, RepositoryOptions("onnxruntime", refinement=False))
    assert (folder / "try_on" / "config.pbtxt").is_file()


def test_the_command_line_says_so_in_one_line(run, tmp_path):
    folder = tmp_path / "my models"
    folder.mkdir()
    for command in (["repository", "-o", folder], ["serve", "--repository", folder]):
        status, _, told = run(*command)
        assert status == 2
        assert "Triton cannot run models from a path with a space" in told
    assert list(folder.iterdir()) == []
