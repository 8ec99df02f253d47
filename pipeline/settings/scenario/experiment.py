"""An experiment of scenarios with clicks, and what is imported when it asks for it."""

from pipeline.experiment.config_section import Source
from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.scenario.config import ScenarioConfig
from pipeline.settings.setting import Setting


class ScenarioExperiment(ScenarioConfig):
    """The configuration of an experiment, which knows its setting."""

    def source(self) -> Source:
        """Returns tables of clicks and pools."""
        from pipeline.settings.scenario.source import click_source

        return click_source(self)

    def functions(self) -> Setting:
        """Returns what the steps take from the setting."""
        from pipeline.settings.scenario.setting import SCENARIO

        return SCENARIO

    @classmethod
    def exported_model(cls) -> type[ExportedModel]:
        """Returns what asks an exported model."""
        from pipeline.settings.scenario.exported_model import ExportedScenarioModel

        return ExportedScenarioModel
