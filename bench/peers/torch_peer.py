"""PyTorch. `torch`: eager, Adam and all else by default. `torch-fused`: eager, fused Adam, subnormal numbers flushed to zero.
`torch-compile`: the same, forward and backward by torch.compile. `torch-sparse`: eager, SparseAdam on the table, which is another
algorithm: rows that a batch does not touch stand still."""

import torch
from torch.nn import functional as F

from worker import Epochs, Steps, arguments, batches, serve, sum_of_squares, weights

options = arguments()
torch.set_num_threads(options.threads)
default = options.contestant == "torch"
torch.set_flush_denormal(not default)


def compiled(function):
    return torch.compile(function, dynamic=False) if options.contestant == "torch-compile" else function


class KerasAdam:
    """Epsilon added before the bias correction of v, as in Keras: PyTorch's form with epsilon / sqrt(1 - beta_2^t)."""

    def __init__(self, parameters, kind=torch.optim.Adam, **settings):
        self.optimizer, self.steps = kind(parameters, **settings), 0

    def step(self):
        self.steps += 1
        for group in self.optimizer.param_groups:
            group["eps"] = 1e-7 / (1 - 0.999**self.steps) ** 0.5
        self.optimizer.step()

    def zero_grad(self):
        self.optimizer.zero_grad()


def adam(parameters):
    return KerasAdam(parameters, **({} if default else {"fused": True}))


class Documented(torch.nn.Module):
    def __init__(self, data):
        super().__init__()
        tensors = {name.replace("/", "_"): torch.from_numpy(array.copy()) for name, array in weights(data).items()}
        self.embedding = torch.nn.Embedding.from_pretrained(tensors.pop("embedding_embeddings"), freeze=False,
                                                            sparse=options.contestant == "torch-sparse")
        for name, tensor in tensors.items():
            setattr(self, name.removeprefix("attention_layer_"), torch.nn.Parameter(tensor))

    def forward(self, ids):
        x = self.embedding(ids)
        hidden = torch.tanh(x @ self.W1_kernel + self.W1_bias + x @ self.W2_kernel + self.W2_bias)
        scores = hidden @ self.V_kernel + self.V_bias
        if options.kind == "epoch":
            scores = scores.masked_fill((ids == 0).unsqueeze(-1), -torch.inf)
        return (torch.softmax(scores, 1) * x).sum(1) @ self.dense_kernel + self.dense_bias


class MLP(torch.nn.Module):
    def __init__(self, data):
        super().__init__()
        tensors = [torch.from_numpy(array.copy()) for array in weights(data).values()]
        self.layers = torch.nn.ModuleList(torch.nn.Linear(*weight.shape) for weight in tensors[::2])
        for layer, weight, bias in zip(self.layers, tensors[::2], tensors[1::2]):
            layer.weight.data, layer.bias.data = weight.T.contiguous(), bias

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


def trainer(model):
    if options.contestant == "torch-sparse":
        others = [parameter for name, parameter in model.named_parameters() if name != "embedding.weight"]
        optimizers = [KerasAdam([model.embedding.weight], torch.optim.SparseAdam), adam(others)]
    else:
        optimizers = [adam(model.parameters())]

    @compiled
    def loss_and_accuracy(x, y):
        logits = model(x)
        return F.cross_entropy(logits, y), (logits.argmax(1) == y).float().mean()

    def train(x, y):
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss, accuracy = loss_and_accuracy(x, y)
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        return loss.detach(), accuracy

    return train


def step(model, data):
    train = trainer(model)
    rows = [(x, y.long()) for x, y in batches(data, torch.from_numpy)]
    return Steps(lambda i: train(*rows[i % len(rows)]), number=lambda r: r[0].item())


def epoch(data):
    x, y = torch.from_numpy(data["x"]), torch.from_numpy(data["y"]).long()

    def take(positions):
        positions = torch.from_numpy(positions)
        return x[positions], y[positions]

    return Epochs(trainer(Documented(data)), take, data, number=lambda r: r[0].item())


def kernel(kind, data):
    tensors = {name: torch.from_numpy(array) for name, array in data.items()}
    learned = [tensors[name].requires_grad_() for name in ("x", "gamma", "beta") if name in tensors]

    @compiled
    def softmax(x):
        return torch.softmax(x, -1)

    @compiled
    def layer_norm(x, gamma, beta):
        return F.layer_norm(x, x.shape[-1:], gamma, beta, eps=1e-3)

    labels = tensors["y"].long() if kind == "cross_entropy" else None

    @compiled
    def cross_entropy(x):
        return F.cross_entropy(x, labels)

    function = {"softmax": softmax, "layer_norm": layer_norm, "cross_entropy": cross_entropy}[kind]

    def forward_and_backward(_):
        y = function(*learned)
        return y, *torch.autograd.grad(y, learned, tensors.get("dy"))

    return Steps(forward_and_backward, number=lambda r: sum_of_squares(*(tensor.detach() for tensor in r)))


