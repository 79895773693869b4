"""Handlers of nolearn: early stopping with the best weights, a log as CSV; labels by LabelEncoder."""
import csv, sys
import numpy as np
from lasagne import layers
from lasagne.nonlinearities import softmax
from nolearn.lasagne import NeuralNet, TrainSplit
from sklearn.preprocessing import LabelEncoder
from shapes_data import make


class EarlyStopping(object):
    def __init__(self, patience=100):
        self.patience = patience
        self.best_valid = np.inf
        self.best_valid_epoch = 0
        self.best_weights = None

    def __call__(self, nn, train_history):
        current_valid = train_history[-1]['valid_loss']
        current_epoch = train_history[-1]['epoch']
        if current_valid < self.best_valid:
            self.best_valid = current_valid
            self.best_valid_epoch = current_epoch
            self.best_weights = nn.get_all_params_values()
        elif self.best_valid_epoch + self.patience < current_epoch:
            print 'Early stopping.'
            nn.load_params_from(self.best_weights)
            raise StopIteration()


class Log(object):
    def __init__(self, name):
        self.writer = csv.writer(open(name, 'wb'))
        self.best = None

    def __call__(self, nn, train_history):
        info = train_history[-1]
        if self.best < info['valid_accuracy']:      # None at first
            self.best = info['valid_accuracy']
        self.writer.writerow([info['epoch'], '%.4f' % info['valid_loss']])


np.random.seed(4)
X, y = make(500)
names = np.array(['zero', 'one', 'two', 'three'])[y]
encoder = LabelEncoder()
log = Log(sys.argv[1])
stop = EarlyStopping(patience=8)
net = NeuralNet(
    layers=[(layers.InputLayer, {'shape': (None, 64)}),
            (layers.DenseLayer, {'num_units': 64 / 2}),
            (layers.DropoutLayer, {'p': .3}),
            (layers.DenseLayer, {'num_units': 4, 'nonlinearity': softmax})],
    update_learning_rate=.1, max_epochs=400, train_split=TrainSplit(eval_size=.25),
    on_epoch_finished=[log, stop], verbose=0)
net.fit(X.astype(np.float32), encoder.fit_transform(names).astype(np.int32))
del log.writer
rows = list(csv.reader(open(sys.argv[1], 'rb')))
print 'stopped', len(net.train_history_) < 400, len(rows) == len(net.train_history_)
print 'best', log.best > .8, encoder.inverse_transform(net.predict(X[:1].astype(np.float32)))[0] in names
print 'result', stop.best_valid
