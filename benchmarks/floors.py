"""The floor of each graph: the least time that the ceilings of this machine allow for its work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..bundle.bundle import Bundle
from . import ceilings
from .timing import Contender, Samples
from .work import Work, work_of


@dataclass(frozen=True)
class GraphFloor:
    """A graph's work, and the ceilings that hold for it, measured in the same rounds.

    Parameters
    ----------
    graph, precision
        Which, and in what it is computed.
    work
        What it does.
    product, copied
        Times of a matrix product at that precision, and of a copy.
    """

    graph: str
    precision: str
    work: Work
    product: Samples
    copied: Samples

    @property
    def compute_ms(self) -> float:
        """What the multiplications take at least, in ms."""
        return self.work.compute_ms(_gmacs_per_second(self.product.ms.value / 1000))

    @property
    def memory_ms(self) -> float:
        """What the traffic takes at least, in ms."""
        return self.work.memory_ms(_gigabytes_per_second(self.copied.ms.value / 1000))

    @property
    def by_round(self) -> list[float]:
        """The floor in ms by the ceilings of each round."""
        return [
            self.work.floor_ms(_gmacs_per_second(product), _gigabytes_per_second(copied))
            for product, copied in zip(self.product.seconds, self.copied.seconds, strict=True)
        ]


def graph_floors(
    bundle: Bundle, precisions: Mapping[str, str], garments: int, products: Mapping[str, Samples], copied: Samples
) -> list[GraphFloor]:
    """Return every graph's floor for one request.

    Parameters
    ----------
    bundle
        The bundle.
    precisions
        By graph.
    garments
        Garment photographs of the request.
    products
        The fastest way to multiply matrices, by precision; see `fastest_products`.
    copied
        A copy.

    Raises
    ------
    MissingExtraError
        When PyTorch, which counts the work, is not installed.
    """
    work = work_of(bundle, precisions, 1, garments)
    return [
        GraphFloor(graph, precisions[graph], done, products[precisions[graph]], copied) for graph, done in work.items()
    ]


def fastest_products(
    products: Mapping[str, Sequence[Contender]], found: Mapping[str, Samples]
) -> dict[str, tuple[str, Samples]]:
    """Return for each precision which way of multiplying matrices was fastest, and its times."""
    return {
        precision: min(((way.name, found[way.name]) for way in ways), key=lambda each: each[1].ms.value)
        for precision, ways in products.items()
    }


def summed(floors: Sequence[GraphFloor]) -> list[float]:
    """Return the floor of graphs that run one after the other, in ms by round."""
    return [sum(each) for each in zip(*(floor.by_round for floor in floors), strict=True)]


def _gmacs_per_second(seconds: float) -> float:
    return ceilings.product_macs() / 1e9 / seconds


def _gigabytes_per_second(seconds: float) -> float:
    return ceilings.copy_bytes() / 1e9 / seconds
