"""A grid of named variants of one experiment, as `cmml ablate` trains them."""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Annotated, Any, Self

import pydantic

from pipeline.experiment.config_file import ConfigError, read_yaml, validated
from pipeline.experiment.config_section import Experiment
from pipeline.settings.registry import load_experiment

# Changes of a configuration, by key such as "model.encoder".
Changes = Mapping[str, Any]


_MAY_CHANGE = ("model.", "training.")
_SEED = "training.seed"


def _check_changes(changes: Any) -> Any:
    """Refuses what would make variants of different data or figures; null is none."""
    if changes is None:
        return {}
    if not isinstance(changes, dict):
        raise ValueError(
            "changes must be keys and values such as 'model.encoder: mean', "
            f"got {changes!r}."
        )
    for key, value in changes.items():
        if not str(key).startswith(_MAY_CHANGE) or key == _SEED:
            raise ValueError(
                "a variant changes keys of model and training such as "
                "'model.encoder: mean', and not the seed, "
                f"got {key!r} (value {value!r})."
            )
    return changes


def _check_names(named: Any) -> Any:
    """Refuses names that YAML takes for something else, such as no; null is none."""
    if named is None:
        return {}
    if not isinstance(named, dict):
        raise ValueError(f"must be names with their changes, got {named!r}.")
    for name in named:
        if not isinstance(name, str) or not name:
            raise ValueError(f"names must be text, got {name!r}: put it in quotes.")
    return named


_Changes = Annotated[dict[str, Any], pydantic.BeforeValidator(_check_changes)]
_Named = Annotated[dict[str, _Changes], pydantic.BeforeValidator(_check_names)]


class _Section(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class TableSpec(_Section):
    """One table of an ablation: every row with every column, if there are columns.

    Attributes:
        title: Heading of the table.
        set: Changes of every variant of the table.
        rows: Changes of each row, by its name.
        columns: Changes of each column, by its name.
    """

    title: str
    set: _Changes = {}
    rows: _Named = pydantic.Field(min_length=1)
    columns: _Named = {}


class GridSpec(_Section):
    """Variants of one experiment, laid out as tables.

    Attributes:
        name: Folder of the results.
        set: Changes of every variant.
        tables: The tables.
    """

    name: str = pydantic.Field(pattern=r"^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$")
    set: _Changes = {}
    tables: list[TableSpec] = pydantic.Field(min_length=1)

    @pydantic.model_validator(mode="after")
    def _check_titles(self) -> Self:
        titles = [table.title for table in self.tables]
        if repeated := sorted({t for t in titles if titles.count(t) > 1}):
            raise ValueError(f"titles of tables must differ, got {repeated} twice.")
        return self


@dataclasses.dataclass(frozen=True)
class Variant:
    """One cell of a table.

    Attributes:
        row: Name of its row.
        column: Name of its column; "" in a table of rows alone.
        configs: Its configuration by seed.
    """

    row: str
    column: str
    configs: Mapping[int, Experiment]

    @property
    def name(self) -> str:
        """Row and column."""
        return f"{self.row}, {self.column}" if self.column else self.row


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with its variants.

    Attributes:
        title: Heading.
        variants: Cells, row by row.
        columns: Names of the columns; empty if there are rows alone.
    """

    title: str
    variants: Sequence[Variant]
    columns: Sequence[str]


def load_grid(path: str | pathlib.Path) -> GridSpec:
    """Reads a grid.

    Raises:
        ConfigError: If the file cannot be read or breaks the format; it names file and
            key.
    """
    return validated(read_yaml(path), GridSpec, path)


def expand(
    grid: GridSpec,
    config_path: str | pathlib.Path,
    overrides: Sequence[str],
    seeds: Sequence[int],
) -> list[Table]:
    """Makes the configuration of every variant, so that none fails hours later.

    Args:
        grid: The grid.
        config_path: YAML file of the experiment that is varied.
        overrides: Changes of the experiment as typed; they win over those of the whole
            grid, and must not touch what variants differ in.
        seeds: Seeds that each variant is trained with.

    Raises:
        ConfigError: If a variant is not a legal configuration, which it names, or two
            of a table have one name.
    """
    load_experiment(config_path, overrides)  # What is wrong here is no variant's fault.
    typed = {text.partition("=")[0] for text in overrides}
    _check_typed(typed, grid)
    of_all = {key: value for key, value in grid.set.items() if key not in typed}

    def configure(name: str, *changes: Changes) -> Mapping[int, Experiment]:
        merged = {key: value for part in changes for key, value in part.items()}
        try:
            return {
                seed: load_experiment(config_path, overrides, {**merged, _SEED: seed})
                for seed in seeds
            }
        except ConfigError as error:
            raise ConfigError(f"variant {name!r}: {error}") from None

    def variants(table: TableSpec) -> Iterator[Variant]:
        for row, of_row in table.rows.items():
            for column, of_column in (table.columns or {"": {}}).items():
                name = f"{table.title}: {row}" + (f", {column}" if column else "")
                changes = of_all, table.set, of_row, of_column
                yield Variant(row, column, configure(name, *changes))

    tables = [
        Table(table.title, list(variants(table)), list(table.columns))
        for table in grid.tables
    ]
    for table in tables:
        _check_variant_names(table)
    return tables


def _check_typed(typed: Set[str], grid: GridSpec) -> None:
    """Refuses overrides of what variants differ in."""
    if _SEED in typed:
        raise ConfigError(f"seeds are set by --seeds, got --set of {_SEED!r}.")
    of_tables = [
        changes
        for table in grid.tables
        for changes in (table.set, *table.rows.values(), *table.columns.values())
    ]
    if varied := sorted(typed & {key for changes in of_tables for key in changes}):
        raise ConfigError(
            f"variants differ in {varied[0]!r}: change it in the grid, not by --set."
        )


def _check_variant_names(table: Table) -> None:
    names = [variant.name for variant in table.variants]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ConfigError(
            f"names of variants must differ, got {repeated[0]!r} twice in "
            f"{table.title!r}."
        )
