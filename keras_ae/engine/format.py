"""The number of the form in which models are saved, and one sentence about files that are too new.

Configs, registered names and what `save_own_variables` writes are a format: this number grows when
an older keras_ae could not read them. Files of keras_ae 0.1, which have no number, are of form 1.
"""

FORMAT = 1
KEY = "keras_ae_format"  # in configs and beside the weights


def check(number):
    """Refuses what a newer keras_ae has written.

    Args:
        number: int, or an array of it, that a file has under `KEY`.

    Raises:
        ValueError: when it is greater than `FORMAT`.
    """
    if int(number) > FORMAT:
        raise ValueError(
            f"this file has form {int(number)} of keras_ae's files, and this keras_ae reads forms "
            f"up to {FORMAT}: update keras_ae to load it."
        )
