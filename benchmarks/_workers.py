"""Contenders of a benchmark as processes that are asked in turn (Keras has one backend each)."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time


class Worker:
    """A contender in a process of its own, the parent's side.

    Args:
        module: str, the benchmark, whose command line `NAME ARGUMENTS...` is the contender's side.
        name: str, the contender; "ours BACKEND" sets Keras' backend.
        *arguments: what else it is told.
    """

    def __init__(self, module, name, *arguments):
        backend = name.removeprefix("ours ") if name.startswith("ours ") else "numpy"
        # oneDNN as in recipes (recipes/__init__.py), where nothing else is said
        common = {"TF_ENABLE_ONEDNN_OPTS": "1", **os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        environment = {**common, "KERAS_BACKEND": backend}
        command = [sys.executable, "-m", f"benchmarks.{module}", name, *map(str, arguments)]
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, open as long as the process
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment,
        )
        first = self.process.stdout.readline()
        self.ready = bool(first)
        if self.ready:
            self.facts = json.loads(first)
        else:
            self.errors.seek(0)
            self.why = (self.errors.read().strip().splitlines() or ["no output"])[-1]

    def round(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def stop(self):
        """Ends the process; its peak memory in megabytes."""
        self.process.stdin.close()
        memory = json.loads(self.process.stdout.readline())["memory"]
        self.process.wait()
        return memory


def compare_steps(module, contenders, rounds, title, *arguments):
    """Times steps of contenders in turn, and prints ratios to the first one by round.

    Args:
        module: str, as in `Worker`; its contenders are told their whole name, then the arguments.
        contenders: tuple of str, the one that others are compared with first; "ours BACKEND XLA"
            is of that backend, too.
        rounds: int, rounds per contender.
        title: str, what is timed.
        *arguments: what else contenders are told, the number of steps in a round last.
    """
    steps, first = arguments[-1], contenders[0]
    workers = {
        name: Worker(module, name.removesuffix(" XLA"), name, *arguments) for name in contenders
    }
    for name, worker in list(workers.items()):
        if not worker.ready:
            print(f"{name}: not available here ({worker.why})")
            del workers[name]
    seconds = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            seconds[name].append(worker.round()["seconds"] / steps)
    print(f"{title}; ratio of steps a second to {first}")
    for name, worker in workers.items():
        ratios = sorted(b / a for a, b in zip(seconds[name], seconds.get(first, seconds[name])))
        print(
            f"{name:22}{statistics.median(seconds[name]):8.3f} s a step"
            f"{statistics.median(ratios):7.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})"
            f"{worker.stop():8.0f} MB{worker.facts['weights'] / 1e6:8.2f} M trainable",
            flush=True,
        )


def answer(one_round, **facts):
    """The contender's side: warms up, then answers every line on standard input with one round.

    Args:
        one_round: function without arguments.
        **facts: what the parent is told first.
    """
    one_round()
    print(json.dumps(facts), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        one_round()
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"memory": peak}), flush=True)
