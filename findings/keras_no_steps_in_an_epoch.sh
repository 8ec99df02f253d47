#!/usr/bin/env bash
# keras 3.15.1 and tf_keras 2.21.0 with tensorflow 2.21.0: fit with nothing to be done.
#
# With 6 samples in batches of 2. Keras 3 takes steps_per_epoch=0 for no number at all and goes
# through the whole data, 3 batches; tf_keras raises a ValueError. It raises one for epochs=0 too,
# where Keras 3 begins and ends a training without a batch. Both take an initial_epoch that is the
# number of epochs, which leaves as little to do. So a training that resumes after its last epoch
# is well in either, one that was planned to have no epoch is an error in tf_keras, and a number of
# steps that was rounded down to 0 trains on everything in Keras 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet keras==3.15.1 tf_keras==2.21.0 tensorflow==2.21.0
cat > "$folder/nothing.py" <<'PYTHON'
import sys

import keras
import numpy as np
import tf_keras

NOTHING = (
    {"epochs": 0},
    {"epochs": 2, "initial_epoch": 2},
    {"epochs": 1, "steps_per_epoch": 0},
)

with open(sys.argv[1], "w") as output:
    for library in (keras, tf_keras):
        for arguments in NOTHING:
            model = library.Sequential([library.Input([2]), library.layers.Dense(1)])
            model.compile("sgd", "mse")
            calls = []
            watch = library.callbacks.LambdaCallback(
                on_train_begin=lambda logs: calls.append("begin"),
                on_train_batch_end=lambda batch, logs: calls.append("batch"),
                on_train_end=lambda logs: calls.append("end"),
            )
            inputs, labels = np.ones([6, 2]), np.ones([6, 1])
            try:
                model.fit(
                    inputs,
                    labels,
                    batch_size=2,
                    verbose=0,
                    callbacks=[watch],
                    **arguments,
                )
            except ValueError:
                calls.append("ValueError")
            print(library.__name__, arguments, *calls, file=output)
PYTHON
"$folder/venv/bin/python" "$folder/nothing.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
keras {'epochs': 0} begin end
keras {'epochs': 2, 'initial_epoch': 2} begin end
keras {'epochs': 1, 'steps_per_epoch': 0} begin batch batch batch end
tf_keras {'epochs': 0} ValueError
tf_keras {'epochs': 2, 'initial_epoch': 2} begin end
tf_keras {'epochs': 1, 'steps_per_epoch': 0} ValueError
SEEN
