"""A variational autoencoder in plain Theano, Adam by hand, MRG's random numbers."""
import numpy as np
import theano
import theano.tensor as T
from theano.sandbox.rng_mrg import MRG_RandomStreams as RandomStreams
from collections import OrderedDict
from shapes_data import make

floatX = theano.config.floatX
rng = np.random.RandomState(0)
init = lambda *shape: theano.shared((.1 * rng.randn(*shape)).astype(floatX))
zeros = lambda n: theano.shared(np.zeros(n, floatX))
n_in, n_h, n_z = 64, 64, 64 / 12
params = OrderedDict([('W1', init(n_in, n_h)), ('b1', zeros(n_h)), ('Wm', init(n_h, n_z)), ('bm', zeros(n_z)),
                      ('Ws', init(n_h, n_z)), ('bs', zeros(n_z)), ('W2', init(n_z, n_h)), ('b2', zeros(n_h)),
                      ('W3', init(n_h, n_in)), ('b3', zeros(n_in))])
p = lambda name: params[name]
x = T.matrix()
h = T.nnet.softplus(T.dot(x, p('W1')) + p('b1'))
mu, log_sigma = T.dot(h, p('Wm')) + p('bm'), (T.dot(h, p('Ws')) + p('bs')) / 2
eps = RandomStreams(11).normal(mu.shape, dtype=floatX)
z = mu + T.exp(log_sigma) * eps
h2 = T.nnet.softplus(T.dot(z, p('W2')) + p('b2'))
logits = T.dot(h2, p('W3')) + p('b3')
kl = -.5 * T.sum(1 + 2 * log_sigma - mu ** 2 - T.exp(2 * log_sigma), axis=1)
rec = T.nnet.binary_crossentropy(T.nnet.sigmoid(logits), x).sum(axis=1)
cost = T.mean(rec + kl)
updates, t = OrderedDict(), theano.shared(np.asarray(0., floatX))
for name, q in params.items():
    g = T.grad(cost, q)
    m, v = theano.shared(q.get_value() * 0), theano.shared(q.get_value() * 0)
    new_m, new_v = .9 * m + .1 * g, .999 * v + .001 * T.sqr(g)
    fixed = T.sqrt(1 - .999 ** (t + 1)) / (1 - .9 ** (t + 1))
    updates[m], updates[v] = new_m, new_v
    updates[q] = T.cast(q - .003 * fixed * new_m / (T.sqrt(new_v) + 1e-8), floatX)
updates[t] = t + 1
train = theano.function([x], [cost, rec.mean(), kl.mean()], updates=updates)
X = (make(400)[0] > .5).astype(floatX)
for epoch in xrange(120):
    order = rng.permutation(len(X))
    values = [train(X[order[i * 40:(i + 1) * 40]]) for i in range(len(X) / 40)]
    if epoch == 0: first = np.mean(values, 0)[0]
last = np.mean(values, 0)
print 'first %.1f last %.1f rec %.1f kl %.1f' % ((first,) + tuple(last))
print 'result', last[0] / first
