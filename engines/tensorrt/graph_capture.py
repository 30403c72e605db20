"""Replaying a launch as one CUDA graph instead of launching its kernels one by one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any


class CapturedLaunch:
    """A launch that is captured once it has run with the same addresses before.

    The first run is plain: libraries load kernels and allocate then, which a capture forbids. The second is captured,
    and those after it are replays. Other addresses start anew, since a graph holds the addresses that it was captured
    with.

    Parameters
    ----------
    launch
        Enqueues the work on the stream of the handle given.
    """

    def __init__(self, launch: Callable[[int], None]) -> None:
        self._launch = launch
        self._key: Hashable = None
        self._graph: Any = None

    def run(self, stream: Any, key: Hashable, *, capturable: bool = True) -> None:
        """Enqueue the work.

        Parameters
        ----------
        stream
            The `cuda.core.Stream` to run on.
        key
            Everything that the launch depends on: addresses of inputs, outputs and scratch.
        capturable
            Whether a capture may be tried.
        """
        if key != self._key:
            if self._graph is not None:
                stream.sync()  # it may still run
            self.forget()
            self._key = key
            self._launch(int(stream.handle))
            return
        if self._graph is None and capturable:
            self._graph = self._capture(stream)
        if self._graph is None:
            self._launch(int(stream.handle))
        else:
            self._graph.launch(stream)

    def forget(self) -> None:
        """Drop the graph; the next run is plain."""
        if self._graph is not None:
            self._graph.close()
        self._graph = self._key = None

    def _capture(self, stream: Any) -> Any:
        # Thread-local: a global capture would make other threads' unrelated CUDA calls fail.
        builder = stream.create_graph_builder().begin_building(mode="thread_local")
        try:
            self._launch(int(stream.handle))
        finally:
            builder.end_building()
        try:
            return builder.complete()
        finally:
            builder.close()
