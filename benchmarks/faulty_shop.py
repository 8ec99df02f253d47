"""A shop whose tables have every fault: what becomes of each row, in both settings.

    python benchmarks/faulty_shop.py [FOLDER]

Writes the tables and two configurations, runs `cmml run` on each, and prints what it
says of rows, ids and metrics.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support")]

import yaml
from faulty_clicks import write_clicks
from faulty_ratings import write_ratings

_COMMAND = "import sys; from pipeline.cli import main; sys.exit(main())"


def main(folder: str | None = None) -> None:
    """Runs both settings in a folder, a temporary one if none is given."""
    with tempfile.TemporaryDirectory() as temporary:
        for write in (write_ratings, write_clicks):
            tables = pathlib.Path(folder or temporary, write.__name__)
            tables.mkdir(parents=True)
            config = tables / "experiment.yaml"
            config.write_text(yaml.safe_dump(write(tables).config))
            print(f"== {config}", flush=True)
            run = ["run", "--config", str(config)]
            ended = subprocess.run(
                [sys.executable, "-c", _COMMAND, *run],
                cwd=tables,
                env=os.environ
                | {"CMML_DATA_DIR": str(tables), "PYTHONPATH": str(ROOT)},
                check=False,
            )
            print(f"== exit status {ended.returncode}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
