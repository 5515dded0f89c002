"""Document retrieval: ten numbers per text find texts on the same topic.

Slide:    Example: Document retrieval; Example: Final 2D embeddings
Source:   Hinton and Salakhutdinov 2006, doi:10.1126/science.1127647 (2000-500-250-125-10 and -2)
Expected: a curve above that of LSA; the paper's is of 804,414 RCV1 stories, no number is published
          (the generated corpus has 24 subjects, more than LSA's ten numbers keep apart). Unlike the
          paper's: tf-idf as input with 60 % of the words masked, SiLU units, codes on a sphere
Measured: area under the curve 0.678 (autoencoder, 10 numbers), 0.623 (LSA, 10), 0.695 (LSA, 50, of
          tf-idf), 0.662 (LSA, 50, of log counts) on Reuters-21578, 3 seeds
Run:      KERAS_BACKEND=jax python -m recipes documents --data FOLDER_OF_REUTERS_21578
"""

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer

import keras_ae
from keras_ae import data as sources
from keras_ae import evaluation, figures

from . import _experiment as ex


def trained(run, x, words, latent_dim, on_sphere, name="model"):
    """2000-500-250-125-code and back; codes of length 15, because retrieval compares directions."""
    # 2. Model
    encoder = keras_ae.dense_encoder(x.shape[1:], latent_dim, (500, 250, 125), "silu")
    if on_sphere:
        unit = [keras.layers.UnitNormalization(), keras.layers.Rescaling(15.0)]
        encoder = keras.Sequential([encoder, *unit])
    decoder = keras_ae.dense_decoder(x.shape[1:], latent_dim, (125, 250, 500), "silu")
    # 3. Objective: cross-entropy with the distribution of words, from texts with words missing
    model = keras_ae.Autoencoder(encoder, decoder, loss="categorical")
    mask = sources.RandomMask(0.6, rescale=True)
    batches = keras_ae.Batches(x, words, batch_size=128, seed=run.seed, augment=mask)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, run.epochs * batches.num_batches)
    model.compile(keras.optimizers.Adam(rate))
    # 4. Train
    model.fit(batches, epochs=run.epochs, verbose=0, callbacks=run.callbacks(name))
    return model


