"""An LSTM and a GRU by scan: which of two marks came first in a sequence."""
import sys
from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T

floatX = theano.config.floatX


def sequences(n, length, rng):
    x = np.zeros((length, n, 3), floatX)
    y = np.zeros(n, 'int32')
    for i in xrange(n):
        a, b = sorted(rng.permutation(length)[:2])
        y[i] = rng.randint(2)
        x[:, i, 0] = 1
        x[a, i, 1 + y[i]] = 1
        x[b, i, 2 - y[i]] = 1
    return x, y


class Net(object):
    def __init__(self, kind, n_in, n, rng):
        self.kind, self.n = kind, n
        gates = {'lstm': 4, 'gru': 3}[kind]
        self.tparams = OrderedDict()
        for name, shape in [('W', (n_in, gates * n)), ('U', (n, gates * n)), ('V', (n, 2))]:
            self.tparams[name] = theano.shared((rng.randn(*shape) * .2).astype(floatX), name=name)
        self.tparams['b'] = theano.shared(np.zeros(gates * n, floatX), name='b')
        self.tparams['c'] = theano.shared(np.zeros(2, floatX), name='c')

    def _slice(self, _x, k):
        return _x[:, k * self.n:(k + 1) * self.n]

    def lstm(self, x_t, h, c):
        z = x_t + T.dot(h, self.tparams['U'])
        i, f, o = [T.nnet.sigmoid(self._slice(z, k)) for k in range(3)]
        c = f * c + i * T.tanh(self._slice(z, 3))
        return o * T.tanh(c), c

    def gru(self, x_t, h):
        U = self.tparams['U']
        both = T.nnet.sigmoid(x_t[:, :2 * self.n] + T.dot(h, U[:, :2 * self.n]))
        r, u = self._slice(both, 0), self._slice(both, 1)
        new = T.tanh(self._slice(x_t, 2) + T.dot(r * h, U[:, 2 * self.n:]))
        return u * h + (1 - u) * new

    def output(self, x):
        z = T.dot(x, self.tparams['W']) + self.tparams['b']
        zero = T.alloc(np.asarray(0., floatX), x.shape[1], self.n)
        if self.kind == 'lstm':
            (h, _), _ = theano.scan(self.lstm, sequences=z, outputs_info=[zero, zero])
        else:
            h, _ = theano.scan(self.gru, sequences=[z], outputs_info=[zero], truncate_gradient=-1)
        return T.nnet.softmax(T.dot(h[-1], self.tparams['V']) + self.tparams['c'])


def adadelta(params, grads, rho=.95, eps=1e-6):
    updates = []
    for k, p in params.iteritems():
        g2 = theano.shared(p.get_value() * np.asarray(0., floatX))
        d2 = theano.shared(p.get_value() * np.asarray(0., floatX))
        g = grads[k]
        new_g2 = rho * g2 + (1 - rho) * g ** 2
        d = -T.sqrt(d2 + eps) / T.sqrt(new_g2 + eps) * g
        updates += [(g2, new_g2), (d2, rho * d2 + (1 - rho) * d ** 2), (p, p + d)]
    return updates


for kind in sys.argv[1:] or ['lstm', 'gru']:
    rng = np.random.RandomState(7)
    net = Net(kind, 3, 12, rng)
    x, y = T.tensor3(), T.ivector()
    p = net.output(x)
    cost = -T.log(p[T.arange(y.shape[0]), y] + 1e-8).mean()
    grads = dict(zip(net.tparams.keys(), T.grad(cost, wrt=net.tparams.values())))
    train = theano.function([x, y], cost, updates=adadelta(net.tparams, grads))
    test = theano.function([x, y], T.neq(p.argmax(1), y).mean())
    for step in range(150):
        train(*sequences(40, 8, rng))
    print kind, 'result %f' % test(*sequences(200, 8, rng))
