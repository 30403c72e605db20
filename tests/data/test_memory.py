import subprocess
import sys

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
