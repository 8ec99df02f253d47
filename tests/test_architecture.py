"""The rules of the house: who may import whom, and what every file must have."""

import ast
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
CONTRACT = {
    "transforms.specs",
    "transforms.schema",
    "transforms.table_spec",
    "transforms.row_counts",
    "transforms.joins",
    "transforms.join_counts",
    "transforms.raw_text",
    "transforms.plural",
    "transforms.prepared_files",
    "transforms.clicks.schema",
}
MAY_IMPORT = {
    "transforms": set(),
    "models": CONTRACT,
    "tuning": {"models", *CONTRACT},
    "pipeline": {"models", "transforms", "tuning"},
    "cmml": {"pipeline", "transforms.schema"},
}

# The floors of each package, from the top: a module imports from its own floor and from
# those below it.
FLOORS = {
    "cmml": (
        "cmml.console",
        "cmml.model",
        "cmml.project",
        "cmml.evaluation",
        "cmml.support",
        "cmml.own_packages",
    ),
    "pipeline": (
        "pipeline.cli",
        "pipeline.commands",
        "pipeline.steps",
        "pipeline.serving",
        "pipeline.reports",
        "pipeline.onboarding",
        "pipeline.insight",
        "pipeline.judging",
        "pipeline.export",
        "pipeline.training",
        "pipeline.settings",
        "pipeline.experiment",
    ),
    "models": (
        "models.serving",
        "models.cmml_builders",
        "models.closed_form",
        "models.cmml",
        "models.baselines.ratings",
        "models.baselines.clicks",
        "models.baselines.learned",
        "models.baselines",
        "models.heads",
        "models.episode_model",
        "models.objectives",
        "models.pairs",
        "models.parts",
        "models.factors",
        "models.episodes",
        "models.evaluation",
        "models.joined_parts",
        "models.masked_mean",
        "models.lazy_adam",
        "models.resumable_training",
        "models.replicas",
        "models.recommender",
        "models.options",
        "models.whole_files",
        "models.file_locks",
        "models.free_memory",
        "models.legacy_keras",
    ),
    "transforms": (
        "transforms.clicks",
        "transforms.ratings",
        "transforms.entities",
        "transforms.writing",
        "transforms.reading",
        "transforms.splits",
        "transforms.specs",
        "transforms.schema",
        "transforms.prepared_files",
        "transforms.row_counts",
        "transforms.joins",
        "transforms.join_counts",
        "transforms.raw_text",
        "transforms.table_spec",
        "transforms.left_out",
        "transforms.plural",
        "transforms.nearest_name",
        "transforms.stable_hash",
        "transforms.paths",
        "transforms.url_path",
    ),
}
PACKAGES = sorted(MAY_IMPORT)
FOLDERS = (*PACKAGES, "benchmarks", "configs", "deploy", "docs", "examples", "tests")
MOST_LINES = 40  # Of a function.
STILL_LONG: set[str] = set()
SOURCES = [path for name in PACKAGES for path in sorted((ROOT / name).rglob("*.py"))]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def module_of(path):
    """The dotted name of a source file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_names(nodes):
    """Names of modules, and of what is taken from them."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def outside_functions(node):
    """Yields the nodes that run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


def is_allowed(name, package):
    prefixes = MAY_IMPORT[package] | {package}
    return any(name == p or name.startswith(p + ".") for p in prefixes)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package):
    for source in (ROOT / package).rglob("*.py"):
        names = imported_names(ast.walk(parse(source)))
        ours = {name for name in names if name.split(".")[0] in PACKAGES}
        bad = {name for name in ours if not is_allowed(name, package)}
        assert not bad, f"{name_of(source)} must not import {sorted(bad)}"


def floor_of(name, floors):
    """The place of a module in the list of floors; the deepest folder that it is in."""
    inside = [f for f in floors if name == f or name.startswith(f + ".")]
    return floors.index(max(inside, key=len)) if inside else None


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_every_floor_imports_only_from_those_below_it(package):
    floors = FLOORS[package]
    climbs = []
    for source in (ROOT / package).rglob("*.py"):
        own = module_of(source)
        place = floor_of(own, floors)
        assert place is not None or own == package, f"{own} is on no floor"
        for name in sorted(imported_names(ast.walk(parse(source)))):
            other = floor_of(name, floors)
            if place is not None and other is not None and other < place:
                climbs.append(f"{own} imports {name}")
    assert not climbs, climbs


def lines_of(function):
    """Lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    first = function.body[0]
    return lines - (first.end_lineno - first.lineno + 1)


