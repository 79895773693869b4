# -*- coding: utf-8 -*-
"""Data read as bytes: IDX files, words, pickles; words.txt is what CPython 2.7.18 with NumPy 1.16.6
printed."""
import numpy as np, gzip, struct, os, cPickle, sys, string, re, random
d = sys.argv[1] + '/'
def w(n, s):
    f=gzip.open(d+n,'wb'); f.write(s); f.close()
w('im.gz', struct.pack('>IIII', 2051, 2, 2, 3) + ''.join(chr(i*20) for i in range(12)))
w('lb.gz', struct.pack('>II', 2049, 2) + '\x01\x07')
def load(n):
    f=gzip.open(d+n,'rb')
    magic, num = struct.unpack('>II', f.read(8))
    if magic == 2051:
        r,c = struct.unpack('>II', f.read(8))
        return np.fromstring(f.read(), dtype=np.uint8).reshape(num, r, c) / 255.
    return np.array([struct.unpack('B', f.read(1))[0] for _ in range(num)])
print load('im.gz').sum(), load('lb.gz')
s=gzip.open(d+'im.gz').read()
print [ord(c) for c in s[16:19]], s[16:] == ''.join(chr(i*20) for i in range(12)), len(s)
a = np.array([ord(c) for c in s[16:]]); print a.mean(), a.std()
text = 'the cat sat\non the mat\n' * 2
open(d+'t.txt','wb').write(text)
words = open(d+'t.txt','rb').read().split()
vocab = {}
for x in words: vocab.setdefault(x, len(vocab))
print sorted(vocab, key=vocab.get), [vocab[x] for x in 'the mat'.split()]
open(d+'v.txt','w').write('\n'.join(['%s\t%d' % (k, v) for k, v in sorted(vocab.items())]))
print open(d+'v.txt').read().split('\n')[:2], {}.fromkeys(words).has_key('cat')
chars = list(set(open(d+'t.txt','rb').read())); print sorted(chars), len(chars)
ix = dict((c, i) for i, c in enumerate(sorted(chars))); print [ix[c] for c in 'cat']
print re.sub(r'\s+', ' ', open(d+'t.txt').read())[:20], re.split(' ', open(d+'t.txt').readline().strip())
cPickle.dump((words, vocab), open(d+'w.pkl','wb'), -1); print cPickle.load(open(d+'w.pkl','rb'))[0][:3]
u = cPickle.Unpickler(open(d+'w.pkl','rb')); print u.load()[1]['cat']
cPickle.dump(a, open(d+'w.pkl','w')); print cPickle.load(open(d+'w.pkl')).sum()
data = open(d+'t.txt', 'rb').read()
print data.translate(string.maketrans('a','o'))[:11], data.translate(None, 'aeiou')[:8], string.replace(data, 'cat', 'dog')[:11]
print sum(1 for l in open(d+'t.txt','rb')), [l.rstrip('\n') for l in open(d+'t.txt','rb')][0], data.index('cat'), data[4:7].title(), data[:3].isalpha(), data.count('\n')
print 'ab\n'.strip() + data[:1] + u'x', ('%s' % data[:3]).upper(), '%d items' % len(data.split()), data[:3] in ('the','x'), data[:3] in {'the': 1}
i = 0
while 1:
    chunk = data[i:i+10]
    if not chunk: break
    i += 10
print i, max(data), min(data), sorted(data[:3]), reversed(data[:3]).next(), zip(data[:2], 'ab'), map(str.upper, ['a']), filter(lambda c: c in 'ae', data[:11])
print float('1.5') / 2, 7 / 2, -7 // 2, 7 % -3, 2 ** -1, 10 / 4 * 2.5, 1e3 / 7, str(1e3 / 7), 1 / 3 * 3.0
print ['%.3f' % v for v in (np.arange(3) / 3.).tolist()], np.float32(1) / 3 < 0.34, int(round(2.5)), random.Random(3).randint(1, 9) > 0
print 'epoch %i, cost %f, %s %%' % (3, 0.1 + 0.2, 100 * (1 - 2 / 3.)), 'a' 'b' + `1`
