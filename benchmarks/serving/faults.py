"""Kill model processes and the server, under load, and see that clients get through and nothing is left behind.

For each kill: requests in flight fail with a retryable code (seen by a client that does not retry); every request
of the clients that do retry succeeds; the server is ready again in time; no zombie and no shared memory stays. Exits
with 1 when it is not so.

    python -m oviton.benchmarks.serving.faults --bundle BUNDLE
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc

from ... import Bundle, ClientOptions, TryOn, TryOnClient
from ...triton_models.client.channel import open_channel
from ...triton_models.client.faults import Fault
from ...triton_models.client.options import Address
from ...triton_models.client.protocol import make_stub
from ...triton_models.client.tensors import infer_request, read_outputs
from ...triton_models.options import RepositoryOptions
from ...triton_models.repository import build_repository
from ...triton_models.server import ServerOptions
from ...triton_models.supervisor import Supervisor
from ..machine import write
from .processes import alive, shared_memory, zombies
from .requests import Good, good_requests

READY_LIMIT = 30.0


class Clients:
    """Clients that retry, sending good requests until told to stop."""

    def __init__(self, address: str, good: list[Good], count: int) -> None:
        self.right, self.faults = 0, list[str]()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(address, good, i)) for i in range(count)]
        for thread in self._threads:
            thread.start()

    def wait_warm(self) -> None:
        """Wait until every client has had an answer, so that a fault is not its first."""
        while self.right + len(self.faults) < 3 * len(self._threads):
            time.sleep(0.1)

    def stop(self) -> None:
        """Let requests end."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, address: str, good: list[Good], index: int) -> None:
        number = index
        options = ClientOptions(shared_memory="system" if index % 2 else "off", retry_for=60, timeout=90)
        with TryOnClient(address, options) as tryon:
            while not self._stop.is_set():
                request = good[number % len(good)]
                number += 1
                try:
                    fault = "" if request.is_answered_by(tryon.run(request.arrays)) else "a wrong answer"
                except Exception as error:
                    fault = f"{type(error).__name__}: {error}"
                with self._lock:
                    self.right += not fault
                    if fault:
                        self.faults.append(fault)


class Witness:
    """A client that does not retry, and notes what it sees."""

    def __init__(self, address: str, good: Good) -> None:
        self._channel = open_channel(Address.parse(address), ClientOptions())
        self._stub = make_stub(self._channel)
        self._good, self._request = good, infer_request("try_on", good.arrays)

    def ask(self) -> Fault | None:
        """Send one request; return its fault, if any."""
        try:
            reply: Any = self._stub.ModelInfer(self._request, timeout=10)
        except grpc.RpcError as error:
            return Fault.of(error)
        return None if self._good.is_answered_by(read_outputs(reply)) else Fault("WRONG", "a wrong answer")

    def watch(self, limit: float) -> tuple[float, Counter[str], list[str]]:
        """Ask from the kill on until the server is well again: three right answers in a row after a fault.

        Returns
        -------
        tuple
            Seconds until then, faults by code, and those that are not retryable.
        """
        begun = time.monotonic()
        seen: Counter[str] = Counter()
        unsafe: list[str] = []
        right, well = 0, 0.0
        while time.monotonic() - begun < limit:
            fault = self.ask()
            if fault is None:
                right += 1
                well = time.monotonic() - begun if right == 1 else well
                if right >= 3 and seen:
                    return well, seen, unsafe
                continue
            right = 0
            seen[fault.code] += 1
            if not fault.retryable:
                unsafe.append(f"{fault.code}: {fault.message}")
            time.sleep(0.02)
        return time.monotonic() - begun, seen, unsafe

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def main() -> int:
    """Run, write the results, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=None, help="by default the shipped one")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2, help="kills of a model's process, and of the server")
    parser.add_argument("--json", type=Path, default=None, help="write there instead of results/")
    options = parser.parse_args()
    prefixes, models = {f"oviton-client-{os.getpid()}-"}, set[int]()
    with ExitStack() as held:
        local = held.enter_context(TryOn.load(options.bundle, "onnxruntime", "fp32"))
        folder = Path(held.enter_context(tempfile.TemporaryDirectory())) / "repository"
        repository = RepositoryOptions(engine="onnxruntime", precision="fp32", python=True)
        build_repository(Bundle.open(options.bundle), folder, repository)
        good = good_requests(local)
        supervisor = held.enter_context(
            Supervisor(folder, ServerOptions(grpc_port=0, metrics_port=0, shared_memory=True))
        )
        watching = threading.Thread(target=supervisor.run)
        watching.start()
        address = supervisor.server.grpc_address
        witness, clients = Witness(address, good[0]), Clients(address, good, options.clients)
        clients.wait_warm()
        kills = []
        for number in range(options.rounds):
            for what in ("model", "server"):
                prefixes.add(supervisor.server.shared_memory_prefix)
                models.update(supervisor.server.model_pids)
                kills.append(_kill(supervisor, what, number, witness))
                print(kills[-1], flush=True)
                time.sleep(2)
        clients.stop()
        witness.close()
        server = supervisor.server
        prefixes.add(server.shared_memory_prefix)
        running = set(server.model_pids)
        old = alive(sorted(models - running))
        dead = zombies(sorted(models | running))
        supervisor.stop()
        watching.join()
    results = {
        "bundle": local.engines.bundle.manifest.name,
        "clients": options.clients,
        "kills": kills,
        "right": clients.right,
        "faults_of_retrying_clients": clients.faults[:20],
        "zombies": len(dead),
        "model_processes": len(running),
        "old_model_processes": len(old),
        "left_processes": len(alive(sorted(models | running))),
        "left_in_shared_memory": sorted(shared_memory(tuple(prefixes))),
    }
    print(write(f"serving_faults-{results['bundle']}", results, options.json))
    slow = [kill for kill in kills if kill["ready_after_seconds"] > READY_LIMIT or kill["not_retryable"]]
    left = results["left_in_shared_memory"] or results["left_processes"] or dead or old
    return int(bool(slow or left or clients.faults or not clients.right))


def _kill(supervisor: Supervisor, what: str, number: int, witness: Witness) -> dict[str, Any]:
    """Kill a process and watch what follows."""
    server = supervisor.server
    models = server.model_pids
    pid = models[number % len(models)] if what == "model" else server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    seconds, seen, unsafe = witness.watch(4 * READY_LIMIT)
    return {
        "killed": what,
        "ready_after_seconds": round(seconds, 2),
        "faults_without_retry": dict(seen),
        "not_retryable": unsafe[:5],
    }


if __name__ == "__main__":
    sys.exit(main())
