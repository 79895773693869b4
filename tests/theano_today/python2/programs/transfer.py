"""The weights of a net go to another by pickles, in Lasagne; the first layers stay as they are."""
import cPickle as pickle
import sys
import numpy as np
import theano, theano.tensor as T
import lasagne
from lasagne import layers
from shapes_data import make

reload(sys)
sys.setdefaultencoding('utf-8')
lasagne.random.set_rng(np.random.RandomState(2))


def build(x, n_out):
    l = layers.InputLayer((None, 64), x)
    l = layers.DenseLayer(l, 48, name='body')
    return layers.DenseLayer(l, n_out, nonlinearity=lasagne.nonlinearities.softmax, name='head')


def train(l, x, X, y, params, epochs):
    t = T.ivector()
    cost = lasagne.objectives.categorical_crossentropy(layers.get_output(l), t).mean()
    step = theano.function([x, t], cost, updates=lasagne.updates.nesterov_momentum(cost, params, .1, .9))
    for epoch in xrange(epochs):
        for i in xrange(0, len(X), 25):
            step(X[i:i + 25], y[i:i + 25])
    return theano.function([x], layers.get_output(l).argmax(1))


X, y = make(400)
X, y = X.astype('float32'), y.astype('int32')
x = T.matrix()
first = build(x, 4)
train(first, x, X[:300], y[:300], layers.get_all_params(first), 15)
with open(sys.argv[1], 'w') as f:
    pickle.dump(dict((p.name, p.get_value()) for p in layers.get_all_params(first)), f)

# Even or odd, from thirty images.
x2 = T.matrix()
second = build(x2, 2)
saved = pickle.load(file(sys.argv[1], 'r'))
for p in layers.get_all_params(second):
    if p.name.startswith('body'):
        p.set_value(saved[p.name])
body = second.input_layer.W.get_value()
predict = train(second, x2, X[:30], y[:30] % 2, second.get_params(), 40)
print 'kept', (second.input_layer.W.get_value() == body).all(), sorted(saved.keys())
print 'result', np.mean(predict(X[300:]) != y[300:] % 2)
