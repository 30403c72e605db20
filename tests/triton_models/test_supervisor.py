"""A server that is harmed: it comes back, and nothing of it is left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from oviton.data.errors import InputError, ServerError
from oviton.triton_models.launcher import children
from oviton.triton_models.options import RepositoryOptions
from oviton.triton_models.repository import build_repository
from oviton.triton_models.server import LAUNCHER, ServerOptions, TritonServer
from oviton.triton_models.supervisor import Supervisor

FREE_PORTS = ServerOptions(grpc_port=0, metrics_port=0, stop_seconds=3)


@pytest.fixture(scope="module")
def small_repository(tmp_path_factory, tiny_bundle, plan_cache_folder):
    """Without refinement, so that it starts sooner."""
    folder = tmp_path_factory.mktemp("supervised") / "repository"
    options = RepositoryOptions("onnxruntime", python=True, refinement=False, embed_bundle=False)
    return build_repository(tiny_bundle, folder, options).folder


@pytest.fixture
def supervised(small_repository):
    events = []
    with Supervisor(small_repository, FREE_PORTS, on_event=events.append) as supervisor:
        watch = threading.Thread(target=supervisor.run)
        watch.start()
        yield supervisor, events
        supervisor.stop()
        watch.join()


@pytest.mark.server
def test_a_server_comes_back_after_a_killed_model_and_a_killed_server(supervised):
    supervisor, events = supervised
    first = supervisor.server
    ports, prefix = first.options.ports, first.shared_memory_prefix
    assert list(Path("/dev/shm").glob(f"{prefix}*"))
    for number, victim in enumerate((first.model_pids[0], None), start=1):
        group = [supervisor.server.pid, *supervisor.server.model_pids]
        os.kill(victim or supervisor.server.pid, signal.SIGKILL)
        wait_for(lambda n=number: supervisor.restarts == n and supervisor.server.is_ready and len(events) == 2 * n)
        assert not [pid for pid in group if Path(f"/proc/{pid}").exists()], "a process was left, if only as a zombie"
    assert "a model's process died" in events[0]
    assert "ready again after restart 1" in events[1]
    assert supervisor.server.options.ports == ports
    assert not list(Path("/dev/shm").glob(f"{prefix}*"))


@pytest.mark.server
def test_nothing_outlives_a_killed_parent(small_repository):
    code = (
        "import sys, time; from pathlib import Path; from oviton.triton_models.server import *\n"
        "o = ServerOptions(grpc_port=0, metrics_port=0, stop_seconds=3)\n"
        "s = TritonServer.start(Path(sys.argv[1]), o); print(s.shared_memory_prefix, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, small_repository], stdout=subprocess.PIPE, text=True)
    prefix = parent.stdout.readline().strip()
    (launcher,) = children(parent.pid)
    (server,) = children(launcher)
    all_of_it = [launcher, server, *children(server)]
    assert len(all_of_it) == 3  # launcher, server, and the process that runs the graphs
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not any(runs(pid) for pid in all_of_it))
    assert not list(Path("/dev/shm").glob(f"{prefix}*"))


@pytest.mark.server
def test_a_server_that_cannot_start_says_why(tmp_path, small_repository):
    (tmp_path / "broken" / "1").mkdir(parents=True)
    config = (small_repository / "feed_forward" / "config.pbtxt").read_text().replace('"feed_forward"', '"broken"')
    (tmp_path / "broken" / "config.pbtxt").write_text(config)
    (tmp_path / "broken" / "1" / "model.py").write_text("raise ValueError('it is broken')\n")
    with pytest.raises(ServerError, match=r"failed to load 'broken'.*it is broken"):
        TritonServer.start(tmp_path, FREE_PORTS)


def test_a_port_in_use_is_told_before_anything_starts():
    taken = FREE_PORTS.with_ports()
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", taken.metrics_port))
        held.listen()
        told = rf"cannot listen on 127.0.0.1:{taken.metrics_port} .*--metrics-port or --metrics-bind"
        with pytest.raises(InputError, match=told):
            taken.with_ports()


def test_the_launcher_needs_nothing_but_pythons_own_library():
    """It runs isolated, without site-packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), "3", "none-", "/bin/sh", "-c", "exit 7"], check=False
    )
    assert done.returncode == 7


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
