"""A bundle's graphs as executable engines, behind one protocol, chosen by what this machine can run."""

from .engine import Engine
from .engine_set import EngineSet

__all__ = ["Engine", "EngineSet"]
