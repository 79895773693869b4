# file kfkd.py, in its own words: mirror images by a batch iterator, a learning rate that falls
import os, sys
from datetime import datetime
import cPickle as pickle
import numpy as np
import theano
from lasagne import layers
from lasagne.updates import nesterov_momentum
from nolearn.lasagne import NeuralNet, BatchIterator

sys.setrecursionlimit(10000)
np.random.seed(42)

def float32(k):
    return np.cast['float32'](k)

class FlipBatchIterator(BatchIterator):
    flip_indices = [(0, 2), (1, 3)]

    def transform(self, Xb, yb):
        Xb, yb = super(FlipBatchIterator, self).transform(Xb, yb)
        bs = Xb.shape[0]
        indices = np.random.choice(bs, bs / 2, replace=False)
        Xb[indices] = Xb[indices, :, :, ::-1]
        if yb is not None:
            yb[indices, ::2] = yb[indices, ::2] * -1
            for a, b in self.flip_indices:
                yb[indices, a], yb[indices, b] = (yb[indices, b], yb[indices, a])
        return Xb, yb

class AdjustVariable(object):
    def __init__(self, name, start=0.03, stop=0.001):
        self.name = name
        self.start, self.stop = start, stop
        self.ls = None
    def __call__(self, nn, train_history):
        if self.ls is None:
            self.ls = np.linspace(self.start, self.stop, nn.max_epochs)
        epoch = train_history[-1]['epoch']
        getattr(nn, self.name).set_value(float32(self.ls[epoch - 1]))

def spots(n):
    """Two bright spots, left and right; where they are."""
    X, y = np.zeros((n, 1, 12, 12), np.float32), np.zeros((n, 4), np.float32)
    for i in xrange(n):
        (a, b), (c, d) = [(np.random.randint(1, 5), np.random.randint(1, 11)), (np.random.randint(7, 11), np.random.randint(1, 11))]
        X[i, 0, b, a] = X[i, 0, d, c] = 1
        y[i] = [(v - 5.5) / 5.5 for v in (a, b, c, d)]
    return X, y

net = NeuralNet(
    layers=[
        ('input', layers.InputLayer),
        ('conv1', layers.Conv2DLayer),
        ('pool1', layers.MaxPool2DLayer),
        ('hidden', layers.DenseLayer),
        ('output', layers.DenseLayer),
        ],
    input_shape=(None, 1, 12, 12),
    conv1_num_filters=8, conv1_filter_size=(3, 3), pool1_pool_size=(2, 2),
    hidden_num_units=60,
    output_num_units=4, output_nonlinearity=None,
    update_learning_rate=theano.shared(float32(0.05)),
    update_momentum=theano.shared(float32(0.9)),
    regression=True,
    batch_iterator_train=FlipBatchIterator(batch_size=64),
    on_epoch_finished=[
        AdjustVariable('update_learning_rate', start=0.05, stop=0.005),
        AdjustVariable('update_momentum', start=0.9, stop=0.999),
        ],
    max_epochs=60,
    verbose=0,
    )
X, y = spots(600)
net.fit(X, y)
with open(sys.argv[1], 'wb') as f:
    pickle.dump(net, f, -1)
net = pickle.load(open(sys.argv[1]))
print 'rate %.3f' % net.update_learning_rate.get_value(), 'pickled', os.path.exists(sys.argv[1])
print 'result', np.sqrt(net.train_history_[-1]['valid_loss'])
