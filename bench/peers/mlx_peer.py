"""MLX on its CPU back end: the whole step compiled, and evaluated once a step. Adam is written out, in Keras' form."""

import mlx.core as mx
import mlx.nn as nn
from importlib.metadata import version

from worker import Steps, arguments, batches, serve, sum_of_squares, weights

options = arguments()
mx.set_default_device(mx.cpu)


def adam(p, g, m, v, t):
    m, v = m + (g - m) * (1 - 0.9), v + (g * g - v) * (1 - 0.999)
    return p - 1e-3 * mx.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (mx.sqrt(v) + 1e-7), m, v


def documented(p, ids):
    x = p["embedding/embeddings"][ids]
    layer = {name.removeprefix("attention_layer/"): value for name, value in p.items()}
    dense = lambda name, x: x @ layer[f"{name}/kernel"] + layer[f"{name}/bias"]
    scores = dense("V", mx.tanh(dense("W1", x) + dense("W2", x)))
    return (mx.softmax(scores, axis=1) * x).sum(1) @ p["dense/kernel"] + p["dense/bias"]


def mlp(p, x):
    for name in ("dense", "dense_1"):
        x = nn.relu(x @ p[f"{name}/kernel"] + p[f"{name}/bias"])
    return x @ p["dense_2/kernel"] + p["dense_2/bias"]


def step(model, data):
    def loss_of(p, x, y):
        logits = model(p, x)
        return nn.losses.cross_entropy(logits, y, reduction="mean"), (logits.argmax(1) == y).mean()

    @mx.compile
    def train(p, m, v, t, x, y):
        (loss, accuracy), g = mx.value_and_grad(loss_of)(p, x, y)
        t = t + 1
        new = {name: adam(p[name], g[name], m[name], v[name], t) for name in p}
        p, m, v = ({name: values[i] for name, values in new.items()} for i in range(3))
        return p, m, v, t, loss, accuracy

    p = {name: mx.array(array) for name, array in weights(data).items()}
    state = [p, *({name: mx.zeros_like(value) for name, value in p.items()} for _ in range(2)), mx.array(0.0)]
    rows = batches(data, mx.array)

    def advance(i):
        *state[:], loss, accuracy = train(*state, *rows[i % len(rows)])
        mx.eval(state, loss, accuracy)
        return loss, accuracy

    return Steps(advance, number=lambda r: r[0].item())


def kernel(kind, data):
    def softmax(x, dy):
        (y,), dx = mx.vjp(lambda x: mx.softmax(x, axis=-1), [x], [dy])
        return y, *dx

    def layer_norm(x, gamma, beta, dy):
        (y,), slopes = mx.vjp(lambda x, gamma, beta: mx.fast.layer_norm(x, gamma, beta, 1e-3), [x, gamma, beta], [dy])
        return y, *slopes

    def cross_entropy(x, y):
        return mx.value_and_grad(lambda x: nn.losses.cross_entropy(x, y, reduction="mean"))(x)

    function = mx.compile({"softmax": softmax, "layer_norm": layer_norm, "cross_entropy": cross_entropy}[kind])
    inputs = [mx.array(data[name]) for name in ("x", "gamma", "beta", "dy", "y") if name in data]

    def evaluate(_):
        result = function(*inputs)
        mx.eval(result)
        return result

    return Steps(evaluate, number=lambda r: sum_of_squares(*r))


def dense_adam(data):
    update = mx.compile(lambda p, m, v, t, g: (*adam(p, g, m, v, t + 1), t + 1))
    g = mx.array(data["g"])
    state = [mx.array(data["p"]), mx.zeros_like(g), mx.zeros_like(g), mx.array(0.0)]

    def advance(_):
        state[:] = update(*state, g)
        mx.eval(state)

    return Steps(advance, number=lambda _: sum_of_squares(state[0]))


def adds(data):
    def chain(x, addend):
        for _ in range(1000):
            x = x + addend
        return x.sum()

    chain_and_slopes = mx.value_and_grad(chain, argnums=(0, 1))
    start, addend = (mx.array(data[name]) for name in ("start", "step"))

    def advance(_):
        total, slopes = chain_and_slopes(start, addend)
        mx.eval(total, slopes)
        return total, *slopes

    return Steps(advance, number=lambda r: sum_of_squares(*r))


def start(data):
    match options.kind:
        case "step":
            return step(documented, data)
        case "mlp":
            return step(mlp, data)
        case "adam":
            return dense_adam(data)
        case "adds":
            return adds(data)
    return kernel(options.kind, data)


serve(start, options, f"mlx {version('mlx')}")
