"""Keep a server up: restart it with back-off when it dies or stops answering, until asked to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..data.closeable import Closeable
from ..data.errors import ServerError
from .installation import Installation, find_triton
from .server import OnLog, ServerOptions, TritonServer

FIRST, LONGEST = 0.5, 30.0
"""Seconds before the first restart, and at most; they double in between."""

CALM = 60.0
"""After so many seconds of service the pauses before restarts begin anew."""

SILENT = 20.0
"""A server that lives but does not answer for so many seconds is ended and restarted."""

START = 120.0
"""Seconds that a start may take."""

POLL, ASK = 0.25, 1.0
"""Seconds between two looks at the server's processes, and between two questions whether it answers."""


class Supervisor(Closeable):
    """A server that is kept up. The first start must succeed; later ones are tried again and again.

    Parameters
    ----------
    repository
        The model repository's folder.
    options
        Ports, address, TLS.
    on_log
        Called with each line of the server's log.
    on_event
        Called with what happens: ready, died, restarting.
    """

    def __init__(
        self,
        repository: Path,
        options: ServerOptions,
        *,
        on_log: OnLog | None = None,
        on_event: Callable[[str], object] | None = None,
        installation: Installation | None = None,
    ) -> None:
        self.repository = repository
        self.options = options.with_ports()
        self.restarts = 0
        self._installation = installation or find_triton()
        self._on_log, self._say = on_log, on_event or (lambda _: None)
        self._stop = threading.Event()
        self.server = TritonServer(self._installation, repository, self.options, on_log)
        try:
            self.server.wait_ready(START)
        except BaseException:
            self.server.close()
            raise

    def run(self, on_poll: Callable[[], object] | None = None) -> None:
        """Watch the server until `stop`; `on_poll` is called at every look."""
        attempts = 0
        ready_since = answered = time.monotonic()
        while not self._stop.wait(POLL):
            if on_poll is not None:
                on_poll()
            now = time.monotonic()
            if now - answered >= ASK and self.server.is_ready:
                answered = now
            fault = self._fault(now - answered)
            if fault is None:
                attempts = 0 if now - ready_since > CALM else attempts
                continue
            self._say(f"{fault}; restarting it")
            self.server.kill()
            while not self._stop.wait(min(LONGEST, FIRST * 2 ** min(attempts, 8))):
                attempts += 1
                if self._restarted():
                    break
            ready_since = answered = time.monotonic()

    def stop(self) -> None:
        """Let `run` return; may be called from another thread or a signal handler."""
        self._stop.set()

    def close(self) -> None:
        """Stop the server."""
        self.stop()
        self.server.close()

    def _fault(self, silence: float) -> str | None:
        """Return what is wrong with the server; None when nothing is."""
        if not self.server.is_running:
            return f"Triton died (status {self.server.status})"
        if self.server.has_lost_models:
            return "a model's process died, and Triton starts no new one"
        if silence > SILENT:
            return f"Triton has not answered for {silence:.0f} s"
        return None

    def _restarted(self) -> bool:
        self.restarts += 1
        try:
            self.server = TritonServer(self._installation, self.repository, self.options, self._on_log)
            self.server.wait_ready(START, self._raise_if_stopping)
        except (ServerError, OSError) as error:
            self.server.close()
            self._say(f"the restart failed: {error}")
            return False
        self._say(f"ready again after restart {self.restarts}")
        return True

    def _raise_if_stopping(self) -> None:
        if self._stop.is_set():
            raise ServerError("asked to stop", "CANCELLED")
