"""An experiment of users with ratings, and what is imported when it asks for it."""

from pipeline.experiment.config_section import Source
from pipeline.settings.exported_model import ExportedModel
from pipeline.settings.setting import Setting
from pipeline.settings.user.config import UserConfig


class UserExperiment(UserConfig):
    """The configuration of an experiment, which knows its setting."""

    def source(self) -> Source:
        """Returns tables of ratings, users and items."""
        from pipeline.settings.user.source import rating_source

        return rating_source(self)

    def functions(self) -> Setting:
        """Returns what the steps take from the setting."""
        from pipeline.settings.user.setting import USER

        return USER

    @classmethod
    def exported_model(cls) -> type[ExportedModel]:
        """Returns what asks an exported model."""
        from pipeline.settings.user.exported_model import ExportedUserModel

        return ExportedUserModel
