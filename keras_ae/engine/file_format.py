"""The number of the format in which models are saved, and the refusal of files that are too new.

The format is what configs, registered names and `save_own_variables` hold. Its number grows when an
older keras_ae could not read a file. Files of keras_ae 0.1 have no number; they are in format 1.
"""

FORMAT = 1
KEY = "keras_ae_format"  # in configs and beside the weights


def check(number):
    """Refuses a file that a newer keras_ae has written.

    Args:
        number: int, or an array of it, that a file has under `KEY`.

    Raises:
        ValueError: when it is greater than `FORMAT`.
    """
    if int(number) > FORMAT:
        raise ValueError(
            f"this file is in format {int(number)} of keras_ae, and the keras_ae installed here "
            f"reads formats up to {FORMAT}: update keras_ae to load it."
        )
