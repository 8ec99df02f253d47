"""Every reader on rows and files with faults: nothing may be lost, nothing crash.

    python benchmarks/reader_fuzz_100k.py [rows]

Prints how many rows were read and how many files were refused, by kind of file.
"""

import collections
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/support")]

from reader_fuzz import TABLES, odd_file, read_all

_ROWS_OF_A_FILE = 200


def main(num_rows: int = 100_000) -> None:
    """Makes files until so many rows of each kind have been read."""
    for kind in TABLES:
        counts: collections.Counter[str] = collections.Counter()
        with tempfile.TemporaryDirectory() as folder:
            while counts["rows read"] < num_rows:
                counts["files"] += 1
                data = odd_file(counts["files"], kind, _ROWS_OF_A_FILE)
                result = read_all(pathlib.Path(folder), kind, data)
                if isinstance(result, str):
                    assert len(result.splitlines()) == 1, result
                    counts["files refused"] += 1
                    continue
                read, refused = result[0]
                counts["rows read"] += read
                counts["rows refused"] += refused
        print(f"{kind}: {dict(counts)}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
