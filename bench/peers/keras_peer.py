"""Keras on TensorFlow. `tf`: the whole step one tf.function; `tf-xla`: the same compiled by XLA. `keras-fit`: compile and fit with
their defaults; `keras-fit-best`: 32 steps in one execution."""

import os
import time

from worker import Epochs, Steps, arguments, batches, serve, sum_of_squares, weights

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf

options = arguments()
tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(options.threads)
compiled = tf.function(jit_compile=options.contestant == "tf-xla")


class AttentionLayer(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.W1, self.W2, self.V = keras.layers.Dense(units), keras.layers.Dense(units), keras.layers.Dense(1)

    def build(self, shape):
        for layer in (self.W1, self.W2):
            layer.build(shape)
        self.V.build((*shape[:-1], self.W1.units))

    def compute_mask(self, x, mask=None):
        return None

    def call(self, x, mask=None):
        scores = self.V(keras.ops.tanh(self.W1(x) + self.W2(x)))
        if mask is not None:
            scores = keras.ops.where(keras.ops.expand_dims(mask, -1), scores, -1e9)
        return keras.ops.sum(keras.ops.softmax(scores, axis=1) * x, axis=1)


def documented(data):
    vocab, features = data["embedding/embeddings"].shape
    model = keras.Sequential([keras.layers.Embedding(vocab, features, mask_zero=options.kind == "epoch"), AttentionLayer(64), keras.layers.Dense(10, activation="softmax")])
    model.build((None, data["x"].shape[1]))
    model.set_weights(list(weights(data).values()))
    return model


def mlp(data):
    layers = [keras.layers.Dense(units, activation) for units, activation in ((256, "relu"), (128, "relu"), (10, "softmax"))]
    model = keras.Sequential([keras.Input((784,)), *layers])
    model.set_weights(list(weights(data).values()))
    return model


def trainer(model):
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy()

    @compiled
    def train(x, y):
        with tf.GradientTape() as tape:
            prediction = model(x, training=True)
            loss = loss_of(y, prediction)
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(prediction, 1, tf.int32), y), tf.float32))
        # As one table: Adam on IndexedSlices would square each occurrence of an id by itself.
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]
        optimizer.apply(gradients, model.trainable_variables)
        return loss, accuracy

    return train


def step(model, data):
    train, rows = trainer(model), batches(data, tf.constant)
    return Steps(lambda i: train(*rows[i % len(rows)]), wait=lambda r: r[0].numpy(), number=lambda r: float(r[0]))


def epoch(data):
    x, y = data["x"], data["y"]
    return Epochs(trainer(documented(data)), lambda positions: (tf.constant(x[positions]), tf.constant(y[positions])), data,
                  wait=lambda r: r[0].numpy())


