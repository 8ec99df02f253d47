"""Cold-start recommendation from Python: train on your tables, ask what was trained.

Importing it takes no time: a name brings what it needs when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cmml.evaluation import Evaluation
    from cmml.model import Model, open_model
    from cmml.own_packages import ShadowedPackageError
    from cmml.project import Project, load
    from pipeline.experiment.config_file import ConfigError
    from transforms.schema import DataError

    __version__: str

__all__ = [
    "ConfigError",
    "DataError",
    "Evaluation",
    "Model",
    "Project",
    "ShadowedPackageError",
    "load",
    "open_model",
]

_MODULES = {
    "ConfigError": "pipeline.experiment.config_file",
    "DataError": "transforms.schema",
    "Evaluation": "cmml.evaluation",
    "Model": "cmml.model",
    "Project": "cmml.project",
    "ShadowedPackageError": "cmml.own_packages",
    "load": "cmml.project",
    "open_model": "cmml.model",
}

if not TYPE_CHECKING:  # Else a type checker would take any name for one of ours.

    def __getattr__(name: str) -> Any:
        """Imports what a name stands for; Python asks once for each name."""
        if name == "__version__":
            from importlib.metadata import version

            return version("cmml")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from cmml.own_packages import check_own_packages

        check_own_packages()
        value = getattr(importlib.import_module(_MODULES[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Lists the names, for the completion of editors and notebooks."""
    return __all__
