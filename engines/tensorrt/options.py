"""How a plan is to be built."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...data.errors import InputError


@dataclass(frozen=True)
class BuildOptions:
    """Options of a build. All but the targets are part of a plan's key.

    Parameters
    ----------
    compute_capabilities
        GPUs to build for, for example ``("8.6", "8.9")``; empty for the GPU here.
    hardware_compatible
        Build for compute capability 8.0 and everything later.
    version_compatible
        Build a plan that later versions of the same major number of TensorRT run too.
    refittable
        Build a plan whose weights can be replaced by name.
    strip_weights
        Leave the weights out; they are put in at load, from the bundle.
    workspace_mb
        Largest scratch memory that a layer may ask for; None for no limit.
    opt_requests, opt_garments
        N and M that kernels are chosen for. The profile reaches from 1 to the bundle's largest.

    Raises
    ------
    InputError
        When a value is out of range or two contradict each other.
    """

    compute_capabilities: tuple[str, ...] = ()
    hardware_compatible: bool = False
    version_compatible: bool = False
    refittable: bool = False
    strip_weights: bool = False
    workspace_mb: int | None = None
    opt_requests: int = 1
    opt_garments: int = 1

    def __post_init__(self) -> None:
        for capability in self.compute_capabilities:
            if not re.fullmatch(r"\d{1,2}\.\d", capability):
                raise InputError(f"compute capability {capability!r} is no number such as 8.9")
        if self.hardware_compatible and self.compute_capabilities:
            raise InputError("hardware compatible plans run on 8.0 and later; name no compute capability beside that")
        if self.workspace_mb is not None and self.workspace_mb < 1:
            raise InputError(f"workspace {self.workspace_mb} MB is too small; allowed: 1 or more")
        for name, value in (("N", self.opt_requests), ("M", self.opt_garments)):
            if value < 1:
                raise InputError(f"the profile's optimum of {name} is {value}; allowed: 1 or more")

    @classmethod
    def parse_capabilities(cls, text: str) -> tuple[str, ...]:
        """Read ``8.6,8.9``, in ascending order without repetition."""
        parts = {part.strip() for part in text.split(",") if part.strip()}
        if not parts:
            raise InputError("--compute-capability is empty; give it numbers such as 8.6,8.9")
        for part in parts:
            cls(compute_capabilities=(part,))
        return tuple(sorted(parts, key=lambda part: tuple(map(int, part.split(".")))))

    @property
    def key(self) -> dict[str, str]:
        """Return what differs from the defaults, for a plan's key."""
        values: dict[str, str] = {}
        for name in ("hardware_compatible", "version_compatible", "refittable", "strip_weights"):
            if getattr(self, name):
                values[name] = "yes"
        if self.workspace_mb is not None:
            values["workspace_mb"] = str(self.workspace_mb)
        if (self.opt_requests, self.opt_garments) != (1, 1):
            values["optimum"] = f"N={self.opt_requests},M={self.opt_garments}"
        return values
