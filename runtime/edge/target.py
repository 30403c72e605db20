"""The devices that a package can be for."""

from __future__ import annotations

from dataclasses import dataclass

from ...data.errors import InputError

BASE = (
    "filelock>=3.16",
    "numpy>=1.26,<3",
    "onnxruntime>=1.20",
    "pillow>=10.3",
    "platformdirs>=4",
    "pydantic>=2.7",
    "rich>=13.7",
    "safetensors>=0.4.5",
    "typer>=0.15",
    "zlib-ng>=0.5",
)
"""What every device needs. ONNX Runtime is the reference that the engine is gated against at its first start."""


@dataclass(frozen=True)
class Target:
    """A kind of device.

    Parameters
    ----------
    name
        Its name on the command line.
    engine, precision
        What runs there.
    requirements
        Python packages beside the common ones.
    from_system
        Python modules that the device's own system image brings.
    about
        One line for people.
    """

    name: str
    engine: str
    precision: str
    requirements: tuple[str, ...]
    from_system: tuple[str, ...]
    about: str

    @classmethod
    def named(cls, name: str) -> Target:
        """Return a target by name.

        Raises
        ------
        InputError
            When there is none of that name.
        """
        if name not in TARGETS:
            raise InputError(f"target {name!r} is unknown; allowed: {', '.join(TARGETS)}")
        return TARGETS[name]


TARGETS = {
    target.name: target
    for target in (
        Target(
            "rtx",
            "tensorrt-rtx",
            "fp16",
            ("tensorrt-rtx-cu13==1.7.1.116", "cuda-python>=13.0,<14", "cuda-core>=1.0"),
            (),
            "a desktop or laptop with an NVIDIA RTX GPU (compute capability 8.0 and later), Linux or Windows, x86-64",
        ),
        Target(
            "jetpack6",
            "tensorrt",
            "fp16",
            # Its TensorRT is older than NumPy 2.
            ("cuda-python>=12.6,<13", "cuda-core>=1.0", "numpy<2"),
            ("tensorrt",),
            "NVIDIA Jetson with JetPack 6.1 or 6.2: TensorRT 10.3, CUDA 12.6, Python 3.10",
        ),
        Target(
            "jetpack7",
            "tensorrt",
            "fp16",
            ("cuda-python>=13.0,<14", "cuda-core>=1.0"),
            ("tensorrt",),
            "NVIDIA Jetson with JetPack 7: TensorRT 10.13 or later, CUDA 13, Python 3.12",
        ),
        Target(
            "cpu",
            "openvino",
            "auto",
            ("openvino>=2025.0",),
            (),
            "any machine without a GPU, with OpenVINO on its processor",
        ),
    )
}
