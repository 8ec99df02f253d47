"""How the interactions of a configuration are read, for a new file to be like them."""

import dataclasses
from collections.abc import Mapping

from pipeline.experiment.config_file import data_dir
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.scenario.source import dataset_spec as click_spec
from pipeline.settings.user.config import UserConfig
from pipeline.settings.user.config import dataset_spec as rating_spec
from transforms.specs import InteractionSpec
from transforms.table_spec import TableSpec

CLICK = 1.0
_LABEL = "label"  # The column of a file of clicks, whose table has none.


@dataclasses.dataclass(frozen=True)
class OwnTable:
    """A table of interactions as a configuration describes it.

    Attributes:
        interactions: Its columns, and how its rows are cut.
        features: Features of users by column.
        needs_label: Whether a row must have a label; else one without is a click.
        click_at_least: Rows whose label is lower are no clicks, and left out; None if
            labels are what they are.
        scenario_column: Column of the scenario of a click; None if no row says it.
    """

    interactions: InteractionSpec
    features: Mapping[str, str] = dataclasses.field(default_factory=dict)
    needs_label: bool = True
    click_at_least: float | None = None
    scenario_column: str | None = None

    @property
    def required(self) -> list[str]:
        """The columns that must be there."""
        spec = self.interactions
        label = [spec.label_column] if self.needs_label else []
        return [spec.user_column, spec.item_column, *label]

    def in_file(self, table: TableSpec) -> "OwnTable":
        """Returns the same columns, in a file that is cut into rows as a table says."""
        missing = self.interactions.table.missing
        table = dataclasses.replace(table, missing=missing)
        interactions = dataclasses.replace(self.interactions, table=table)
        return dataclasses.replace(self, interactions=interactions)


def own_ratings(config: UserConfig) -> OwnTable | None:
    """Returns the table of ratings; None if no file of text can be like it.

    Args:
        config: The experiment. Where it names a known layout, its files must be there.
    """
    try:
        spec = rating_spec(config.data, data_dir())
    except ValueError:
        return None
    table = _as_text(spec.interactions.table)
    if table is None:
        return None
    features = {
        column: feature.name
        for feature in spec.users.features
        if not feature.flags
        for column in (feature.name, *feature.source_columns)
    }
    return OwnTable(dataclasses.replace(spec.interactions, table=table), features)


def own_clicks(config: ScenarioConfig) -> OwnTable | None:
    """Returns the table of clicks; None likewise, or if there are several domains."""
    try:
        domains = click_spec(config.data, data_dir()).domains
    except ValueError:
        return None
    clicks = domains[0].clicks
    table = _as_text(clicks.table)
    if table is None or len(domains) > 1:
        return None
    spec = InteractionSpec(
        table,
        clicks.user_column,
        clicks.item_column,
        clicks.label_column or _LABEL,
        label_min=0.0,
        label_max=CLICK,
    )
    return OwnTable(
        spec,
        needs_label=clicks.label_column is not None,
        click_at_least=clicks.label_at_least,
        scenario_column=clicks.scenario_column,
    )


def _as_text(table: TableSpec) -> TableSpec | None:
    """Returns a table as delimited text; None if its columns are not those of rows."""
    if table.wide is not None or table.format in ("lists", "lines"):
        return None
    if table.format != "csv":
        return TableSpec(table.path, missing=table.missing)
    return dataclasses.replace(table, member=None, list_columns=(), multiline=False)
