"""No data or argument can become code: what product code must never call."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = (
    "benchmarks",
    "cmml",
    "docs",
    "examples",
    "models",
    "pipeline",
    "transforms",
    "tuning",
)
SOURCES = [path for name in FOLDERS for path in sorted((ROOT / name).rglob("*.py"))]

# Modules that read pickled objects, and calls that do or that run text.
PICKLES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve", "torch"}
RUN_TEXT = {
    "builtins.eval",
    "builtins.exec",
    "builtins.__import__",
    "eval",
    "exec",
    "__import__",
    "os.popen",
    "os.system",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
}
UNPICKLE = ("read_pickle", "to_pickle", "enable_unsafe_deserialization")
UNPACK = ("extract", "extractall", "unpack_archive")
UNSAFE_YAML = ("full_load", "full_load_all", "unsafe_load", "unsafe_load_all")


def offences(source):
    """Yields what the text of a module must not hold, with its line."""
    tree = ast.parse(source)
    names = _imported(tree)
    loaders = _safe_loaders(tree, names)
    for node in ast.walk(tree):
        for module in _modules(node):
            if module.split(".")[0] in PICKLES:
                yield f"line {node.lineno}: imports {module}"
        if isinstance(node, ast.Call):
            why = _offence_of_call(node, names, loaders)
            if why:
                yield f"line {node.lineno}: {why}"


def _modules(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module]
    return []


def _imported(tree):
    """What each name of a module stands for, such as np for numpy."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _full_name(node, names):
    """The dotted name that is called, aliases resolved; "" for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        inner = _full_name(node.value, names)
        return f"{inner}.{node.attr}"
    return ""


def _safe_loaders(tree, names):
    """YAML's safe loaders, and classes of this module that extend one."""
    safe = {"yaml.SafeLoader", "yaml.CSafeLoader"}
    for node in ast.walk(tree):
        bases = node.bases if isinstance(node, ast.ClassDef) else []
        if {_full_name(base, names) for base in bases} & safe:
            safe.add(node.name)
    return safe


def _offence_of_call(call, names, loaders):
    name = _full_name(call.func, names)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in RUN_TEXT or name.split(".")[-1] in UNPICKLE + UNPACK:
        return f"calls {name}"
    if name.startswith("yaml.") and name.split(".")[-1] in UNSAFE_YAML:
        return f"calls {name}"
    if name in ("yaml.load", "yaml.load_all"):
        loader = given.get("Loader", call.args[1] if len(call.args) > 1 else None)
        if loader is None or _full_name(loader, names) not in loaders:
            return f"calls {name} without a safe loader"
    for key, harmless in (("allow_pickle", False), ("safe_mode", True)):
        if key in given and not _is(given[key], harmless):
            return f"calls {name} with {key} other than {harmless}"
    if "shell" in given and not _is(given["shell"], False):
        return f"calls {name} with a shell"
    return None


def _is(node, value):
    return isinstance(node, ast.Constant) and node.value is value


def test_nothing_is_unpickled_or_run_as_text():
    assert SOURCES
    found = [
        f"{path.relative_to(ROOT)}, {what}"
        for path in SOURCES
        for what in offences(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "import torch.serialization",
        "eval(text)",
        "import builtins\nbuiltins.exec(text)",
        "import os as system\nsystem.popen(text)",
        "from os import system\nsystem(text)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import numpy as np\nnp.load(path, allow_pickle=given)",
        "import pandas\npandas.read_pickle(path)",
        "import yaml\nyaml.load(text)",
        "import yaml\nyaml.load(text, Loader=yaml.Loader)",
        "from yaml import load, FullLoader\nload(text, FullLoader)",
        "import yaml\nyaml.unsafe_load(text)",
        "import yaml\nclass Own(yaml.Loader): pass\nyaml.load(text, Own)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import subprocess\nsubprocess.getoutput(text)",
        "import tf_keras\ntf_keras.models.load_model(path, safe_mode=False)",
        "import tarfile\ntarfile.open(path).extractall(folder)",
        "import shutil\nshutil.unpack_archive(path, folder)",
    ],
)
def test_what_is_unsafe_is_found(text):
    assert list(offences(text))


@pytest.mark.parametrize(
    "text",
    [
        "import re\nre.compile(text)",
        "import numpy as np\nnp.load(path)",
        "import yaml\nclass Own(yaml.SafeLoader): pass\nyaml.load(text, Own)",
        "import yaml\nyaml.safe_load(text)",
        "import subprocess\nsubprocess.run([name], check=True)",
        "model.eval()",
    ],
)
def test_what_is_safe_is_let_through(text):
    assert not list(offences(text))
