"""A bundle's graphs as executable engines, behind one protocol, chosen by what this machine can run."""

from .engine import BaseEngine, Engine
from .engine_set import EngineSet
from .registry import EngineSpec, register

__all__ = ["BaseEngine", "Engine", "EngineSet", "EngineSpec", "register"]
