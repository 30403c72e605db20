import resource
import subprocess
import sys
from pathlib import Path

import pytest

from oviton.data.memory import peak_resident_mb


def test_the_peak_stays_when_memory_is_given_back():
    code = """
from oviton.data.memory import peak_resident_mb
before = peak_resident_mb()
block = bytearray(200_000_000)
block[::4096] = b"x" * len(block[::4096])
held = peak_resident_mb()
del block
print(held - before, peak_resident_mb() - held)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    held, kept = map(float, done.stdout.split())
    assert 190 < held < 260
    assert kept > -1  # Linux counts in portions


def test_a_child_is_not_as_large_as_its_parent():
    block = bytearray(300_000_000)
    block[::4096] = b"x" * len(block[::4096])
    code = "from oviton.data.memory import peak_resident_mb; print(peak_resident_mb())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 1 < float(done.stdout) < 200 < peak_resident_mb()
    del block


@pytest.mark.parametrize(("system", "unit"), [("darwin", 1), ("freebsd14", 1024)])
def test_other_systems_are_asked_in_their_own_unit(monkeypatch, system, unit):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(sys, "platform", system)
    told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak_resident_mb() == pytest.approx(told * unit / 1e6, rel=0.01)
