"""What serving costs and withstands: programs of their own, each of which writes one result file.

Run ``python -m oviton.benchmarks.serving.NAME``; ``--help`` says what it takes.
"""
