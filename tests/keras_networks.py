"""Small Keras networks that together use every layer and setting that can be converted, by name.

All weights are random, also those that start at 0 or 1 (biases, normalization statistics).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from late_keras import keras, kl

Build = Callable[[], Any]


def randomize(model: Any, seed: int = 0) -> Any:
    """Set every weight to random values. Variances stay positive."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "int" in str(weight.dtype):
            continue
        values = rng.normal(0, 0.3, weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def chain(*middle: Any, shape: tuple[int, ...] = (12, 10, 3), classes: int = 10) -> Any:
    """Return a Sequential model of these layers and a softmax layer."""
    head = [kl.Flatten(), kl.Dense(classes, activation="softmax")]
    return randomize(keras.Sequential([kl.Input(shape), *middle, *head]))


def functional(body: Callable[[Any], Any], shape: tuple[int, ...] = (12, 10, 3)) -> Any:
    """Return a functional model of ``body`` and a softmax layer."""
    source = kl.Input(shape)
    return randomize(keras.Model(source, kl.Dense(10, activation="softmax")(kl.Flatten()(body(source)))))


def _residual(x: Any) -> Any:
    x = kl.Conv2D(8, 3, padding="same")(x)
    y = kl.BatchNormalization()(kl.Conv2D(8, 3, padding="same", activation="relu")(x))
    return kl.Activation("relu")(kl.Add()([x, y]))


def _squeeze_excite(x: Any) -> Any:
    x = kl.Conv2D(8, 3)(x)
    gate = kl.GlobalAveragePooling2D(keepdims=True)(x)
    return kl.Multiply()([x, kl.Dense(8, activation="sigmoid")(gate)])


def _branches(x: Any) -> Any:
    a, b = kl.Conv2D(4, 3, padding="same")(x), kl.Conv2D(4, 5, padding="same")(x)
    merged = [layer([a, b]) for layer in (kl.Add(), kl.Subtract(), kl.Multiply(), kl.Average(), kl.Maximum())]
    return kl.Concatenate()([*merged, kl.Minimum()([a, b]), x])


def _flat_branches(x: Any) -> Any:
    flat = kl.Flatten()(kl.Conv2D(4, 3)(x))
    return kl.Concatenate()([kl.Dense(5)(flat), kl.BatchNormalization()(kl.Activation("tanh")(flat)), flat])


def _other_axes(x: Any) -> Any:
    a, b = kl.Conv2D(4, 3)(x), kl.Conv2D(4, 3)(x)
    return kl.Concatenate(axis=1)([kl.Concatenate(axis=2)([a, b]), kl.Concatenate(axis=-2)([b, a])])


def _shared(x: Any) -> Any:
    conv, dense = kl.Conv2D(3, 3, padding="same", activation="relu"), kl.Dense(6)
    return kl.Concatenate()([dense(conv(x)), dense(conv(conv(x)))])


def _nested(x: Any) -> Any:
    inner_source = kl.Input((12, 10, 4))
    inner = keras.Model(inner_source, kl.Add()([inner_source, kl.Conv2D(4, 3, padding="same")(inner_source)]))
    block = keras.Sequential([kl.Input((12, 10, 3)), kl.Conv2D(4, 3, padding="same"), kl.BatchNormalization(), inner])
    again = keras.Sequential([kl.Input((12, 10, 4)), kl.Conv2D(4, 3, padding="same", activation="tanh")])
    return kl.Concatenate()([again(block(x)), again(kl.Conv2D(4, 1)(x))])


def _random_layers(x: Any) -> Any:
    x = kl.RandomFlip()(kl.Resizing(8, 8)(x))
    return kl.Dropout(0.5)(kl.Conv2D(4, 3)(x), training=True)


def _frozen(x: Any) -> Any:
    block = keras.Sequential([kl.Input((12, 10, 3)), kl.Conv2D(4, 3), kl.BatchNormalization(), kl.Conv2D(4, 3)])
    block.layers[0].trainable = False
    return block(x)


def _adapted() -> Any:
    layer = kl.Normalization(axis=-1)
    layer.adapt(np.random.default_rng(0).normal(0.4, 0.2, (50, 12, 10, 3)))
    statistics = layer.get_weights()
    model = chain(layer, kl.Conv2D(4, 3))
    layer.set_weights(statistics)
    layer.finalize_state()
    return model


_ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish"),
    *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid"),
    *("silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid"),
    *("squareplus", "swish", "tanh", "tanh_shrink"),
)

