"""The step `bench`: what a served model takes, over which transport, and bears."""

from pipeline.experiment.progress import say
from pipeline.serving.bench import report, session
from pipeline.serving.bench.options import BenchOptions


def bench(options: BenchOptions) -> int:
    """Measures, writes the results, and prints them.

    Returns:
        0, or 1 if a request failed that must not, memory grows, or the server was
        harmed by malformed requests.

    Raises:
        DataError: If a target does not answer.
    """
    measured = session.Session(options).run()
    print(report.write(measured, options.output), end="")
    say(f"bench: wrote {options.output}/bench.json and bench.md")
    return 0 if measured.is_sound else 1