def recurrent(kind, data):
    """The weights are Keras' with axes exchanged, and of a GRU with the first two gates exchanged; an LSTM's bias is one of the two."""
    is_gru = kind == "gru"
    width, gates = data["recurrent_kernel"].shape
    layer = (torch.nn.GRU if is_gru else torch.nn.LSTM)(width, width, batch_first=True)

    def reordered(array):
        parts = torch.from_numpy(array).chunk(gates // width, -1)
        return torch.cat([parts[1], parts[0], *parts[2:]] if is_gru else parts, -1).t()

    biases = data["bias"] if is_gru else (data["bias"], data["bias"] * 0)
    values = [data["kernel"], data["recurrent_kernel"], *biases]
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), values):
            parameter.copy_(reordered(value))
    x, dy = torch.from_numpy(data["x"]).requires_grad_(), torch.from_numpy(data["dy"])
    counted = [x, *layer.parameters()]

    def forward_and_backward(_):
        y, _ = layer(x)
        return y, *torch.autograd.grad(y, counted, dy)

    return Steps(forward_and_backward, number=lambda r: sum_of_squares(*(tensor.detach() for tensor in r[:len(r) if is_gru else -1])))


def near(data):
    """Which pairs a window keeps, or None."""
    window, time = int(data["window"][0]), data["q"].shape[2]
    if window == 0:
        return None
    place = torch.arange(time)
    return (place[:, None] - place[None]).abs() < window


def dot(data):
    q, k, v = (torch.from_numpy(data[name]).requires_grad_() for name in ("q", "k", "v"))
    dy, mask, causal = torch.from_numpy(data["dy"]), near(data), bool(data["causal"][0])

    @compiled
    def attend(q, k, v):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal)

    def forward_and_backward(_):
        y = attend(q, k, v)
        return y, *torch.autograd.grad(y, (q, k, v), dy)

    return Steps(forward_and_backward, number=lambda r: sum_of_squares(*(tensor.detach() for tensor in r)))


def additive(data):
    x, W1, W2, v = (torch.from_numpy(data[name]).requires_grad_() for name in ("x", "W1", "W2", "v"))
    dy = torch.from_numpy(data["dy"])

    @compiled
    def attend(x, W1, W2, v):
        scores = torch.tanh((x @ W2).unsqueeze(2) + (x @ W1).unsqueeze(1)) @ v
        return torch.softmax(scores, -1) @ x

    def forward_and_backward(_):
        y = attend(x, W1, W2, v)
        return y, *torch.autograd.grad(y, (x, W1, W2, v), dy)

    return Steps(forward_and_backward, number=lambda r: sum_of_squares(*(tensor.detach() for tensor in r)))


def dense_adam(data):
    p = torch.nn.Parameter(torch.from_numpy(data["p"].copy()))
    p.grad = torch.from_numpy(data["g"])
    optimizer = adam([p])
    return Steps(lambda i: optimizer.step(), number=lambda _: sum_of_squares(p.detach()))


def heads(data):
    x, dy = torch.from_numpy(data["x"]).requires_grad_(), torch.from_numpy(data["dy"])
    given = {name: torch.from_numpy(array) for name, array in weights(data).items()}
    layer = torch.nn.MultiheadAttention(x.shape[2], 8, batch_first=True)
    with torch.no_grad():
        names = ("query", "key", "value")
        layer.in_proj_weight.copy_(torch.cat([given[f"{name}/kernel"].T for name in names]))
        layer.in_proj_bias.copy_(torch.cat([given[f"{name}/bias"] for name in names]))
        layer.out_proj.weight.copy_(given["attention_output/kernel"].T)
        layer.out_proj.bias.copy_(given["attention_output/bias"])
    learned = [x, *layer.parameters()]

    @compiled
    def attend(x):
        return layer(x, x, x, need_weights=True, average_attn_weights=False)

    def forward_and_backward(_):
        y, scores = attend(x)
        return y, scores, *torch.autograd.grad(y, learned, dy)

    return Steps(forward_and_backward, number=lambda r: sum_of_squares(*(tensor.detach() for tensor in r)))


def adds(data):
    start, addend = (torch.from_numpy(data[name].copy()).requires_grad_() for name in ("start", "step"))

    def chain(_):
        x = start
        for _ in range(1000):
            x = x + addend
        total = x.sum()
        return total, *torch.autograd.grad(total, (start, addend))

    return Steps(chain, number=lambda r: sum_of_squares(*(tensor.detach() for tensor in r)))


def start(data):
    torch._dynamo.reset()
    match options.kind:
        case "mha":
            return heads(data)
        case "step":
            return step(Documented(data), data)
        case "epoch":
            return epoch(data)
        case "mlp":
            return step(MLP(data), data)
        case "additive":
            return additive(data)
        case "dot":
            return dot(data)
        case "adam":
            return dense_adam(data)
        case "adds":
            return adds(data)
        case "gru" | "lstm":
            return recurrent(options.kind, data)
    return kernel(options.kind, data)


serve(start, options, f"torch {torch.__version__}")
