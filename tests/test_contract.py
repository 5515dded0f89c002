"""What every model promises, run on every Case, on the backend that KERAS_BACKEND names."""

import inspect
import pathlib

import keras
import numpy as np
import pytest

import keras_ae
from tests import golden
from tests.cases import CASES

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.filterwarnings("ignore:the first stage .* was never trained")


# how data reach a model is the trainer's: one Case for each form of them
one_of_each_data = pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name in ("autoencoder_bernoulli", "denoising_pairs")],
    ids=lambda case: case.name,
)


def arrays(case, examples=24, seed=0):
    return case.data(np.random.default_rng(seed), examples)


def compiled(case, learning_rate=0.02, seed=0, fast=False):
    """The Case's model; with `fast` as a user compiles it, else without XLA, which is built sooner
    (JAX has no other way)."""
    keras.utils.set_random_seed(seed)
    model = case.build()
    jit = "auto" if fast or BACKEND != "tensorflow" else False
    model.compile(keras.optimizers.Adam(learning_rate), jit_compile=jit)
    return model


def train(model, data, epochs=1):
    return model.fit(*data, batch_size=8, epochs=epochs, verbose=0).history


def weights(model):
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


def optimizer_state(model):
    return [keras.ops.convert_to_numpy(v) for v in model.optimizer.variables]


def assert_equal(left, right):
    assert len(left) == len(right)
    for a, b in zip(left, right):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def trained(case):
    """The Case's model after some steps, with its initial weights and its history."""
    model = compiled(case, fast=True)
    before = weights(model)
    history = train(model, arrays(case), epochs=4)
    return model, before, history


def test_config_round_trip(case):
    model = case.build()
    config = model.get_config()
    again = type(model).from_config(config)
    assert again.get_config() == config
    for name in inspect.signature(type(model).__init__).parameters:
        assert name in ("self", "kwargs") or hasattr(model, name)


def test_every_argument_is_off_its_default_in_some_case():
    models = [case.build() for case in CASES]
    for cls in {type(model) for model in models}:
        for name, parameter in inspect.signature(cls.__init__).parameters.items():
            if parameter.default is not inspect.Parameter.empty:
                values = [getattr(model, name) for model in models if type(model) is cls]
                assert any(value != parameter.default for value in values), (cls, name)


def test_every_model_has_a_whole_case():
    kinds = [(type(case.build()), case.whole) for case in CASES]
    assert {kind for kind, _ in kinds} == {kind for kind, whole in kinds if whole}


def test_save_and_load(case, trained, tmp_path):
    model, _, _ = trained
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = arrays(case)[0]
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert_equal(optimizer_state(loaded), optimizer_state(model))
    assert loaded.get_compile_config() == model.get_compile_config()


def test_resume_is_exact(case, tmp_path):
    data = arrays(case, 20)  # a last batch that is smaller
    unbroken = compiled(case)
    train(unbroken, data, epochs=4)
    first = compiled(case)
    train(first, data, epochs=2)
    first.save(tmp_path / "model.keras")
    second = keras.saving.load_model(tmp_path / "model.keras")
    train(second, data, epochs=2)
    assert_equal(weights(second), weights(unbroken))
    assert_equal(optimizer_state(second), optimizer_state(unbroken))


def test_same_seed_same_result(case, trained):
    again = compiled(case, fast=True)
    train(again, arrays(case), epochs=4)
    assert_equal(weights(again), weights(trained[0]))


@one_of_each_data
def test_other_seed_other_result(case):
    first, other = (weights(compiled(case, seed=seed)) for seed in (0, 1))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other))


def test_terms_sum_to_the_loss(case, trained):
    model, _, history = trained
    measured = [evaluate(model, case)]
    if not any(callable(weight) for weight in model.term_weights.values()):
        measured.append({k: v[-1] for k, v in history.items()})  # else they changed meanwhile
    for logs in measured:
        total = sum(float(model.weight_now(term)) * logs[term] for term in model.term_weights)
        total += logs.get("regularization", 0.0)
        np.testing.assert_allclose(logs["loss"], total, rtol=1e-5)


def evaluate(model, case):
    return model.evaluate(*arrays(case), batch_size=8, verbose=0, return_dict=True)


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
    model, before, _ = trained
    still = {
        weight.path
        for weight, old in zip(model.weights, before)
        if weight.trainable and np.array_equal(keras.ops.convert_to_numpy(weight), old)
    }
    assert still == set(case.unmoved)


def test_training_lowers_the_loss(case, trained):
    if not case.falling:
        pytest.skip("two players, and no term that must fall: test_gans.py trains them")
    values = trained[2][case.falling]
    assert values[-1] < values[0]


def test_dynamic_batch(case, trained):
    model, x = trained[0], arrays(case)[0]
    whole = model.predict(x, batch_size=24, verbose=0)
    for size in (1, 7):
        np.testing.assert_allclose(model.predict(x[:size], verbose=0), whole[:size], atol=1e-5)


def test_mixed_bfloat16_trains(case):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = compiled(case)
        history = train(model, arrays(case), epochs=6)
        assert model.predict(arrays(case)[0], verbose=0).dtype == np.float32
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.isfinite(history["loss"]).all()
    if case.falling:
        assert history[case.falling][-1] < history[case.falling][0]


def test_sample_weight(case, trained):
    model, data = trained[0], arrays(case)
    half = np.repeat([1.0, 0.0], 12).astype("float32")
    weighted = model.evaluate(*data, batch_size=24, sample_weight=half, verbose=0, return_dict=True)
    first = [array[:12] for array in data]
    plain = model.evaluate(*first, batch_size=12, verbose=0, return_dict=True)
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


def test_bad_arguments(case):
    for message, build in case.bad.items():
        with pytest.raises(ValueError) as error:
            build()
        assert message in str(error.value)


def test_bad_data(case, trained):
    model, (x, *y) = trained[0], arrays(case)
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
    """The files were written on JAX."""
    model = keras.saving.load_model(golden.FOLDER / f"{case.name}.keras")
    data = case.data(np.random.default_rng(1), 4)
    expected = np.load(golden.FOLDER / f"{case.name}.npz")["prediction"]
    np.testing.assert_allclose(model.predict(data[0], verbose=0), expected, rtol=2e-5, atol=2e-6)
    model.fit(*data, verbose=0)  # with the optimizer that is in the file


def test_export(case, trained, tmp_path):
    model, x = trained[0], arrays(case)[0]
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
    for size in (3, 24):  # the batch is dynamic
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
