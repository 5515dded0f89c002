"""Drawing lines in space: a line separates the classes after embedding, not before.

Slide:    Drawing lines in space; Embedding
Source:   lecture, y = sgn(w x + b); two rings and two moons from scikit-learn
Expected: no published number; a line gets half of the rings right, and all after embedding
Measured: see results.json
Run:      python -m recipes drawing_lines --data rings
"""

import keras
from sklearn.datasets import make_circles, make_moons
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

import keras_ae
from keras_ae import figures
from keras_ae.experiment import (
    Distribute,
    Epochs,
    Out,
    Precision,
    Quick,
    Resume,
    Run,
    Seed,
    Shape,
    command_line,
)


def main(
    *,
    data: Shape = "rings",
    epochs: Epochs = 1500,
    seed: Seed = 0,
    out: Out = "",
    quick: Quick = False,
    resume: Resume = False,
    precision: Precision = "float32",
    distribute: Distribute = 1,
):
    """Separates two classes with a line: on raw features, and after learned embeddings."""
    with Run("drawing_lines", locals(), quick_epochs=500) as run:
        # 1. Data: two classes that no line separates
        make = {"rings": make_circles, "moons": make_moons}[data]
        x, y = make(
            1200, noise=0.08, random_state=seed, **({"factor": 0.4} if data == "rings" else {})
        )
        x, y = x.astype("float32"), y.astype("int32")
        x_train, y_train, x_test, y_test = x[:600], y[:600], x[600:], y[600:]

        # 2. Models: one embedding is learned with labels, the other by reproducing its input
        layers = [
            keras.layers.Dense(n, "tanh", name=f"layer_{i}") for i, n in enumerate((8, 8, 2), 1)
        ]
        classifier = keras.Sequential([keras.Input((2,)), *layers, keras.layers.Dense(1)])
        encoder = keras_ae.dense_encoder((2,), 16, (16,), "tanh", latent_activation="tanh")
        autoencoder = keras_ae.Autoencoder(encoder, keras_ae.dense_decoder((2,), 16, (16,), "tanh"))

        # 3. Objectives: cross-entropy of y = sgn(w z + b); squared error
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        classifier.compile(keras.optimizers.Adam(0.01), loss)
        autoencoder.compile(keras.optimizers.Adam(0.01))

        # 4. Train, on all points at once
        fit = {"batch_size": 600, "epochs": run.epochs, "verbose": 0}
        classifier.fit(x_train, y_train, callbacks=run.callbacks("classifier"), **fit)
        autoencoder.fit(x_train, callbacks=run.callbacks(), **fit)

        # 5. Look: the best line in each space, and the spaces themselves
        def best_line(embed):
            line = LogisticRegression(C=100.0, max_iter=5000).fit(embed(x_train), y_train)
            return line, line.score(embed(x_test), y_test)

        def panel(name, embed):
            points, plane = embed(x_test), PCA(2).fit(embed(x_train))
            (line, accuracy), wide = best_line(embed), points.shape[1] > 2
            w, b = line.coef_[0], line.intercept_[0]
            if wide:  # the line of the plane that is drawn, not of the whole space
                flat = LogisticRegression(C=100.0).fit(plane.transform(embed(x_train)), y_train)
                points, w, b = plane.transform(points), flat.coef_[0], flat.intercept_[0]
            name += f" (2 of {embed(x_test).shape[1]} dimensions: principal)" if wide else ""
            return f"{name}\nbest line: {accuracy:.1%} right", (points, (w, b))

        def after(layer):
            part = keras.Model(classifier.inputs, layer.output)
            return lambda points: part.predict(points, batch_size=600, verbose=0)

        spaces = [panel("raw features", lambda points: points)]
        spaces += [panel(f"learned with labels, after {layer.name}", after(layer)) for layer in layers]
        spaces += [panel("learned without labels (autoencoder)", autoencoder.encode)]
        unit = "share of test points right"
        run.metric("raw_accuracy", best_line(lambda points: points)[1], unit)
        run.metric("labelled_accuracy", best_line(after(layers[-1]))[1], unit)
        run.metric("unlabelled_accuracy", best_line(autoencoder.encode)[1], unit)
        title = f"One line, five spaces: {data}, 600 training and 600 test points, seed {seed}"
        run.figure("spaces", figures.spaces(dict(spaces), y_test, title))
        run.save(autoencoder)
        run.finish()


if __name__ == "__main__":
    command_line(main)
