"""Words that stand in the same places get similar vectors: skip-gram with negative samples."""
import itertools, random, string
import numpy as np
import theano, theano.tensor as T

animals, colours = string.split('cat dog cow'), string.split('red blue green')
random.seed(4)
text = []
for i in xrange(1500):
    text += ['the', random.choice(colours), random.choice(animals), 'ran', 'home']
counts = {}
for w in text:
    if not counts.has_key(w): counts[w] = 0
    counts[w] += 1
vocabulary = [w for w, c in sorted(counts.iteritems(), cmp=lambda (a, m), (b, n): cmp((-m, a), (-n, b)))]
number = dict(itertools.izip(vocabulary, itertools.count()))
window = 4 / 2
pairs = []
for i, w in enumerate(text):
    for j in range(max(0, i - window), min(len(text), i + window + 1)):
        if i <> j:
            pairs.append((number[w], number[text[j]]))
pairs = np.array(pairs, 'int32')
rng = np.random.RandomState(1)
n, size = len(vocabulary), 8
IN = theano.shared(rng.uniform(-.5, .5, (n, size)).astype('float32') / size)
OUT = theano.shared(np.zeros((n, size), 'float32'))
a, b, negative = T.ivector(), T.ivector(), T.imatrix()
v = IN[a]
good = (v * OUT[b]).sum(1)
bad = (v.dimshuffle(0, 'x', 1) * OUT[negative]).sum(2)
cost = T.nnet.softplus(-good).mean() + T.nnet.softplus(bad).sum(1).mean()
train = theano.function([a, b, negative], cost, updates=[
    (p, p - np.float32(.5) * g) for p, g in zip((IN, OUT), T.grad(cost, (IN, OUT)))])
size = 100
for epoch in range(12):
    random.shuffle(range(3))
    order = rng.permutation(len(pairs))
    for k in xrange(len(pairs) / size):
        rows = pairs[order[k * size:(k + 1) * size]]
        train(rows[:, 0], rows[:, 1], rng.randint(0, n, (size, 3)).astype('int32'))
vectors = IN.get_value()
vectors /= np.sqrt((vectors ** 2).sum(1))[:, None]
near = lambda w, among: max([u for u in among if u != w], key=lambda u: vectors[number[w]].dot(vectors[number[u]]))
wrong = sum([near(w, animals + colours) not in group for group in (animals, colours) for w in group])
print vocabulary
print 'result', wrong
