"""The GPU here, or in one line why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...data.errors import EngineError, InputError
from ...data.optional import install_command, is_installed, require


class CudaError(EngineError):
    """The CUDA driver refused a call; the message names the call, its error and what CUDA says about it."""


@dataclass(frozen=True)
class Gpu:
    """A GPU.

    Parameters
    ----------
    index
        Its CUDA ordinal.
    name
        As the driver says it.
    capability
        Its compute capability, for example ``"8.9"``.
    driver
        Newest CUDA version that the driver supports, for example ``"13.0"``.
    memory_mb
        Its memory.
    """

    index: int
    name: str
    capability: str
    driver: str
    memory_mb: int


def find_gpu(*, extra: str = "rtx") -> Gpu:
    """Return the first GPU that is visible; ``CUDA_VISIBLE_DEVICES`` chooses another.

    Raises
    ------
    InputError
        When there is none that can be used: cuda-python is missing, no driver, a driver too old, no GPU visible.
    """
    if not is_installed("cuda.bindings.driver"):
        raise InputError(f"cuda-python is not installed; run: {install_command('cuda-python', extra)}")
    driver = _driver()
    try:
        checked(driver.cuInit, 0)
        version = checked(driver.cuDriverGetVersion)
        count = checked(driver.cuDeviceGetCount)
    except CudaError as error:
        raise InputError(_explain(error)) from None
    except RuntimeError:  # cuda-python looks for libcuda at the first call
        raise InputError(
            "no NVIDIA driver (libcuda is not found); install it, or in a container start it with --gpus all"
        ) from None
    if not count:
        raise InputError("GPU 0 does not exist; the driver shows 0; is CUDA_VISIBLE_DEVICES set?")
    device = checked(driver.cuDeviceGet, 0)
    attributes = driver.CUdevice_attribute
    major, minor = (
        checked(driver.cuDeviceGetAttribute, attribute, device)
        for attribute in (
            attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        )
    )
    name = checked(driver.cuDeviceGetName, 128, device).split(b"\0", 1)[0].decode(errors="replace")
    memory = checked(driver.cuDeviceTotalMem, device)
    return Gpu(0, name, f"{major}.{minor}", f"{version // 1000}.{version % 1000 // 10}", memory // 2**20)


def check_driver(gpu: Gpu, cuda_major: int | None) -> None:
    """Refuse a driver that is older than the CUDA version that a library was built with.

    Raises
    ------
    InputError
        Naming both versions.
    """
    if cuda_major is not None and int(gpu.driver.split(".", maxsplit=1)[0]) < cuda_major:
        raise InputError(
            f"the driver of {gpu.name} supports CUDA {gpu.driver}, and CUDA {cuda_major} is needed; "
            f"update the driver, or install the build for CUDA {gpu.driver.split('.', maxsplit=1)[0]}"
        )


def checked(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of cuda-python's driver bindings and return its value.

    Raises
    ------
    CudaError
        When its return code is not success.
    """
    code, *values = function(*arguments)
    if int(code) != 0:
        driver = _driver()
        name, text = (
            values[0].decode() if not int(status) and values[0] else str(code)
            for status, *values in (driver.cuGetErrorName(code), driver.cuGetErrorString(code))
        )
        raise CudaError(f"{function.__name__}: {name} ({text})")
    return values[0] if len(values) == 1 else tuple(values) or None


def _driver() -> Any:
    return require("cuda.bindings.driver", extra="rtx", purpose="an engine on an NVIDIA GPU")


def _explain(error: CudaError) -> str:
    if "CUDA_ERROR_NO_DEVICE" in str(error):
        return "the NVIDIA driver shows no GPU; is CUDA_VISIBLE_DEVICES set, or the GPU passed to the container?"
    return f"the NVIDIA driver does not start: {error}; reboot after a driver update, or reinstall the driver"
