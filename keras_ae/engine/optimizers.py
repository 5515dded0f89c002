"""Several named optimizers, in one that Keras can compile, save and resume."""

import types

import keras


@keras.saving.register_keras_serializable("keras_ae")
class NamedOptimizers(keras.optimizers.Optimizer):
    """Several optimizers that look like one to Keras: its variables are those of all.

    (`keras.optimizers.MultiOptimizer` wants every gradient at once, which alternating updates do
    not have.) Its `iterations` count training steps.

    Source: this library.

    Args:
        optimizers: dict, name to Keras optimizer or its name.
        name: str. Defaults to `"named_optimizers"`.

    Raises:
        ValueError: when there is none.
    """

    def __init__(self, optimizers, name="named_optimizers"):
        super().__init__(learning_rate=0.0, name=name)
        if not isinstance(optimizers, dict) or not optimizers:
            raise ValueError(f"optimizers={optimizers!r}: pass a dict, name to optimizer.")
        instances = [o for o in optimizers.values() if not isinstance(o, str)]
        if len({id(o) for o in instances}) < len(instances) or any(o.built for o in instances):
            raise ValueError(
                "an optimizer stands under two names, or has trained something before: pass a new "
                "one for each name."
            )
        # not a dict: Keras would save the parts a second time
        self.parts = types.MappingProxyType(
            {part: keras.optimizers.get(optimizer) for part, optimizer in optimizers.items()}
        )
        self._groups = None

    def __getitem__(self, part):
        return self.parts[part]

    def set_groups(self, groups):
        """Tells which variables each optimizer trains, before `build`.

        Args:
            groups: function without arguments that returns a dict, name to list of Keras variables.
        """
        self._groups = groups

    def build(self, variables=None):
        if self.built:
            return
        for part, group in self._groups().items():
            self.parts[part].build(group)
        self.built = True

    @property
    def variables(self):
        of_parts = [v for optimizer in self.parts.values() for v in optimizer.variables]
        return [self._iterations, *of_parts]

    def reset(self):
        """Forgets moments and counters of every part.

        A learning rate that is a number stays; a schedule, which counts steps, begins anew.
        """
        for optimizer in self.parts.values():
            for variable in optimizer.variables:
                if variable is not optimizer._learning_rate:
                    variable.assign(keras.ops.zeros_like(variable.value))

    @property
    def learning_rate(self):
        """That of the first optimizer, for callbacks that note one."""
        return next(iter(self.parts.values())).learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        raise ValueError(
            "each optimizer has a learning rate of its own, set "
            + " or ".join(f"model.optimizer[{part!r}].learning_rate" for part in self.parts)
            + "."
        )

    def apply(self, grads, trainable_variables=None):
        raise ValueError("apply one of the parts: optimizer['generator'].apply(...), say.")

    def finalize_variable_values(self, var_list):
        for part, group in self._groups().items():
            self.parts[part].finalize_variable_values(group)

    def get_config(self):
        parts = {
            part: keras.saving.serialize_keras_object(optimizer)
            for part, optimizer in self.parts.items()
        }
        return {"optimizers": parts, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {
            part: keras.saving.deserialize_keras_object(optimizer, custom_objects)
            for part, optimizer in config["optimizers"].items()
        }
        return cls(parts, config["name"])
