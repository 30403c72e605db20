"""Thousands of requests from several clients, a fifth of them malformed in twelve ways, against a real server.

Every good answer is compared with the engine in process, bit for bit; every bad request must be refused with
INVALID_ARGUMENT and a sentence; the server's memory must not grow and /dev/shm must be as before. Exits with 1 when it
is not so.

    python -m oviton.benchmarks.serving.load --bundle BUNDLE --requests 10000
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
from rich.progress import Progress

from ... import Bundle, ClientOptions, TryOn, TryOnClient
from ...triton_models.client.channel import open_channel
from ...triton_models.client.options import Address
from ...triton_models.client.protocol import make_stub
from ...triton_models.options import RepositoryOptions
from ...triton_models.repository import build_repository
from ...triton_models.server import ServerOptions, TritonServer
from ..machine import write
from .processes import resident_mb, shared_memory, tree, zombies
from .requests import bad_requests, good_requests

BAD_SHARE = 0.2
WARM_UP = 0.1
"""Share of the requests after which memory is compared."""

GROWTH_LIMIT = 0.02
SEED = 7


class Load:
    """Clients in threads of their own, taking requests from one list.

    Parameters
    ----------
    address
        The server.
    local
        The same bundle and engine in process.
    count, clients
        Requests in all, and clients.
    """

    def __init__(self, address: str, local: TryOn, count: int, clients: int) -> None:
        self.address, self.clients, self.count = address, clients, count
        self.good = good_requests(local)
        self.bad = bad_requests(self.good[1].arrays)
        dice = random.Random(SEED)
        kinds = list(self.bad)
        self.plan = [kinds[i % len(kinds)] if i < count * BAD_SHARE else "" for i in range(count)]
        dice.shuffle(self.plan)
        self.done = 0
        self.right = 0
        self.refused: collections.Counter[str] = collections.Counter()
        self.sentences: dict[str, str] = {}
        self.faults: list[str] = []
        self._lock = threading.Lock()
        self._next = iter(enumerate(self.plan))

    def run(self) -> None:
        """Send everything."""
        threads = [threading.Thread(target=self._client, args=(index,)) for index in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, index: int) -> None:
        # Half of the clients share memory with the server.
        options = ClientOptions(shared_memory="system" if index % 2 else "off")
        channel = open_channel(Address.parse(self.address), options)
        stub = make_stub(channel)
        with TryOnClient(self.address, options) as tryon:
            while True:
                with self._lock:
                    number, kind = next(self._next, (-1, ""))
                if number < 0:
                    break
                fault = self._bad(stub, kind) if kind else self._good(tryon, number)
                with self._lock:
                    self.done += 1
                    if fault:
                        self.faults.append(fault)
        channel.close()

    def _good(self, tryon: TryOnClient, number: int) -> str:
        request = self.good[number % len(self.good)]
        try:
            outputs = tryon.run(request.arrays)
        except Exception as error:
            return f"request {number}: {type(error).__name__}: {error}"
        if not request.is_answered_by(outputs):
            return f"request {number}: a wrong answer"
        with self._lock:
            self.right += 1
        return ""

    def _bad(self, stub: Any, kind: str) -> str:
        try:
            stub.ModelInfer(self.bad[kind], timeout=60)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.INVALID_ARGUMENT or len(error.details().split()) < 4:
                return f"{kind}: {error.code()}: {error.details()}"
            with self._lock:
                self.refused[kind] += 1
                self.sentences[kind] = " ".join(error.details().split())[:300]
            return ""
        return f"{kind}: accepted"


def main() -> int:
    """Run, write the results, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=None, help="by default the shipped one")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--limit", type=float, default=GROWTH_LIMIT, help="allowed growth of memory, as a share")
    parser.add_argument("--json", type=Path, default=None, help="write there instead of results/")
    options = parser.parse_args()
    with ExitStack() as held:
        local = held.enter_context(TryOn.load(options.bundle, "onnxruntime", "fp32"))
        folder = Path(held.enter_context(tempfile.TemporaryDirectory())) / "repository"
        repository = RepositoryOptions(engine="onnxruntime", precision="fp32", python=True)
        build_repository(Bundle.open(options.bundle), folder, repository)
        server = held.enter_context(
            TritonServer.start(folder, ServerOptions(grpc_port=0, metrics_port=0, shared_memory=True))
        )
        assert server.pid is not None
        load = Load(server.grpc_address, local, options.requests, options.clients)
        started = time.monotonic()
        memory = _watched(load, server.pid)
        seconds = time.monotonic() - started
        processes = tree(server.pid)
        dead, up = zombies(process.pid for process in processes), server.is_ready
        # Other servers of the machine have names of their own.
        prefixes = (server.shared_memory_prefix, f"oviton-client-{os.getpid()}-")
        during = shared_memory(prefixes)
    after = shared_memory(prefixes)
    warm = [mb for share, mb in memory if share >= WARM_UP]
    tenth = max(1, len(warm) // 10)
    first, last = statistics.median(warm[:tenth]), statistics.median(warm[-tenth:])
    results = {
        "bundle": local.engines.bundle.manifest.name,
        "requests": options.requests,
        "clients": options.clients,
        "seconds": round(seconds, 1),
        "right": load.right,
        "refused": dict(sorted(load.refused.items())),
        "sentences": dict(sorted(load.sentences.items())),
        "faults": load.faults[:20],
        "processes": len(processes),
        "resident_mb": {"after_warm_up": round(first, 1), "at_the_end": round(last, 1), "highest": max(warm)},
        "growth": round(last / first - 1, 5),
        "zombies": len(dead),
        "ready_at_the_end": up,
        "shared_memory_of_the_server_mb": round(sum(during.values()) / 2**20, 1),
        "left_in_shared_memory": sorted(after),
    }
    path = write(f"serving_load-{results['bundle']}", results, options.json)
    for name in ("right", "growth", "zombies", "left_in_shared_memory", "faults"):
        print(f"{name}: {results[name]}")
    print(path)
    wrong = load.faults or load.right + sum(load.refused.values()) != options.requests or dead or not up
    left = results["left_in_shared_memory"]
    return int(bool(wrong or left or results["growth"] > options.limit))


def _watched(load: Load, pid: int) -> list[tuple[float, float]]:
    """Run the load, and return the share done with the server's resident memory in MB, several times a second."""
    memory: list[tuple[float, float]] = []
    worker = threading.Thread(target=load.run)
    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("requests", total=load.count)
        worker.start()
        while worker.is_alive():
            worker.join(0.25)
            memory.append((load.done / load.count, round(resident_mb(tree(pid)), 1)))
            progress.update(task, completed=load.done)
    return memory


if __name__ == "__main__":
    sys.exit(main())
