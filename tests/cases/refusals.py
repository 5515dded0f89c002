"""What every model refuses: a part of the message, to what must raise ValueError with it."""

import keras
import numpy as np

import keras_ae

from .autoencoders import (
    autoencoder,
    contractive,
    denoising,
    half_squared_error,
    integers,
    sparse,
    tied_decoder,
    unpooling,
)
from .case import SHAPE, decoder, encoder, fitted
from .diffusion import ddpm, features, first_stage, latent_diffusion, tokens
from .gans import cogan, first_gan, hinge_gan, progan, stylegan, stylegan2, wasserstein_gan
from .segmentation import (
    encoder_decoder,
    fc_densenet,
    fcn,
    own_network,
    plain_cross_entropy,
    segnet,
    unet,
)
from .variational import adversarial, discriminator, semi_supervised, vae


def fitted_alone(model):
    model.compile("adam")
    model.fit(np.zeros((4, *SHAPE), "float32"), verbose=0)


def front(features):
    image = keras.Input((20, 20, 1))
    x = keras.layers.MaxPooling2D()(keras.layers.Conv2D(features, 5)(image))
    return keras.Model(image, x)


REFUSALS = {
    "autoencoder_bernoulli": {
        "is not known": lambda: autoencoder(loss="mse"),
        "number >= 0": lambda: autoencoder(l2=-1.0),
        "reads logits": lambda: keras_ae.Autoencoder(
            encoder(), decoder(output_activation="sigmoid"), loss="bernoulli"
        ),
        "encoder's output": lambda: keras_ae.Autoencoder(encoder(), decoder(latent_dim=2)),
        "decoder's output": lambda: keras_ae.Autoencoder(encoder(), decoder((6, 6, 1))),
        "latent_dim=0": lambda: encoder(latent_dim=0),
        "units=": lambda: keras_ae.dense_encoder(SHAPE, 2, (8, 0)),
        "dropout=1.0": lambda: encoder(dropout=1.0),
        "heads=": lambda: encoder(heads=()),
    },
    "autoencoder_dropout": {"pass a positive integer": lambda: decoder((0,))},
    "autoencoder_tied": {
        "does not mirror": lambda: decoder(tied_to=encoder()),
        "mirrors a keras Dense": lambda: keras_ae.layers.TiedDense(keras.layers.Flatten()),
        "no kernel yet": lambda: keras_ae.layers.TiedDense(keras.layers.Dense(2)),
    },
    "autoencoder_documents": {
        "reads logits": lambda: keras_ae.dense_autoencoder(
            (12,), 2, output_activation="softmax", loss="categorical"
        )
    },
    "autoencoder_convolutional": {
        "pass (height, width, channels)": lambda: keras_ae.conv_encoder((28, 28), (2,)),
        "filters=()": lambda: keras_ae.conv_encoder((7, 6, 1), ()),
        "for each of the 2 layers": lambda: keras_ae.conv_encoder((7, 6, 1), (2, 2), (3, 3, 3)),
        "does not fit": lambda: keras_ae.conv_encoder((7, 6, 1), (2,), 9),
        "does not fit into a side of 1": lambda: keras_ae.conv_encoder(
            (7, 6, 1), (2, 2, 2), pool_size=2, pool_strides=(2, 3, 1)
        ),
        "the sides grow 2x2 -> 3x3 -> 5x5": lambda: keras_ae.conv_decoder(
            (7, 6, 1), (2, 2, 2), (3,)
        ),
    },
    "autoencoder_convolutional_tied": {
        "does not mirror": lambda: tied_decoder(
            keras_ae.conv_encoder((7, 6, 1), (4, 2), strides=2)
        ),
        "has pooling": lambda: tied_decoder(keras_ae.conv_encoder((7, 6, 1), (3, 2), pool_size=2)),
        "mirrors a keras_ae Conv2D": lambda: keras_ae.layers.TiedConv2DTranspose(
            keras.layers.Dense(2)
        ),
        "less than the stride": lambda: tied_decoder(
            keras_ae.conv_encoder((7, 6, 1), (3, 2), strides=2), output_padding=2
        ),
    },
    "autoencoder_switches": {
        "switches, say, must be known to both": lambda: keras_ae.Autoencoder(
            keras_ae.conv_encoder((6, 6, 1), (2,), pool_size=2, switches=True),
            keras_ae.unpool_decoder((6, 6, 1), (2,), "nearest"),
        ),
        "up='max'": lambda: keras_ae.unpool_decoder((6, 6, 1), (2,), "max"),
        "odd size": lambda: keras_ae.unpool_decoder((6, 6, 1), (2,), kernel_size=2),
        "does not fit into a side of 1": lambda: keras_ae.unpool_decoder((6, 6, 1), (2, 2, 2)),
    },
    "autoencoder_unpooling": {
        "pool_size=0": lambda: keras_ae.unpool_decoder((6, 6, 1), (2,), pool_size=0)
    },
    "stacked_autoencoder": {
        "does not mirror": lambda: keras_ae.StackedAutoencoder(encoder(), decoder()),
        "Pass dense networks": lambda: keras_ae.StackedAutoencoder(
            keras_ae.conv_encoder((6, 6, 1), (2,), strides=2),
            keras_ae.conv_decoder((6, 6, 1), (3, 3, 2), (), output_padding=1),
        ),
    },
    "denoising_autoencoder": {
        "rate=1.5": lambda: keras_ae.layers.MaskingNoise(1.5),
        "rate=-0.1": lambda: keras_ae.layers.SaltAndPepperNoise(-0.1),
        "low value below": lambda: keras_ae.layers.SaltAndPepperNoise(0.1, 1.0, 0.0),
        "pass a layer": lambda: denoising(0.3),
        "keeps the shape": lambda: denoising(keras.layers.Flatten()),
        "pass two weights": lambda: denoising(emphasis=1.0),
        "(target, output, weights)": lambda: denoising(
            emphasis=(1.0, 0.5), loss=half_squared_error
        ),
        "number >= 0": lambda: denoising(emphasis=(1.0, -1.0)),
        "nothing to undo": lambda: fitted_alone(denoising(None)),
    },
    "contractive_closed_form": {
        "pass one of auto": lambda: contractive(encoder(), "best"),
        "number >= 0": lambda: contractive(encoder(), "auto", weight=-0.1),
        "num_projections=0": lambda: contractive(encoder(), "auto", num_projections=0),
        "chain of Dense layers": lambda: contractive(
            keras_ae.dense_encoder(SHAPE, 3, (4,), "gelu"), "closed_form"
        ),
        "must be real numbers": lambda: contractive(integers(), "exact"),
        "tied_to or kernel_constraint": lambda: keras_ae.dense_decoder(
            SHAPE, 3, (8,), tied_to=encoder(), kernel_constraint="non_neg"
        ),
    },
    "sparse_l1": {
        "penalty='l2'": lambda: sparse(penalty="l2"),
        "target=1.0": lambda: sparse(target=1.0),
        "number >= 0": lambda: sparse(weight=-1.0),
        "build it with latent_activation='sigmoid'": lambda: keras_ae.SparseAutoencoder(
            encoder(), decoder(), penalty="kl"
        ),
    },
    "k_sparse_autoencoder": {
        "k is 13": lambda: keras_ae.k_sparse_autoencoder(SHAPE, 12, 13),
        "alpha * k is 18": lambda: keras_ae.k_sparse_autoencoder(SHAPE, 12, 9, alpha=2.0),
        "k_start is 20": lambda: keras_ae.k_sparse_autoencoder(
            SHAPE, 12, 3, k_start=20, decay_steps=5
        ),
        "k_start=2 is below": lambda: keras_ae.layers.KSparse(3, k_start=2, decay_steps=5),
        "needs k_start": lambda: keras_ae.layers.KSparse(3, decay_steps=5),
        "decay_steps=0": lambda: keras_ae.layers.KSparse(3, k_start=5),
        "alpha=0.5": lambda: keras_ae.layers.KSparse(3, alpha=0.5),
    },
    "robust_autoencoder": {
        "leave loss out": lambda: keras_ae.RobustAutoencoder(
            encoder(), decoder(), loss="bernoulli"
        ),
        "bandwidth=0": lambda: keras_ae.RobustAutoencoder(encoder(), decoder(), bandwidth=0),
    },
    "vae": {
        "the encoder gives one output": lambda: vae(encoder()),
        "the encoder gives 'code', 'mean'": lambda: vae(encoder(heads=("mean", "code"))),
        "encoder's output": lambda: vae(encoder(latent_dim=2, heads=("mean", "log_variance"))),
        "likelihood='poisson'": lambda: vae(likelihood="poisson"),
        "kl='exact'": lambda: vae(kl="exact"),
        "num_samples=0": lambda: vae(num_samples=0),
        "deviation=0.0": lambda: vae(likelihood="gaussian", deviation=0.0),
        "number >= 0": lambda: vae(beta=-1.0),
        "pass 1.0": lambda: vae(beta=0.5, importance_weighted=True),
        "reads logits": lambda: keras_ae.VAE(
            encoder(heads=("mean", "log_variance")), decoder(output_activation="sigmoid")
        ),
        "decoder's output": lambda: vae(likelihood="categorical"),
    },
    "adversarial_autoencoder": {
        "loss='mse'": lambda: adversarial(loss="mse"),
        "needed is (batch, 2)": lambda: adversarial(judge=discriminator(3)),
        "reads logits": lambda: adversarial(judge=discriminator(latent_activation="sigmoid")),
        "pass one of that size": lambda: adversarial(prior=keras_ae.layers.GaussianPrior(3)),
        "with the attribute noise_dim": lambda: adversarial(prior=keras.layers.Flatten()),
        "scale=0": lambda: keras_ae.layers.GaussianPrior(2, 0),
        "the encoder gives 'code', 'mean'": lambda: adversarial(
            encoder(latent_dim=2, heads=("mean", "code"))
        ),
        "knows None classes": lambda: adversarial(num_classes=4, judge=discriminator(7)),
        "got optimizers for 'generator'": lambda: adversarial().compile({"generator": "adam"}),
    },
    "adversarial_labels": {"num_classes=0": lambda: adversarial(num_classes=0)},
    "semi_supervised_aae": {
        "loss='mse'": lambda: semi_supervised(loss="mse"),
        "needed is a dict with 'label'": lambda: semi_supervised(encoder()),
        "pass one of that size": lambda: semi_supervised(prior=keras_ae.layers.SwissRollPrior(4)),
    },
    "segmentation_unet": {
        "nearest allowed are 18 and 20": lambda: unet((19, 20, 1)),
        "nearest allowed are 188 and 204": lambda: keras_ae.UNet((190, 204, 1), 2),
        "padding='full'": lambda: unet(padding="full"),
        "filters=(3,)": lambda: unet(filters=(3,)),
        "dropout=1.0": lambda: unet(dropout=1.0),
        "num_classes=1": lambda: unet(num_classes=1),
        "loss='mse'": lambda: unet(loss="mse"),
        "class_weights=[1.0]": lambda: unet(class_weights=[1]),
        "number >= 0": lambda: unet(l2=-1.0),
        "pass (height, width, channels)": lambda: unet((20, 20)),
    },
    "segmentation_segnet": {
        "up='max'": lambda: segnet(up="max"),
        "known sides": lambda: segnet((None, 8, 1)),
        "sides of at least 4": lambda: segnet((3, 8, 1)),
        "filters=()": lambda: segnet(filters=()),
    },
    "segmentation_fc_densenet": {
        "an odd number": lambda: fc_densenet(blocks=(1, 1)),
        "a number in blocks=0": lambda: fc_densenet(blocks=(1, 0, 1)),
        "dropout=-0.1": lambda: fc_densenet(dropout=-0.1),
    },
    "segmentation_fcn": {
        "stride=4": lambda: fcn(4),
        "dropout=1": lambda: fcn(dropout=1),
        "width=0": lambda: keras_ae.FCN((12, 10, 3), 3, width=0),
        "no layer of fcn8s": lambda: fcn().transplant(own_network()),
        "of equal width": lambda: fcn().transplant(keras_ae.FCN((12, 10, 3), 3, width=1 / 16)),
    },
    "segmentation_encoder_decoder": {
        "decoder='deeplab'": lambda: encoder_decoder("deeplab"),
        "needed is a dict of maps": lambda: keras_ae.EncoderDecoder(own_network(), "fcn", 3),
        "known sides": lambda: encoder_decoder("psp", (None, None, 2)),
        "build it with sides of None": lambda: keras_ae.EncoderDecoder(
            keras_ae.conv_pyramid((7, 9, 2), (3, 4)), "fcn", 3
        ),
        "is not in the table": lambda: keras_ae.pyramid_encoder("ResNet51"),
        "gives no pyramid": lambda: keras_ae.pyramid_encoder(own_network()),
        "has no layer middle": lambda: keras_ae.pyramid_encoder(own_network(), taps={2: "middle"}),
    },
    "segmentation_network": {
        "pass a Functional model": lambda: keras_ae.Segmenter(encoder()),
        "loss=3": lambda: keras_ae.Segmenter(own_network(), 3),
        "give them to it": lambda: keras_ae.Segmenter(
            own_network(), plain_cross_entropy, class_weights=(1.0, 1.0, 2.0)
        ),
    },
    "gan_first": {
        "loss='vanilla': pass one of 'minimax'": lambda: first_gan(loss="vanilla"),
        "noise='gauss'": lambda: first_gan(noise="gauss"),
        "num_classes=0": lambda: first_gan(num_classes=0),
        "average_decay=1": lambda: first_gan(average_decay=1),
        "weight_clip=0": lambda: first_gan(weight_clip=0),
        "critic_steps=0": lambda: first_gan(critic_steps=0),
        "'r1' is -1": lambda: first_gan(r1=-1.0),
        "generator takes one tensor": lambda: first_gan(num_classes=3),
        "without num_classes it is given one tensor": lambda: first_gan(
            keras_ae.dense_generator(SHAPE, 3, num_classes=3)
        ),
        "needed is (batch, 4)": lambda: wasserstein_gan(num_classes=4),
        "needed is (batch, 6, 5, 1)": lambda: first_gan(keras_ae.dense_generator((5, 5, 1), 3)),
        "needed is (batch, 1)": lambda: first_gan(discriminator=encoder()),
        "reads logits": lambda: first_gan(
            discriminator=encoder(latent_dim=1, latent_activation="sigmoid")
        ),
        "got optimizers for 'generator'": lambda: first_gan().compile({"generator": "adam"}),
        "takes no y": lambda: fitted(first_gan(), np.zeros((4, *SHAPE)), np.zeros((4, *SHAPE))),
        "from -2 to -2": lambda: fitted(first_gan(), np.full((4, *SHAPE), -2.0)),
        "groups of 2 images": lambda: fitted(
            hinge_gan(keras_ae.layers.MinibatchStandardDeviation(2)),
            np.zeros((5, 4, 4, 1)),
            None,
            4,
        ),
        "leave labels out": lambda: first_gan().sample(2, labels=[0, 1]),
        "labels from 3": lambda: wasserstein_gan().sample(1, labels=[3]),
        "2 labels for 3": lambda: wasserstein_gan().sample(3, labels=[0, 1]),
        "n=0": lambda: first_gan().sample(0),
    },
    "gan_hinge": {
        "group_size=0": lambda: keras_ae.layers.MinibatchStandardDeviation(0),
        "power_iterations=0": lambda: keras_ae.layers.SpectralNormalization(
            keras.layers.Dense(1), 0
        ),
        "ends in 'relu'": lambda: keras_ae.layers.SpectralNormalization(
            keras.layers.Dense(1, "relu")
        ),
    },
    "gan_dcgan": {
        "the nearest are 16 and 32": lambda: keras_ae.DCGAN((28, 28, 1)),
        "the nearest are 8 and 16": lambda: keras_ae.DCGAN((4, 4, 1)),
        "pass (side, side, channels)": lambda: keras_ae.DCGAN((8, 8)),
        "width=0": lambda: keras_ae.DCGAN((8, 8, 1), width=0),
        "noise_dim=0": lambda: keras_ae.DCGAN((8, 8, 1), 0),
    },
    "gan_cogan": {
        "the nearest are 28 and 36": lambda: cogan(sides=(32, 32, 1)),
        "filters=(3, 4)": lambda: cogan(filters=(3, 4)),
        "filters=(6, 5, 4, 0)": lambda: cogan(filters=(6, 5, 4, 0)),
        "with 'first' and 'second'": lambda: cogan(
            generator=keras_ae.dense_generator((20, 20, 1), 4)
        ),
        "needed is (batch, 8, 8, 3)": lambda: cogan(first_front=front(5)),
        "y is missing": lambda: fitted(cogan(), np.zeros((4, 20, 20, 1))),
        "x has values from 2 to 2": lambda: fitted(
            cogan(), np.full((4, 20, 20, 1), 2.0), np.zeros((4, 20, 20, 1))
        ),
    },
    "gan_growing": {
        "the nearest are 16 and 32": lambda: progan((24, 24, 1)),
        "most=0": lambda: progan(most=0),
        "start_side=16: pass one of 4, 8": lambda: progan(start_side=16),
        "fade_images=-1": lambda: progan(fade_images=-1),
        "stable_images=0.5": lambda: progan(stable_images=0.5),
        "discriminator takes one tensor and gives one tensor: needed are": lambda: progan(
            discriminator=keras_ae.dcgan_discriminator((8, 8, 1), 2)
        ),
        "generator takes one tensor and gives one tensor: needed are": lambda: progan(
            generator=keras_ae.dcgan_generator((8, 8, 1), 3, 2)
        ),
        "loss='mse'": lambda: progan(loss="mse"),
        "never reach 8, where epoch 3 would begin": lambda: fitted(
            progan(stable_images=9), np.zeros((8, 8, 8, 1), "float32")
        ),
        "reach=32: pass one of 4, 8": lambda: progan().fit(
            np.zeros((8, 8, 8, 1), "float32"), reach=32
        ),
        "sides of this model are 4, 8": lambda: fitted(
            progan(), np.zeros((8, 8, 8, 1), "float32"), batch_size={16: 4}
        ),
        "divide by 127.5": lambda: fitted(progan(), np.full((8, 8, 8, 1), 255.0)),
        "compares groups of 4": lambda: fitted(
            progan(group_size=4), np.zeros((8, 8, 8, 1), "float32"), batch_size=3
        ),
    },
    "stylegan_first": {
        "the nearest are 16 and 32": lambda: stylegan((24, 24, 1)),
        "start_side=2: pass one of 4, 8": lambda: stylegan(start_side=2),
        "mixing=2": lambda: stylegan(mixing=2),
        "no layer 'mapping' or 'codes' or 'synthesis'": lambda: stylegan(
            generator=keras_ae.progan_generator((8, 8, 1), 3, 16, 4)
        ),
        "truncation=1.5: pass 0": lambda: stylegan().sample(2, truncation=1.5),
    },
    "stylegan_second": {
        "the nearest are 16 and 32": lambda: stylegan2((24, 24, 1)),
        "the nearest are 8 and 16": lambda: stylegan2((4, 4, 1)),
        "pass (side, side, channels)": lambda: stylegan2((8, 16, 1)),
        "most=0": lambda: stylegan2(most=0),
        "mixing=2": lambda: stylegan2(mixing=2),
        "average_images=0": lambda: stylegan2(average_images=0),
        "path_decay=0": lambda: stylegan2(path_decay=0),
        "path_every=0": lambda: stylegan2(path_every=0),
        "r1_every=0": lambda: stylegan2(r1_every=0),
        "no layer 'mapping' or 'codes' or 'synthesis'": lambda: stylegan2(
            generator=keras_ae.dcgan_generator((8, 8, 1), 3, 2)
        ),
        "truncation=1.5: pass 0": lambda: stylegan2().sample(2, truncation=1.5),
        "truncation=-0.1": lambda: stylegan2().sample(2, truncation=-0.1),
        "layers=0": lambda: stylegan2().map(np.zeros((2, 3), "float32"), layers=0),
    },
    "diffusion_ddpm": {
        "predicts='pixels'": lambda: ddpm(predicts="pixels"),
        "schedule='exp'": lambda: ddpm(schedule="exp"),
        "num_steps=0": lambda: ddpm(num_steps=0),
        "at most": lambda: ddpm(num_steps=20, sampling_steps=21),
        "sampling_steps=0": lambda: ddpm(sampling_steps=0),
        "condition_dropout=1": lambda: ddpm(condition_dropout=1),
        "average_decay=1": lambda: ddpm(average_decay=1),
        "needed are 'image', 'time': ": lambda: ddpm(num_classes=None),
        "'image', 'time' and tokens": lambda: ddpm(
            keras_ae.diffusion_unet((4, 4, 1), 4, (1,), 1, (), groups=2)
        ),
        "num_classes=0": lambda: ddpm(num_classes=0),
        "multiples of 8": lambda: keras_ae.diffusion_unet((4, 4, 1), 4, (1, 1, 1, 1)),
        "given one number for each image": lambda: ddpm(conditioner=tokens(2)),
    },
    "diffusion_first_stage": {
        "one output; without a quantizer": lambda: first_stage(heads=None),
        "'log_variance', 'mean'; with a quantizer": lambda: first_stage(
            keras_ae.layers.VectorQuantizer(5)
        ),
        "pass a keras_ae.layers.VectorQuantizer": lambda: first_stage("codes", heads=None),
        "adversarial_start=-1": lambda: first_stage(adversarial_start=-1),
        "loss term 'kl' is -1": lambda: first_stage(kl=-1),
        "the input of discriminator": lambda: first_stage(
            judge=keras_ae.patch_discriminator((6, 6, 1), 2, 1)
        ),
        "one logit for each patch": lambda: first_stage(judge=features()),
        "at least 8": lambda: keras_ae.patch_discriminator((4, 4, 1)),
        "multiples of 4": lambda: keras_ae.latent_encoder((6, 6, 1)),
    },
    "diffusion_latent": {
        "pass a model with an encoder": lambda: latent_diffusion(features),
        "code, switches_1": lambda: latent_diffusion(lambda: unpooling("switches"), num_classes=3),
        "Pass (2, 2, 2) to": lambda: latent_diffusion(
            network=lambda: ddpm().network, num_classes=3
        ),
        "'image', 'time': ": lambda: latent_diffusion(),
    },
    "diffusion_codebook": {
        "num_codes=0": lambda: keras_ae.layers.VectorQuantizer(0),
        "commitment": lambda: keras_ae.layers.VectorQuantizer(2, 0.0),
    },
}
