"""A build's progress as one fraction, and the way to cancel it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorrt as trt

OnProgress = Callable[[str, float], None]
"""Called with the phase under way and the share done, 0 to 1."""


class BuildProgress:
    """What a build has done so far, told by TensorRT in phases that lie in each other.

    Parameters
    ----------
    on_progress
        Called whenever the share has grown. What it raises cancels the build.
    """

    def __init__(self, on_progress: OnProgress | None = None) -> None:
        self._on_progress = on_progress
        self._phases: dict[str, _Phase] = {}
        self._told = 0.0
        self._cancelled = threading.Event()
        self.error: BaseException | None = None

    def cancel(self) -> None:
        """Ask the build to stop at its next step."""
        self._cancelled.set()

    def start(self, phase: str, parent: str | None, steps: int) -> None:
        """Note that a phase begins."""
        self._phases[phase] = _Phase(self._phases.get(parent or ""), max(1, steps))

    def step(self, phase: str, step: int) -> bool:
        """Note a step; return whether the build may go on."""
        if phase in self._phases:
            self._phases[phase].done = step + 1
            self._tell(phase)
        return not self._cancelled.is_set()

    def finish(self, phase: str) -> None:
        """Note that a phase is over."""
        ended = self._phases.pop(phase, None)
        if ended is not None and ended.parent is None:
            self._tell(phase, 1.0)

    def _tell(self, phase: str, fraction: float | None = None) -> None:
        share = self._phases[phase].overall if fraction is None else fraction
        if self._on_progress is None or self._cancelled.is_set() or share < self._told + 0.005:
            return
        self._told = share
        try:
            self._on_progress(phase, min(1.0, share))
        except BaseException as error:  # raised again by the builder; nothing may pass through TensorRT
            self.error = error
            self.cancel()


class _Phase:
    def __init__(self, parent: _Phase | None, steps: int) -> None:
        self.parent, self.steps, self.done = parent, steps, 0

    @property
    def overall(self) -> float:
        """Return the share of the whole build that is done when this phase's steps are counted."""
        share, phase = min(1.0, self.done / self.steps), self.parent
        while phase is not None:
            share = min(1.0, (phase.done + share) / phase.steps)
            phase = phase.parent
        return share


def make_monitor(module: Any, progress: BuildProgress) -> trt.IProgressMonitor:
    """Return TensorRT's view of a `BuildProgress`."""

    class _Monitor(module.IProgressMonitor):  # type: ignore[misc] # its base is known at run time only
        def __init__(self) -> None:
            super().__init__()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            progress.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return progress.step(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            progress.finish(phase_name)

    monitor: trt.IProgressMonitor = _Monitor()
    return monitor
