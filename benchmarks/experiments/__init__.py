"""Measurements behind single statements of the docs; each is a program of its own that writes one result file.

Run ``python -m oviton.benchmarks.experiments.NAME``; ``--help`` says what it takes.
"""
