"""Keras 1: a convolutional net, an LSTM and merged branches, as its examples had them."""

import os
import sys
import tempfile

import numpy as np
from keras import backend as K
from keras.callbacks import ModelCheckpoint
from keras.layers import Input, merge
from keras.layers.convolutional import Convolution2D, MaxPooling2D
from keras.layers.core import Activation, Dense, Dropout, Flatten
from keras.layers.embeddings import Embedding
from keras.layers.normalization import BatchNormalization
from keras.layers.recurrent import LSTM
from keras.models import Model, Sequential, load_model, model_from_json, model_from_yaml
from keras.optimizers import SGD
from keras.utils import np_utils

order = sys.argv[1]
K.set_image_dim_ordering(order)
np.random.seed(7)
rng = np.random.RandomState(3)
quarter = rng.randint(0, 4, 512)
x = rng.rand(512, 16, 16).astype("float32")
for image, one in zip(x, quarter, strict=True):
    image[one // 2 * 8 : one // 2 * 8 + 8, one % 2 * 8 : one % 2 * 8 + 8] += 0.5
x = np.expand_dims(x, 1 if order == "th" else -1)
y = np_utils.to_categorical(quarter, 4)

net = Sequential()
net.add(Convolution2D(16, 3, 3, border_mode="same", input_shape=x.shape[1:]))
net.add(Activation("relu"))
net.add(Convolution2D(16, 3, 3, activation="relu"))
net.add(MaxPooling2D(pool_size=(2, 2)))
net.add(Flatten())
net.add(Dense(32))
net.add(Activation("relu"))
net.add(Dense(4))
net.add(Activation("softmax"))
sgd = SGD(lr=0.02, decay=1e-6, momentum=0.9, nesterov=True)
net.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
os.chdir(tempfile.mkdtemp())
stored = [ModelCheckpoint("best.h5", save_best_only=True)]
fitted = net.fit(
    x[:384], y[:384], 32, 3, 0, stored, validation_data=(x[384:], y[384:]), shuffle=False
)
print("losses", *fitted.history["loss"], *fitted.history["val_loss"])
assert fitted.history["val_acc"][-1] > 0.95, fitted.history
net.save("net.h5")
assert np.array_equal(load_model("net.h5").predict(x), net.predict(x))
for copy in model_from_json(net.to_json()), model_from_yaml(net.to_yaml()):
    copy.load_weights("net.h5")
    assert np.array_equal(copy.predict(x), net.predict(x))
copy.load_weights("best.h5")

if order == "th":
    # Dropout and batch normalization: theano.ifelse, where they are trained.
    net = Sequential()
    net.add(Flatten(input_shape=x.shape[1:]))
    net.add(Dense(32))
    net.add(BatchNormalization())
    net.add(Activation("relu"))
    net.add(Dropout(0.2))
    net.add(Dense(4, activation="softmax"))
    net.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    assert net.fit(x, y, nb_epoch=6, verbose=0).history["acc"][-1] > 0.8

    words = rng.randint(2, 50, (256, 8))
    few = (np.mean(words < 26, axis=1) > 0.5).astype(int)
    given, more = Input(shape=(8,)), Input(shape=(3,))
    read = LSTM(16)(Embedding(50, 16)(given))
    both = merge([read, Dense(16)(more)], mode="concat")
    model = Model(input=[given, more], output=Dense(1, activation="sigmoid")(both))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    fitted = model.fit([words, rng.rand(256, 3)], few, 16, 8, verbose=0, shuffle=False)
    print("losses", *fitted.history["loss"])
    assert fitted.history["acc"][-1] > 0.85, fitted.history
print("done")
