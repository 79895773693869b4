"""Softmax regression with minibatches cut from shared variables, and early stopping by patience."""
__docformat__ = 'restructedtext en'

import cPickle
import os
import sys
import time

import numpy
import theano
import theano.tensor as T

from shapes_data import load, shared_dataset


class LogisticRegression(object):
    def __init__(self, input, n_in, n_out):
        self.W = theano.shared(value=numpy.zeros((n_in, n_out), dtype=theano.config.floatX),
                               name='W', borrow=True)
        self.b = theano.shared(value=numpy.zeros((n_out,), dtype=theano.config.floatX),
                               name='b', borrow=True)
        self.p_y_given_x = T.nnet.softmax(T.dot(input, self.W) + self.b)
        self.y_pred = T.argmax(self.p_y_given_x, axis=1)
        self.params = [self.W, self.b]
        self.input = input

    def negative_log_likelihood(self, y):
        return -T.mean(T.log(self.p_y_given_x)[T.arange(y.shape[0]), y])

    def errors(self, y):
        if y.ndim != self.y_pred.ndim:
            raise TypeError, ('y should have the same shape', y.type)
        if y.dtype.startswith('int'):
            return T.mean(T.neq(self.y_pred, y))
        raise NotImplementedError()


def sgd_optimization(path, learning_rate=0.5, n_epochs=60, batch_size=20):
    datasets = load(path)
    (train_x, train_y), (valid_x, valid_y), (test_x, test_y) = map(shared_dataset, datasets)
    n_train_batches = train_x.get_value(borrow=True).shape[0] / batch_size
    n_valid_batches = valid_x.get_value(borrow=True).shape[0] / batch_size
    n_test_batches = test_x.get_value(borrow=True).shape[0] / batch_size
    print 'batches', n_train_batches, n_valid_batches, n_test_batches

    index = T.lscalar()
    x = T.matrix('x')
    y = T.ivector('y')
    classifier = LogisticRegression(x, 36, 4)
    cost = classifier.negative_log_likelihood(y)
    cut = lambda (data, labels): {
        x: data[index * batch_size: (index + 1) * batch_size],
        y: labels[index * batch_size: (index + 1) * batch_size]}
    test_model = theano.function([index], classifier.errors(y), givens=cut((test_x, test_y)))
    validate_model = theano.function([index], classifier.errors(y), givens=cut((valid_x, valid_y)))
    updates = [(p, p - learning_rate * T.grad(cost, p)) for p in classifier.params]
    train_model = theano.function([index], cost, updates=updates, givens=cut((train_x, train_y)))

    patience, improvement = 400, 0.995
    frequency = min(n_train_batches, patience / 2)
    best, test_score = numpy.inf, None
    start_time = time.clock()
    done_looping, epoch = False, 0
    while (epoch < n_epochs) and (not done_looping):
        epoch = epoch + 1
        for minibatch in xrange(n_train_batches):
            train_model(minibatch)
            iteration = (epoch - 1) * n_train_batches + minibatch
            if (iteration + 1) % frequency == 0:
                score = numpy.mean([validate_model(i) for i in xrange(n_valid_batches)])
                if score < best:
                    if score < best * improvement:
                        patience = max(patience, iteration * 2)
                    best = score
                    test_score = numpy.mean([test_model(i) for i in xrange(n_test_batches)])
                    with open(os.path.join(os.path.dirname(path), 'best_model.pkl'), 'w') as f:
                        cPickle.dump([p.get_value() for p in classifier.params], f)
            if patience <= iteration:
                done_looping = True
                break
    print >>sys.stderr, 'ran for %.1fs' % ((time.clock() - start_time))
    print 'result %f' % test_score
    weights = cPickle.load(open(os.path.join(os.path.dirname(path), 'best_model.pkl')))
    print 'saved', map(lambda w: w.shape, weights)


if __name__ == '__main__':
    sgd_optimization(sys.argv[1])
