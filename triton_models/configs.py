"""The configuration of each kind of model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bundle.manifest import Manifest, TensorSpec
from .layout import (
    FEED_FORWARD,
    OUTFIT_GENERATOR,
    TRY_ON_OUTFIT,
    TRY_ON_REFINED,
    Step,
    outer_inputs,
    outer_outputs,
)
from .layout import refinement_inputs as refined_inputs
from .model_config import add_tensors, add_warmup, protobuf, set_parameters
from .options import RepositoryOptions

OUTFIT_INPUT = ("outfit", "string", (1,))
TERMS = ("loss", "reference", "kept", "lookup", "adversarial")
"""What the five numbers of output ``losses`` are."""

BATCHING_DELAY_US = 500
"""How long Triton's own backends wait for requests to batch; a request takes milliseconds there."""

QUEUE, NATIVE_QUEUE = 32, 128
"""Requests that may wait for all graphs in one process, and for a graph in one of Triton's own backends; a further one
is refused at once. What callers have given up may still be computed, so this bounds how long the next one waits."""

LONGEST_WAIT = 60.0
"""Seconds after which a request that waits is refused; as long as clients wait for an answer. A request's own timeout
may shorten it."""


@dataclass(frozen=True)
class Configs:
    """Makes the configurations of one repository.

    Parameters
    ----------
    manifest
        Of the bundle.
    options
        What was asked for.
    on_gpu
        Whether the feed-forward models run on a GPU.
    """

    manifest: Manifest
    options: RepositoryOptions
    on_gpu: bool

    def graph(self, step: Step, backend: str) -> Any:
        """Return the configuration of a graph in one of Triton's own backends."""
        config = self._model(step.model, step.inputs, step.outputs)
        config.instance_group.add(
            kind=self._kind(self.on_gpu and step.model in self.manifest.steps.graphs),
            count=self.options.instances,
            rate_limiter=self._rate_limiter(),
        )
        config.backend = backend
        if backend == "tensorrt":
            config.platform = "tensorrt_plan"
        config.dynamic_batching.max_queue_delay_microseconds = BATCHING_DELAY_US
        if step.model in self._limited:
            self._limit_queue(config, NATIVE_QUEUE)
        for batch in (1, self.manifest.max_requests):
            add_warmup(config, step.inputs, batch, 1)
        return config

    def feed_forward(self, step: Step, warm: Step, parameters: Mapping[str, str], *, outfits: bool) -> Any:
        """Return the configuration of the one process that runs all graphs.

        Parameters
        ----------
        step
            With the tensors of every ensemble; each brings only its own.
        warm
            The ensemble that the warm-up request stands for.
        parameters
            Bundle and engine.
        outfits
            Whether refined outfits are worn, too.
        """
        config = self._model(step.model, step.inputs, step.outputs)
        if outfits:
            add_tensors(config.input, [OUTFIT_INPUT])
        always = {spec.name for spec in warm.inputs} if len(step.inputs) == len(warm.inputs) else set()
        for tensor in config.input:
            tensor.optional = tensor.name not in always
        self._run_in_python(config, self.options.instances)
        add_warmup(config, warm.inputs, 1, 1)
        set_parameters(config, parameters)
        return config

    def ensemble(self, name: str, steps: Sequence[Step], about: Mapping[str, str], results: Sequence[str]) -> Any:
        """Return the configuration of an ensemble that answers `results`."""
        config = self._model(name, outer_inputs(steps), outer_outputs(steps, results))
        config.platform = "ensemble"
        config.response_cache.enable = self.options.response_cache
        worn = name == TRY_ON_OUTFIT
        if worn:
            add_tensors(config.input, [OUTFIT_INPUT])
        wanted = {*results, *(step.outer(spec.name) for step in steps for spec in step.inputs)}
        for step in steps:
            part = config.ensemble_scheduling.step.add(model_name=step.model, model_version=-1)
            for spec in step.inputs:
                part.input_map[spec.name] = step.outer(spec.name)
            if worn and step.model in (OUTFIT_GENERATOR, FEED_FORWARD):
                part.input_map[OUTFIT_INPUT[0]] = OUTFIT_INPUT[0]
            for spec in step.outputs:
                if step.outer(spec.name) in wanted:
                    part.output_map[spec.name] = step.outer(spec.name)
        set_parameters(config, about)
        return config

    def person_parser(self, step: Step, parameters: Mapping[str, str]) -> Any:
        """Return the configuration of the person parser in the Python backend; `manifest` is of its bundle."""
        config = self._model(step.model, step.inputs, step.outputs)
        self._run_in_python(config, 1)
        add_warmup(config, step.inputs, 1, 1)
        set_parameters(config, parameters)
        return config

    def outfit_generator(self, step: Step, parameters: Mapping[str, str]) -> Any:
        """Return the configuration of the appearance generator that wears refined outfits."""
        config = self._model(OUTFIT_GENERATOR, step.inputs, step.outputs)
        add_tensors(config.input, [OUTFIT_INPUT])
        self._run_in_python(config, 1)
        set_parameters(config, parameters)
        return config

    def refined(self, parameters: Mapping[str, str]) -> Any:
        """Return the configuration of refinement: one at a time, a stream of responses, a bounded queue."""
        inputs = refined_inputs(self.manifest)
        picture = (self.manifest.height, self.manifest.width)
        config = self._model(TRY_ON_REFINED, inputs, ())
        config.max_batch_size = 1
        outputs: Iterable[tuple[str, str, tuple[int, ...]]] = (
            ("step", "int32", (1,)),
            ("losses", "float32", (len(TERMS),)),
            ("seconds", "float32", (1,)),
            ("preview", "uint8", (*picture, 3)),
            ("image", "uint8", (*picture, 3)),
            ("labels", "uint8", picture),
            ("report", "string", (1,)),
            ("outfit", "string", (1,)),
        )
        add_tensors(config.output, outputs)
        config.backend = "python"
        config.default_model_filename = "model.py"
        config.model_transaction_policy.decoupled = True
        config.instance_group.add(kind=self._kind(False), count=1)
        policy = config.dynamic_batching.default_queue_policy
        policy.max_queue_size = self.options.queue
        policy.allow_timeout_override = True
        set_parameters(config, parameters)
        return config

    def _run_in_python(self, config: Any, instances: int) -> None:
        """Let a model of the Python backend answer, one request at a time."""
        config.backend = "python"
        config.default_model_filename = "model.py"
        config.instance_group.add(kind=self._kind(False), count=instances, rate_limiter=self._rate_limiter())
        # In batches of one: each request is run by itself, so that an answer never depends on who else asked.
        config.dynamic_batching.preferred_batch_size.append(1)
        self._limit_queue(config, QUEUE)

    def _model(self, name: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Any:
        config = protobuf().ModelConfig(name=name, max_batch_size=self.manifest.max_requests)
        config.version_policy.latest.num_versions = 1
        add_tensors(config.input, inputs)
        add_tensors(config.output, outputs)
        return config

    @property
    def _limited(self) -> frozenset[str]:
        """Return graphs of which none waits for its turn while another of the same request does.

        Triton 2.51 dies when two steps of one request fail together, as they would when two full queues refused them.
        So of graphs that run side by side only one queue is limited: each graph here needs what the last one made.
        """
        chain: list[str] = []
        made: set[str] = set()
        for graph in self.manifest.graphs:
            if not chain or any(spec.name in made for spec in graph.inputs):
                chain.append(graph.name)
                made = {spec.name for spec in graph.outputs}
        return frozenset(chain)

    @staticmethod
    def _limit_queue(config: Any, requests: int) -> None:
        policy = config.dynamic_batching.default_queue_policy
        policy.max_queue_size = requests
        policy.default_timeout_microseconds = int(LONGEST_WAIT * 1e6)
        policy.allow_timeout_override = True

    def _rate_limiter(self) -> Any:
        """Return what counts when Triton is started with ``--rate-limit=execution_count``."""
        limiter = protobuf().ModelRateLimiter()
        limiter.resources.add(name="oviton_compute", count=1, **{"global": True})
        return limiter

    @staticmethod
    def _kind(on_gpu: bool) -> Any:
        group = protobuf().ModelInstanceGroup
        return group.KIND_GPU if on_gpu else group.KIND_CPU
