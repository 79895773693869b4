"""An update rule of one's own for nolearn: momentum with gradients cut by their norm."""
import numpy as np
import theano
import theano.tensor as T
from collections import OrderedDict
from lasagne import layers
from lasagne.updates import get_or_compute_grads
from nolearn.lasagne import NeuralNet
from shapes_data import make


def clipped_momentum(loss_or_grads, params, learning_rate, momentum=.9, limit=1):
    grads = get_or_compute_grads(loss_or_grads, params)
    norm = T.sqrt(sum(map(lambda g: (g ** 2).sum(), grads)))
    scale = T.minimum(1, limit / (norm + 1e-7))
    updates = OrderedDict()
    for param, grad in zip(params, grads):
        value = param.get_value(borrow=True)
        velocity = theano.shared(np.zeros(value.shape, dtype=value.dtype), broadcastable=param.broadcastable)
        new = momentum * velocity - learning_rate * scale * grad
        updates[velocity], updates[param] = new, param + new
    return updates


np.random.seed(4)
X, y = make(500)
net = NeuralNet(
    layers=[('input', layers.InputLayer), ('hidden', layers.DenseLayer), ('output', layers.DenseLayer)],
    input_shape=(None, 64), hidden_num_units=100 / 3, output_num_units=4,
    output_nonlinearity=__import__('lasagne').nonlinearities.softmax,
    update=clipped_momentum, update_learning_rate=.05, update_momentum=.9, update_limit=2,
    max_epochs=25, verbose=0)
net.fit(X.astype(np.float32), y.astype(np.int32))
print 'units', net.hidden_num_units, 'epochs', len(net.train_history_)
print 'result', 1 - net.train_history_[-1]['valid_accuracy']
