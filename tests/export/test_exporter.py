"""The exported files themselves, read back with ONNX and torch, not the exporter's word for them."""

import copy
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from oviton.bundle.bundle import DEFAULT_BUNDLE, SHIPPED_BUNDLES, Bundle, holds_only_a_bundle
from oviton.bundle.families import O_VITON
from oviton.bundle.programs import assign_weights, load_program
from oviton.data.errors import GateError, InputError
from oviton.export import exporter, sources
from oviton.export.exporter import export_bundle
from oviton.export.programs import round_weights_to_fp16, save_weights
from oviton.export.refinement_programs import gate_programs
from oviton.networks.graphs import graph_specs

GRAPHS = O_VITON.having(()).graphs
FORMS = ("onnx_fp32", "onnx_fp16")


@pytest.fixture(scope="module", params=[(g, f) for g in GRAPHS for f in FORMS], ids="-".join)
def saved_model(request, tiny_bundle):
    name, form = request.param
    entry = tiny_bundle.manifest.graph(name)
    return entry, form, onnx.load(tiny_bundle.graph_file(entry, form), load_external_data=False)


def shape_of(value):
    return tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim)


def test_all_graphs_are_there(tiny_bundle):
    assert tuple(g.name for g in tiny_bundle.manifest.graphs) == GRAPHS


def test_boundary_is_as_declared_with_dynamic_n_and_m(saved_model):
    entry, _, model = saved_model
    for specs, values in ((entry.inputs, model.graph.input), (entry.outputs, model.graph.output)):
        for spec, value in zip(specs, values, strict=True):
            dtype = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name
            assert (value.name, dtype, shape_of(value)) == (spec.name, spec.dtype, spec.shape)
            assert spec.shape[0] == "N"
            assert ("M" in spec.shape) == (spec.name.startswith("garment_") or spec.name == "places")


def test_only_bytes_and_small_codes_cross_the_boundary(saved_model):
    entry, _, _ = saved_model
    for spec in (*entry.inputs, *entry.outputs):
        if spec.name in ("shape_codes", "appearance_codes"):
            assert spec.dtype == "float32"
        else:
            assert spec.dtype == ("int32" if spec.name in ("source", "places") else "uint8")


def test_initializers_bear_the_parameter_names_and_point_into_the_shared_weights(saved_model):
    entry, _, model = saved_model
    stored = {t.name: t for t in model.graph.initializer}
    assert set(entry.parameters) <= stored.keys()
    for name in entry.parameters:
        location = {e.key: e.value for e in stored[name].external_data}
        assert stored[name].data_type == onnx.TensorProto.FLOAT16
        assert location["location"] == entry.files["weights"]


def test_fp16_graph_convolves_in_fp16_and_normalises_in_fp32(saved_model, tiny_bundle):
    entry, form, _ = saved_model
    model = onnx.load(tiny_bundle.graph_file(entry, form))
    inferred = onnx.shape_inference.infer_shapes(model)
    types = {v.name: v.type.tensor_type.elem_type for v in inferred.graph.value_info}
    types |= {t.name: t.data_type for t in model.graph.initializer}
    wanted = onnx.TensorProto.FLOAT16 if form == "onnx_fp16" else onnx.TensorProto.FLOAT
    convolutions = [n for n in model.graph.node if n.op_type in ("Conv", "ConvTranspose")]
    assert bool(convolutions) == bool(entry.parameters)
    assert all(types[n.input[0]] == types[n.input[1]] == wanted for n in convolutions)
    norms = [n for n in model.graph.node if n.op_type == "InstanceNormalization"]
    assert all(types[n.input[0]] == onnx.TensorProto.FLOAT for n in norms)
    assert bool(norms) == entry.name.endswith("_generator")


def test_uint8_is_cast_before_anything_computes_with_it(saved_model):
    """TensorRT's parser takes no computation on uint8; asking for a shape is none."""
    _, _, model = saved_model
    for value in model.graph.input:
        if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
            assert {n.op_type for n in model.graph.node if value.name in n.input} <= {"Cast", "Shape"}
    for value in model.graph.output:
        if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
            assert [n.op_type for n in model.graph.node if value.name in n.output] == ["Cast"]


def test_no_file_names_the_exporting_machine(tiny_bundle):
    contents = {str(path): path.read_bytes() for path in tiny_bundle.path.rglob("*") if path.is_file()}
    for path in tiny_bundle.path.glob("*.pt2"):
        with zipfile.ZipFile(path) as archive:
            contents |= {f"{path}/{name}": archive.read(name) for name in archive.namelist()}
    assert any(name.endswith("models/model.json") for name in contents)
    for name, content in contents.items():
        assert b"site-packages" not in content, name
        assert not re.search(rb"/(root|home|work|tmp)/", content), name


