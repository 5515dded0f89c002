"""One script per experiment of the lecture; `python -m recipes` lists and runs them."""