_LAYERS: dict[str, Callable[[], list[Any]]] = {
    "conv2d_same": lambda: [kl.Conv2D(4, (3, 2), padding="same", activation="relu"), kl.Conv2D(5, 4, padding="same")],
    "conv2d_strides": lambda: [kl.Conv2D(4, 3, strides=2, padding="same"), kl.Conv2D(5, 3, strides=(2, 1))],
    "conv2d_dilated": lambda: [kl.Conv2D(4, 3, dilation_rate=2, padding="same"), kl.Conv2D(4, 2, dilation_rate=(2, 3))],
    "conv2d_groups": lambda: [kl.Conv2D(6, 3, groups=3), kl.Conv2D(4, 3, groups=2, use_bias=False)],
    "depthwise": lambda: [
        *(
            kl.DepthwiseConv2D(3, depth_multiplier=2, activation="relu"),
            kl.DepthwiseConv2D(3, strides=2, padding="same"),
        )
    ],
    "separable": lambda: [
        *(kl.SeparableConv2D(5, 3, depth_multiplier=2), kl.SeparableConv2D(4, 3, strides=2, padding="same"))
    ],
    "transpose_valid": lambda: [
        kl.Conv2DTranspose(4, 3, strides=2, activation="relu"),
        kl.Conv2DTranspose(3, 2, strides=3),
    ],
    "transpose_same": lambda: [
        *(
            kl.Conv2DTranspose(4, 3, strides=2, padding="same"),
            kl.Conv2DTranspose(3, 4, padding="same", use_bias=False),
        ),
        kl.Conv2DTranspose(2, 2, strides=3, padding="same"),
    ],
    "pools_valid": lambda: [kl.MaxPooling2D(2), kl.AveragePooling2D((2, 3), strides=1)],
    "pools_same": lambda: [kl.MaxPooling2D(3, strides=2, padding="same"), kl.AveragePooling2D(3, 2, padding="same")],
    "global_average": lambda: [kl.Conv2D(4, 3), kl.GlobalAveragePooling2D()],
    "global_max": lambda: [kl.Conv2D(4, 3), kl.GlobalMaxPooling2D(keepdims=True)],
    "batch_norm": lambda: [kl.Conv2D(4, 3), kl.BatchNormalization(), kl.BatchNormalization(center=False, epsilon=0.01)],
    "batch_norm_axes": lambda: [kl.BatchNormalization(axis=1), kl.BatchNormalization(axis=2, scale=False)],
    "batch_norm_flat": lambda: [
        kl.Conv2D(4, 3),
        kl.Flatten(),
        kl.BatchNormalization(),
        kl.Dense(6),
        kl.BatchNormalization(),
    ],
    "layer_norm": lambda: [
        kl.Conv2D(4, 3),
        kl.LayerNormalization(),
        kl.LayerNormalization(axis=[1, 2, 3], center=False),
    ],
    "layer_norm_flat": lambda: [kl.Conv2D(4, 3), kl.Flatten(), kl.LayerNormalization(scale=False, epsilon=0.1)],
    "rescaling": lambda: [kl.Rescaling(1 / 255, offset=-0.5), kl.Conv2D(4, 3)],
    "rescaling_channels": lambda: [kl.Rescaling([0.5, 1.0, 2.0], offset=[0.1, 0.0, -0.1]), kl.Conv2D(4, 3)],
    "normalization": lambda: [kl.Normalization(mean=[0.1, 0.2, 0.3], variance=[0.5, 1.0, 0.0]), kl.Conv2D(4, 3)],
    "normalization_scalar": lambda: [kl.Normalization(axis=None, mean=0.13, variance=0.09), kl.Conv2D(4, 3)],
    "normalization_invert": lambda: [kl.Conv2D(4, 3), kl.Normalization(mean=0.5, variance=2.0, invert=True)],
    "resizing": lambda: [kl.Resizing(9, 17), kl.Conv2D(4, 3), kl.Resizing(20, 5)],
    "resizing_nearest": lambda: [kl.Resizing(7, 23, interpolation="nearest"), kl.Conv2D(4, 3)],
    "reshape": lambda: [kl.Conv2D(4, 3), kl.Reshape((-1, 8)), kl.Dense(3), kl.Reshape((10, 4, 3)), kl.Conv2D(4, 3)],
    "permute": lambda: [kl.Conv2D(4, 3), kl.Permute((3, 1, 2)), kl.Dense(5), kl.Conv2D(2, 2)],
    "padding": lambda: [kl.ZeroPadding2D(((1, 2), (0, 3))), kl.Conv2D(4, 3), kl.ZeroPadding2D(2)],
    "cropping": lambda: [kl.Cropping2D(((1, 2), (0, 3))), kl.Conv2D(4, 3), kl.Cropping2D(1), kl.CenterCrop(4, 3)],
    "up_sampling": lambda: [kl.UpSampling2D((2, 3)), kl.Conv2D(4, 3), kl.UpSampling2D(2, interpolation="bilinear")],
    "dropouts": lambda: [
        *(
            kl.Dropout(0.3),
            kl.SpatialDropout2D(0.3),
            kl.GaussianNoise(0.3),
            kl.GaussianDropout(0.3),
            kl.AlphaDropout(0.3),
        ),
        *(kl.ActivityRegularization(0.1), kl.Identity(), kl.Conv2D(4, 3)),
    ],
    "augmentation": lambda: [
        *(kl.RandomFlip(), kl.RandomRotation(0.1), kl.RandomZoom(0.1), kl.RandomTranslation(0.1, 0.1)),
        *(kl.RandomContrast(0.2), kl.RandomBrightness(0.2), kl.RandomShear(0.1, 0.1), kl.Conv2D(4, 3)),
    ],
    "relu_options": lambda: [
        *(kl.Conv2D(4, 3), kl.ReLU(), kl.ReLU(max_value=0.8), kl.Dense(5), kl.ReLU(negative_slope=0.1, threshold=0.2)),
        *(kl.Dense(5), kl.ReLU(max_value=1.0, negative_slope=0.3, threshold=0.1)),
    ],
    "rectifiers": lambda: [
        *(kl.Conv2D(4, 3), kl.LeakyReLU(), kl.LeakyReLU(negative_slope=0.05), kl.ELU(0.7), kl.PReLU()),
        *(kl.PReLU(shared_axes=[1, 2]), kl.Flatten(), kl.PReLU()),
    ],
    "softmax_axes": lambda: [kl.Conv2D(4, 3), kl.Softmax(axis=1), kl.Softmax(), kl.Softmax(axis=-2)],
    "dense_deep": lambda: [kl.Dense(6, activation="relu"), kl.Conv2D(4, 3), kl.Dense(5, use_bias=False)],
    "float64": lambda: [kl.Conv2D(4, 3, dtype="float64"), kl.Dense(5)],
}

