"""`python -m benchmarks.engines.job_server_jars FOLDER`: those of Flink and Spark.

Maven finds the modules that a job server is made of, and a small jar names them all.
Prints the variables that `make engines` and the tests look at.
"""

import argparse
import pathlib
import subprocess
import textwrap
import zipfile
from collections.abc import Sequence

# Job servers of one version that Maven has all modules of; it may be older than Beam.
_BEAM = "2.62.0"
_JAR = "job_server.jar"
_MODULES = {
    "flink": [f"org.apache.beam:beam-runners-flink-1.19:{_BEAM}"],
    "spark": [
        f"org.apache.beam:beam-runners-spark-3:{_BEAM}",
        "org.apache.spark:spark-streaming_2.12:3.5.0",
        "org.apache.spark:spark-sql_2.12:3.5.0",
        "com.esotericsoftware.kryo:kryo:2.21",
    ],
}
_MANIFEST_LINE = 70  # Bytes of a line; those that go on start with a space.


def main() -> None:
    """Writes the jars that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--engine", nargs="+", choices=[*_MODULES], default=[*_MODULES])
    arguments = parser.parse_args()
    for engine in arguments.engine:
        jar = write_jar(engine, arguments.folder.resolve() / engine)
        print(f"export CMML_{engine.upper()}_JOB_SERVER_JAR={jar}")


def write_jar(engine: str, folder: pathlib.Path) -> pathlib.Path:
    """Writes the jar of one engine, whose modules stay where Maven keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(_pom(engine, _MODULES[engine]))
    command = ["mvn", "--batch-mode", "--quiet", "dependency:build-classpath"]
    subprocess.run([*command, "-Dmdep.outputFile=classes"], cwd=folder, check=True)
    paths = (folder / "classes").read_text().strip().split(":")
    main_class = f"org.apache.beam.runners.{engine}.{engine.title()}JobServerDriver"
    class_path = " ".join(pathlib.Path(path).as_uri() for path in paths)
    lines = ["Manifest-Version: 1.0", f"Main-Class: {main_class}"]
    lines += textwrap.wrap(
        f"Class-Path: {class_path}",
        _MANIFEST_LINE,
        subsequent_indent=" ",
        drop_whitespace=False,
    )
    with zipfile.ZipFile(folder / _JAR, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "\n".join([*lines, ""]))
    return folder / _JAR


def _pom(engine: str, modules: Sequence[str]) -> str:
    names = "groupId", "artifactId", "version"
    dependencies = "".join(
        f"<dependency>{_tags(dict(zip(names, module.split(':'), strict=True)))}"
        "</dependency>"
        for module in modules
    )
    own = {"groupId": "cmml", "artifactId": f"{engine}-job-server", "version": "1"}
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">'
        f"<modelVersion>4.0.0</modelVersion>{_tags(own)}"
        f"<dependencies>{dependencies}</dependencies></project>"
    )


def _tags(values: dict[str, str]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items())


if __name__ == "__main__":
    main()
