#!/usr/bin/env bash
# keras 3.15.1 on tensorflow 2.21.0: optimizers and an id that is in a batch n times.
#
# n copies of one example have the mean loss and the gradient of one, so that the first step has to
# move the row of their id alike, whatever n is. Keras 3 on JAX and tf-keras 2.21.0 do. On
# TensorFlow the gradient of an embedding names its id n times, and Keras 3 squares the n parts
# and adds up the squares, where it should square their sum: with Adam, Nadam, RMSprop, Adagrad
# and Adafactor a row that is there 100 times moves ten times as far (with Adam by ten
# learning rates). SGD and Lion, which square nothing, are right, and so is a product with one-hot
# rows in place of the layer. There is no warning. So the learning rate of an item grows with the
# root of its clicks in a batch, and a model of embeddings is not trained as tf-keras trains it.
#
#   keras on tensorflow, Adam, embedding: 1.00 2.00 10.00 for 1, 4 and 100 copies
#   keras on tensorflow, Adam, one-hot: 1.00 1.00 1.00
#   keras on jax, Adam, embedding: 1.00 1.00 1.00
#   tf_keras, Adam, embedding: 1.00 1.00 1.00
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0 tf_keras==2.21.0 keras==3.15.1 jax==0.10.2
cat > "$folder/steps.py" <<'PYTHON'
import sys

import numpy as np

if sys.argv[1] == "tf_keras":
    import tf_keras as keras
else:
    import keras

RATE = 0.01


def step(name, copies, one_hot):
    """Returns how far one step of `fit` moves the row of an id that is there `copies` times."""
    if one_hot:
        inputs = keras.Input((3,))
        layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    else:
        inputs = keras.Input((), dtype="int32")
        layer = keras.layers.Embedding(3, 1, embeddings_initializer="zeros")
    model = keras.Model(inputs, layer(inputs))
    model.compile(getattr(keras.optimizers, name)(learning_rate=RATE), "mse")
    ids = np.full(copies, 1, np.int32)
    given = np.eye(3, dtype=np.float32)[ids] if one_hot else ids
    wanted = np.full((copies, 1), 1000.0, np.float32)
    model.fit(given, wanted, batch_size=copies, epochs=1, verbose=0)
    return float(model.get_weights()[0][1, 0])


for name in sys.argv[3:]:
    for kind in ("embedding", "one-hot"):
        steps = [step(name, copies, kind == "one-hot") for copies in (1, 4, 100)]
        ratios = " ".join(f"{value / steps[0]:.2f}" for value in steps)
        print(f"{sys.argv[2]}, {name}, {kind}: {ratios}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3
run() { "$folder/venv/bin/python" "$folder/steps.py" "$@" 2>> "$folder/log"; }
{
  KERAS_BACKEND=tensorflow run keras "keras on tensorflow" \
    Adam Nadam RMSprop Adagrad Adafactor SGD Lion
  KERAS_BACKEND=jax run keras "keras on jax" Adam
  run tf_keras "tf_keras" Adam
} > "$folder/output" || { cat "$folder/log"; exit 1; }
cat "$folder/output"
diff "$folder/output" - <<'EXPECTED'
keras on tensorflow, Adam, embedding: 1.00 2.00 10.00
keras on tensorflow, Adam, one-hot: 1.00 1.00 1.00
keras on tensorflow, Nadam, embedding: 1.00 2.00 10.00
keras on tensorflow, Nadam, one-hot: 1.00 1.00 1.00
keras on tensorflow, RMSprop, embedding: 1.00 2.00 10.00
keras on tensorflow, RMSprop, one-hot: 1.00 1.00 1.00
keras on tensorflow, Adagrad, embedding: 1.00 2.00 10.00
keras on tensorflow, Adagrad, one-hot: 1.00 1.00 1.00
keras on tensorflow, Adafactor, embedding: 1.00 2.00 10.00
keras on tensorflow, Adafactor, one-hot: 1.00 1.00 1.00
keras on tensorflow, SGD, embedding: 1.00 1.00 1.00
keras on tensorflow, SGD, one-hot: 1.00 1.00 1.00
keras on tensorflow, Lion, embedding: 1.00 1.00 1.00
keras on tensorflow, Lion, one-hot: 1.00 1.00 1.00
keras on jax, Adam, embedding: 1.00 1.00 1.00
keras on jax, Adam, one-hot: 1.00 1.00 1.00
tf_keras, Adam, embedding: 1.00 1.00 1.00
tf_keras, Adam, one-hot: 1.00 1.00 1.00
EXPECTED
