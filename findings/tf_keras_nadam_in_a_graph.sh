#!/usr/bin/env bash
# tf-keras 2.21.0 on tensorflow 2.21.0: Nadam, as fit runs it, in a graph.
#
# The schedule of Nadam is a product that each step multiplies by one factor, whatever the number
# of weights. What tells whether a step has done so is a counter in Python, which a graph moves
# when it is traced, not when it runs. With run_eagerly=True three steps make 0.114 of it, and
# Keras 3.15.1 does either way. By fit alone a model of six weights has six factors in each step,
# 0.114 to the power of 6. A model of one weight has none in the first step, divides by 1 - 1,
# and is NaN from then on, on any data: such is a table of new items that is learnt before
# frozen layers. With Adam the same model trains.
#
#   tf_keras, 1 weight, fit: loss nan, product 2.44e-01
#   tf_keras, 1 weight, run_eagerly: loss a number, product 1.14e-01
#   tf_keras, 6 weights, fit: loss a number, product 2.19e-06
#   tf_keras, 6 weights, run_eagerly: loss a number, product 1.14e-01
#   tf_keras, a table before a frozen layer: Nadam nan, Adam a number
#   keras, 1 weight, fit: loss a number, product 1.14e-01
#   keras, 6 weights, fit: loss a number, product 1.14e-01
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 tf_keras==2.21.0 keras==3.15.1
cat > "$folder/nadam.py" <<'PYTHON'
import sys

import numpy as np

if sys.argv[1] == "tf_keras":
    import tf_keras as keras
else:
    import keras

x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
y = x.sum(axis=1, keepdims=True)


def told(loss):
    return "nan" if np.isnan(loss) else "a number"


for num_weights in (1, 6):
    for eager in (False, True):
        keras.utils.set_random_seed(0)
        if num_weights == 1:
            layers = [keras.layers.Dense(1, use_bias=False)]
        else:
            layers = [keras.layers.Dense(units) for units in (4, 4, 1)]
        model = keras.Sequential([keras.Input((8,)), *layers])
        optimizer = keras.optimizers.Nadam(0.01)
        model.compile(optimizer, "mse", run_eagerly=eager)
        loss = model.fit(x, y, batch_size=64, epochs=3, verbose=0).history["loss"][-1]
        plural = "s" if num_weights > 1 else ""
        print(
            f"{sys.argv[1]}, {num_weights} weight{plural}, "
            f"{'run_eagerly' if eager else 'fit'}: loss {told(loss)}, "
            f"product {float(np.array(optimizer._u_product)):.2e}"
        )

losses = []
for name in ("Nadam", "Adam"):
    keras.utils.set_random_seed(0)
    item = keras.Input((), dtype="int32")
    score = keras.layers.Dense(1, trainable=False)
    model = keras.Model(item, score(keras.layers.Embedding(50, 4)(item)))
    model.compile(getattr(keras.optimizers, name)(), "mse")
    history = model.fit(np.arange(50), np.arange(50) / 50.0, epochs=2, verbose=0).history
    losses.append(f"{name} {told(history['loss'][-1])}")
print(f"{sys.argv[1]}, a table before a frozen layer: {', '.join(losses)}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
for library in tf_keras keras; do
  "$folder/venv/bin/python" "$folder/nadam.py" "$library" 2>> "$folder/log" ||
    { cat "$folder/log"; exit 1; }
done | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
tf_keras, 1 weight, fit: loss nan, product 2.44e-01
tf_keras, 1 weight, run_eagerly: loss a number, product 1.14e-01
tf_keras, 6 weights, fit: loss a number, product 2.19e-06
tf_keras, 6 weights, run_eagerly: loss a number, product 1.14e-01
tf_keras, a table before a frozen layer: Nadam nan, Adam a number
keras, 1 weight, fit: loss a number, product 1.14e-01
keras, 1 weight, run_eagerly: loss a number, product 1.14e-01
keras, 6 weights, fit: loss a number, product 1.14e-01
keras, 6 weights, run_eagerly: loss a number, product 1.14e-01
keras, a table before a frozen layer: Nadam a number, Adam a number
EXPECTED
