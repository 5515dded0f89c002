"""The command `keras-ae`, which stands beside keras_ae because it must not import it.

`import keras_ae` starts a backend, which takes seconds and prints notes. The recipes are therefore
loaded from their folder, and a recipe that is run imports keras_ae itself, in silence.
"""

import importlib
import importlib.util
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
NAME = "keras_ae_recipes"


def main():
    """Runs `keras-ae` with the arguments of this process."""
    _recipes("_command").main()


def _recipes(module):
    """A module of the recipes, from a wheel (keras_ae/recipes) or the checkout (recipes)."""
    if NAME not in sys.modules:
        inside, beside = HERE / "keras_ae" / "recipes", HERE / "recipes"
        folder = inside if inside.is_dir() else beside
        spec = importlib.util.spec_from_file_location(
            NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        package = sys.modules[NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(package)
    return importlib.import_module(f"{NAME}.{module}")
