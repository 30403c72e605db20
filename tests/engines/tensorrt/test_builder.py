"""Real builds with TensorRT-RTX, of shipped bundles, for GPUs that are not here."""

import pytest
from onnx import TensorProto, helper, save

from oviton.bundle.bundle import SHIPPED_BUNDLES, Bundle
from oviton.bundle.families import O_VITON, PREPARE
from oviton.data.errors import EngineError, GateError, InputError
from oviton.engines.tensorrt.builder import mark_refittable, parse
from oviton.engines.tensorrt.flavour import TENSORRT_RTX
from oviton.engines.tensorrt.log import make_logger, make_with
from oviton.engines.tensorrt.plan import check_header

DTYPES = {"uint8": "UINT8", "int32": "INT32", "float32": "FLOAT"}


def with_fp16_form(bundle, graph, file):
    entry = bundle.manifest.graph(graph)
    return entry.model_copy(update={"files": {**entry.files, "onnx_fp16": file}})


@pytest.mark.parametrize("graph", [*O_VITON.graphs, *PREPARE.graphs])
@pytest.mark.parametrize(
    "capability",
    [
        "8.9",
        pytest.param("12.0", marks=pytest.mark.more),
        pytest.param("8.0", marks=pytest.mark.slow),
        pytest.param("8.6", marks=pytest.mark.slow),
    ],
)
def test_every_graph_builds_in_fp16_for_every_gpu(builder, shipped, capability, graph):
    bundle = shipped if graph in O_VITON.graphs else Bundle.open(SHIPPED_BUNDLES / PREPARE.name)
    entry = bundle.manifest.graph(graph)
    built = builder(capability, bundle=bundle).build(entry)
    check_header(built.data, TENSORRT_RTX, "the plan")
    # Fusing all of a lookup into one kernel makes tens of megabytes of its text, which a GPU would have to compile.
    assert len(built.data) < 40_000_000

    network = built.details["network"]
    assert network["convolutions"] == (0 if graph == "compositor" else network["convolutions"])
    assert network["not_fp16"] == ()
    # Colours are averaged and interpolated in FP32 on purpose.
    in_fp32 = {"appearance_encoder": 2, "compositor": 1}
    assert network["multiplying"] - network["fp16"] == in_fp32.get(graph, 0)

    tensors = built.details["tensors"]
    assert list(tensors) == [spec.name for spec in (*entry.inputs, *entry.outputs)]
    for spec in (*entry.inputs, *entry.outputs):
        assert tensors[spec.name]["dtype"] == DTYPES[spec.dtype]
        assert tensors[spec.name]["shape"] == [-1 if isinstance(size, str) else size for size in spec.shape]
    for spec in entry.inputs:
        smallest, _, largest = tensors[spec.name]["profile"]
        assert smallest == [1 if isinstance(size, str) else size for size in spec.shape]
        assert largest == [8 if isinstance(size, str) else size for size in spec.shape]


def test_one_plan_for_several_gpus_and_one_for_all_later_ones(builder, shipped, rtx):
    graph = shipped.manifest.graph("compositor")
    several = builder("8.6", "8.9")
    assert (several.device, several.capability) == ("any", "8.6,8.9")
    assert several.build(graph).data[:4] == b"vtrt"
    portable = type(several)(shipped, rtx, "fp16", type(several.options)(hardware_compatible=True))
    assert portable.capability == "8.0+"
    assert portable.build(graph).data[:4] == b"vtrt"


def test_the_profiles_optimum_is_as_asked(builder, shipped):
    built = builder(opt_requests=2, opt_garments=3).build(shipped.manifest.graph("shape_encoder"))
    assert built.details["tensors"]["garment_labels"]["profile"][1] == [2, 3, 256, 128]
    with pytest.raises(InputError, match="optimum of M is 9; this bundle allows 1 to 8"):
        builder(opt_garments=9)


