"""The command line, one module a command."""

from .main import app, main

__all__ = ["app", "main"]