def heads(data):
    x, dy = tf.constant(data["x"]), tf.constant(data["dy"])
    layer = keras.layers.MultiHeadAttention(8, x.shape[2] // 8)
    layer.build(x.shape, x.shape)
    layer.set_weights([weights(data)[w.path.split("/", 1)[1]].reshape(w.shape) for w in layer.weights])

    @compiled
    def forward_and_backward(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, scores = layer(x, x, return_attention_scores=True)
        return y, scores, *tape.gradient(y, [x, *layer.trainable_variables], dy)

    return Steps(lambda i: forward_and_backward(x, dy), wait=lambda r: r[0][0].numpy(), number=lambda r: sum_of_squares(*r))


class Fit:
    """One unit is an epoch in an order of its own, of all batches, of drawn ones four times over; a loss is that of a fit on one batch."""

    def __init__(self, data):
        self.model = documented(data)
        together = 32 if options.contestant == "keras-fit-best" else 1
        self.model.compile(keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"],
                           steps_per_execution=together)
        self.rows = batches(data, lambda array: array)
        times = 1 if options.kind == "epoch" else 4
        self.x, self.y = (tf.tile(data[name], [times, 1][:data[name].ndim]).numpy() for name in ("x", "y"))
        self.size = len(self.rows[0][1])
        self.per_unit = 1 if options.kind == "epoch" else times * len(self.rows)

    def losses(self, count):
        def loss(x, y):
            return self.model.fit(x, y, batch_size=self.size, verbose=0).history["loss"][0]

        return [loss(*self.rows[i % len(self.rows)]) for i in range(count)]

    def run(self, count):
        begin = time.perf_counter()
        self.model.fit(self.x, self.y, batch_size=self.size, epochs=count, verbose=0)
        return time.perf_counter() - begin


def kernel(kind, data):
    tensors = {name: tf.constant(array) for name, array in data.items()}

    @compiled
    def softmax(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.nn.softmax(x)
        return y, tape.gradient(y, x, dy)

    norm = keras.layers.LayerNormalization(epsilon=1e-3)

    @compiled
    def layer_norm(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = norm(x)
        return y, *tape.gradient(y, [x, norm.gamma, norm.beta], dy)

    @compiled
    def cross_entropy(x, y):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, x))
        return loss, tape.gradient(loss, x)

    if kind == "layer_norm":
        norm.build(data["x"].shape)
        norm.set_weights([data["gamma"], data["beta"]])
    function = {"softmax": softmax, "layer_norm": layer_norm, "cross_entropy": cross_entropy}[kind]
    inputs = tensors["x"], tensors["y" if kind == "cross_entropy" else "dy"]
    return Steps(lambda i: function(*inputs), wait=lambda r: r[0][0].numpy() if r[0].shape.rank else r[0].numpy(),
                 number=lambda r: sum_of_squares(*r))


def recurrent(kind, data):
    layer = (keras.layers.GRU if kind == "gru" else keras.layers.LSTM)(data["recurrent_kernel"].shape[0], return_sequences=True)
    layer.build(data["x"].shape)
    layer.set_weights([data[name] for name in ("kernel", "recurrent_kernel", "bias")])

    @compiled
    def forward_and_backward(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return y, *tape.gradient(y, [x, *layer.trainable_variables], dy)

    inputs = tf.constant(data["x"]), tf.constant(data["dy"])
    return Steps(lambda i: forward_and_backward(*inputs), wait=lambda r: r[1].numpy(), number=lambda r: sum_of_squares(*r))


def dot(data):
    q, k, v, dy = (tf.constant(data[name]) for name in ("q", "k", "v", "dy"))
    time, window = q.shape[2], int(data["window"][0])
    distance = np.arange(time)[:, None] - np.arange(time)[None]
    dropped = (distance < 0) & bool(data["causal"][0]) | (abs(distance) >= window) & (window > 0)
    bias = tf.constant(np.where(dropped, np.float32(-1e9), np.float32(0))) if dropped.any() else None

    @compiled
    def function(q, k, v):
        with tf.GradientTape() as tape:
            tape.watch([q, k, v])
            scores = tf.matmul(q * q.shape[-1] ** -0.5, k, transpose_b=True)
            y = tf.matmul(tf.nn.softmax(scores if bias is None else scores + bias), v)
        return y, *tape.gradient(y, [q, k, v], dy)

    return Steps(lambda i: function(q, k, v), wait=lambda r: r[0][0, 0, 0].numpy(), number=lambda r: sum_of_squares(*r))


def additive(data):
    x, v, dy = (tf.constant(data[name]) for name in ("x", "v", "dy"))
    W1, W2 = tf.constant(data["W1"]), tf.constant(data["W2"])
    layer = keras.layers.AdditiveAttention()
    layer.build([(*x.shape[:2], v.shape[0]), x.shape])
    layer.scale.assign(v)

    @compiled
    def function(x, W1, W2):
        with tf.GradientTape() as tape:
            tape.watch([x, W1, W2])
            y = layer([x @ W2, x, x @ W1])
        return y, *tape.gradient(y, [x, W1, W2, layer.scale.value], dy)

    return Steps(lambda i: function(x, W1, W2), wait=lambda r: r[0][0, 0].numpy(), number=lambda r: sum_of_squares(*r))


def adam(data):
    p, g = tf.Variable(data["p"]), tf.constant(data["g"])
    optimizer = keras.optimizers.Adam()
    optimizer.build([p])

    @compiled
    def update(g):
        optimizer.apply([g], [p])

    return Steps(lambda i: update(g), number=lambda _: sum_of_squares(p))


def adds(data):
    start, addend = tf.Variable(data["start"]), tf.Variable(data["step"])

    def chain(_):
        with tf.GradientTape() as tape:
            x = tf.convert_to_tensor(start)
            for _ in range(1000):
                x = x + addend
            total = tf.reduce_sum(x)
        return total, *tape.gradient(total, [start, addend])

    return Steps(chain, number=lambda r: sum_of_squares(*r))


def start(data):
    match options.kind:
        case "mha":
            return heads(data)
        case "step":
            return step(documented(data), data)
        case "epoch":
            return Fit(data) if "fit" in options.contestant else epoch(data)
        case "mlp":
            return step(mlp(data), data)
        case "fit":
            return Fit(data)
        case "additive":
            return additive(data)
        case "dot":
            return dot(data)
        case "adam":
            return adam(data)
        case "adds":
            return adds(data)
        case "gru" | "lstm":
            return recurrent(options.kind, data)
    return kernel(options.kind, data)


serve(start, options, f"keras {keras.__version__}, tensorflow {tf.__version__}")
