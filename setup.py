"""Packaging of oviton: the repository root is the package."""

from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
LAYERS = (
    "data",
    "bundle",
    "networks",
    "wardrobe",
    "training",
    "export",
    "engines",
    "prepare",
    "runtime",
    "evaluation",
    "triton_models",
    "benchmarks",
    "cli",
)
PACKAGES = sorted(
    ".".join(("oviton", *init.parent.relative_to(ROOT).parts))
    for layer in LAYERS
    for init in (ROOT / layer).rglob("__init__.py")
)

TORCH = ["torch==2.13.0"]
ONNX = ["onnx==1.23.2", "onnxscript==0.7.2"]
PLOT = "matplotlib>=3.8"
PSUTIL = "psutil>=5.9"
TRAIN = [
    *TORCH,
    *ONNX,
    "numba>=0.60",
    PSUTIL,
    "scikit-image>=0.24",
    "scipy>=1.11",
    "tensorboard>=2.17",
    "threadpoolctl>=3.5",
    "torchmetrics>=1.4",
]
CLIENT = ["tritonclient[grpc]==2.73.0"]
# nvidia-pytriton wants NumPy below 2, of which Python 3.13 has none.
SERVE = [*CLIENT, "nvidia-pytriton==0.7.0; python_version < '3.13'", *ONNX]
RTX = ["tensorrt-rtx-cu13==1.7.1.116", "cuda-python>=13.0,<14", "cuda-core>=1.0"]
BENCH = [*TORCH, PLOT, "jinja2>=3.1", "psutil>=5.9", "pytest>=8", "pytest-benchmark>=5.3"]
EXTRAS = {
    "bench": BENCH,
    "client": CLIENT,
    "heic": ["pillow-heif>=0.20"],
    "refine": [*TORCH, PLOT, PSUTIL],
    "serve": SERVE,
    "tensorrt": ["tensorrt>=10.3,<12", "cuda-python>=12.6", "cuda-core>=1.0"],
    "rtx": RTX,
    "torch-tensorrt": [*TORCH, "torch-tensorrt==2.13.0"],
    "train": TRAIN,
    "dev": [
        *BENCH,
        *TRAIN,
        *SERVE,
        # TensorRT-RTX builds plans without a GPU, so its builds are tested for real. It is made for x86-64 alone.
        *(f"{package}; platform_machine == 'x86_64' or platform_machine == 'AMD64'" for package in RTX),
        "check-jsonschema>=0.39",
        "grafana-foundation-sdk",
        "hypothesis>=6.100",
        "import-linter>=2.16",
        "kubernetes-validate>=1.37",
        "mypy==2.4.1",
        "promql-parser>=0.11",
        "pytest-xdist>=3.6",
        "ruff==0.17.6",
        "trustme>=1.2",
    ],
}

setup(
    name="oviton",
    version="0.1.0",
    description="Deployment runtime for O-VITON virtual try-on networks",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11,<3.14",
    package_dir={"oviton": "."},
    packages=["oviton", *PACKAGES],
    package_data={
        "oviton": ["py.typed", "bundles/*/*", "bundles/*/samples/*/*"],
        "oviton.benchmarks": ["page.html"],
        "oviton.evaluation": ["study_page/*"],
        "oviton.runtime.edge": ["files/*.py"],
        "oviton.wardrobe": ["body.safetensors"],
    },
    install_requires=[
        "filelock>=3.16",
        "numpy>=1.26,<3",
        "onnxruntime>=1.20",
        "openvino>=2025.0",
        "pillow>=10.3",
        "platformdirs>=4",
        "pydantic>=2.7",
        "rich>=13.7",
        "safetensors>=0.4.5",
        "typer>=0.15",
        "zlib-ng>=0.5",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["oviton=oviton.cli:main"]},
)
