"""A Triton server as a child process: started, watched, stopped, and nothing of it left behind."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Self

from ..data.closeable import Closeable
from ..data.errors import ServerError
from .installation import Installation, find_triton
from .launcher import children
from .served_path import check_served_path
from .server_options import LOCAL, ServerOptions

__all__ = ["LOCAL", "ServerOptions", "TritonServer"]

LAUNCHER = Path(__file__).with_name("launcher.py")
SHARED_MEMORY = Path("/dev/shm")
KEPT_LINES = 200
OnLog = Callable[[str], object]


class TritonServer(Closeable):
    """A running server. Make one with `start`; closing it stops every process of it.

    Parameters
    ----------
    installation
        Which server.
    repository
        The model repository's folder.
    options
        With ports chosen.
    on_log
        Called with each line of the server's log, from a thread of its own.

    Attributes
    ----------
    shared_memory_prefix
        How the names of its shared memory in ``/dev/shm`` begin.
    last_lines
        The end of its log.
    """

    def __init__(
        self, installation: Installation, repository: Path, options: ServerOptions, on_log: OnLog | None = None
    ) -> None:
        check_served_path(installation.backends, "set OVITON_CACHE to a folder")
        self.installation, self.repository, self.options = installation, check_served_path(repository), options
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._on_log = on_log
        self.shared_memory_prefix = f"oviton-{uuid.uuid4().hex[:8]}-"
        self._models: set[int] = set()
        self._process = self._spawn()
        self._log = threading.Thread(target=self._forward_log, name="triton log", daemon=True)
        self._log.start()

    @classmethod
    def start(
        cls,
        repository: Path,
        options: ServerOptions | None = None,
        *,
        on_log: OnLog | None = None,
        installation: Installation | None = None,
        timeout: float = 120,
    ) -> Self:
        """Start a server and wait until every model is ready.

        Parameters
        ----------
        repository
            The model repository's folder.
        options
            Ports, address, TLS.
        on_log
            Called with each line of the server's log.
        installation
            Which server; found when None.
        timeout
            Seconds that it may take.

        Raises
        ------
        InputError
            When no server is found, a port is in use, or Triton cannot serve from the repository's path.
        ServerError
            When it stops or is not ready in time; the message holds what its log says.
        """
        server = cls(installation or find_triton(), repository, (options or ServerOptions()).with_ports(), on_log)
        try:
            server.wait_ready(timeout)
        except BaseException:
            server.close()
            raise
        return server

    @property
    def grpc_address(self) -> str:
        """Return ``host:port`` for clients on this machine."""
        return self._address("grpc")

    @property
    def http_address(self) -> str | None:
        """Return ``host:port`` of HTTP; None when it is off."""
        return self._address("http") if self.options.http_port is not None else None

    @property
    def metrics_address(self) -> str:
        """Return ``host:port`` of the metrics."""
        return self._address("metrics")

    @property
    def pid(self) -> int | None:
        """Return the server's process id; None when it is dead."""
        return next(iter(children(self._process.pid)), None)

    @property
    def model_pids(self) -> tuple[int, ...]:
        """Return the ids of the processes that run models of the Python backend."""
        server = self.pid
        return tuple(children(server)) if server is not None else ()

    @property
    def has_lost_models(self) -> bool:
        """Whether a model's process has died since all were ready; Triton starts no new one."""
        return not self._models <= set(self.model_pids)

    @property
    def status(self) -> int | None:
        """Return the exit status; None while it runs."""
        return self._process.poll()

    @property
    def is_running(self) -> bool:
        """Whether the server's process lives."""
        return self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether the server answers, which it does once every model is ready."""
        try:
            self.metrics()
        except (OSError, http.client.HTTPException):
            return False
        return True

    def wait_ready(self, timeout: float, on_wait: Callable[[], object] | None = None) -> None:
        """Wait until every model is ready.

        Raises
        ------
        ServerError
            When the server stops or is not ready in time.
        """
        end = time.monotonic() + timeout
        while not self.is_ready:
            if not self.is_running:
                self._log.join(timeout=5)
                status = self._process.returncode
                raise ServerError(f"Triton stopped with status {status}: {self._reason()}", "UNAVAILABLE")
            if time.monotonic() > end:
                raise ServerError(f"Triton was not ready after {timeout:g} s: {self._reason()}", "UNAVAILABLE")
            if on_wait is not None:
                on_wait()
            time.sleep(0.1)
        self._models = set(self.model_pids)

    def metrics(self) -> str:
        """Return the Prometheus text."""
        with urllib.request.urlopen(f"http://{self.metrics_address}/metrics", timeout=2) as answer:
            text: str = answer.read().decode()
            return text

    def close(self) -> None:
        """Stop: let requests in flight end, then end every process and remove its shared memory."""
        if self.is_running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.options.stop_seconds + 10)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # nothing, unless the launcher itself is stuck or was killed
        self._process.wait()
        self._log.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()
        for left in SHARED_MEMORY.glob(f"{self.shared_memory_prefix}*"):
            left.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it at once, whatever is in flight."""
        server = self.pid
        if server is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(server, signal.SIGKILL)
        self.close()

    def _address(self, what: str) -> str:
        """Return where this machine reaches what listens."""
        host = self.options.binds[what]
        return f"{LOCAL if host in ('0.0.0.0', '::') else host}:{self.options.ports[what]}"

    def _spawn(self) -> subprocess.Popen[str]:
        installed = self.installation
        command = [
            sys.executable, "-I", "-S", str(LAUNCHER),
            str(os.getpid()), str(self.options.stop_seconds + 5), self.shared_memory_prefix, str(installed.binary),
            f"--model-repository={self.repository}",
            f"--backend-directory={installed.backends}", f"--cache-directory={installed.caches}",
            f"--backend-config=python,shm-region-prefix-name={self.shared_memory_prefix}",
            *self.options.arguments(),
        ]  # fmt: skip
        return subprocess.Popen(
            command,
            env={**os.environ, **installed.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # a group of its own: Ctrl-C is ours to handle, and all of it can be ended
        )

    def _forward_log(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                text = line.rstrip()
                self.last_lines.append(text)
                if self._on_log is not None and text:
                    self._on_log(text)

    def _reason(self) -> str:
        """Return what the log says went wrong."""
        lines = list(self.last_lines)
        failures = [line for line in lines if line.startswith("E") and "failed to load" in line]
        errors = [line for line in lines if line.startswith("E") and "CudaDriver" not in line]
        told = [line for line in lines if line.startswith("error")]
        found = (failures or errors or told or lines[-1:] or ["its log is empty"])[0]
        return found.split("] ", 1)[-1].strip(' "').split("\\n\\nAt:")[0]
