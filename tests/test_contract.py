"""What every model promises, run on every Case, on the backend that KERAS_BACKEND names."""

import dataclasses
import inspect
import pathlib

import keras
import numpy as np
import pytest

import keras_ae
from keras_ae.engine import seeds
from tests import golden
from tests.cases import CASES
from tests.cases.case import SOON

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore:the first stage .* was never trained")


# how data reach a model is the trainer's: one Case for each form of them
one_of_each_data = pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name in ("autoencoder_bernoulli", "denoising_pairs")],
    ids=lambda case: case.name,
)


# batches of 8: two steps, the last one smaller; JAX would compile a second shape
EXAMPLES = 16 if BACKEND == "jax" else 12


def arrays(case, examples=EXAMPLES, seed=0):
    return case.data(np.random.default_rng(seed), examples)


def built(case, seed=0):
    keras.utils.set_random_seed(seed)
    return case.build()


def compiled(case, learning_rate=0.02, seed=0):
    model = built(case, seed)
    model.compile(keras.optimizers.Adam(learning_rate), **SOON)
    return model


def train(model, data, epochs=1, callbacks=()):
    return model.fit(*data, batch_size=8, epochs=epochs, callbacks=callbacks, verbose=0).history


def evaluate(model, case):
    return model.evaluate(*arrays(case), batch_size=8, verbose=0, return_dict=True)


def weights(model):
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


def noise(model):
    return [np.array(keras.ops.convert_to_numpy(state)) for state in seeds.states(model)]


def state(model):
    """All that a file must hold: weights, those of the optimizer, the noise, the order."""
    variables = [*model.weights, *model.optimizer.variables]
    arrays = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
    return [*arrays, *noise(model), np.array([model._order_seed, model.epochs_trained])]


def assert_equal(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


class SaveHalfWay(keras.callbacks.Callback):
    """Writes a file after the first epoch, and keeps what must be in it."""

    def __init__(self, file):
        super().__init__()
        self.file = file

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.model.save(self.file)
            self.state = state(self.model)


@dataclasses.dataclass
class Trained:
    """A model after two epochs; what it was before, and half-way."""

    model: keras.Model
    before: list
    noise: list
    logs_before: dict
    history: dict
    half_way: SaveHalfWay


@pytest.fixture(scope="module")
def trained(case, tmp_path_factory):
    """All checks of a Case share this model, and the file that it left half-way."""
    model = compiled(case)
    before, noise_before = weights(model), noise(model)
    logs = evaluate(model, case)
    half_way = SaveHalfWay(tmp_path_factory.mktemp("half_way") / "model.keras")
    history = train(model, arrays(case), 2, [half_way])
    return Trained(model, before, noise_before, logs, history, half_way)


@pytest.mark.neutral
def test_config_round_trip(case):
    model = case.build()
    config = model.get_config()
    again = type(model).from_config(config)
    assert again.get_config() == config
    for name in inspect.signature(type(model).__init__).parameters:
        assert name in ("self", "kwargs") or hasattr(model, name)


@pytest.mark.neutral
def test_arguments_and_whole_cases():
    """Every argument is off its default in some Case; every model has a whole one."""
    models = [case.build() for case in CASES]
    kinds = {type(model) for model in models}
    assert kinds == {type(model) for model, case in zip(models, CASES) if case.whole}
    for cls in kinds:
        for name, parameter in inspect.signature(cls.__init__).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                values = [getattr(model, name) for model in models if type(model) is cls]
                assert any(value != parameter.default for value in values), (cls, name)


def test_save_load_and_exact_resume(case, trained):
    """What is loaded is what was saved; and it ends as the model that was never interrupted, bit
    for bit, which needs the same noise and the same order of batches."""
    model, half_way = trained.model, trained.half_way
    loaded = keras.saving.load_model(half_way.file)
    assert_equal(state(loaded), half_way.state)
    assert loaded.get_compile_config() == model.get_compile_config()
    train(loaded, arrays(case))
    assert_equal(state(loaded), state(model))
    x = arrays(case)[0]
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_same_seed_same_model(case, trained):
    """With the noise and the order: what follows is the same, as exact resume shows."""
    again = built(case)
    assert_equal(weights(again), trained.before)
    once, twice = (
        [keras.ops.convert_to_numpy(v) for v in seeds.states(m)] for m in (again, built(case))
    )
    assert_equal(once, twice)
    assert again._order_seed == trained.model._order_seed


@one_of_each_data
def test_other_seed_other_result(case):
    first, other = (weights(built(case, seed)) for seed in (0, 1))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other))


