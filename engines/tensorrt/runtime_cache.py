"""Kernels that TensorRT-RTX finished on the GPU that runs them, kept on disk: only the first start waits for them."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from filelock import FileLock

from ...data.errors import InputError
from ...data.files import atomic_path


class RuntimeCacheFile:
    """The finished kernels of one plan on one GPU.

    Parameters
    ----------
    folder
        The plan cache's folder.
    plan
        The plan's SHA-256.
    device
        The GPU's name and the driver's version: kernels made for others do not fit.
    """

    def __init__(self, folder: Path, plan: str, device: str) -> None:
        slug = re.sub(r"[^a-z0-9.]+", "-", device.lower()).strip("-")
        self.path = folder / f"runtime-{plan[:16]}-{slug}.cache"

    def configure(self, module: Any, engine: Any) -> Any:
        """Return a runtime configuration with the stored kernels, and with TensorRT-RTX's own CUDA graphs."""
        config = engine.create_runtime_config()
        cache = config.create_runtime_cache()
        with contextlib.suppress(OSError):  # at the first start there are none
            cache.deserialize(self.path.read_bytes())
        config.set_runtime_cache(cache)
        config.cuda_graph_strategy = module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        return config

    def keep(self, config: Any) -> str | None:
        """Store the kernels; return why they could not be kept, or None."""
        try:
            data = bytes(memoryview(config.get_runtime_cache().serialize()))
            (self.path.parent / ".locks").mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.parent / ".locks" / f"{self.path.stem}.lock"), atomic_path(self.path) as temporary:
                temporary.write_bytes(data)
        except (OSError, InputError) as error:
            return f"kernels are finished again at every start: {error}"
        return None
