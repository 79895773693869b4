"""Keras 2: recurrent nets, and scikit-learn's searches, on sequences of words of two kinds."""

import os
import tempfile

import numpy as np
from keras.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    GlobalMaxPooling1D,
    MaxPooling1D,
    SimpleRNN,
    TimeDistributed,
)
from keras.models import Sequential, load_model
from keras.preprocessing.sequence import pad_sequences
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rng = np.random.RandomState(0)
words = [rng.randint(2, 50, rng.randint(4, 12)) for _ in range(400)]
y = np.array([int(np.mean(one < 26) > 0.5) for one in words])
X = pad_sequences(words, maxlen=12)


def trained(*layers, epochs=6):
    np.random.seed(2)
    net = Sequential([*layers, Dense(1, activation="sigmoid")])
    net.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = net.fit(X, y, batch_size=16, epochs=epochs, verbose=0, shuffle=False).history
    print("losses", *history["loss"])
    return net, history["accuracy"][-1]


for layer in (LSTM(16), GRU(16), SimpleRNN(16)):
    net, accuracy = trained(Embedding(50, 16, mask_zero=True), layer)
    assert accuracy > 0.85, (layer, accuracy)
os.chdir(tempfile.mkdtemp())
net.save("net.h5")
assert np.array_equal(load_model("net.h5").predict(X), net.predict(X))
_, accuracy = trained(
    Embedding(50, 8, input_length=12),
    Conv1D(16, 3, activation="relu", padding="causal"),
    MaxPooling1D(2),
    Bidirectional(GRU(8, return_sequences=True)),
    TimeDistributed(Dense(4)),
    GlobalMaxPooling1D(),
    epochs=12,
)
assert accuracy > 0.8, accuracy


def build(n=8):
    net = Sequential([Dense(n, input_dim=12, activation="relu"), Dense(1, activation="sigmoid")])
    net.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return net


classifier = KerasClassifier(build, epochs=2, verbose=0)
search = GridSearchCV(classifier, {"n": [4, 8]}, cv=2).fit(X, y)
assert search.best_params_["n"] in (4, 8)
assert make_pipeline(StandardScaler(), classifier).fit(X, y).predict(X).shape == (400, 1)
print("done")