@pytest.mark.skipif(BACKEND != "jax", reason="JAX has rules for what can be traced")
def test_a_step_can_be_traced(case):
    """Without compiling it: the step of a model on JAX is a function without effects."""
    import jax

    model, data = compiled(case), arrays(case, 8)
    model.optimizer.build(model.trainable_variables)
    model._symbolic_build(data_batch=data)
    parts = ("trainable", "non_trainable", "optimizer", "metrics")
    variables = model._get_jax_state(**{f"{part}_variables": True for part in parts})
    logs, after = jax.eval_shape(model.train_step, variables, data)
    assert "loss" in logs
    shapes = [jax.tree.map(lambda x: (x.shape, str(x.dtype)), each) for each in (variables, after)]
    assert jax.tree.leaves(shapes[0]) == jax.tree.leaves(shapes[1])


@pytest.mark.compiled
@pytest.mark.skipif(BACKEND != "tensorflow", reason="about what TensorFlow traces")
def test_steps_as_a_user_compiles_them(case, trained):
    """Traced, and several at once: the same losses. (XLA draws other noise.)"""
    model = built(case)
    jit = "auto" if not trained.noise else False
    model.compile(keras.optimizers.Adam(0.02), jit_compile=jit)
    history = train(model, arrays(case), epochs=2)
    assert model.execution["steps_per_execution"] == 2
    for name, values in history.items():
        np.testing.assert_allclose(values, trained.history[name], rtol=2e-3, atol=1e-5)


def test_terms_sum_to_the_loss(case, trained):
    model, history = trained.model, trained.history
    measured = [evaluate(model, case)]
    if not any(callable(weight) for weight in model.term_weights.values()):
        measured.append({k: v[-1] for k, v in history.items()})  # else they changed meanwhile
    for logs in measured:
        total = sum(float(model.weight_now(term)) * logs[term] for term in model.term_weights)
        total += logs.get("regularization", 0.0)
        np.testing.assert_allclose(logs["loss"], total, rtol=1e-5)


@pytest.mark.neutral("torch")
def test_fit_and_evaluate_agree(case):
    model = compiled(case, learning_rate=0.0)
    if any(isinstance(x, keras_ae.layers.BatchNormalization) for x in model._flatten_layers()):
        model.batch_statistics = True
    for layer in model._flatten_layers():  # what differs in training by design
        for name, value in (("rate", 0.0), ("stddev", 0.0), ("alpha", 1.0), ("k_start", None)):
            if hasattr(layer, name):
                setattr(layer, name, value)
    same = {"batch_size": 8, "shuffle": False, "verbose": 0}  # terms of a whole batch need it
    logs = {k: v[-1] for k, v in model.fit(*arrays(case), **same).history.items()}
    measured = evaluate(model, case)
    assert logs.keys() == measured.keys()
    for name in logs.keys() - set(case.random_terms):
        np.testing.assert_allclose(logs[name], measured[name], rtol=1e-5)


def test_every_weight_moves(case, trained):
    model, before = trained.model, trained.before
    still = {
        weight.path
        for weight, old in zip(model.weights, before)
        if weight.trainable and np.array_equal(keras.ops.convert_to_numpy(weight), old)
    }
    assert still == set(case.unmoved)


def test_training_lowers_the_loss(case, trained):
    if not case.falling:
        pytest.skip("two players, and no term that must fall: test_gans.py trains them")
    assert evaluate(trained.model, case)[case.falling] < trained.logs_before[case.falling]


def test_dynamic_batch(case, trained):
    model, x = trained.model, arrays(case)[0]
    whole = model.predict(x, batch_size=EXAMPLES, verbose=0)
    for size in (1, 7):
        np.testing.assert_allclose(model.predict(x[:size], verbose=0), whole[:size], atol=1e-5)


def test_mixed_bfloat16_trains(case):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = compiled(case)
        history = train(model, arrays(case, 24), epochs=6)
        assert model.predict(arrays(case)[0], verbose=0).dtype == np.float32
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history["loss"]).all()
    if case.falling:
        assert history[case.falling][-1] < history[case.falling][0]


