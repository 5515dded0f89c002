"""Are faults found? Plants them one at a time in a copy of a checkout and runs the tests.

    python -m tests.faults check --checkout DIR
    python -m tests.faults map --checkout DIR --backend jax --maps FOLDER
    python -m tests.faults run --checkout DIR --maps FOLDER --results before.jsonl
    python -m tests.faults table before.jsonl after.jsonl

`map` runs the tests once and keeps which of them touch which lines (coverage's contexts). `run`
takes the tests that touch the lines of a fault: one of each test function, the cheapest, then the
second of each, and so on; after them those that share a file and a parameter with one of them, for
what it made may be what they look at. It stops at the first that fails, and runs that one without
the fault too, where it must pass. Both go on where they were stopped. Needs pytest-cov.
"""

import argparse
import ast
import collections
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from .fault_plugin import plain
from .planted import FAULTS

HERE = pathlib.Path(__file__).parent
BACKENDS = ("tensorflow", "jax", "torch")
PLUGINS = ("-p", "fault_plugin", "-p", "no:cacheprovider")
COVERAGE = ("--cov=keras_ae", "--cov=recipes", "--cov-context=test", "--cov-report=")


def git(checkout, *arguments):
    return subprocess.run(
        ["git", "-C", checkout, *arguments], check=True, capture_output=True, text=True
    ).stdout


@contextlib.contextmanager
def copy_of(checkout):
    """A folder with the tracked files of a checkout as they are; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for name in git(checkout, "ls-files", "-z").split("\0"):
            source, target = checkout / name, pathlib.Path(folder) / name
            if name and source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
        yield pathlib.Path(folder)


def planted(text, fault):
    """A file's text with a fault in it."""
    if text.count(fault.old) != 1:
        raise ValueError(
            f"{fault.name} does not apply: its text stands {text.count(fault.old)} times in "
            f"{fault.file}, needed is once. Mend tests/faults/planted.py."
        )
    faulty = text.replace(fault.old, fault.new)
    if ast.dump(ast.parse(text)) == ast.dump(ast.parse(faulty)):
        raise ValueError(f"{fault.name} changes nothing in {fault.file}.")
    return faulty


def changed_lines(text, old):
    """Numbers of the lines of a text, and of all lines of the statements that they belong to."""
    first = text[: text.index(old)].count("\n") + 1
    lines = set(range(first, first + old.rstrip("\n").count("\n") + 1))
    whole = set(lines)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            own = set(range(node.lineno, node.end_lineno + 1))
            whole |= own if own & lines else set()
    return whole


def run_pytest(folder, arguments, limit=None, **environment):
    """`(exit status, notes, output)`; the status is `None` where the time was up."""
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        notes, output = pathlib.Path(place) / "notes", pathlib.Path(place) / "output"
        notes.touch()
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *PLUGINS, *arguments],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(HERE),
                "PYTHONDONTWRITEBYTECODE": "1",
                "TF_CPP_MIN_LOG_LEVEL": "3",
                "FAULTS_NOTES": str(notes),
                **environment,
            },
            stdout=output.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # with the processes that tests started
                process.wait()
        rows = [json.loads(line) for line in notes.read_text().splitlines()]
        return status, rows, output.read_text(errors="replace")


# The map ------------------------------------------------------------------------------------------


def make_map(checkout, backend, maps, options):
    facts, data = maps / f"{backend}.json", maps / f"{backend}.coverage"
    if facts.exists():
        print(f"{facts} is there already: remove it to make it anew.")
        return
    maps.mkdir(parents=True, exist_ok=True)
    long = os.environ.get("KERAS_AE_LONG_TESTS", "")
    with copy_of(checkout) as folder, tempfile.TemporaryDirectory(prefix="faults-") as place:
        raw = pathlib.Path(place) / "coverage"
        status, rows, output = run_pytest(
            folder,
            [*COVERAGE, *shlex.split(options)],
            COVERAGE_FILE=str(raw),
            **of_backend(backend, maps, long),
        )
        (maps / f"{backend}.log").write_text(output)
        if status not in (0, 1) or not raw.exists():
            sys.exit(f"pytest ended with {status}, no map was made:\n{output[-3000:]}")
        shutil.move(raw, data)
        files = {str(path.relative_to(folder)): path for path in folder.glob("keras_ae/**/*.py")}
        digests = {name: digest(path.read_text()) for name, path in files.items()}
    seconds, outcomes = collections.Counter(), collections.defaultdict(set)
    for row in rows:
        seconds[row["test"]] += row["seconds"]
        outcomes[row["test"]].add(row["outcome"])
    passed = {test: seconds[test] for test in outcomes if outcomes[test] == {"passed"}}
    failed = sorted(test for test in outcomes if "failed" in outcomes[test])
    found = {"options": options, "long": long, "commit": git(checkout, "rev-parse", "HEAD").strip()}
    unfinished = facts.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({**found, "files": digests, "tests": passed}))
    unfinished.replace(facts)
    print(f"{facts}: {len(passed)} tests passed, {len(outcomes) - len(passed)} did not.")
    for test in failed:
        print(f"fails without a fault, and is left out: {test}")


