#!/usr/bin/env bash
# tensorflow 2.21.0: tf.strings.lower and upper with encoding "utf-8" cut texts at a NUL.
#
# A string tensor may hold any bytes, and U+0000 is valid UTF-8. Without an encoding it is kept;
# with encoding="utf-8" it and all that follows are lost, without an error, so that different
# texts become one: "A<NUL>B" and "a" are both "a".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow==2.21.0
cat > "$folder/cases.py" <<'PYTHON'
import sys

import tensorflow as tf

texts = tf.constant(["A\0B", "\0A", "É\0É"])
with open(sys.argv[1], "w") as output:
    for function in (tf.strings.lower, tf.strings.upper):
        for encoding in ("", "utf-8"):
            changed = function(texts, encoding=encoding).numpy().tolist()
            print(function.__name__.split("_")[-1], repr(encoding), changed, file=output)
PYTHON
"$folder/venv/bin/python" "$folder/cases.py" "$folder/seen" >"$folder/log" 2>&1 ||
  { cat "$folder/log"; exit 1; }
cat "$folder/seen"
diff - "$folder/seen" <<'SEEN'
lower '' [b'a\x00b', b'\x00a', b'\xc3\x89\x00\xc3\x89']
lower 'utf-8' [b'a', b'', b'\xc3\xa9']
upper '' [b'A\x00B', b'\x00A', b'\xc3\x89\x00\xc3\x89']
upper 'utf-8' [b'A', b'', b'\xc3\x89']
SEEN