def test_every_form_shares_one_set_of_weights(tiny_bundle):
    for entry in tiny_bundle.manifest.graphs:
        if entry.parameters:
            weights = tiny_bundle.graph_file(entry, "weights").stat().st_size
            parameters = sum(
                int(np.prod(t.dims))
                for t in onnx.load(
                    tiny_bundle.graph_file(entry, "onnx_fp32"), load_external_data=False
                ).graph.initializer
                if t.name in entry.parameters
            )
            assert 2 * parameters < weights < 2 * parameters + 20_000


def test_program_is_differentiable_in_every_parameter(tiny_bundle, tiny_requests):
    entry = tiny_bundle.manifest.graph("appearance_generator")
    module = load_program(tiny_bundle.graph_file(entry, "pt2"), tiny_bundle.graph_file(entry, "weights"))
    labels = torch.from_numpy(tiny_requests["person_labels"])
    picture, floats = module(labels, torch.randn(2, 20, 30))
    assert picture.dtype == torch.uint8
    assert floats.shape == (2, 3, 64, 32)
    floats.square().mean().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_program_gives_what_the_module_gives(tiny_bundle, tiny_networks, tiny_requests):
    spec = next(s for s in graph_specs(tiny_networks.config) if s.name == "appearance_generator")
    rounded = copy.deepcopy(tiny_networks)
    round_weights_to_fp16(rounded)
    module = sources.graph_module(rounded, spec)
    entry = tiny_bundle.manifest.graph("appearance_generator")
    program = load_program(tiny_bundle.graph_file(entry, "pt2"), tiny_bundle.graph_file(entry, "weights"))
    labels, codes = torch.from_numpy(tiny_requests["person_labels"]), torch.randn(2, 20, 30)
    with torch.no_grad():
        assert torch.allclose(program(labels, codes)[1], module(labels, codes)[1], atol=1e-6)


@pytest.mark.parametrize("name", ["discriminator", "perceptual"])
def test_refinement_programs_pass_gradients_to_the_picture(tiny_bundle, name):
    module = load_program(tiny_bundle.program_file(name, "pt2"), tiny_bundle.program_file(name, "weights"))
    image = torch.randn(3, 3, 64, 32, requires_grad=True)
    labels = torch.zeros(3, 64, 32, dtype=torch.uint8)
    features = module(image, labels) if name == "discriminator" else module(image)
    last = features[0][-1] if name == "discriminator" else features[-1]
    last.square().sum().backward()
    assert image.grad.abs().sum() > 0


def test_the_generator_in_two_halves_is_the_generator(tiny_bundle, tiny_requests):
    entry = tiny_bundle.manifest.graph("appearance_generator")
    whole = load_program(tiny_bundle.graph_file(entry, "pt2"), tiny_bundle.graph_file(entry, "weights"))
    conditioning = load_program(tiny_bundle.program_file("appearance_conditioning", "pt2"), None)
    painter = load_program(
        tiny_bundle.program_file("appearance_painter", "pt2"), tiny_bundle.program_file("appearance_painter", "weights")
    )
    assert tuple(name for name, _ in painter.named_parameters()) == entry.parameters
    labels, codes = torch.from_numpy(tiny_requests["person_labels"]), torch.randn(2, 20, 30)
    picture = painter(conditioning(labels, codes))
    assert torch.allclose(picture, whole(labels, codes)[1], atol=1e-6)
    picture.square().mean().backward()
    gradients = [parameter.grad for parameter in painter.parameters()]
    assert all(gradient is not None for gradient in gradients)
    assert gradients[0].abs().sum() > 0


def test_manifest_reports_training_gates_and_cost(tiny_bundle):
    manifest = tiny_bundle.manifest
    assert manifest.is_trained
    assert manifest.trained["shape"] == "trained for a test of shape"
    sizes = {(row.requests, row.garments) for row in manifest.parity}
    assert sizes == {(1, 1), (2, 2), (8, 1), (1, 8)}
    assert {(row.graph, row.form) for row in manifest.parity} == {
        *((g, f) for g in GRAPHS for f in ("pt2", "onnx_fp32", "onnx_fp16")),
        *((program.name, "pt2") for program in manifest.programs),
    }
    assert all(row.passed for row in manifest.parity)
    assert manifest.cost.seconds > 0
    assert manifest.cost.peak_memory_mb > 0
    assert manifest.versions["torch"]


def test_a_program_of_other_weights_does_not_pass_its_gate(tiny_bundle, tiny_networks, tiny_requests):
    """The file on disk is judged, not the module that it was made from."""
    entry = next(program for program in tiny_bundle.manifest.programs if program.name == "discriminator")
    values = {name: array[:, :1] if name.startswith("garment") else array for name, array in tiny_requests.items()}
    other = copy.deepcopy(tiny_networks.discriminator)
    round_weights_to_fp16(other)
    same = gate_programs(
        [entry], {entry.name: other}, {(2, 1): {**values, "labels": values["person_labels"]}}, tiny_bundle.path
    )
    assert all(row.passed for row in same[2, 1])
    with torch.no_grad():
        next(other.parameters()).mul_(1.01)
    with pytest.raises(GateError, match=r"discriminator\.output_0: pt2 does not agree with pytorch at N=2, M=1"):
        gate_programs(
            [entry], {entry.name: other}, {(2, 1): {**values, "labels": values["person_labels"]}}, tiny_bundle.path
        )