@pytest.mark.parametrize("graph", ["shape_encoder", "shape_generator", "appearance_encoder", "appearance_generator"])
def test_an_fp32_graph_is_refused_where_fp16_was_asked(builder, shipped, graph):
    entry = with_fp16_form(shipped, graph, shipped.manifest.graph(graph).files["onnx_fp32"])
    with pytest.raises(
        GateError, match=rf"{graph}: FP16 was asked for, but (\d+) of \1 convolutions .* the first node_"
    ):
        builder().build(entry)


def test_fp32_builds_where_it_was_asked(builder, shipped):
    built = builder(precision="fp32").build(shipped.manifest.graph("shape_encoder"))
    assert built.details["network"]["fp16_share"] == 0


def test_an_unsupported_operator_is_named_with_its_node(builder, shipped, tmp_path):
    spec = [helper.make_tensor_value_info(name, TensorProto.UINT8, ["N", 4]) for name in ("person_labels", "image")]
    node = helper.make_node("GridCrumple", ["person_labels"], ["image"], name="crumple_7", domain="tailor")
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("tailor", 1)]
    save(
        helper.make_model(helper.make_graph([node], "g", spec[:1], spec[1:]), opset_imports=opsets),
        tmp_path / "odd.onnx",
    )
    entry = with_fp16_form(shipped, "compositor", "odd.onnx")
    with pytest.raises(InputError, match=r"odd\.onnx cannot be built: node crumple_7 \(GridCrumple\): .*"):
        builder(bundle=Bundle(tmp_path, shipped.manifest)).build(entry)


def test_what_a_gpu_cannot_compute_is_named_in_the_librarys_own_words(builder, shipped):
    """Turing has no FP32 matrix products in TensorRT-RTX; the appearance encoder averages colours with them."""
    with pytest.raises(
        EngineError, match=r"appearance_encoder: tensorrt-rtx \S+ cannot build it: .*'node_matmul'.*SM75"
    ):
        builder("7.5").build(shipped.manifest.graph("appearance_encoder"))


@pytest.mark.parametrize("content", [b"", b"not a graph at all"])
def test_a_file_that_is_no_graph_is_refused(builder, shipped, tmp_path, content):
    (tmp_path / "odd.onnx").write_bytes(content)
    with pytest.raises(InputError, match=r"odd\.onnx cannot be built"):
        builder(bundle=Bundle(tmp_path, shipped.manifest)).build(with_fp16_form(shipped, "compositor", "odd.onnx"))


def test_missing_weights_are_named(builder, shipped, tmp_path):
    name = shipped.manifest.graph("shape_encoder").files["onnx_fp16"]
    (tmp_path / name).write_bytes((shipped.path / name).read_bytes())
    with pytest.raises(InputError, match=r"Failed to import initializer: shape_encoder\.downs\.0\.1\.weight"):
        builder(bundle=Bundle(tmp_path, shipped.manifest)).build(shipped.manifest.graph("shape_encoder"))


@pytest.mark.parametrize("form", ["onnx_fp16", "onnx_fp32"])
def test_every_parameter_can_be_refitted_by_its_pytorch_name(rtx, shipped, form):
    """Building such a plan needs a GPU; that the parsed network knows the names does not."""
    module = rtx.load()
    for graph in shipped.manifest.graphs:
        logger = make_logger(module)
        network = make_with(module.Builder, logger).create_network(1)
        parse(module, network, logger, shipped.graph_file(graph, form))
        mark_refittable(network, graph)
        assert all(network.are_weights_marked_refittable(name) for name in graph.parameters)
        with pytest.raises(EngineError, match=r"lost the weights nobody\.weight"):
            mark_refittable(network, graph.model_copy(update={"parameters": ("nobody.weight",)}))


def test_progress_grows_to_the_end(builder, shipped):
    shares = []
    builder().build(shipped.manifest.graph("shape_encoder"), lambda what, share: shares.append(share))
    assert shares == sorted(shares)
    assert len(shares) > 10
    assert shares[-1] == 1


def test_what_the_callback_raises_cancels_the_build(builder, shipped):
    told = []

    def stop(what, share):
        told.append(share)
        if share > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        builder().build(shipped.manifest.graph("shape_encoder"), stop)
    assert told[-1] < 0.5
