import pytest
from google.protobuf import text_format

from oviton.bundle.manifest import TensorSpec
from oviton.data.errors import InputError
from oviton.triton_models import model_config


@pytest.fixture
def config():
    made = model_config.protobuf().ModelConfig(name="it", max_batch_size=4)
    model_config.add_tensors(made.input, [TensorSpec(name="garments", dtype="uint8", shape=("N", "M", 64, 32, 3))])
    model_config.add_tensors(made.output, [TensorSpec(name="flags", dtype="int32", shape=("N", 1))])
    model_config.set_parameters(made, {"told": 'a "quoted" {brace', "engine": "openvino"})
    return made


def test_what_is_written_is_read_again(tmp_path, config):
    model_config.write_config(tmp_path / "it", config, "One line.\nAnother.")
    text = (tmp_path / "it" / "config.pbtxt").read_text()
    assert text.startswith("# One line.\n# Another.\n\n")
    assert 'input { name: "garments" data_type: TYPE_UINT8 dims: [-1, 64, 32, 3] }' in text
    assert max(map(len, text.splitlines())) < 120
    assert model_config.read_config(tmp_path / "it") == config
    assert text_format.Parse(text, model_config.protobuf().ModelConfig()) == config
    assert model_config.parameters(config)["told"] == 'a "quoted" {brace'


def test_a_damaged_configuration_is_told(tmp_path):
    (tmp_path / "config.pbtxt").write_text("name: 'x'\nno_such_field: 3\n")
    with pytest.raises(InputError, match=r"config.pbtxt: not a model configuration .*no_such_field"):
        model_config.read_config(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        model_config.read_config(tmp_path / "other")


def test_a_configuration_that_does_not_fit_the_bundle_is_told(config):
    garments = TensorSpec(name="garments", dtype="uint8", shape=("N", "M", 64, 32, 3))
    flags = TensorSpec(name="flags", dtype="int32", shape=("N", 1))
    model_config.check_against(config, [garments], [flags])
    larger = TensorSpec(name="garments", dtype="uint8", shape=("N", "M", 256, 128, 3))
    with pytest.raises(
        InputError, match=r"model it: input garments is uint8\[-1, 64, 32, 3\].*uint8\[-1, 256, 128, 3\]"
    ):
        model_config.check_against(config, [larger], [flags])
    with pytest.raises(InputError, match=r"output flags is .*, but the bundle has missing"):
        model_config.check_against(config, [garments], [])