def of_backend(backend, maps, long):
    cache = str((maps / "jax-cache").resolve())  # compiled programs, for all copies
    environment = {"KERAS_BACKEND": backend, "JAX_COMPILATION_CACHE_DIR": cache}
    return environment | ({"KERAS_AE_LONG_TESTS": long} if long else {})


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def touching(maps, facts, fault, text):
    """`(tests that touch a fault's lines, tests that may share what those make)`, in order."""
    import coverage

    if facts["files"].get(fault.file) != digest(text):
        raise ValueError(
            f"{fault.name}: {fault.file} is not as it was when the map of {fault.backend} was "
            "made: remove that map and make it anew."
        )
    data = coverage.CoverageData(str(maps / f"{fault.backend}.coverage"))
    data.read()
    tests, contexts, anywhere = facts["tests"].keys(), set(), set()
    for file in data.measured_files():
        if file.endswith("/" + fault.file):
            by_line = data.contexts_by_lineno(file)
            anywhere.update(*by_line.values())
            for line in changed_lines(text, fault.old):
                contexts.update(by_line.get(line, ()))
    named = lambda contexts: {plain(each.rpartition("|")[0]) for each in contexts} & tests
    # at import, and in threads that are not Python's, a line belongs to no test: those of the file
    direct = named(contexts) or named(anywhere)
    shared = {key for test in direct for key in keys(test)}
    mates = {test for test in tests - direct if shared.intersection(keys(test))}
    return in_rounds(direct, facts["tests"]), in_rounds(mates, facts["tests"])


def keys(test):
    """What tests may share a fixture by: a file, and a part of their parameters."""
    file, _, name = test.partition("::")
    _, bracket, parameters = name.rstrip("]").partition("[")
    return {(file, part) for part in parameters.split("-")} if bracket else {(file, None)}


def in_rounds(tests, seconds):
    """The cheapest test of each function, then the second of each, and so on."""
    seen, rounds = collections.Counter(), collections.defaultdict(list)
    for test in sorted(tests, key=lambda test: (seconds[test], test)):
        function = test.partition("[")[0]
        rounds[seen[function]].append(test)
        seen[function] += 1
    chosen = []
    for number in sorted(rounds):
        groups = collections.defaultdict(list)  # together what may share a fixture
        for test in rounds[number]:
            groups[min(keys(test), key=str)].append(test)
        cost = lambda group: sum(seconds[test] for test in group)
        chosen += [test for group in sorted(groups.values(), key=cost) for test in group]
    return chosen


# The faults ---------------------------------------------------------------------------------------


def try_fault(fault, checkout, maps, limit):
    """The row of a fault, a dict."""
    start = time.monotonic()
    facts = json.loads((maps / f"{fault.backend}.json").read_text())
    text = (checkout / fault.file).read_text()
    faulty = planted(text, fault)
    direct, mates = touching(maps, facts, fault, text)
    names = ("name", "kind", "family", "backend", "file", "breaks")
    row = {name: getattr(fault, name) for name in names}
    row |= {"commit": git(checkout, "rev-parse", "HEAD").strip(), "touching": len(direct)}
    if not direct:
        return {**row, "outcome": "no test touches it", "test": None, "ran": 0, "seconds": 0.0}
    with copy_of(checkout) as folder:

        def pytest_of(tests, limit):
            (folder / "chosen").write_text("\n".join(tests))
            files = sorted({test.partition("::")[0] for test in tests})
            files = [file for file in files if (folder / file).exists()]
            return run_pytest(
                folder,
                [*shlex.split(facts["options"]), "-x", "-n", "0", *files],
                limit,
                FAULTS_CHOSEN=str(folder / "chosen"),
                **of_backend(fault.backend, maps, facts["long"]),
            )

        (folder / fault.file).write_text(faulty)
        status, notes, output = pytest_of(direct + mates, limit)
        failed = [note["test"] for note in notes if note["outcome"] == "failed"]
        ran = len({note["test"] for note in notes if note["when"] == "setup"})
        row |= {"ran": ran, "seconds": round(time.monotonic() - start, 1)}
        if failed and status in (1, None):
            (folder / fault.file).write_text(text)
            status, _, output = pytest_of(failed[:1], limit)
            if status == 0:  # so it was the fault
                return {**row, "outcome": "caught", "test": failed[0]}
            raise ValueError(f"{failed[0]} fails without {fault.name} too:\n{output[-3000:]}")
    if status in (0, None):
        outcome = "not caught" if status == 0 else "not caught in time"
        return {**row, "outcome": outcome, "test": None}
    raise ValueError(f"{fault.name}: pytest ended with {status}, no result:\n{output[-3000:]}")


