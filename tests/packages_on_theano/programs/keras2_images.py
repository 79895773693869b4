"""Keras 2: a convolutional net learns in which quarter of an image the light is."""

import os
import sys
import tempfile

import numpy as np
from keras import backend as K
from keras.callbacks import CSVLogger, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from keras.layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    MaxPooling2D,
    SeparableConv2D,
    UpSampling2D,
    add,
    concatenate,
    multiply,
)
from keras.models import Model, Sequential, load_model, model_from_json, model_from_yaml
from keras.optimizers import SGD
from keras.preprocessing.image import ImageDataGenerator
from keras.utils import to_categorical

layout = sys.argv[1]
K.set_image_data_format(layout)
axis = 1 if layout == "channels_first" else -1
np.random.seed(7)
rng = np.random.RandomState(3)


def data(n):
    quarter = rng.randint(0, 4, n)
    images = rng.rand(n, 16, 16).astype("float32")
    for image, one in zip(images, quarter, strict=True):
        row, column = divmod(one, 2)
        image[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8] += 0.5
    return np.expand_dims(images, axis), to_categorical(quarter, 4)


x, y = data(512)
test = data(128)
shape = x.shape[1:]

net = Sequential()
net.add(Conv2D(16, (3, 3), padding="same", activation="relu", input_shape=shape))
net.add(MaxPooling2D((2, 2)))
net.add(Conv2D(16, (3, 3), activation="relu"))
net.add(Conv2D(8, (3, 3), activation="relu"))
net.add(AveragePooling2D((2, 2)))
net.add(Flatten())
net.add(Dense(32, activation="relu"))
net.add(Dense(4, activation="softmax"))
sgd = SGD(lr=0.05, decay=1e-6, momentum=0.9, nesterov=True)
net.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
os.chdir(tempfile.mkdtemp())
callbacks = [
    ModelCheckpoint("best.h5", save_best_only=True),
    EarlyStopping(patience=3),
    ReduceLROnPlateau(),
    CSVLogger("log.csv"),
]
fitted = net.fit(x, y, 32, 3, validation_data=test, callbacks=callbacks, verbose=0, shuffle=False)
print("losses", *fitted.history["loss"], *fitted.history["val_loss"])
assert fitted.history["val_accuracy"][-1] > 0.95, fitted.history

# What is stored and loaded predicts the same, the optimizer's state included.
expected = net.predict(test[0])
net.save("net.h5")
again = load_model("net.h5")
assert np.array_equal(again.predict(test[0]), expected)
net.save_weights("weights.h5")
for copy in model_from_json(net.to_json()), model_from_yaml(net.to_yaml()):
    copy.load_weights("weights.h5")
    assert np.array_equal(copy.predict(test[0]), expected)
load_model("best.h5")
# But for rounding: BLAS sums by how arrays lie in memory. Keras 2.3 counts the accuracy on from
# what it was validated with.
net.reset_metrics()
ours, theirs = (n.train_on_batch(x[:32], y[:32]) for n in (net, again))
assert np.allclose(ours, theirs, rtol=1e-5), (ours, theirs)

if layout == "channels_last":
    images = ImageDataGenerator(rotation_range=5, width_shift_range=0.1, featurewise_center=True)
    images.fit(x)
    flow = images.flow(x, y, batch_size=32)
    again.fit_generator(flow, steps_per_epoch=4, epochs=1, validation_data=test, verbose=0)

# The functional interface: branches, dropout, batch normalization, two outputs. A seed again: the
# generator's thread has drawn as many random numbers ahead as it had time for.
np.random.seed(8)
given = Input(shape)
first = Conv2D(8, 3, padding="same", strides=2, activation="relu")(given)
second = SeparableConv2D(8, 3, padding="same")(first)
third = Conv2DTranspose(8, 3, padding="same")(first)
both = BatchNormalization(axis=axis)(concatenate([add([second, third]), first], axis=axis))
scaled = Dropout(0.2)(UpSampling2D(2)(both))
pooled = concatenate([GlobalAveragePooling2D()(scaled), Flatten()(multiply([second, third]))])
quarter = Dense(4, activation="softmax", name="quarter")(pooled)
upper = Dense(1, activation="sigmoid", name="upper")(pooled)
model = Model(given, [quarter, upper])
losses = {"quarter": "categorical_crossentropy", "upper": "binary_crossentropy"}
model.compile("adam", losses, loss_weights=[1.0, 0.5], metrics=["accuracy"])
history = model.fit(x, [y, y[:, :2].sum(1)], epochs=8, verbose=0).history
assert history["quarter_accuracy"][-1] > 0.8, history
assert history["upper_accuracy"][-1] > 0.8, history
print("done")
