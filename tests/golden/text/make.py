"""Writes text_vectorization.json and pad_sequences.json: what Keras makes of texts and sequences.

Run with Keras 3.15.1 on TensorFlow 2.21.0: python make.py
"""
import json
import random

import keras

random.seed(15)
syllables = ["ka", "Lo", "mi", "RE", "tu", "ñe", "ß", "É", "İ", "日", "本", "x", "don't", "e-mail", "3.14", "😀"]
blanks = [" ", "  ", "\t", "\n", "\r\n", "\v", "\f", "\u00a0", "\u2003", ", ", "! ", " - "]


def word():
    return "".join(random.choices(syllables, k=random.randint(1, 2)))


words = [word() for _ in range(24)]


def text(longest):
    return "".join(random.choice(words) + random.choice(blanks) for _ in range(random.randint(0, longest)))


sentences = [
    "The cat sat on the mat; the DOG (a big one) didn't!",
    "A cat, a dog... and a_mouse & the e-mail: foo@bar.org?",
    "",
    "   ",
    "Tabs\tand\nlines\r\nand\vother\fblanks",
    "`~!@#$%^&*()-_=+[{]}\\|;:'\",<.>/?",
    "\u00c9t\u00e9 \u0130stanbul STRASSE stra\u00dfe \u201cquoted\u201d no\u00a0break \u2014 dash",
    "\u65e5\u672c\u8a9e \u65e5\u672c\u8a9e [UNK] unk",
    "nul\x00inside del\x7f end",
] + [text(12) for _ in range(40)]
unseen = ["the unknown cat", "", "DOG dog Dog [UNK]", "zzz \u65e5\u672c\u8a9e"] + [text(6) for _ in range(10)]
vocabulary = ["the", "cat", "dog", "\u00c9t\u00e9", "a b"]

configs = [
    {},
    {"max_tokens": 10},
    {"max_tokens": 3},
    {"output_sequence_length": 4},
    {"output_sequence_length": 40},
    {"standardize": "lower"},
    {"standardize": "strip_punctuation"},
    {"standardize": None},
    {"split": "character"},
    {"split": "character", "standardize": None, "ngrams": 2, "max_tokens": 30},
    {"split": None, "standardize": "lower"},
    {"ngrams": 2},
    {"ngrams": 3, "output_sequence_length": 9},
    {"ngrams": [2]},
    {"ngrams": [3, 1], "max_tokens": 25},
    {"output_mode": "multi_hot"},
    {"output_mode": "multi_hot", "max_tokens": 12, "ngrams": 2},
    {"output_mode": "multi_hot", "max_tokens": 150, "pad_to_max_tokens": True},
    {"output_mode": "count", "max_tokens": 20},
    {"output_mode": "count", "split": None},
    {"output_mode": "count", "split": "character"},
    {"output_mode": "tf_idf"},
    {"output_mode": "tf_idf", "max_tokens": 15, "ngrams": [1, 2]},
    {"output_mode": "tf_idf", "max_tokens": 150, "pad_to_max_tokens": True},
    {"vocabulary": vocabulary},
    {"vocabulary": ["", "[UNK]"] + vocabulary, "ngrams": 2},
    {"vocabulary": vocabulary, "output_mode": "count"},
    {"vocabulary": ["[UNK]"] + vocabulary, "output_mode": "multi_hot"},
    {"vocabulary": vocabulary, "output_mode": "tf_idf", "idf_weights": [0.5, 1.5, 2.0, 0.25, 3.0]},
    {"vocabulary": ["[UNK]"] + vocabulary, "output_mode": "tf_idf", "idf_weights": [0.125, 0.5, 1.5, 2.0, 0.25, 3.0],
     "max_tokens": 9, "pad_to_max_tokens": True},
]


def case(config):
    arguments = {k: tuple(v) if k == "ngrams" and isinstance(v, list) else v for k, v in config.items()}
    layer = keras.layers.TextVectorization(**arguments)
    if "vocabulary" not in config:
        # Without a split, texts of rank 1 would be one row of tokens.
        layer.adapt(sentences)
    called = sentences + unseen
    result = layer([[t] for t in called])
    result = keras.ops.convert_to_numpy(result)
    # NumPy's arrays of bytes, through which the vocabulary goes, drop NULs at the end of a token.
    vocabulary = [token if token or i == 0 else "\0" for i, token in enumerate(layer.get_vocabulary())]
    return {"config": config, "vocabulary": vocabulary, "shape": list(result.shape),
            "values": [round(float(v), 9) if result.dtype.kind == "f" else int(v) for v in result.reshape(-1)]}


def padded(lengths, **options):
    sequences = [[random.randint(1, 9) for _ in range(length)] for length in lengths]
    result = keras.utils.pad_sequences(sequences, **options)
    return {"sequences": sequences, "options": options, "shape": list(result.shape), "values": [int(v) for v in result.reshape(-1)]}


with open("text_vectorization.json", "w") as file:
    json.dump({"adapted": sentences, "called": sentences + unseen, "cases": [case(c) for c in configs]}, file, separators=(",", ":"))
with open("pad_sequences.json", "w") as file:
    cases = [padded([3, 0, 5, 1], **o) for o in ({}, {"padding": "post"})]
    cases += [padded([3, 0, 7, 4, 5], maxlen=4, padding=p, truncating=t, value=v)
              for p in ("pre", "post") for t in ("pre", "post") for v in (0, -1)]
    cases += [padded([2, 1], maxlen=6)]
    json.dump(cases, file, separators=(",", ":"))