def run(checkout, maps, results, only, limit, total, jobs):
    known = {row["name"] for row in read(results)} if results.exists() else set()
    names = {fault.name for fault in FAULTS}
    if only and only not in names:
        sys.exit(f"{only}: pass one of {', '.join(sorted(names))}.")
    faults = [f for f in FAULTS if f.name == only or (not only and f.name not in known)]
    start, lock, errors = time.monotonic(), threading.Lock(), []
    for backend in BACKENDS:
        if not (maps / f"{backend}.json").exists():
            waiting = [fault for fault in faults if fault.backend == backend]
            errors += [f"{f.name}: {maps} has no map of {backend}, make it first." for f in waiting]
            faults = [fault for fault in faults if fault.backend != backend]

    def one(fault):
        if time.monotonic() - start > total:
            errors.append(f"{fault.name}: no time left, run this again to go on.")
            return
        try:
            row = try_fault(fault, checkout, maps, limit)
        except (ValueError, SyntaxError) as error:
            errors.append(str(error))
            print(f"ERROR {error}", flush=True)
            return
        with lock, results.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{row['name']}: {row['outcome']} {row['test'] or ''} {row['seconds']} s", flush=True)

    results.parent.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, faults))
    if errors:
        sys.exit("\n".join(["not all faults have a result:", *errors]))


def check(checkout):
    errors = []
    for fault in FAULTS:
        try:
            compile(planted((checkout / fault.file).read_text(), fault), fault.file, "exec")
        except (OSError, ValueError, SyntaxError) as error:
            errors.append(str(error))
    if len({fault.name for fault in FAULTS}) != len(FAULTS):
        errors.append("two faults have one name.")
    if {fault.backend for fault in FAULTS} != set(BACKENDS):
        errors.append(f"there are faults for other backends than {', '.join(BACKENDS)}.")
    if errors:
        sys.exit("\n".join(errors))
    print(f"{len(FAULTS)} faults apply, each once, and compile.")


def read(results):
    return [json.loads(line) for line in results.read_text().splitlines() if line.strip()]


def table(before, after):
    """Prints both results side by side; the exit status tells of what is no longer caught."""
    first, second = ({row["name"]: row for row in read(path)} for path in (before, after))
    print("| fault | kind | file | backend | before | s | after | s |")
    print("|---|---|---|---|---|---|---|---|")
    lost = []
    for fault in FAULTS:
        cells = [fault.name, fault.kind, fault.file.removeprefix("keras_ae/"), fault.backend]
        for side in (first, second):
            row = side.get(fault.name, {"outcome": "not tried", "seconds": None})
            what = f"`{row['test'].partition('::')[2]}`" if row.get("test") else row["outcome"]
            cells += [what.replace("|", "\\|"), "" if row["seconds"] is None else row["seconds"]]
        print("| " + " | ".join(map(str, cells)) + " |")
        caught = [side.get(fault.name, {}).get("outcome") == "caught" for side in (first, second)]
        if caught == [True, False]:
            lost.append(fault.name)
    counts = [sum(r["outcome"] == "caught" for r in side.values()) for side in (first, second)]
    print(f"\nCaught of {len(FAULTS)}: {counts[0]} before, {counts[1]} after.")
    if lost:
        sys.exit(f"caught before and not after: {', '.join(lost)}")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(dest="command", required=True)
    path = lambda text: pathlib.Path(text).resolve()
    for name in ("check", "map", "run"):
        command = commands.add_parser(name)
        command.add_argument("--checkout", type=path, default=path("."))
        if name != "check":
            command.add_argument("--maps", type=path, required=True)
    commands.choices["map"].add_argument("--backend", choices=BACKENDS, required=True)
    commands.choices["map"].add_argument("--pytest", default="", help="more arguments of pytest")
    command = commands.choices["run"]
    command.add_argument("--results", type=path, required=True)
    command.add_argument("--only", help="name of a fault; it is tried even if it has a result")
    command.add_argument("--limit", type=float, default=360.0, help="seconds for one fault")
    command.add_argument("--total", type=float, default=4800.0, help="seconds; then none is begun")
    command.add_argument("--jobs", type=int, default=2, help="faults at the same time")
    command = commands.add_parser("table")
    command.add_argument("before", type=path)
    command.add_argument("after", type=path)
    given = parser.parse_args()
    if given.command == "check":
        check(given.checkout)
    elif given.command == "map":
        make_map(given.checkout, given.backend, given.maps, given.pytest)
    elif given.command == "run":
        rest = given.only, given.limit, given.total, given.jobs
        run(given.checkout, given.maps, given.results, *rest)
    else:
        table(given.before, given.after)


if __name__ == "__main__":
    main()
