"""PyTorch's own compiler: a baseline for the engines that are made for speed."""

from __future__ import annotations

from typing import Any

from ..data.errors import EngineError
from .input_checks import Array, NumpyArray
from .registry import EngineSpec, register
from .torch_engine import TorchEngine


@register(
    EngineSpec(
        engine="torch-compile",
        device="cuda",
        precisions=("fp16", "fp32"),
        module="torch",
        distributions=("torch",),
        extra="refine",
        rank=80,
    )
)
@register(
    EngineSpec(
        engine="torch-compile",
        device="cpu",
        precisions=("fp32",),
        module="torch",
        distributions=("torch",),
        extra="refine",
        rank=90,
    )
)
class TorchCompileEngine(TorchEngine):
    """Run a graph's program through `torch.compile`: fused kernels, and on CUDA replayed as CUDA graphs.

    It is compiled at the first run, anew in every process, and serves the thread that compiled it.

    Parameters
    ----------
    bundle, graph, precision, device
        See `TorchEngine`.
    """

    def _load(self, weights: dict[str, NumpyArray] | None) -> Any:
        # Dynamic, or every new N or M would compile anew, and after a few PyTorch would give up without a word.
        mode = "reduce-overhead" if self.device != "cpu" else "default"
        return self._torch.compile(super()._load(weights), mode=mode, dynamic=True, fullgraph=True)

    def _run(self, network: Any, inputs: dict[str, Array]) -> dict[str, Array]:
        for spec in self.inputs:
            for axis, size in enumerate(spec.shape):
                if isinstance(size, int):  # of symbols for a frame's sides the compiler has to prove too much
                    self._torch._dynamo.mark_static(inputs[spec.name], axis)
        self._torch.compiler.cudagraph_mark_step_begin()
        try:
            outputs = super()._run(network, inputs)
        except self._torch._dynamo.exc.TorchDynamoException as error:
            reason = " ".join(str(error).partition("\n\n")[0].split())  # advice for PyTorch's developers follows
            raise EngineError(
                f"engine {self.kind}: PyTorch {self._torch.__version__} cannot compile {self.graph.name} ({reason}); "
                "take the engine torch"
            ) from error
        with self._torch.inference_mode():  # a replayed graph writes to the same memory again
            return {name: value.clone() for name, value in outputs.items()}
