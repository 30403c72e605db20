"""The commands for those who serve with NVIDIA's container instead of a local Triton."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from .options import RepositoryOptions
from .server import ServerOptions

IMAGE = "nvcr.io/nvidia/tritonserver:26.08-py3"
"""A recent release, since old ones have known faults. Tests run against the wheel's server, which is that of 24.10."""

EVERYWHERE = "0.0.0.0"


def container_commands(
    bundle: Path | None, repository: Path | None, options: RepositoryOptions, server: ServerOptions
) -> list[str]:
    """Return shell commands: write the repository, then serve it in the container.

    Parameters
    ----------
    bundle
        The bundle; None for the shipped one.
    repository
        An existing repository; None: the commands write one.
    options, server
        What was asked for. TLS files are mounted read-only.
    """
    folder = (repository or Path("repository")).absolute()
    lines = []
    if repository is None:
        words = ["oviton", "repository", *([str(bundle)] if bundle else []), "-o", str(folder)]
        words += ["--engine", options.engine, "--precision", options.precision]
        if options.refinement is not None:
            words.append("--refinement" if options.refinement else "--no-refinement")
        if options.codes:
            words.append("--codes")
        if options.prepare:
            words.append("--prepare")
        lines.append(shlex.join(words))
    mounts = [f"{folder}:/models:ro"]
    inside: dict[str, Path] = {}
    for name in ("certificate", "key", "client_ca"):
        path = getattr(server, name)
        if path is not None:
            inside[name] = Path("/tls") / path.name
            mounts.append(f"{path.absolute()}:{inside[name]}:ro")
    within = replace_paths(server, inside)
    gpu = ["--gpus", "1"] if options.engine == "tensorrt" or options.device == "cuda" else []
    ports = [word for name, port in server.ports.items() for word in ("-p", f"{server.binds[name]}:{port}:{port}")]
    words = [
        "docker", "run", "--rm", "--init", *gpu, "--shm-size=1g", *ports,
        *(word for mount in mounts for word in ("-v", mount)),
        IMAGE, "tritonserver", "--model-repository=/models", *within,
    ]  # fmt: skip
    lines.append(shlex.join(words))
    return lines


def replace_paths(server: ServerOptions, inside: dict[str, Path]) -> list[str]:
    """Return Triton's arguments as they are within the container, which listens on every address of its own."""
    everywhere = replace(server, bind=EVERYWHERE, metrics_bind=EVERYWHERE)
    arguments = (everywhere if server.certificate else replace(everywhere, http_bind=EVERYWHERE)).arguments()
    for name, path in inside.items():
        arguments = [word.replace(f"={getattr(server, name)}", f"={path}") for word in arguments]
    return arguments
