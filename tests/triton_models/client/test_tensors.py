"""Our messages against those of NVIDIA's own client library."""

import numpy as np
import pytest

from oviton import InputError
from oviton.triton_models.client.regions import Layout, SystemRegion
from oviton.triton_models.client.tensors import infer_request, raw_bytes, read_outputs

grpcclient = pytest.importorskip("tritonclient.grpc")
from tritonclient.utils import serialize_byte_tensor  # noqa: E402


def texts():
    array = np.empty((2, 1), object)
    array[:, 0] = [b"abc", b"\x00\xff\x00"]
    return array


def test_requests_are_those_of_tritonclient():
    random = np.random.default_rng(0)
    inputs = {
        "image": random.integers(0, 256, (2, 4, 3, 3), np.uint8)[:, ::-1],
        "source": random.integers(-1, 3, (2, 20), np.int32),
        "codes": random.normal(size=(2, 5)).astype(np.float32),
        "outfit": texts(),
    }
    parameters = {"steps": 3, "keep_outfit": True, "options": "{}"}
    theirs = []
    for name, array in inputs.items():
        kind = {"uint8": "UINT8", "int32": "INT32", "float32": "FP32", "object": "BYTES"}[str(array.dtype)]
        theirs.append(grpcclient.InferInput(name, array.shape, kind))
        theirs[-1].set_data_from_numpy(np.ascontiguousarray(array))
    outputs = [grpcclient.InferRequestedOutput("image")]
    expected = grpcclient._utils._get_inference_request(
        model_name="m", inputs=theirs, model_version="", request_id="", outputs=outputs, sequence_id=0,
        sequence_start=False, sequence_end=False, priority=0, timeout=None, parameters=parameters,
    )  # fmt: skip
    assert infer_request("m", inputs, ["image"], parameters) == expected
    assert raw_bytes(texts()) == serialize_byte_tensor(texts()).item()


def test_outputs_come_back():
    from tritonclient.grpc.service_pb2 import ModelInferResponse

    image, report = np.arange(24, dtype=np.uint8).reshape(2, 4, 3), texts()
    response = ModelInferResponse(raw_output_contents=[image.tobytes(), raw_bytes(report)])
    response.outputs.add(name="image", datatype="UINT8", shape=image.shape)
    response.outputs.add(name="report", datatype="BYTES", shape=report.shape)
    found = read_outputs(response)
    assert np.array_equal(found["image"], image)
    found["image"][0] = 7  # callers may write
    assert found["report"].tolist() == report.tolist()


def test_a_dtype_that_no_model_takes_is_refused_by_name():
    with pytest.raises(InputError, match="input image is float64; allowed: uint8"):
        infer_request("m", {"image": np.zeros((1, 2))})
    with pytest.raises(InputError, match="input image is list"):
        infer_request("m", {"image": [1, 2]})


def test_a_layout_keeps_tensors_apart_and_aligned():
    inputs = {
        "a": np.arange(65, dtype=np.uint8).reshape(5, 13),
        "b": np.array([[7]], np.int32),
        "c": np.zeros((1, 0, 4), np.uint8),
        "turned": np.arange(12, dtype=np.float32).reshape(3, 4).T,
        "texts": texts(),
    }
    raw = {name: raw_bytes(array) for name, array in inputs.items()}
    layout = Layout(inputs, {"out": 100})
    sizes = {"a": 65, "b": 4, "c": 0, "turned": 48, "texts": len(raw["texts"])}
    assert {name: size for name, (_, size) in layout.places.items()} == {**sizes, "out": 100}
    starts = [start for start, _ in layout.places.values()]
    assert all(start % 64 == 0 for start in starts)
    assert starts == sorted(starts)
    region = SystemRegion(layout.size)
    try:
        layout.fill(region)
        for name, content in raw.items():
            found = np.zeros(len(content), np.uint8)
            region.read([(layout.places[name][0], found)])
            assert found.tobytes() == content
    finally:
        region.close()
