"""The step `validate`: whether a server can load an exported version and answers well.

The version is loaded by the embedded server on this machine and gets what it has
recorded itself: warm-up requests, and requests with the answers of the trained model.
"""

import pathlib

from pipeline.experiment.version_dir import check_version_dir
from pipeline.serving.base.model_base import content_digest
from pipeline.serving.gate.blessing import write
from pipeline.serving.gate.infra_rules import infra_blessing


def validate(version_dir: pathlib.Path) -> int:
    """Validates a version and writes the findings beside it.

    Args:
        version_dir: The version, `<base>/<model_name>/<version>`.

    Returns:
        0 if the version is INFRA_BLESSED, otherwise 1.

    Raises:
        DataError: If the directory is no exported version, or the findings cannot be
            written beside it.
    """
    check_version_dir(version_dir)
    digest = content_digest(version_dir)
    blessing = infra_blessing(version_dir)
    marker = write(blessing, "infra", digest)
    print(blessing.table())
    print(f"{marker.name}: {blessing.message} (see {marker.parent})")
    return 0 if blessing.passed else 1
