"""nolearn 0.6.1: small nets fitted by seed, the history of three epochs, predictions, pickles."""

import pickle

import lasagne
import numpy as np
from cases import Case, numbers
from lasagne import layers, nonlinearities, updates
from nolearn.lasagne import BatchIterator, NeuralNet, TrainSplit


def cases():
    for name, build in {
        "regression": regression,
        "classification": classification,
        "convolutional": convolutional,
        "dropout": dropout,
    }.items():
        yield Case(name, build, ulps=4096, whole=True, c="always")
    yield Case("TrainSplit", split, c=False)
    yield Case("BatchIterator", batches, c=False)


def fitted(net, X, y):
    np.random.seed(1)
    lasagne.random.set_rng(np.random)
    net.verbose = 0
    net.fit(X, y)
    history = [[row["train_loss"], row["valid_loss"]] for row in net.train_history_]
    again = pickle.loads(pickle.dumps(net))
    predicted = net.predict(X[:5])
    assert np.array_equal(again.predict(X[:5]), predicted)
    return [np.asarray(history, "float32"), np.asarray(predicted)]


def regression():
    net = NeuralNet(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 6),
        hidden_num_units=10,
        output_num_units=2,
        output_nonlinearity=None,
        update_learning_rate=0.01,
        update_momentum=0.9,
        regression=True,
        max_epochs=3,
    )
    X = numbers("float32", (50, 6), 1, -1, 1)
    return fitted(net, X, np.tanh(X[:, :2] * 2).astype("float32"))


def classification():
    net = NeuralNet(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 6),
        hidden_num_units=10,
        output_num_units=3,
        output_nonlinearity=nonlinearities.softmax,
        update=updates.adam,
        update_learning_rate=0.01,
        use_label_encoder=True,
        batch_iterator_train=BatchIterator(batch_size=16),
        max_epochs=3,
    )
    X = numbers("float32", (60, 6), 2, -1, 1)
    results = fitted(net, X, (X[:, 0] > 0).astype("int32") + (X[:, 1] > 0.5) * 300)
    return results + [net.predict_proba(X[:3]), net.score(X, net.predict(X))]


def convolutional():
    net = NeuralNet(
        layers=[
            ("input", layers.InputLayer),
            ("conv1", layers.Conv2DLayer),
            ("pool1", layers.MaxPool2DLayer),
            ("conv2", layers.Conv2DLayer),
            ("pool2", layers.MaxPool2DLayer),
            ("hidden", layers.DenseLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 1, 14, 14),
        conv1_num_filters=16,
        conv1_filter_size=(3, 3),
        pool1_pool_size=(2, 2),
        conv2_num_filters=16,
        conv2_filter_size=(2, 2),
        pool2_pool_size=(2, 2),
        hidden_num_units=20,
        output_num_units=4,
        output_nonlinearity=None,
        update_learning_rate=0.01,
        update_momentum=0.9,
        regression=True,
        max_epochs=3,
    )
    return fitted(
        net, numbers("float32", (40, 1, 14, 14), 3, 0, 1), numbers("float32", (40, 4), 4, -1, 1)
    )


def dropout():
    net = NeuralNet(
        layers=[
            ("input", layers.InputLayer),
            ("hidden", layers.DenseLayer),
            ("dropout", layers.DropoutLayer),
            ("output", layers.DenseLayer),
        ],
        input_shape=(None, 6),
        hidden_num_units=10,
        dropout_p=0.5,
        output_num_units=2,
        output_nonlinearity=None,
        update_learning_rate=0.01,
        update_momentum=0.9,
        regression=True,
        max_epochs=3,
    )
    X = numbers("float32", (50, 6), 5, -1, 1)
    return fitted(net, X, X[:, :2] * X[:, 2:4])


def split():
    y = np.array([0, 1, 2, 0, 1, 2, 0, 0, 0, 1])
    X = np.arange(20).reshape(10, 2)

    class Net:
        def __init__(self, regression):
            self.regression = regression

    return [part for regression in (True, False) for part in TrainSplit(0.3)(X, y, Net(regression))]


def batches():
    X, y = np.arange(10).reshape(5, 2), np.arange(5)
    return [part for batch in BatchIterator(batch_size=2)(X, y) for part in batch] + [
        batch[0] for batch in BatchIterator(batch_size=2)(X)
    ]
