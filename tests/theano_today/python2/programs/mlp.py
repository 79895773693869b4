# One hidden layer, momentum, L1 and L2; parameters in a dict, tabs, no type of float named.
import sys, random
import numpy as np
import theano
import theano.tensor as T
import shapes_data_64 as data

class Layer:
	def __init__(self, rng, n_in, n_out, activation=None):
		bound = np.sqrt(6. / (n_in + n_out))
		self.W = theano.shared(rng.uniform(-bound, bound, (n_in, n_out)))
		self.b = theano.shared(np.zeros(n_out))
		self.activation = activation
	def __call__(self, x):
		z = T.dot(x, self.W) + self.b
		return z if self.activation is None else self.activation(z)

X, y = data.make(600)
n = len(X)
n_train = n * 3 / 4
hidden = 64 / 2
rng = np.random.RandomState(3)
layers = [Layer(rng, 64, hidden, T.tanh), Layer(rng, hidden, 4, T.nnet.softmax)]
x, t = T.matrix('x'), T.lvector('t')
p = reduce(lambda value, layer: layer(value), layers, x)
params = [q for layer in layers for q in (layer.W, layer.b)]
cost = T.nnet.categorical_crossentropy(p, t).mean()
cost += 1e-4 * sum([(q ** 2).sum() for q in params]) + 1e-5 * sum([abs(q).sum() for q in params])
updates = []
for q, g in zip(params, T.grad(cost, params)):
	v = theano.shared(q.get_value() * 0.)
	updates += [(v, .9 * v - .1 * g), (q, q + .9 * v - .1 * g)]
train = theano.function([x, t], cost, updates=updates)
predict = theano.function([x], p.argmax(axis=1))
random.seed(0)
size = 30
for epoch in range(40):
	order = range(n_train)
	random.shuffle(order)
	costs = []
	for i in range(n_train / size):
		rows = order[i * size:(i + 1) * size]
		costs.append(train(X[rows], y[rows]))
	if epoch % 10 == 0:
		print 'epoch', epoch, 'cost %.4f' % np.mean(costs)
wrong = np.mean(predict(X[n_train:]) <> y[n_train:])
print x.dtype, layers[0].W.dtype
print 'result', wrong
