"""`Refinement`: one request's refinement, as callers of `TryOn` hold it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .refinement.outfit_weights import OutfitWeights
    from .refinement.refiner import Refiner
    from .refinement.session import RefinementSession
    from .refinement.step import RefinementStep
    from .try_on import Look


class Refinement:
    """A refinement under way. Iterate over it for its steps; stop whenever the look is good enough.

    Made by `TryOn.refinement`. Nothing runs between two steps, so whoever stops iterating leaves nothing behind.

    Parameters
    ----------
    session
        The refinement itself.
    finish
        Makes the look of it.
    """

    def __init__(self, session: RefinementSession, finish: Callable[[RefinementSession], Look]) -> None:
        self._session, self._finish = session, finish

    @property
    def refiner(self) -> Refiner:
        """The optimisation."""
        return self._session.refiner

    def __iter__(self) -> Iterator[RefinementStep]:
        """Take the steps, one by one."""
        return iter(self._session)

    def look(self) -> Look:
        """Return the better of the refined and the feed-forward result."""
        return self._finish(self._session)

    def outfit(self) -> OutfitWeights:
        """Return the refined weights, packed to be saved and served; see `TryOn.serve`.

        Raises
        ------
        InputError
            When the refinement was not accepted.
        """
        return self._session.outfit()
