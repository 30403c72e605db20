"""The load and fault programs of benchmarks/serving/ as tests: minutes each, at full size."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.server]


def measured(tmp_path, program, *arguments):
    """Run a program; its status says whether everything was as it must be."""
    path = tmp_path / "results.json"
    command = [sys.executable, "-m", f"oviton.benchmarks.serving.{program}", "--json", path, *arguments]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(path.read_text())["results"]


def test_ten_thousand_requests_a_fifth_of_them_malformed(tmp_path, tiny_bundle_folder):
    results = measured(tmp_path, "load", "--bundle", tiny_bundle_folder, "--requests", 10_000)
    assert results["right"] == 8000
    assert len(results["refused"]) == 12
    assert sum(results["refused"].values()) == 2000
    assert all(len(sentence.split()) > 3 for sentence in results["sentences"].values())
    assert results["growth"] <= 0.02
    assert results["left_in_shared_memory"] == []
    assert results["ready_at_the_end"]


def test_kills_under_load(tmp_path, tiny_bundle_folder):
    results = measured(tmp_path, "faults", "--bundle", tiny_bundle_folder)
    assert [kill["killed"] for kill in results["kills"]] == ["model", "server"] * 2
    assert all(kill["ready_after_seconds"] < 30 for kill in results["kills"])
    assert all(kill["faults_without_retry"] and not kill["not_retryable"] for kill in results["kills"])
    assert results["faults_of_retrying_clients"] == []
    assert results["zombies"] == results["left_processes"] == 0
    assert results["left_in_shared_memory"] == []
