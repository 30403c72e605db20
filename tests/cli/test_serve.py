import os
import re
import signal
import subprocess
import sys
import time

import pytest


def test_options_are_checked_before_anything_starts(run, tmp_path):
    status, _, told = run("serve", "--log", "loud")
    assert (status, told) == (2, "oviton: --log 'loud'; allowed: error, warning, info\n")
    status, _, told = run("serve", tmp_path, "--repository", tmp_path)
    assert status == 2
    assert "leave BUNDLE away" in told
    status, _, told = run("serve", "--tls-cert", "cert.pem")
    assert status == 2
    assert "both --tls-cert and --tls-key" in told
    status, _, told = run("serve", "--repository", tmp_path / "none", "--grpc-port", 0, "--metrics-port", 0)
    assert status == 2
    assert "no such folder; oviton repository writes one" in told


def test_a_container_gets_its_commands(run, tmp_path):
    status, printed, _ = run("serve", "--engine", "tensorrt", "--grpc-port", 9001, "--print-command")
    first, second = printed.splitlines()
    assert status == 0
    assert first.startswith("oviton repository -o ")
    assert "--engine tensorrt" in first
    assert re.match(
        r"docker run .*--gpus 1 .*-p 127.0.0.1:9001:9001 .*nvcr.io/nvidia/tritonserver:\S+ tritonserver", second
    )
    assert "--grpc-address=0.0.0.0 --grpc-port=9001" in second
    assert "--allow-http=false" in second
    assert ":8000" not in second
    status, printed, _ = run("serve", "--repository", tmp_path, "--print-command")
    assert printed.count("\n") == 1
    assert f"-v {tmp_path}:/models:ro" in printed


def test_a_repository_is_written(run, tiny_bundle_folder, out):
    status, printed, _ = run("repository", tiny_bundle_folder, "-o", out / "r", "--engine", "onnxruntime",
                             "--no-refinement")  # fmt: skip
    assert status == 0
    assert "7 models, onnxruntime fp32 on cpu" in printed
    assert (out / "r" / "try_on" / "config.pbtxt").is_file()
    status, _, told = run("repository", tiny_bundle_folder, "-o", out, "--engine", "onnxruntime")
    assert status == 2
    assert "holds other files" in told


@pytest.mark.server
def test_the_shipped_bundle_is_served_until_ctrl_c(tmp_path, sample_people):
    import numpy as np
    import tritonclient.grpc as triton

    from oviton.bundle.samples import sample_requests
    from oviton.runtime.try_on import TryOn

    command = [sys.executable, "-m", "oviton", "serve", "--no-refinement", "--grpc-port", "0",
               "--metrics-port", "0"]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    started = time.monotonic()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        ready = process.stdout.readline()
        print(f"ready after {time.monotonic() - started:.1f} s")
        address = re.match(r"ready: grpc (127\.0\.0\.1:\d+), metrics 127", ready).group(1)
        inputs = sample_requests(sample_people, 256, 128, 1, 2)
        tensors = []
        for name, array in inputs.items():
            tensor = triton.InferInput(name, array.shape, {"uint8": "UINT8", "int32": "INT32"}[array.dtype.name])
            tensor.set_data_from_numpy(array)
            tensors.append(tensor)
        with triton.InferenceServerClient(address) as client:
            found = client.infer("try_on", tensors)
        process.send_signal(signal.SIGINT)
        rest, told = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "stopped\n")
    assert told == ""
    assert not list(tmp_path.glob("oviton*"))
    with TryOn.load() as tryon:
        expected = tryon.engines.run(inputs)
    assert np.array_equal(found.as_numpy("image"), expected["image"])
    assert np.array_equal(found.as_numpy("labels"), expected["labels"])
