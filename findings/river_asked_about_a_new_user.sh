#!/usr/bin/env bash
# river 0.26.1: BiasedMF learns from 3,000 ratings, and is asked in between about users it does not know.
#
# predict_one is to read a model, not to change it. Of a user or item that is not known, it
# draws weights, and keeps them. So a model that is asked about one new user before each rating
# ends with 3,050 users in place of 50, and has no way to drop them. What is drawn moves on the
# random numbers too, from which whoever comes next begins: a single question, before the first
# rating, changes what is predicted for users who are known, though `seed` is set. A
# model that was evaluated on new users while it learnt, or that has answered in production, is not
# the one that is learnt again from the same ratings. rank asks for each item and does the same.
# Baseline draws nothing, so that its predictions stay, but it keeps each user. There is no warning.
#
#   asked 0 times: 50 users, predictions 2.889 3.175 3.310 3.364
#   asked 1 times: 51 users, predictions 2.950 3.274 3.289 3.391
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet river==0.26.1 numpy==2.4.6
cat > "$folder/asked.py" <<'PYTHON'
import random

import river
from river import reco


def ratings():
    rng = random.Random(0)
    for _ in range(3000):
        yield f"user {rng.randrange(50)}", f"item {rng.randrange(80)}", float(rng.randint(1, 5))


def show(name, model, num_asked):
    for step, (user, item, rating) in enumerate(ratings()):
        if step < num_asked:
            model.predict_one(f"new user {step}", item)
        model.learn_one(user, item, rating)
    users = len(model.u_biases)
    predicted = " ".join(f"{model.predict_one(f'user {n}', f'item {n}'):.3f}" for n in range(4))
    print(f"{name}, asked {num_asked} times: {users} users, predictions {predicted}")


print("river", river.__version__)
for num_asked in (0, 0, 1, 3000):
    show("BiasedMF", reco.BiasedMF(n_factors=10, seed=1), num_asked)
for num_asked in (0, 3000):
    show("Baseline", reco.Baseline(), num_asked)
model = reco.BiasedMF(n_factors=10, seed=1)
model.rank("new user", {f"item {n}" for n in range(100)})
print(f"BiasedMF, only asked to rank 100 items: {len(model.i_latents)} items known")
PYTHON
PYTHONHASHSEED=0 "$folder/venv/bin/python" "$folder/asked.py" | tee "$folder/output"
diff "$folder/output" - <<'EXPECTED'
river 0.26.1
BiasedMF, asked 0 times: 50 users, predictions 2.889 3.175 3.310 3.364
BiasedMF, asked 0 times: 50 users, predictions 2.889 3.175 3.310 3.364
BiasedMF, asked 1 times: 51 users, predictions 2.950 3.274 3.289 3.391
BiasedMF, asked 3000 times: 3050 users, predictions 2.916 3.243 3.292 3.424
Baseline, asked 0 times: 50 users, predictions 2.932 3.261 3.312 3.374
Baseline, asked 3000 times: 3050 users, predictions 2.932 3.261 3.312 3.374
BiasedMF, only asked to rank 100 items: 100 items known
EXPECTED
