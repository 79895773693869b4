"""A net for each group of columns of a table, cloned from one; missing values dropped by group."""
import cPickle as pickle
import os, sys
from collections import OrderedDict
import numpy as np
from pandas import DataFrame
from pandas.io.parsers import read_csv
from lasagne import layers
from nolearn.lasagne import NeuralNet
from sklearn.base import clone

FTRAIN = os.path.join(sys.argv[1], 'table.csv')
SETTINGS = [dict(columns=('left_x', 'left_y')), dict(columns=('right_x', 'right_y'))]


def write(n=500, seed=3):
    rng = np.random.RandomState(seed)
    f = open(FTRAIN, 'w')
    print >>f, 'left_x,left_y,right_x,right_y,Image'
    for i in range(n):
        image = rng.randint(0, 30, (6, 8))
        x, y, u, v = rng.randint(4), rng.randint(6), 4 + rng.randint(4), rng.randint(6)
        image[y, x] = image[v, u] = 255
        row = [str(k) if rng.rand() < .9 else '' for k in (x, y, u, v)]
        print >>f, ','.join(row + [' '.join(map(str, image.ravel()))])
    f.close()


def load(cols=None):
    df = read_csv(FTRAIN)
    df['Image'] = df['Image'].apply(lambda im: np.fromstring(im, sep=' '))
    if cols:
        df = df[list(cols) + ['Image']]
    df = df.dropna()
    X = (np.vstack(df['Image'].values) / 255.).astype(np.float32)
    y = df[df.columns[:-1]].values
    y = (y - 4) / 4
    return X, y.astype(np.float32)


np.random.seed(4)
write()
net = NeuralNet(
    layers=[('input', layers.InputLayer), ('hidden', layers.DenseLayer), ('output', layers.DenseLayer)],
    input_shape=(None, 48), hidden_num_units=96, output_num_units=4, output_nonlinearity=None,
    regression=True, update_learning_rate=.05, max_epochs=100, verbose=0)
specialists = OrderedDict()
for setting in SETTINGS:
    cols = setting['columns']
    X, y = load(cols)
    model = clone(net)
    model.output_num_units = y.shape[1]
    model.max_epochs = int(1e5 / y.shape[0] / 2)
    model.fit(X, y)
    specialists[cols] = model
with open(os.path.join(sys.argv[1], 'specialists.pickle'), 'wb') as f:
    pickle.dump(specialists, f, -1)
X = load()[0]
predictions = np.hstack([model.predict(X) for model in specialists.values()])
df = DataFrame(predictions, columns=reduce(lambda a, b: a + list(b), specialists.keys(), []))
print list(df.columns), len(df), model.max_epochs
print 'result', max([np.sqrt(m.train_history_[-1]['valid_loss']) for m in specialists.itervalues()])
