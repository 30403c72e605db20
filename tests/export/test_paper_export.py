"""The paper-size networks go through the same export; its bundle is too large to ship."""

import subprocess
import sys

import pytest

from oviton.bundle.bundle import Bundle


@pytest.mark.slow
def test_paper_preset_exports_within_16_gb(tmp_path, people):
    command = [sys.executable, "-m", "oviton", "export", "--untrained", "paper", "-o", tmp_path / "paper"]
    done = subprocess.run([*command, "--samples", people], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "peak memory" in done.stdout
    manifest = Bundle.open(tmp_path / "paper").manifest
    assert manifest.preset == "paper"
    assert manifest.cost.peak_memory_mb < 16_000
    assert all(row.passed for row in manifest.parity)
