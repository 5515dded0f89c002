"""TensorFlow starts in silence: its notes about CUDA and oneDNN are not the first thing one reads.

`TF_CPP_MIN_LOG_LEVEL` does not reach what TensorFlow logs before its logging is set up, so the
standard error of this process is held back while TensorFlow is imported. What is no such note, an
error for instance, is printed afterwards.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import tempfile

# glog's form ("I0000 00:00:17... port.cc:153] ..."), and absl's sentence before the first of them
NOTE = re.compile(r"[IWE]\d{4} \d\d:\d\d:\d+\.\d+ .*\]|WARNING: All log messages before absl")


def silence():
    """Holds back TensorFlow's notes wherever it is first imported in this process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "tensorflow" not in sys.modules and not any(isinstance(f, _Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as Python does, once, and wraps its loader."""

    def find_spec(self, name, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    def __init__(self, loader):
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        with without_notes():
            self.loader.exec_module(module)
            module.config.list_physical_devices()  # where it looks for CUDA
        # a recipe trains several models, each of which is traced
        module.get_logger().addFilter(lambda record: "retracing" not in record.getMessage())

    def __getattr__(self, name):
        return getattr(self.loader, name)


@contextlib.contextmanager
def without_notes():
    """Holds back standard error, and prints afterwards what is no note of TensorFlow's."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        before = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines():
                if line.strip() and not NOTE.match(line):
                    print(line, file=sys.stderr)
