"""What Keras' EarlyStopping and ReduceLROnPlateau do with random values, called epoch by epoch.

    python make.py > keras_callbacks.json

Keras 3.15.1 on TensorFlow 2.21.0 (CPU). All numbers are exact in binary.
"""
import json
import os
import random

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np

RUNS, EPOCHS = 60, 14


def drawn_values():
    value, values = 1.0, []
    for _ in range(EPOCHS):
        value += random.choice([-0.25, -0.125, 0, 0.125, 0.25, 0.0625, -0.0625])
        values.append(value)
    return values


class Weights:
    """A model whose weight is the number of the epoch."""

    stop_training = False

    def __init__(self):
        self.weights = [np.zeros(1)]

    def get_weights(self):
        return [weight.copy() for weight in self.weights]

    def set_weights(self, weights):
        self.weights = [weight.copy() for weight in weights]


def early_stopping():
    options = dict(
        mode=random.choice(["min", "max"]),
        min_delta=random.choice([0, 0, 0.0625, 0.125, 0.25]),
        patience=random.randint(0, 4),
        baseline=random.choice([None, None, 1.0, 0.75, 1.25]),
        start_from_epoch=random.choice([0, 0, 1, 2, 4]),
    )
    values = drawn_values()
    callback = keras.callbacks.EarlyStopping(monitor="m", restore_best_weights=True, **options)
    model = Weights()
    callback.set_model(model)
    callback.on_train_begin()
    stopped = -1
    for epoch, value in enumerate(values):
        model.weights = [np.array([float(epoch)])]
        callback.on_epoch_end(epoch, {"m": value})
        if model.stop_training:
            stopped = epoch
            break
    callback.on_train_end()
    return dict(options, values=values, stopped=stopped, restored=int(model.weights[0][0]))


def reduce_on_plateau():
    options = dict(
        mode=random.choice(["min", "max"]),
        min_delta=random.choice([0, 0.0625, 0.125]),
        patience=random.randint(0, 3),
        factor=random.choice([0.5, 0.25, 0.125]),
        cooldown=random.choice([0, 0, 1, 2, 3]),
        min_lr=random.choice([0, 0.0625, 0.25]),
    )
    values = drawn_values()
    callback = keras.callbacks.ReduceLROnPlateau(monitor="m", **options)
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    callback.set_model(model)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"m": value})
        rates.append(float(model.optimizer.learning_rate.numpy()))
    return dict(options, values=values, rates=rates)


random.seed(15)
runs = {
    "EarlyStopping": [early_stopping() for _ in range(RUNS)],
    "ReduceLROnPlateau": [reduce_on_plateau() for _ in range(RUNS)],
}
lines = ["%s: [\n%s\n]" % (json.dumps(name), ",\n".join(json.dumps(run) for run in each)) for name, each in runs.items()]
print("{" + ",\n".join(lines) + "}")
