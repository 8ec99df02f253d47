import json
import math

from pipeline.experiment.run_dir import RunDir
from pipeline.training.course import median_speed, read_course, seconds

START = {"epoch": 0}


def epoch(number, speed, **more):
    return {"epoch": number, "tasks_per_s": speed, "epoch_s": 10.0 / speed, **more}


def test_an_epoch_that_was_run_twice_counts_as_it_was_last(tmp_path):
    lines = START, epoch(1, 1.0), epoch(2, 2.0, x=2.0), epoch(2, 2.0, x=3.0)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "metrics.jsonl").write_text(text)
    course = read_course(RunDir(tmp_path))
    assert [line["epoch"] for line in course] == [0, 1, 2]
    assert course[2]["x"] == 3.0
    assert seconds(course) == 15.0


def test_the_speed_is_that_of_epochs_after_the_first_if_there_are_any():
    assert median_speed([START, epoch(1, 1.0), epoch(2, 5.0), epoch(3, 7.0)]) == 6.0
    assert median_speed([START, epoch(1, 4.0)]) == 4.0
    assert math.isnan(median_speed([START]))