def test_sample_weight(case, trained):
    model, data = trained.model, arrays(case)
    half = np.repeat([1.0, 0.0], EXAMPLES // 2).astype("float32")
    logs = {"verbose": 0, "return_dict": True}
    weighted = model.evaluate(*data, batch_size=EXAMPLES, sample_weight=half, **logs)
    plain = model.evaluate(*(array[: EXAMPLES // 2] for array in data), **logs)
    fixed = {"reconstruction", "kept", "corrupted", "cross_entropy", "focal", "dice", "tversky"}
    fixed -= set(case.random_terms)
    for term in fixed & set(weighted):
        np.testing.assert_allclose(weighted[term], plain[term] / 2, rtol=1e-5)


@one_of_each_data
def test_data_sets_and_validation_split(case):
    """Every kind of data that fit takes gives the same first epoch."""
    data = arrays(case, 20)
    model = compiled(case)
    logs = model.fit(*data, batch_size=8, validation_split=0.2, verbose=0).history
    assert {"loss", "val_loss"} <= set(logs)
    again = compiled(case)
    parts = [[array[:16] for array in data], [array[16:] for array in data]]
    held = parts[1][0] if len(data) == 1 else tuple(parts[1])
    assert again.fit(*parts[0], batch_size=8, validation_data=held, verbose=0).history == logs
    batches = keras_ae.Batches(
        *parts[0], batch_size=8, seed=again._order_seed, augment=lambda b, _: b
    )
    third = compiled(case)
    third.fit(batches, verbose=0)
    assert_equal(weights(third), weights(again))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        data_set = tf.data.Dataset.from_tensor_slices(tuple(data)).batch(8)
        assert np.isfinite(compiled(case).fit(data_set, verbose=0).history["loss"]).all()


def test_bad_data(case, trained):
    model, (x, *y) = trained.model, arrays(case)
    labels = np.zeros((len(x), *(model.target_shape() if model.label_range() else ())), "int32")
    broken = x.copy()
    broken[3] = np.nan
    with_it = y if model.label_range() or model.needs_target() else ()
    bytes_ = np.abs(x) * 255
    for args, message in (
        ((broken, *y), "NaN"),
        *([((bytes_, *with_it), "divide by ")] if model.target_range()[1] == 1 else []),
        ((x[0], *y), "needed is (batch"),
        *(
            [((x, labels), "takes no labels")]
            if model.label_range() is None
            else [((x, labels + 99), "labels from 99"), ((x, x), "class numbers")]
        ),
        ((x[:0], *y), "empty"),
        (([["a", "b"]],), "dtype"),
    ):
        for method in (model.fit, model.evaluate):
            with pytest.raises(ValueError) as error:
                method(*args, verbose=0)
            assert message in str(error.value)
    wrong, message = (labels, "no labels") if model.label_range() is None else (x, "class numbers")
    with pytest.raises(ValueError, match=message):
        model.fit(keras_ae.Batches(x, wrong, batch_size=8), verbose=0)
    with pytest.raises(ValueError, match="given to its constructor"):
        model.compile("adam", loss="mse")


def test_golden_values(case):
    expected = np.load(golden.FOLDER / f"{case.name}.npz")
    computed = golden.compute(case)
    assert set(expected.files) == set(computed)
    for name in expected.files:
        np.testing.assert_allclose(computed[name], expected[name], rtol=2e-5, atol=2e-6)


def test_a_file_of_another_backend(case):
    """The files were written on JAX; one of each model."""
    if not case.whole:
        pytest.skip("only the whole Case of a model has a file")
    model = keras.saving.load_model(golden.FOLDER / f"{case.name}.keras")
    data = case.data(np.random.default_rng(1), 4)
    expected = np.load(golden.FOLDER / f"{case.name}.npz")["prediction"]
    np.testing.assert_allclose(model.predict(data[0], verbose=0), expected, rtol=2e-5, atol=2e-6)
    model.fit(*data, verbose=0)  # with the optimizer that is in the file


def test_export(case, trained, tmp_path):
    model, x = trained.model, arrays(case)[0]
    folder = pathlib.Path(tmp_path / "exported")
    if model.cannot_export():
        with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow"):
            model.export(folder)
        assert not folder.exists()
        return
    import tensorflow as tf

    model.export(folder)
    signatures = tf.saved_model.load(str(folder)).signatures
    assert {"serve", *model.endpoints()} <= set(signatures)
    for size in (3, EXAMPLES):  # the batch is dynamic
        served = signatures["serve"](x=tf.constant(x[:size]))
        expected = model.predict(x[:size], verbose=0)
        np.testing.assert_allclose(only(served), expected, atol=1e-5)
        if "encode" not in model.endpoints():
            continue
        codes = by_name(signatures["encode"](x=tf.constant(x[:size])), model.encode(x[:size]))
        decoded = only(signatures["decode"](**{k: tf.constant(v) for k, v in codes.items()}))
        np.testing.assert_allclose(decoded, model.reconstruct(x[:size]), atol=1e-5)

    if "sample" in model.endpoints():
        check_sample(model, signatures["sample"])
    if "map" in model.endpoints():
        noise = model.sample_noise(4, seed=0)
        given = {"noise": noise, "truncation": np.float32(0.3)}
        if model.num_classes is not None:
            given["labels"] = np.array([2, 0, 1, 1], "int32")
        w = only(signatures["map"](**given))
        np.testing.assert_allclose(
            w, model.map(noise, labels=given.get("labels"), truncation=0.3), atol=1e-5
        )
        images = only(signatures["synthesize"](w=w))
        np.testing.assert_allclose(images, model.synthesize(w), atol=1e-5)


def check_sample(model, signature):
    """The codes of a prior, and so the images, depend on nothing but what is passed."""
    if hasattr(model, "generate"):
        return check_generator(model, signature)
    named = {spec.name: spec for spec in signature.structured_input_signature[1].values()}
    rng, prior = np.random.default_rng(0), getattr(model, "prior", lambda noise, **_: noise)
    noise = rng.normal(size=(5, named["noise"].shape[1])).astype("float32")
    given = {"noise": noise}
    if "labels" in named:
        given["labels"] = np.arange(5, dtype="int32") % model.num_classes
    by_label = given.get("labels") is not None and hasattr(prior, "num_classes")
    known = {"labels": given["labels"]} if by_label and prior.num_classes else {}
    codes = keras.ops.convert_to_numpy(prior(keras.ops.convert_to_tensor(noise), **known))
    if isinstance(model.encode(np.zeros((1, *model.example_shape()), "float32")), dict):
        one_hot = np.eye(model.num_classes, dtype="float32")[given["labels"]]
        codes = {"label": one_hot, "style": codes}
    images = only(signature(**given))
    np.testing.assert_allclose(images, model.decode(codes), atol=1e-5)
    np.testing.assert_array_equal(images, only(signature(**given)))


def check_generator(model, signature):
    """Images of the averaged generator, where there is one, and of the classes that are passed."""
    given = {"noise": model.sample_noise(5, seed=0)}
    if model.num_classes is not None:
        given["labels"] = np.array([2, 0, 1, 1, 0], "int32")
    more = {"truncation": 0.6} if "map" in model.endpoints() else {}
    more |= {"guidance": 1.5} if "denoise_step" in model.endpoints() else {}
    drawn = model.sample(5, seed=0, labels=given.get("labels"), **more)
    given |= {name: np.float32(number) for name, number in more.items()}
    served = {k: v.numpy() for k, v in signature(**given).items()}
    for name, images in (drawn if isinstance(drawn, dict) else {"": drawn}).items():
        np.testing.assert_allclose(served[name or next(iter(served))], images, atol=1e-5)
    other = model.sample(5, seed=0, labels=given.get("labels"), average=False, **more)
    same = np.array_equal(
        *(np.concatenate(list(x.values())) if isinstance(x, dict) else x for x in (drawn, other))
    )
    assert same == (model.average is None)


def by_name(outputs, expected):
    """The parts of a code by the names that "decode" takes, after a look whether they are right."""
    if not isinstance(expected, dict):
        np.testing.assert_allclose(only(outputs), expected, atol=1e-5)
        return {"z": only(outputs)}
    for name, part in expected.items():
        np.testing.assert_allclose(outputs[name].numpy(), part, atol=1e-5)
    return {name: part.numpy() for name, part in outputs.items()}


def only(outputs):
    (value,) = outputs.values()
    return value.numpy()
