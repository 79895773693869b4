# -*- coding: utf-8 -*-
"""Strings that were bytes, floats as text, variables of list comprehensions: strings.txt is what
CPython 2.7.18 with NumPy 1.16.6 printed."""
import StringIO, base64, binascii, bz2, cPickle, csv, gzip, hashlib, os, re, string, struct, sys, zlib
import numpy as np

folder = sys.argv[1]
place = lambda name: os.path.join(folder, name)


def shown(function, *arguments):
    try:
        return repr(function(*arguments))
    except Exception, error:
        return type(error).__name__


print '-- floats'
x = 0.1 + 0.2
print x, 2 / 3., 1e16, 1e11, 1e12, 100.0, 1e-5, -0.0, 123456789.123456789, float('inf'), x + 1j
print [x], (x,), {1: x}, str(x), unicode(x), repr(x), `x`, 'cost ' + str(2 / 3.)
print '%s %r %d %g %5.2f' % (x, x, 3.9, 1 / 3., x), '%s' % x, '%(a)s' % {'a': x}, '%s' % [x]
print '{0} {1!r} {2:.3f} {3:>8}'.format(x, x, 1 / 3., x), ', '.join(map(str, [x, 1e16, 3]))
print >>sys.stdout, sum([0.1] * 10), np.mean([0.5, 1.5]), [np.float32(0.5)], (np.float64(2), np.int64(3))
print 'model_%s.pkl' % (3 * 0.1), 'lr' + str(3 * 0.1) + '.txt', np.arange(3) / 2.

print '-- files of bytes'
f = open(place('words'), 'wb')
f.write('the cat\nthe dog\n\n')
f.close()
counts = {}
for line in open(place('words'), 'rb'):
    for word in line.strip().split(' '):
        counts[word] = counts.get(word, 0) + 1
print sorted(counts.items()), counts['the'], 'cat' in counts
data = open(place('words'), 'rb').read()
print data.split('\n'), data[0] == 't', data[:3] == 'the', 'dog' in data, data.count('the'), len(data)
print [ord(c) for c in data[:3]], list(data[:3]), data.replace('the', 'a').upper().splitlines()
print data.startswith('the'), data.find('dog'), 'x' + data[:3] + 'y', '%s|%5s' % (data[:3], data[4:7])
print isinstance(data, str), isinstance(data, basestring), ' '.join([data[:3], 'x']), data[:3] * 2
print [line.strip() for line in open(place('words'), 'rb').readlines()], re.findall('[cd]..', str(data))
raw = open(place('raw'), 'wb')
raw.write(struct.pack('>2I', 1, 200) + 'abc' + '\x00\xff')
raw.close()
raw = open(place('raw'), 'rb')
print struct.unpack('>2I', raw.read(8)), shown(raw.read), raw.read() == ''
head = open(place('raw'), 'rb').read()
print repr(head), head[7] == '\xc8', map(ord, head), head == '\x00\x00\x00\x01\x00\x00\x00\xc8abc\x00\xff'
print np.fromstring(head, 'uint8'), np.frombuffer(head, '>u4', 2), np.fromstring('\x01\x00', np.int16)

print '-- archives and the like'
f = gzip.open(place('gz'), 'wb')
f.write('hello\nworld\n')
f.close()
print gzip.open(place('gz')).read().split('\n'), [l.strip() for l in gzip.open(place('gz'), 'rb')]
print gzip.open(place('gz')).readline() == 'hello\n', zlib.decompress(zlib.compress('abc')) == 'abc'
print bz2.decompress(bz2.compress('abc')), base64.b64encode('abc'), base64.b64decode('YWJj') + 'd'
print hashlib.md5('abc').hexdigest(), repr(hashlib.sha1('abc').digest()[:4]), binascii.hexlify('ab')
h = hashlib.sha256(); h.update('abc'); print h.hexdigest()[:8], zlib.crc32('abc')
print cPickle.loads(cPickle.dumps(['a', 1.5], -1)), bytes('abc') == 'abc', str(bytearray('abc'))
out = open(place('csv'), 'wb')
csv.writer(out).writerow([1, x, 'a b', 'c'])
out.close()
print list(csv.reader(open(place('csv'), 'rb'))), repr(open(place('csv'), 'rb').read())
print StringIO.StringIO(data).readlines()[0].split(), 'abc'.encode('utf-8') + 'd', 'a' + 'bc'.encode('ascii')

print '-- comprehensions'
i = 5
squares = [i * i for i in range(3)]
print i, squares


def last(items):
    found = [a + b for a, b in items if a]
    return a, b, found


class Layers(object):
    scale = 2
    sizes = [scale * n for n in (1, 2, 3)]
    largest = n


print last([(1, 2), (0, 3)]), Layers.sizes, Layers.largest, [[j for j in range(i)] for i in range(3)], i, j
print sum(k for k in range(3)), 'k' in globals()