_LAYERS_1D: dict[str, Callable[[], list[Any]]] = {
    "conv1d": lambda: [kl.Conv1D(4, 3, padding="same", strides=2), kl.Conv1D(5, 3, padding="causal", dilation_rate=2)],
    "separable1d": lambda: [kl.SeparableConv1D(4, 3), kl.DepthwiseConv1D(3, depth_multiplier=2)],
    "pools1d": lambda: [kl.MaxPooling1D(3, strides=2, padding="same"), kl.AveragePooling1D(2), kl.Dense(6)],
    "global1d": lambda: [kl.Conv1D(4, 3), kl.GlobalMaxPooling1D(keepdims=True), kl.GlobalAveragePooling1D()],
    "space1d": lambda: [
        kl.ZeroPadding1D(2),
        kl.Conv1D(4, 3),
        kl.Cropping1D((1, 2)),
        kl.UpSampling1D(2),
        kl.SpatialDropout1D(0.2),
    ],
    "repeat1d": lambda: [kl.Conv1D(4, 3), kl.GlobalMaxPooling1D(), kl.RepeatVector(3), kl.Conv1D(4, 2)],
}

NETWORKS: dict[str, Build] = {
    **{name: lambda make=make: chain(*make()) for name, make in _LAYERS.items()},
    **{name: lambda make=make: chain(*make(), shape=(14, 6)) for name, make in _LAYERS_1D.items()},
    **{
        f"activation_{name}": lambda name=name: chain(
            kl.Conv2D(6, 3, activation=name), kl.Dense(4), kl.Activation(name)
        )
        for name in _ACTIVATIONS
    },
    "one_channel": lambda: chain(kl.Conv2D(4, 3), kl.MaxPooling2D(), kl.Conv2D(1, 3), shape=(28, 28, 1)),
    "matrix_input": lambda: chain(kl.Flatten(), kl.Dense(16, activation="relu"), shape=(28, 28)),
    "flat_input": lambda: chain(kl.Dense(16, activation="relu"), kl.Dropout(0.5), shape=(784,)),
    "reshape_input": lambda: chain(kl.Reshape((28, 28, 1)), kl.Conv2D(4, 5), kl.MaxPooling2D(), shape=(784,)),
    "channels_first": lambda: chain(
        kl.Flatten(data_format="channels_first"), kl.Reshape((3, 12, 10)), kl.MaxPooling2D(data_format="channels_first")
    ),
    "adapted": _adapted,
    "glu": lambda: randomize(
        keras.Sequential([kl.Input((12, 10, 3)), kl.Conv2D(20, 3), kl.GlobalAveragePooling2D(), kl.Activation("glu")])
    ),
    "residual": partial(functional, _residual),
    "squeeze_excite": partial(functional, _squeeze_excite),
    "branches": partial(functional, _branches),
    "flat_branches": partial(functional, _flat_branches),
    "other_axes": partial(functional, _other_axes),
    "shared": partial(functional, _shared),
    "nested": partial(functional, _nested),
    "random_layers": partial(functional, _random_layers),
    "frozen": partial(functional, _frozen),
}