@pytest.mark.parametrize(("value", "problem"), [(1e6, "FP16 cannot hold more"), (float("nan"), "NaN or infinity")])
def test_weights_that_fp16_cannot_hold_are_refused(tmp_path, tiny_networks, people, value, problem):
    networks = copy.deepcopy(tiny_networks)
    with torch.no_grad():
        networks.shape_generator.code_stem.weight[0, 0, 0, 0] = value
    with pytest.raises(InputError, match=rf"code_stem\.weight holds .*{problem}"):
        export_bundle(networks, tmp_path / "bundle", sorted(people.iterdir()))
    assert not list(tmp_path.iterdir())


def test_forms_of_other_weights_fail_the_gate_and_nothing_is_written(tmp_path, tiny_networks, people, monkeypatch):
    def save_others(module, path):
        other = copy.deepcopy(module)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.mul_(1.5)
        return save_weights(other, path)

    monkeypatch.setattr(exporter, "save_weights", save_others)
    monkeypatch.setattr(exporter, "GATE_SIZES", ((1, 1),))
    # The first graph's gate is the one that fails, so the others need not be exported.
    monkeypatch.setattr(sources, "graph_specs", lambda config: graph_specs(config)[:1])
    monkeypatch.setattr(sources, "export_programs", lambda *_: ((), {}))
    with pytest.raises(GateError, match=r"shape_encoder\.shape_codes: pt2 does not agree with pytorch at N=1, M=1"):
        export_bundle(tiny_networks, tmp_path / "bundle", sorted(people.iterdir()))
    assert not list(tmp_path.iterdir())


def test_only_a_bundle_and_nothing_else_is_replaced(tmp_path, tiny_bundle_folder):
    bundle = Path(shutil.copytree(tiny_bundle_folder, tmp_path / "bundle"))
    assert holds_only_a_bundle(bundle)
    (bundle / "thesis.txt").write_text("years of work")
    assert not holds_only_a_bundle(bundle)
    other = tmp_path / "extension"
    other.mkdir()
    (other / "manifest.json").write_text('{"manifest_version": 3}')
    assert not holds_only_a_bundle(other)


@pytest.mark.more
def test_programs_move_to_another_device(tiny_bundle):
    """The meta device stands for a GPU: a constant left behind on the CPU would raise."""
    for entry in tiny_bundle.manifest.graphs:
        weights = tiny_bundle.graph_file(entry, "weights") if entry.parameters else None
        module = load_program(tiny_bundle.graph_file(entry, "pt2"), None, "meta")
        if weights is not None:
            assign_weights(module, {n: p.to("meta") for n, p in module.named_parameters()})
        inputs = [
            torch.empty(
                [{"N": 2, "M": 3}.get(d, d) for d in spec.shape], dtype=getattr(torch, spec.dtype), device="meta"
            )
            for spec in entry.inputs
        ]
        outputs = module(*inputs)
        first = outputs[0] if isinstance(outputs, tuple | list) else outputs
        assert first.device.type == "meta"


def test_one_sample_person_is_too_few(tmp_path, tiny_networks, people):
    with pytest.raises(InputError, match="1 sample people found; allowed: 2 or more"):
        export_bundle(tiny_networks, tmp_path / "bundle", [people / "ana"])


@pytest.mark.parametrize(
    ("name", "preset", "size", "conditioning"),
    [
        ("base", "base", (512, 256), "surface"),
        ("small", "small", (256, 128), "surface"),
        ("small-codes", "small", (256, 128), "codes"),
    ],
)
def test_shipped_bundles_are_whole_and_trained(name, preset, size, conditioning):
    manifest = Bundle.open(SHIPPED_BUNDLES / name).manifest
    assert (manifest.preset, (manifest.height, manifest.width)) == (preset, size)
    assert (manifest.name, manifest.conditioning) == (name, conditioning)
    assert all(row.passed for row in manifest.parity)
    assert manifest.is_trained
    assert manifest.trained["shape"].startswith("oviton train shape ")


def test_shipped_bundles_are_light():
    names = sorted(folder.name for folder in SHIPPED_BUNDLES.iterdir())
    assert names == ["base", "prepare", "small", "small-codes"]
    assert DEFAULT_BUNDLE in names
    sizes = [e.size for name in names for e in Bundle.open(SHIPPED_BUNDLES / name).manifest.files.values()]
    assert sum(sizes) < 38e6
