"""A bundle as a Triton model repository: one folder a model, complete and readable."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..bundle.bundle import SHIPPED_BUNDLES, Bundle
from ..bundle.families import PREPARE
from ..data.errors import InputError
from ..data.files import atomic_folder
from ..data.optional import install_command, is_installed
from ..engines.engine_set import EngineSet
from ..engines.loading import Progress
from .codes import (
    CODES,
    CODES_MODELS,
    ENCODER_PREFIX,
    GARMENT_ENCODER,
    TRY_ON_CODES,
    check_codes_can_be,
    codes_steps,
    encoder_steps,
)
from .configs import OUTFIT_INPUT, Configs
from .input_check import OUTPUT
from .layout import (
    FEED_FORWARD,
    OUTFIT_GENERATOR,
    PROTOCOL,
    TRY_ON,
    TRY_ON_OUTFIT,
    TRY_ON_REFINED,
    Step,
    graph_steps,
    models,
    together,
)
from .model_config import CONFIG_NAME, VERSION, check_against, read_config, write_config
from .native_files import SMALL, NativeFiles, Used, choose_native
from .options import RepositoryOptions
from .served_path import check_bundle_path, check_served_path

EMBEDDED_BUNDLE = "bundle"
(PARSER,) = PREPARE.graphs
_CLASSES = {
    FEED_FORWARD: ("feed_forward_model", "FeedForwardModel"),
    OUTFIT_GENERATOR: ("outfit_model", "OutfitModel"),
    TRY_ON_REFINED: ("refined_model", "RefinedModel"),
    PARSER: ("parser_model", "ParserModel"),
}
_WHAT = {
    TRY_ON: "Dress people: the feed-forward try-on.",
    TRY_ON_OUTFIT: "Dress people in an outfit that was refined before.",
    TRY_ON_REFINED: "Dress a person and refine on this very request: a stream of steps.",
    GARMENT_ENCODER: "Encode a garment once.",
    TRY_ON_CODES: "Dress people in garments that were encoded before.",
}

Ensemble = tuple[str, tuple[Step, ...], dict[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Repository:
    """A written repository.

    Parameters
    ----------
    folder
        Where.
    models
        Their names.
    engine, engine_version, device, precision
        What the feed-forward models run on.
    notes
        What a user should know.
    """

    folder: Path
    models: tuple[str, ...]
    engine: str
    engine_version: str
    device: str
    precision: str
    notes: tuple[str, ...] = ()


def build_repository(
    bundle: Bundle, folder: Path, options: RepositoryOptions | None = None, *, on_progress: Progress | None = None
) -> Repository:
    """Write a repository; the folder appears whole or not at all.

    Parameters
    ----------
    bundle
        A verified bundle.
    folder
        A new or empty folder, or an older repository of oviton's, which is replaced.
    options
        What it shall be.
    on_progress
        Called with what is being done.

    Raises
    ------
    InputError
        When the engine cannot run here, an option does not fit the bundle, the folder holds something else, or Triton
        cannot serve from its path.
    GateError
        When a precision that was asked for fails its gate on this machine.
    """
    options = options or RepositoryOptions()
    bundle.manifest.steps.require("try-on")
    if not options.is_native or options.refinement:
        check_served_path(folder)
        if not options.embed_bundle:
            check_bundle_path(bundle.path)
    with atomic_folder(folder, is_ours=is_repository) as temporary:
        builder = _Builder(bundle, temporary, options, on_progress or (lambda _: None))
        models = builder.build()
    used = builder.used
    return Repository(folder, models, used.engine, used.version, used.device, used.precision, tuple(builder.notes))


def is_repository(folder: Path) -> bool:
    """Whether a folder holds a repository that oviton wrote, and nothing else."""
    try:
        about = read_config(folder / TRY_ON).parameters
        return "oviton_version" in about and all((model / CONFIG_NAME).is_file() for model in folder.iterdir())
    except (InputError, OSError):
        return False


@dataclass
class _Builder:
    bundle: Bundle
    folder: Path
    options: RepositoryOptions
    say: Progress
    notes: list[str] = field(default_factory=list)

    def build(self) -> tuple[str, ...]:
        manifest = self.bundle.manifest
        if self.options.codes:
            check_codes_can_be(manifest)
        self.used = choose_native(self.options) if self.options.is_native else self._embedded()
        self.configs = Configs(manifest, self.options, self.options.is_native and self.used.device == "cuda")
        self.notes += self.used.notes
        self.say("writing models")
        for ensemble in self._ensembles():
            self._write(self.configs.ensemble(*ensemble), _WHAT[ensemble[0]])
        if self.options.is_native:
            self._write_graphs()
        else:
            self._write_feed_forward()
        if self._refines():
            parameters = {**self._engine_parameters(), **self._outfit_parameters()}
            self._write(self.configs.refined(parameters), _WHAT[TRY_ON_REFINED], TRY_ON_REFINED)
        if self.options.prepare:
            self._write_parser(Bundle.open(SHIPPED_BUNDLES / PREPARE.name))
        self._copy_bundle()
        return tuple(sorted(path.name for path in self.folder.iterdir()))

    def _ensembles(self) -> list[Ensemble]:
        """Return what clients call: each ensemble's name, steps, parameters and results."""
        manifest = self.bundle.manifest
        wanted: list[tuple[str, tuple[Step, ...], tuple[str, ...]]] = []
        steps, results = graph_steps(manifest), (*manifest.steps.results, OUTPUT)
        wanted.append((TRY_ON, steps, results))
        if self.options.codes:
            wanted.append((GARMENT_ENCODER, encoder_steps(manifest), (*CODES, OUTPUT)))
            wanted.append((TRY_ON_CODES, codes_steps(manifest), results))
        if self._refines():
            renamed = {manifest.steps.refined: OUTFIT_GENERATOR}
            worn = tuple(replace(step, model=renamed.get(step.model, step.model)) for step in steps)
            wanted.append((TRY_ON_OUTFIT, worn, results))
        if not self.options.is_native:
            prefixes = {GARMENT_ENCODER: ENCODER_PREFIX}
            wanted = [
                (name, together(steps, results, prefixes.get(name, "")), results) for name, steps, results in wanted
            ]
        return [(name, steps, self._about(), results) for name, steps, results in wanted]

    def _embedded(self) -> Used:
        """Choose the CPU engine, compile its plans into the cache and gate its precision on this machine."""
        options = self.options
        with EngineSet.load(
            self.bundle, options.engine, options.precision, on_progress=self.say, threads=options.threads
        ) as engines:
            self.notes += engines.notes
            candidate = engines.chosen.candidate
            return Used(candidate.engine, engines.chosen.version or "", candidate.device, engines.precision)

    def _write_feed_forward(self) -> None:
        """Write the one model of the Python backend that runs all graphs."""
        ensembles, outfits = self._ensembles(), self._refines()
        (step,) = models(steps for _, steps, _, _ in ensembles)
        parameters = {**self._engine_parameters(), **(self._outfit_parameters() if outfits else {})}
        config = self.configs.feed_forward(step, ensembles[0][1][0], parameters, outfits=outfits)
        self._write(config, f"All graphs of bundle {self.bundle.manifest.name}.", FEED_FORWARD)
        for name in CODES_MODELS if self.options.codes else ():
            graph = SMALL[name][0](self.bundle.manifest).SerializeToString()
            (self.folder / FEED_FORWARD / VERSION / f"{name}.onnx").write_bytes(graph)
        check_against(
            read_config(self.folder / step.model), [*step.inputs, *([OUTFIT_INPUT] if outfits else [])], step.outputs
        )

    def _write_graphs(self) -> None:
        """Write each graph as a model of one of Triton's own backends."""
        files = NativeFiles(self.bundle, self.options.engine, self.used.precision, self.say)
        for step in models(steps for _, steps, _, _ in self._ensembles()):
            version = self.folder / step.model / VERSION
            if step.model == OUTFIT_GENERATOR:
                parameters = {**self._engine_parameters(), **self._outfit_parameters()}
                config = self.configs.outfit_generator(step, parameters)
                self._write(config, "The appearance generator with the weights of refined outfits.", OUTFIT_GENERATOR)
                continue
            self._write(self.configs.graph(step, files.backend(step.model)), files.comment(step.model))
            files.write(step.model, version)
            check_against(read_config(self.folder / step.model), step.inputs, step.outputs)

    def _write_parser(self, bundle: Bundle) -> None:
        """Write the person parser, whose bundle is not the one that dresses people."""
        (graph,) = bundle.manifest.graphs
        step = Step(graph.name, graph.inputs, graph.outputs)
        configs = Configs(bundle.manifest, self.options, self.configs.on_gpu)
        if self.options.is_native:
            files = NativeFiles(bundle, self.options.engine, self.used.precision, self.say)
            self._write(configs.graph(step, files.backend(graph.name)), files.comment(graph.name))
            files.write(graph.name, self.folder / graph.name / VERSION)
        else:
            with EngineSet.load(
                bundle, self.options.engine, self.options.precision, on_progress=self.say, threads=self.options.threads
            ) as engines:
                self.notes += engines.notes
                told = {"engine": engines.chosen.candidate.engine, "precision": engines.precision}
            own = EMBEDDED_BUNDLE if self.options.embed_bundle else str(bundle.path.resolve())
            config = configs.person_parser(step, {**self._engine_parameters(), **told, "bundle": own})
            self._write(config, f"Graph {graph.name} of bundle {bundle.manifest.name}.", graph.name)
            if self.options.embed_bundle:
                shutil.copytree(bundle.path, self.folder / graph.name / EMBEDDED_BUNDLE)
        check_against(read_config(self.folder / graph.name), step.inputs, step.outputs)

    def _refines(self) -> bool:
        programs = {program.name for program in self.bundle.manifest.programs}
        missing = self.bundle.manifest.steps.cannot.get("refinement", "")
        if not missing and "appearance_painter" not in programs:
            missing = "the bundle has no programs for it"
        if not missing and not is_installed("torch") and not self.options.is_native:
            missing = f"it needs PyTorch; run: {install_command('torch', 'refine')}"
        if self.options.refinement and missing:
            raise InputError(f"refinement cannot be served: {missing}")
        if self.options.refinement is None and missing:
            self.notes.append(f"refinement is not served: {missing}")
        return not missing if self.options.refinement is None else self.options.refinement

    def _outfit_parameters(self) -> dict[str, str]:
        """Return where refined outfits are kept, and how many."""
        return {"outfits": "", "outfits_mb": str(self.options.outfits_mb)}

    def _engine_parameters(self) -> dict[str, str]:
        """Return what a model of the Python backend is told."""
        used = self.used
        engine = used.engine if not self.options.is_native else "auto"
        bundle = f"../{TRY_ON}/{EMBEDDED_BUNDLE}" if self.options.embed_bundle else str(self.bundle.path.resolve())
        precision = used.precision if engine != "auto" else "auto"
        threads = "" if self.options.threads is None else str(self.options.threads)
        return {"bundle": bundle, "engine": engine, "precision": precision, "threads": threads}

    def _about(self) -> dict[str, str]:
        manifest, used = self.bundle.manifest, self.used
        return {
            "protocol": PROTOCOL,
            "oviton_version": __version__,
            "bundle_name": manifest.name,
            "bundle_preset": manifest.preset,
            "bundle_identity": self.bundle.identity,
            "bundle_height": str(manifest.height),
            "bundle_width": str(manifest.width),
            "bundle_conditioning": manifest.conditioning,
            "bundle_trained": json.dumps(manifest.trained),
            "max_garments": str(manifest.max_garments),
            "engine": used.engine,
            "engine_version": used.version,
            "engine_device": used.device,
            "engine_precision": used.precision,
            "notes": json.dumps(self.notes),
        }

    def _copy_bundle(self) -> None:
        if self.options.embed_bundle and (self._refines() or not self.options.is_native):
            shutil.copytree(self.bundle.path, self.folder / TRY_ON / EMBEDDED_BUNDLE)

    def _write(self, config: Any, what: str, kind: str | None = None) -> None:
        folder = self.folder / config.name
        write_config(folder, config, f"{what}\nWritten by oviton {__version__}; see docs/serving.md.")
        (folder / VERSION).mkdir()
        if kind is not None:
            module, name = _CLASSES[kind]
            (folder / VERSION / "model.py").write_text(_MODEL.format(module=module, name=name), encoding="utf-8")


_MODEL = '''"""Triton's Python backend loads this file; the model itself is part of oviton."""

import os
import sys

# Triton's Python ignores PYTHONPATH; `oviton serve` tells here where its own Python finds packages.
sys.path[:0] = [path for path in os.environ.get("OVITON_PATH", "").split(os.pathsep) if path]

from oviton.triton_models.backend.{module} import {name} as TritonPythonModel  # noqa: E402

__all__ = ["TritonPythonModel"]
'''


def model_backends(repository: Repository) -> Mapping[str, str]:
    """Return each model's backend, for people."""
    found = {}
    for name in repository.models:
        config = read_config(repository.folder / name)
        found[name] = config.platform if config.platform == "ensemble" else config.backend
    return found
