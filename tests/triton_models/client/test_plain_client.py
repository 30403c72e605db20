"""What others build on: the plain example, and the metrics that the dashboard shows."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "triton_client.py"


def test_the_example_needs_only_tritonclient(server, people, local, out, read_picture):
    command = [sys.executable, EXAMPLE, server.grpc_address, people / "hugo", people / "ana", out / "look.png"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "oviton" not in re.sub(r'""".*?"""', "", EXAMPLE.read_text(), flags=re.DOTALL)

    def read(name, folder, how=Image.Resampling.NEAREST):
        with Image.open(next((people / folder).glob(f"{name}.*"))) as image:
            return np.asarray(image.resize((32, 64), how))[None]

    source = np.zeros((1, 20), np.int32)
    source[0, 5], source[0, 6] = 1, -1
    wanted = local.engines.run(
        {
            "person_image": read("image", "hugo", Image.Resampling.BICUBIC),
            "person_labels": read("labels", "hugo"),
            "densepose": read("densepose", "hugo"),
            "garment_images": read("image", "ana", Image.Resampling.BICUBIC)[None],
            "garment_labels": read("labels", "ana")[None],
            "garment_densepose": read("densepose", "ana")[None],
            "source": source,
        }
    )
    assert np.array_equal(read_picture(out / "look.png"), wanted["image"][0])


def test_every_metric_of_the_dashboard_is_served(server, client, person, garments):
    client.refine(person, garments[:1], steps=1)
    dashboard = json.loads((ROOT / "docs" / "deploy" / "grafana" / "dashboards" / "oviton.json").read_text())
    queries = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", []))
    wanted = {name for name in re.findall(r"\b(?:nv|oviton)_\w+", queries) if not name.startswith("nv_gpu_")}
    served = set(re.findall(r"^(\w+)[{ ]", server.metrics(), re.MULTILINE))
    assert len(wanted) > 10
    assert wanted <= served
