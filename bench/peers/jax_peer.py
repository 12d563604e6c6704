"""JAX: the whole step is one jitted function; weights and moments are donated. Adam is written out, in Keras' form."""

import os
import time

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np

from worker import Epochs, Steps, arguments, batches, serve, sum_of_squares, weights

options = arguments()


def adam(p, g, m, v, t):
    m, v = m + (g - m) * (1 - 0.9), v + (g * g - v) * (1 - 0.999)
    return p - 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (jnp.sqrt(v) + 1e-7), m, v


def documented(p, ids):
    x = p["embedding/embeddings"].at[ids].get(mode="promise_in_bounds")
    layer = {name.removeprefix("attention_layer/"): value for name, value in p.items()}
    dense = lambda name, x: x @ layer[f"{name}/kernel"] + layer[f"{name}/bias"]
    scores = dense("V", jnp.tanh(dense("W1", x) + dense("W2", x)))
    if options.kind == "epoch":
        scores = jnp.where(ids[..., None] != 0, scores, -jnp.inf)
    return (jax.nn.softmax(scores, 1) * x).sum(1) @ p["dense/kernel"] + p["dense/bias"]


def mlp(p, x):
    for name in ("dense", "dense_1"):
        x = jax.nn.relu(x @ p[f"{name}/kernel"] + p[f"{name}/bias"])
    return x @ p["dense_2/kernel"] + p["dense_2/bias"]


