"""`python -m benchmarks train_step [flags]`."""

import importlib
import pathlib
import sys

import tyro

if __name__ == "__main__":
    names = sorted(f.stem for f in pathlib.Path(__file__).parent.glob("[a-z]*.py"))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python -m benchmarks {{{','.join(names)}}} [flags]", file=sys.stderr)
        raise SystemExit(2)
    module = importlib.import_module(f"benchmarks.{sys.argv[1]}")
    tyro.cli(module.main, args=sys.argv[2:], prog=f"python -m benchmarks {sys.argv[1]}")
