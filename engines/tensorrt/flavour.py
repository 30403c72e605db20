"""What differs between TensorRT and TensorRT-RTX, and between their versions. Everything else is shared code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...data.errors import EngineError, InputError
from ...data.optional import install_command, is_installed, require, version_of
from ..plan_key import ANY_DEVICE
from ..registry import installed_version
from .device import Gpu, check_driver, find_gpu
from .options import BuildOptions

if TYPE_CHECKING:
    import tensorrt as trt

PORTABLE = "8.0+"
"""Capability of a hardware-compatible plan: Ampere and everything later."""


@dataclass(frozen=True)
class Flavour:
    """One of the two libraries.

    Parameters
    ----------
    name
        The engine's name on the command line.
    module
        Its Python module.
    distributions
        Python distributions that may bring it, with the CUDA version that each needs; None when unknown.
    extra
        The extra that installs it.
    is_rtx
        Whether it is TensorRT-RTX: compiles for named GPUs without one, and finishes kernels at run time.
    precisions
        Precisions, the fastest first. Default: ``fp16`` and ``fp32``.
    """

    name: str
    module: str
    distributions: tuple[tuple[str, int | None], ...]
    extra: str
    is_rtx: bool
    precisions: tuple[str, ...] = ("fp16", "fp32")

    def load(self) -> Any:
        """Import the library, or say which extra installs it."""
        self.check_installed()
        return require(self.module, extra=self.extra, purpose=f"the {self.name} engine")

    def check_installed(self) -> None:
        """Raise `InputError` when the library is missing."""
        if not is_installed(self.module):
            raise InputError(f"{self.name} is not installed; run: {install_command(self.module, self.extra)}")

    @property
    def version(self) -> str | None:
        """Return the installed version, without importing the library where its distribution is known."""
        return installed_version(self.module, [name for name, _ in self.distributions])

    @property
    def cuda_major(self) -> int | None:
        """Return the CUDA version that the installed library needs; None when its name does not tell."""
        return next((major for name, major in self.distributions if major and version_of(name)), None)

    def gpu(self) -> Gpu:
        """Return the GPU to run on.

        Raises
        ------
        InputError
            When there is none, or its driver is too old.
        """
        gpu = find_gpu(extra=self.extra)
        check_driver(gpu, self.cuda_major)
        return gpu

    def target(self, options: BuildOptions) -> tuple[str, str]:
        """Return device and capability that a build with `options` is for.

        Raises
        ------
        InputError
            When the library cannot build for them here.
        """
        if self.is_rtx:
            if options.hardware_compatible:
                return ANY_DEVICE, PORTABLE
            if options.compute_capabilities:
                self._check_known(options.compute_capabilities)
                return ANY_DEVICE, ",".join(options.compute_capabilities)
            gpu = self._gpu_to_build_for("name the GPUs to build for, for example --compute-capability 8.9")
            return ANY_DEVICE, gpu.capability if gpu.capability in self.known_capabilities() else PORTABLE
        gpu = self._gpu_to_build_for("build on the GPU that will run the plan; only tensorrt-rtx builds without one")
        if options.compute_capabilities and set(options.compute_capabilities) != {gpu.capability}:
            raise InputError(
                f"{self.name} builds for the GPU here only ({gpu.name}, {gpu.capability}), not for "
                f"{','.join(options.compute_capabilities)}; use --hardware-compatible, or --engine tensorrt-rtx"
            )
        if options.hardware_compatible:
            return ANY_DEVICE, PORTABLE
        return gpu.name, gpu.capability

    def known_capabilities(self) -> tuple[str, ...]:
        """Return the compute capabilities that can be named for an ahead-of-time build, as the library lists them."""
        members = getattr(self.load(), "ComputeCapability", None)
        names = re.findall(r"SM(\d+)(\d)\b", " ".join(members.__members__)) if members is not None else []
        return tuple(f"{major}.{minor}" for major, minor in names)

    def check(self, options: BuildOptions) -> None:
        """Refuse options that this library has not.

        Raises
        ------
        InputError
            Naming the option and what to do instead.
        """
        if not self.is_rtx:
            return
        if options.version_compatible:
            raise InputError(
                "tensorrt-rtx builds no version compatible plans (they need TensorRT's lean runtime); "
                "leave --version-compatible out and build again after an upgrade"
            )
        if options.refittable or options.strip_weights:
            option = "--refittable" if options.refittable else "--strip-weights"
            try:
                self.gpu()
            except InputError as error:
                raise InputError(
                    f"tensorrt-rtx builds plans with {option} only where there is a GPU: {error}; "
                    "leave it out, or build on the machine that runs the plan"
                ) from None

    def configure(self, module: Any, config: trt.IBuilderConfig, options: BuildOptions, capability: str) -> None:
        """Set what only this library has."""
        if self.is_rtx:
            rtx: Any = config  # its own API, which TensorRT's type stubs do not know
            if capability == PORTABLE:  # what it builds for when nothing is named
                return
            targets = capability.split(",")
            rtx.num_compute_capabilities = len(targets)
            for index, target in enumerate(targets):
                wanted = getattr(module.ComputeCapability, f"SM{target.replace('.', '')}")
                if not rtx.set_compute_capability(wanted, index):
                    raise EngineError(f"tensorrt-rtx refused to build for compute capability {target}")
            return
        if options.hardware_compatible:
            config.hardware_compatibility_level = module.HardwareCompatibilityLevel.AMPERE_PLUS
        if options.version_compatible:
            config.set_flag(module.BuilderFlag.VERSION_COMPATIBLE)

    def _check_known(self, capabilities: tuple[str, ...]) -> None:
        known = self.known_capabilities()
        unknown = [c for c in capabilities if c not in known]
        if unknown:
            raise InputError(
                f"compute capability {unknown[0]} is unknown to {self.name} {self.version}; "
                f"allowed: {', '.join(known)}, or --hardware-compatible for all from 8.0 on"
            )

    def _gpu_to_build_for(self, advice: str) -> Gpu:
        try:
            return self.gpu()
        except InputError as error:
            raise InputError(f"{self.name} has no GPU here to build for: {error}; {advice}") from None


TENSORRT = Flavour(
    "tensorrt",
    "tensorrt",
    (("tensorrt-cu13", 13), ("tensorrt-cu12", 12), ("tensorrt-cu11", 11), ("tensorrt", None)),
    "tensorrt",
    is_rtx=False,
)
TENSORRT_RTX = Flavour(
    "tensorrt-rtx",
    "tensorrt_rtx",
    (("tensorrt-rtx-cu13", 13), ("tensorrt-rtx-cu12", 12), ("tensorrt-rtx", None)),
    "rtx",
    is_rtx=True,
)
FLAVOURS = {flavour.name: flavour for flavour in (TENSORRT, TENSORRT_RTX)}
