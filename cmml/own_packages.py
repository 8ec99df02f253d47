"""Makes sure that Python finds the packages of cmml, not others of their names."""

import importlib.util
import pathlib
import sys
from importlib.machinery import ModuleSpec

OWN_PACKAGES = ("models", "pipeline", "transforms", "tuning")

_ROOT = pathlib.Path(__file__).resolve().parents[1]


class ShadowedPackageError(ImportError):
    """Something else has the name of a package of cmml, and Python finds it first."""


def check_own_packages() -> None:
    """Compares where Python finds each package with where cmml lies.

    Imports none of them.

    Raises:
        ShadowedPackageError: If one is found elsewhere, or not at all; it names the
            path, and what to do.
    """
    for name in OWN_PACKAGES:
        place = _place_of(_spec_of(name))
        if place is None:
            raise ShadowedPackageError(
                f"cmml must have its package {name!r} in {_ROOT}, where there is none: "
                "install cmml again."
            )
        if place != _ROOT / name:
            raise ShadowedPackageError(
                f"cmml must have its own package {name!r}, of {_ROOT}, but Python "
                f"finds {place} first: rename that, or take {place.parent} off the "
                "path of Python (start elsewhere, or change PYTHONPATH)."
            )


def _spec_of(name: str) -> ModuleSpec | None:
    module = sys.modules.get(name)
    return importlib.util.find_spec(name) if module is None else module.__spec__


def _place_of(spec: ModuleSpec | None) -> pathlib.Path | None:
    """Returns the folder of a package, or the file of a module; None if not found."""
    if spec is None:
        return None
    if spec.submodule_search_locations is None:
        return None if spec.origin is None else pathlib.Path(spec.origin).resolve()
    folders = [pathlib.Path(folder) for folder in spec.submodule_search_locations]
    return folders[0].resolve() if folders else None
