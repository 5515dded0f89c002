"""One script per experiment of the lecture; `python -m recipes` lists and runs them."""

import os

# TensorFlow reads it when it is loaded: by itself it leaves oneDNN out on processors without
# instructions for neural networks (VNNI and the like), where it pays too: docs/speed.md
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
