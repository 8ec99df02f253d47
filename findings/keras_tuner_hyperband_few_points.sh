#!/usr/bin/env bash
# keras-tuner 1.4.8 with tensorflow 2.21.0: Hyperband on a space with few points.
#
# max_epochs 9, factor 3. With 30 points trials of 1 epoch are followed by some of 3 and of 9.
# With 3 points, fewer than the first rung of the largest bracket wants, the search ends after
# three trials of 1 epoch each: nothing is promoted, since the rung never fills, and no trial has
# come near max_epochs. There is no warning, and get_best_trials names one of them the best.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras-tuner==1.4.8 tensorflow==2.21.0
cat > "$folder/rungs.py" <<'PYTHON'
import collections
import sys
import tempfile

import keras_tuner


class Recorded(keras_tuner.Tuner):
    epochs = ()

    def run_trial(self, trial, *args, **kwargs):
        values = trial.hyperparameters.values
        self.epochs = (*self.epochs, values["tuner/epochs"])
        return {"loss": float(values["x"])}


with open(sys.argv[1], "w") as output:
    for num_points in (3, 30):
        space = keras_tuner.HyperParameters()
        space.Choice("x", list(range(1, num_points + 1)))
        oracle = keras_tuner.oracles.HyperbandOracle(
            objective=keras_tuner.Objective("loss", "min"),
            max_epochs=9,
            factor=3,
            hyperparameters=space,
            tune_new_entries=False,
            seed=0,
        )
        tuner = Recorded(
            oracle=oracle,
            hypermodel=lambda hp: None,
            directory=tempfile.mkdtemp(),
            project_name="rungs",
        )
        tuner.search(verbose=0)
        rungs = sorted(collections.Counter(tuner.epochs))
        best = tuner.oracle.get_best_trials(1)[0].hyperparameters.values["x"]
        print(num_points, "points: trials of", *rungs, "epochs; best", best, file=output)
PYTHON
"$folder/venv/bin/python" "$folder/rungs.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
3 points: trials of 1 epochs; best 1
30 points: trials of 1 3 9 epochs; best 1
SEEN
