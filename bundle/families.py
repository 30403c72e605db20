"""Families of networks: which graphs a request runs through, in which order, and what a family cannot do.

Whatever handles a bundle reads this table: the manifest's check, the pipeline, gates, samples, Triton's configurations
and benchmarks. A further family is one more entry.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy.typing as npt

from ..data.errors import InputError

Arrays = dict[str, npt.NDArray[Any]]
"""Tensors by name, batch first."""

HostStep = Callable[[Mapping[str, npt.NDArray[Any]]], Mapping[str, npt.NDArray[Any]]]
"""What NumPy computes between two graphs: further tensors by name, from all that are known so far."""

Ability = Literal["try-on", "several garments", "labels", "refinement", "garments as codes"]


@dataclass(frozen=True)
class Family:
    """Networks that answer requests in the same steps.

    Parameters
    ----------
    name
        The family's name, as in a manifest.
    graphs
        The graphs in the order in which a request runs through them. A graph's name is also that of its engine and of
        its Triton model.
    inputs
        The tensors that a request may bring, in the order in which servers list them.
    results
        The tensors that answer a request.
    parts
        What is trained by itself; a manifest tells of each how.
    encoders
        The graphs that look at one garment at a time, so that garments can be kept as their codes. Default: none.
    refined
        The graph whose weights refinement optimises. Default: None, no refinement.
    optional
        Graphs that a bundle may lack, each with the part of its name. Default: none.
    cannot
        Why the family lacks an ability, by ability, as the end of a sentence. Default: it lacks none.
    before
        What NumPy computes before a graph runs, by the graph's name. Default: nothing.

    Examples
    --------
    >>> O_VITON.until("shape_generator"), O_VITON.after("appearance_encoder")
    (('correspondence', 'shape_encoder'), ('appearance_generator', 'compositor'))
    """

    name: str
    graphs: tuple[str, ...]
    inputs: tuple[str, ...]
    results: tuple[str, ...]
    parts: tuple[str, ...]
    encoders: tuple[str, ...] = ()
    refined: str | None = None
    optional: tuple[str, ...] = ()
    cannot: Mapping[Ability, str] = field(default_factory=dict)
    before: Mapping[str, HostStep] = field(default_factory=dict)

    def require(self, ability: Ability) -> None:
        """Refuse what the family cannot do.

        Raises
        ------
        InputError
            Naming the family, the ability and the reason.
        """
        if ability in self.cannot:
            raise InputError(f"family {self.name}: no {ability}, since {self.cannot[ability]}; choose another bundle")

    def having(self, graphs: Collection[str]) -> Family:
        """Return the family as a bundle with these graphs has it: without optional ones that it lacks."""
        lacking = {*self.optional} - {*graphs}
        held, parts = (tuple(name for name in names if name not in lacking) for names in (self.graphs, self.parts))
        return replace(self, graphs=held, parts=parts)

    def until(self, graph: str) -> tuple[str, ...]:
        """Return the graphs that run before one."""
        return self.graphs[: self.graphs.index(graph)]

    def after(self, graph: str) -> tuple[str, ...]:
        """Return the graphs that run after one."""
        return self.graphs[self.graphs.index(graph) + 1 :]


O_VITON = Family(
    name="o-viton",
    graphs=(
        "correspondence",
        "shape_encoder",
        "shape_generator",
        "appearance_encoder",
        "appearance_generator",
        "compositor",
    ),
    optional=("correspondence",),
    inputs=(
        "person_image",
        "person_labels",
        "densepose",
        "garment_images",
        "garment_labels",
        "garment_densepose",
        "source",
    ),
    results=("image", "labels"),
    parts=("correspondence", "shape", "appearance"),
    encoders=("shape_encoder", "appearance_encoder"),
    refined="appearance_generator",
)
"""Neuberger et al., *Image Based Virtual Try-on Network from Unpaired Data*, CVPR 2020."""

PREPARE = Family(
    name="prepare",
    graphs=("person_parser",),
    inputs=("person_image",),
    results=("labels", "densepose", "people"),
    parts=("person_parser",),
    cannot={ability: "it sees photographs and dresses nobody" for ability in get_args(Ability) if ability != "labels"},
)
"""A photograph → its person's labels and body map, and where all people are."""

FAMILIES: Mapping[str, Family] = {family.name: family for family in (O_VITON, PREPARE)}
