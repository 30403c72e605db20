"""Dress a person with NVIDIA's own client library: python triton_client.py HOST:PORT PERSON GARMENT OUT.png."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tritonclient.grpc as triton
from PIL import Image

address, person, garment, out = sys.argv[1:]
client = triton.InferenceServerClient(address)
served = client.get_model_config("try_on", as_json=True)["config"]
told, taken = served["parameters"], [tensor["name"] for tensor in served["input"]]
size = int(told["bundle_width"]["string_value"]), int(told["bundle_height"]["string_value"])


def read(folder: str, name: str, how: Image.Resampling = Image.Resampling.NEAREST) -> Any:
    path = next(Path(folder).glob(f"{name}.*"))
    return np.asarray(Image.open(path).resize(size, how))[None]


arrays = {"person_image": read(person, "image", Image.Resampling.BICUBIC), "person_labels": read(person, "labels")}
arrays["densepose"] = read(person, "densepose")
arrays["garment_images"] = read(garment, "image", Image.Resampling.BICUBIC)[None]
arrays["garment_labels"] = read(garment, "labels")[None]
if "garment_densepose" in taken:
    arrays["garment_densepose"] = read(garment, "densepose")[None]
arrays["source"] = np.zeros((1, 20), np.int32)
arrays["source"][0, 5] = 1  # upper_clothes from the first garment photograph,
arrays["source"][0, 6] = -1  # and no dress under it

inputs = [triton.InferInput(n, a.shape, "INT32" if n == "source" else "UINT8") for n, a in arrays.items()]
for tensor, array in zip(inputs, arrays.values(), strict=True):
    tensor.set_data_from_numpy(array)
answer = client.infer("try_on", inputs, client_timeout=60)
if answer.as_numpy("input_flags").any():
    sys.exit("the server found values out of range")
Image.fromarray(answer.as_numpy("image")[0]).save(out)
