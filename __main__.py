"""``python -m oviton``."""

from .cli import main

main()