def main(
    *,
    data: ex.Texts = "generated",
    epochs: ex.Epochs = 80,
    seed: ex.Seed = 0,
    out: ex.Out = "",
    quick: ex.Quick = False,
    resume: ex.Resume = False,
    precision: ex.Precision = "float32",
    distribute: ex.Distribute = 1,
    num_words: int = 2000,
):
    """Trains document codes on one half of the texts and retrieves within the other half.

    Args:
        num_words: size of the vocabulary (the generated corpus has 120 stems).
    """
    with ex.Run("documents", locals(), quick_epochs=30) as run:
        # 1. Data: counts of word stems; one half to train, the labelled ones of the other to test
        if data == "generated":  # more subjects than numbers in the code
            documents = sources.generated_documents(4000, subjects=4)
        else:
            documents = sources.load_documents(data)
        num_words = min(num_words, 120) if data == "generated" else num_words
        order = np.random.default_rng(seed).permutation(len(documents.texts))
        train, test = np.split(order, [len(order) // 2])
        stems = sources.count_stems([documents.texts[i] for i in train], num_words)
        counts = stems.transform(documents.texts).tocsr()
        filled = np.ravel(counts.sum(axis=1)) > 0  # texts without any of the words are left out
        train, test = train[filled[train]], test[filled[test] & documents.labels[test].any(axis=1)]
        words = sources.word_distribution(counts[train])
        weighting = TfidfTransformer(sublinear_tf=True).fit(counts[train])
        x = (5 * weighting.transform(counts)).toarray().astype("float32")
        about = f"{documents.name}, {len(train)} texts to train, {len(test)} to test"
        about += f", {run.epochs} epochs, seed {seed}"

        # 5. Look: the share of neighbours that share a topic with the query
        model = trained(run, x[train], words, 10, on_sphere=True)
        codes = {"autoencoder_10": model.encode(x[test])}
        for size, weights, name in (
            (10, "tf-idf", "lsa_10"),
            (50, "tf-idf", "lsa_50"),
            (50, "log", "lsa_50_log_counts"),
        ):
            codes[name] = evaluation.lsa(counts[train], counts[test], size, weights)
        steps = [n for n in (2**k - 1 for k in range(1, 20)) if n < len(test) - 1]
        found, labels = {}, documents.labels[test]
        for name, z in codes.items():
            found[name] = r = evaluation.retrieval(z, labels, (*steps, len(test) - 1))
            run.metric(f"{name}_area", r.area(), "mean precision over log(number retrieved)")
            run.metric(f"{name}_map", r.mean_average_precision, "mean average precision")
            run.metric(f"{name}_precision_at_7", r.precision[2], "share that shares a topic")
        run.metric("chance", r.precision[-1], "share of all documents that share a topic")
        ours, theirs = (found[name].precision[:-1] for name in ("autoencoder_10", "lsa_10"))
        run.metric("least_margin_over_lsa_10", np.min(ours - theirs), "precision, at every point")
        names = {n: n.replace("_", " ").replace("lsa", "LSA") for n in found}
        names = {n: f"{name} (area {found[n].area():.3f})" for n, name in names.items()}
        title = f"Neighbours that share a topic with the query\n{about}"
        lines = {names[n]: (r.num_retrieved, r.precision) for n, r in found.items()}
        axes = ("documents retrieved", "share on a topic of the query")
        run.figure("curve", figures.curves(lines, title, *axes, log_x=True))
        lines = {names[n]: (r.recall, r.precision) for n, r in found.items()}
        run.figure("precision_recall", figures.curves(lines, title, "recall", "precision"))

        groups, topics = [], [", ".join(np.array(documents.class_names)[row]) for row in labels]
        for query in np.random.default_rng(seed).choice(len(test), 4, replace=False):
            near = evaluation.nearest(codes["autoencoder_10"], query, 5)
            group = [(query, None), *((i, bool((labels[i] & labels[query]).any())) for i in near)]
            groups.append([(documents.texts[test[i]], topics[i], same) for i, same in group])
        title = f"Queries (?) and their nearest documents by 10 numbers\n{about}"
        run.figure("neighbours", figures.neighbours(groups, title))

        # Two numbers per document, beside LSA's two
        twin = trained(run, x[train], words, 2, on_sphere=False, name="two_dimensional")
        common = np.argsort(-labels.sum(axis=0), kind="stable")[:8]
        alone = labels[:, common].sum(axis=1) == 1
        classes = labels[alone][:, common].argmax(axis=1)
        panels, shares = {}, []
        for key, name, z in (
            ("autoencoder_2", "autoencoder", twin.encode(x[test])),
            ("lsa_2", "LSA", evaluation.lsa(counts[train], counts[test], 2)),
        ):
            share = evaluation.precision_at_k(z[alone], classes, 7, "euclidean")
            run.metric(f"{key}_precision_at_7", share, "share of one class among 7 neighbours")
            shares.append(share)
            panels[f"{name}: {share:.0%} of 7 neighbours of the same class"] = z[alone]
        title = f"Two numbers per document, the commonest classes, not used in training\n{about}"
        names = [documents.class_names[i] for i in common]
        run.figure("codes", figures.codes(panels, classes, title, names))
        run.save(twin, "two_dimensional")
        run.save(model)
        ours, theirs = (found[name].precision[2] for name in ("autoencoder_10", "lsa_10"))
        outcome = f"of the 7 nearest by two numbers {shares[0]:.0%} are on the query's topic, by "
        outcome += f"LSA's two {shares[1]:.0%}; by ten {ours:.0%}, by LSA's ten {theirs:.0%}; "
        run.finish(f"{outcome}of all {r.precision[-1]:.0%}", "codes")


if __name__ == "__main__":
    ex.command_line(main)