def mean_cross_entropy(logits, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean()


def trainer(model):
    """A step: weights, moments, count and batch in, all of them and loss and accuracy out."""

    def loss_of(p, x, y):
        logits = model(p, x)
        return mean_cross_entropy(logits, y), (logits.argmax(1) == y).mean()

    def train(p, m, v, t, x, y):
        (loss, accuracy), g = jax.value_and_grad(loss_of, has_aux=True)(p, x, y)
        t = t + 1
        new = {name: adam(p[name], g[name], m[name], v[name], t) for name in p}
        p, m, v = ({name: values[i] for name, values in new.items()} for i in range(3))
        return p, m, v, t, loss, accuracy

    return train


def initial_state(data):
    p = {name: jnp.array(array) for name, array in weights(data).items()}
    return [p, jax.tree.map(jnp.zeros_like, p), jax.tree.map(jnp.zeros_like, p), jnp.float32(0)]


class Scan:
    """A whole epoch is one program: a scan over the batches, and the last, smaller one by itself."""

    per_unit = 1

    def __init__(self, data):
        train, self.state = trainer(documented), initial_state(data)
        self.x, self.y = jnp.array(data["x"]), jnp.array(data["y"])
        self.size, self.random = int(data["batch"][0]), np.random.default_rng(1)

        def run(state, x, y, order):
            def one(state, positions):
                *state, loss, accuracy = train(*state, x[positions], y[positions])
                return tuple(state), (loss, accuracy)

            whole = len(order) // self.size * self.size
            state, results = jax.lax.scan(one, tuple(state), order[:whole].reshape(-1, self.size))
            if whole < len(order):
                state, _ = one(state, order[whole:])
            return state, results

        self.jitted = jax.jit(run, donate_argnums=0)

    def train(self, order):
        self.state, (losses, accuracies) = self.jitted(self.state, self.x, self.y, jnp.array(order))
        jax.block_until_ready(self.state)
        return losses

    def losses(self, count):
        return [float(loss) for loss in self.train(np.arange(count * self.size))]

    def run(self, count):
        begin = time.perf_counter()
        for _ in range(count):
            float(self.train(self.random.permutation(len(self.y))).mean())
        return time.perf_counter() - begin


def epoch(data):
    jitted, state = jax.jit(trainer(documented), donate_argnums=(0, 1, 2, 3)), initial_state(data)
    x, y = data["x"], data["y"]

    def train(x, y):
        *state[:], loss, accuracy = jitted(*state, x, y)
        return loss, accuracy

    return Epochs(train, lambda positions: (x[positions], y[positions]), data, wait=lambda _: jax.block_until_ready(state))


def step(model, data):
    jitted, state = jax.jit(trainer(model), donate_argnums=(0, 1, 2, 3)), initial_state(data)
    rows = batches(data, jnp.array)

    def advance(i):
        *state[:], loss, accuracy = jitted(*state, *rows[i % len(rows)])
        return loss, accuracy

    return Steps(advance, wait=lambda _: jax.block_until_ready(state), number=lambda r: float(r[0]))


def kernel(kind, data):
    def softmax(x, dy):
        y, backward = jax.vjp(jax.nn.softmax, x)
        return y, *backward(dy)

    def layer_norm(x, gamma, beta, dy):
        def norm(x, gamma, beta):
            return jax.nn.standardize(x, epsilon=1e-3) * gamma + beta

        y, backward = jax.vjp(norm, x, gamma, beta)
        return y, *backward(dy)

    def cross_entropy(x, y):
        return jax.value_and_grad(mean_cross_entropy)(x, y)

    function = jax.jit({"softmax": softmax, "layer_norm": layer_norm, "cross_entropy": cross_entropy}[kind])
    inputs = [jnp.array(data[name]) for name in ("x", "gamma", "beta", "dy", "y") if name in data]
    return Steps(lambda i: function(*inputs), wait=jax.block_until_ready, number=lambda r: sum_of_squares(*r))


def recurrent(kind, data):
    """The products with x are one, as in the other frameworks; a scan over time makes the steps."""
    def gru(p, h, xw):
        (xz, xr, xn), (hz, hr, hn) = jnp.split(xw, 3, -1), jnp.split(h @ p["recurrent_kernel"] + p["bias"][1], 3, -1)
        z, r = jax.nn.sigmoid(xz + hz), jax.nn.sigmoid(xr + hr)
        n = jnp.tanh(xn + r * hn)
        h = n + z * (h - n)
        return h, h

    def lstm(p, state, xw):
        h, c = state
        i, f, g, o = jnp.split(xw + h @ p["recurrent_kernel"], 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def layer(x, p):
        xw = x.swapaxes(0, 1) @ p["kernel"] + (p["bias"][0] if kind == "gru" else p["bias"])
        zeros = jnp.zeros((x.shape[0], p["recurrent_kernel"].shape[0]))
        step, state = (gru, zeros) if kind == "gru" else (lstm, (zeros, zeros))
        return jax.lax.scan(lambda state, xw: step(p, state, xw), state, xw)[1].swapaxes(0, 1)

    @jax.jit
    def forward_and_backward(x, p, dy):
        y, backward = jax.vjp(layer, x, p)
        return y, *jax.tree.leaves(backward(dy))

    p = {name: jnp.array(data[name]) for name in ("kernel", "recurrent_kernel", "bias")}
    x, dy = jnp.array(data["x"]), jnp.array(data["dy"])
    return Steps(lambda i: forward_and_backward(x, p, dy), wait=jax.block_until_ready, number=lambda r: sum_of_squares(*r))


def dot(data):
    """In the layout that JAX's own function takes: (batch, time, heads, width)."""
    causal, window = bool(data["causal"][0]), int(data["window"][0])
    near = (window - 1, window - 1) if window else None

    def attend(q, k, v):
        return jax.nn.dot_product_attention(q, k, v, is_causal=causal, local_window_size=near)

    @jax.jit
    def function(dy, *inputs):
        y, backward = jax.vjp(attend, *inputs)
        return y, *backward(dy)

    inputs = [jnp.array(data[name].transpose(0, 2, 1, 3)) for name in ("dy", "q", "k", "v")]
    return Steps(lambda i: function(*inputs), wait=jax.block_until_ready, number=lambda r: sum_of_squares(*r))


def additive(data):
    def attend(x, W1, W2, v):
        scores = jnp.tanh((x @ W2)[:, :, None] + (x @ W1)[:, None]) @ v
        return jax.nn.softmax(scores, -1) @ x

    @jax.jit
    def function(dy, *inputs):
        y, backward = jax.vjp(attend, *inputs)
        return y, *backward(dy)

    inputs = [jnp.array(data[name]) for name in ("dy", "x", "W1", "W2", "v")]
    return Steps(lambda i: function(*inputs), wait=jax.block_until_ready, number=lambda r: sum_of_squares(*r))


def dense_adam(data):
    update = jax.jit(lambda p, m, v, t, g: (*adam(p, g, m, v, t + 1), t + 1), donate_argnums=(0, 1, 2, 3))
    g = jnp.array(data["g"])
    state = [jnp.array(data["p"]), jnp.zeros_like(g), jnp.zeros_like(g), jnp.float32(0)]

    def advance(_):
        state[:] = update(*state, g)

    return Steps(advance, wait=lambda _: jax.block_until_ready(state), number=lambda _: sum_of_squares(state[0]))


def start(data):
    match options.kind:
        case "step":
            return step(documented, data)
        case "epoch":
            return Scan(data) if options.contestant == "jax-scan" else epoch(data)
        case "mlp":
            return step(mlp, data)
        case "additive":
            return additive(data)
        case "dot":
            return dot(data)
        case "adam":
            return dense_adam(data)
        case "gru" | "lstm":
            return recurrent(options.kind, data)
    return kernel(options.kind, data)


serve(start, options, f"jax {jax.__version__}")
