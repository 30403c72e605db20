"""What each family exports: its graphs with their weights, what they are, and the programs beside them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from ..bundle.families import O_VITON, PREPARE, Arrays, Family
from ..bundle.manifest import MAX_BATCH, ProgramEntry
from ..networks.graphs import GraphSpec, graph_specs
from ..networks.mobilenet import fold_batch_norms
from ..networks.perceptual import PerceptualBackbone
from ..networks.person_parser import PersonParser, PersonParserGraph, parser_spec
from .programs import round_weights_to_fp16
from .refinement_programs import export_programs

if TYPE_CHECKING:
    from ..networks.checkpoint import Networks

Programs = tuple[tuple[ProgramEntry, ...], dict[str, nn.Module]]
"""Further programs as a manifest lists them, and what they were made from."""


@dataclass(frozen=True)
class Source:
    """Networks that are ready to become a bundle: copies, their weights rounded to FP16.

    Parameters
    ----------
    family
        The family.
    preset, height, width, conditioning, config, trained
        What the manifest says of the networks.
    graphs
        The family's graphs in order, with their weights.
    calibrated
        The graphs that may be computed in INT8. A picture hides rounding; labels and codes do not.
    garments
        Largest M.
    programs
        Exports further programs, of a traced request's tensors, into a folder.
    """

    family: Family
    preset: str
    height: int
    width: int
    conditioning: Literal["codes", "surface", "none"]
    config: dict[str, Any]
    trained: Mapping[str, str]
    graphs: tuple[tuple[GraphSpec, nn.Module], ...]
    calibrated: Collection[str] = ()
    garments: int = MAX_BATCH
    programs: Callable[[Arrays, Path], Programs] = lambda traced, folder: ((), {})


def source_of(networks: Networks | PersonParser) -> Source:
    """Return what is exported of networks; they are not changed.

    Raises
    ------
    InputError
        When a weight does not fit FP16.
    """
    return _prepare(networks) if isinstance(networks, PersonParser) else _o_viton(networks)


def _o_viton(networks: Networks) -> Source:
    perceptual = PerceptualBackbone.pretrained()
    networks = copy.deepcopy(networks).eval()
    round_weights_to_fp16(networks)
    round_weights_to_fp16(perceptual)
    config = networks.config
    return Source(
        O_VITON,
        config.preset,
        config.height,
        config.width,
        config.appearance.conditioning,
        config.to_json(),
        networks.training_notes,
        tuple((spec, graph_module(networks, spec)) for spec in graph_specs(config)),
        calibrated=("appearance_generator",),
        programs=lambda traced, folder: export_programs(networks, perceptual, traced, folder),
    )


def _prepare(parser: PersonParser) -> Source:
    parser = copy.deepcopy(parser).eval()
    fold_batch_norms(parser)
    round_weights_to_fp16(parser)
    height, width = parser.config.height, parser.config.width
    graph = PersonParserGraph(parser).eval()
    return Source(
        PREPARE,
        "person-parser",
        height,
        width,
        "none",
        parser.config.to_json(),
        {"person_parser": parser.trained},
        ((parser_spec(height, width), graph),),
        garments=1,
    )


def graph_module(networks: Networks, spec: GraphSpec) -> nn.Module:
    """Return a graph of the networks, with their weights."""
    with torch.device("meta"):  # its weights are about to be replaced
        module = spec.build(networks.config)
    if spec.name in dict(networks.named_children()):
        setattr(module, spec.name, getattr(networks, spec.name))
    return module