def test_functions_are_read_at_once():
    functions = {
        f"{name_of(source)}: {node.name}": lines_of(node)
        for source in SOURCES
        for node in ast.walk(parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    long = {name for name, lines in functions.items() if lines > MOST_LINES}
    assert long <= STILL_LONG, sorted(long - STILL_LONG)


def test_no_two_modules_import_each_other_in_a_circle():
    modules = {module_of(source): source for source in SOURCES}
    imports = {
        name: {
            part
            for other in imported_names(ast.walk(parse(source)))
            for part in (other, other.rpartition(".")[0])
            if part in modules and part != name
        }
        for name, source in modules.items()
    }
    # What imports nothing that is left can be taken away, unless there is a circle.
    while free := [name for name, others in imports.items() if not others]:
        for name in free:
            del imports[name]
        for others in imports.values():
            others.difference_update(free)
    assert not imports, sorted(imports)


def test_every_stage_of_the_transforms_counts():
    for source in (ROOT / "transforms").rglob("*.py"):
        stages = [
            node
            for node in parse(source).body
            if isinstance(node, ast.ClassDef)
            and any(ast.unparse(base) == "beam.DoFn" for base in node.bases)
        ]
        for stage in stages:
            assert re.search(r"\.inc\(|count_dropped\(", ast.unparse(stage)), (
                f"{name_of(source)}: {stage.name} has no counter"
            )


def test_imports_are_absolute():
    for source in SOURCES:
        for node in ast.walk(parse(source)):
            is_relative = isinstance(node, ast.ImportFrom) and node.level > 0
            assert not is_relative, f"{name_of(source)} has a relative import"


def test_transforms_never_import_tensorflow_at_module_level():
    for source in (ROOT / "transforms").rglob("*.py"):
        names = imported_names(outside_functions(parse(source)))
        top = {name.split(".")[0] for name in names}
        heavy = top & {"tensorflow", "tensorflow_datasets", "tf_keras"}
        assert not heavy, f"{name_of(source)} imports {sorted(heavy)} at module level"


@pytest.mark.parametrize("module", sorted(CONTRACT))
def test_the_data_contract_takes_the_standard_library_alone(module):
    path = ROOT / (module.replace(".", "/") + ".py")
    names = imported_names(ast.walk(parse(path)))
    others = {n for n in names if not any(n.startswith(f"{c}.") for c in CONTRACT)}
    assert not {name.split(".")[0] for name in others} - sys.stdlib_module_names


def test_the_data_contract_and_the_options_drag_in_no_library():
    code = (
        "import sys, transforms.clicks.schema, models.options\n"
        "heavy = {'apache_beam', 'tensorflow', 'pydantic', 'numpy'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_an_init_holds_a_docstring_and_nothing_else():
    # `import cmml` is for people, and holds their names: it alone may hold more.
    for source in SOURCES:
        if source.name == "__init__.py":
            tree = parse(source)
            assert ast.get_docstring(tree), f"{name_of(source)} has no docstring"
            is_for_people = source.parent == ROOT / "cmml"
            assert is_for_people or len(tree.body) == 1, (
                f"{name_of(source)} holds more than that"
            )


def test_what_is_public_has_a_docstring():
    assert [name for source in SOURCES for name in without_docstring(source)] == []


def without_docstring(source):
    """Names a module, and what is public in it, if there is no docstring."""
    tree = parse(source)
    if not ast.get_docstring(tree):
        yield name_of(source)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in [*tree.body, *(part for c in classes for part in c.body)]:
        is_definition = isinstance(node, ast.FunctionDef | ast.ClassDef)
        if is_definition and not node.name.startswith("_"):
            is_private = any(node in c.body and c.name.startswith("_") for c in classes)
            if not (is_private or ast.get_docstring(node)):
                yield f"{name_of(source)}: {node.name}"


def test_setup_lists_exactly_the_packages_that_exist():
    (listed,) = [
        ast.literal_eval(node.value)
        for node in ast.walk(parse(ROOT / "setup.py"))
        if isinstance(node, ast.keyword) and node.arg == "packages"
    ]
    folders = {source.parent for source in SOURCES}
    assert sorted(listed) == sorted(name_of(f).replace("/", ".") for f in folders)
    for folder in folders:
        assert (folder / "__init__.py").is_file(), f"{name_of(folder)} is no package"


def test_tests_are_no_packages():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_no_file_has_left_over_work_or_a_path_of_some_machine():
    pattern = re.compile(r"\b(TODO|FIXME|XXX)\b|/(root|home|Users)/")
    suffixes = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".json", ".config"}
    files = [path for path in ROOT.iterdir() if path.is_file()]
    files += [path for name in FOLDERS for path in (ROOT / name).rglob("*")]
    for path in files:
        if path.suffix in suffixes and path != pathlib.Path(__file__):
            found = pattern.search(path.read_text(encoding="utf-8"))
            assert not found, f"{name_of(path)} has {found[0]!r}"
