#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""What Python 2 did, line by line: semantics.txt is what CPython 2.7.18 with NumPy 1.16.6 and
Theano 1.0.5 printed."""
import cPickle, copy_reg, csv, gzip, itertools, json, math, operator, os, random, string, struct, sys, types
import ConfigParser, Queue, StringIO, UserDict, cStringIO, commands, md5, urllib, urllib2, urlparse
from itertools import izip, imap, ifilter, izip_longest
from HTMLParser import HTMLParser
from string import maketrans, join
import codecs, os.path
import numpy as np
import pack.inner
from pack import outer

folder = sys.argv[1]
place = lambda name: os.path.join(folder, name)


def shown(function, *arguments):
    try:
        return repr(function(*arguments))
    except Exception, error:
        return type(error).__name__


print '-- division'
for a, b in [(7, 2), (-7, 2), (7, -2), (7., 2), (True, 2), (7L, 2L), (1 << 70, 3), (7, 2.), (1j, 2)]:
    print a / b,
print
print 7 / 2 * 2. / 3, 2 * 7 / 4, -7 / 2, 7 / 2 ** 2, 10 % 4 / 2, (1 + 2) / 2
print 1 / 3 + 1 / \
    3, [i / 2 for i in range(5)], {1 / 2: 3 / 2}, (lambda n: n / 2)(9)
x = 7; x /= 2; print x
x = 7.; x /= 2; print x
items = {'a': [7, 9]}
calls = []
def index():
    calls.append(1)
    return 1
items['a'][0] /= 2
items['a'][index()] /= 2
print items, calls
class Holder: value = 9
def holder():
    calls.append(2)
    return Holder
Holder.value /= 2; holder().value /= 3
print Holder.value, calls
print shown(lambda: 1 / 0), shown(lambda: 1. / 0)
a = np.arange(6)
print a / 2, a / 4., a / np.array([2.]), -a / 4, 7 / (a + 1), a / np.int8(2), np.int64(7) / 2, np.float32(7) / 2
print (a / np.arange(1, 7, dtype='uint64')).dtype, (a.astype('int8') / np.int8(2)).dtype, [6, 8] / np.array([4, 5])
print np.array([True, False]) / True, np.array([7, 8], object) / 2, np.divide(7, 2), np.divide([7., 8], 2), np.array(7) / 2
b = a
b /= 2
print a, b is a
c = np.arange(3.); d = c; c /= 2; print d
print np.mean([1, 2]) / 2, np.array([1, 2]).sum() / 2, len('abc') / 2, np.prod((3, 5)) / 2, a.shape[0] / 4
class Vector(object):
    def __init__(self, x): self.x = x
    def __div__(self, other): return 'div %s' % other
    def __rdiv__(self, other): return 'rdiv %s' % other
    def __idiv__(self, other):
        self.x = 'idiv %s' % other
        return self
v = Vector(1)
print v / 2, 2 / v, np.float64(2.) / Vector(1) == 'rdiv 2.0', operator.div(7, 2), reduce(operator.div, [100, 3, 2])
v /= 3
print v.x
import theano, theano.tensor as T
i, f = T.iscalar(), T.dscalar()
print theano.function([i, f], [i / 2, i / f, 7 / i, (i + 0) / i, f / 2], on_unused_input='ignore', mode='FAST_COMPILE')(7, 2.)

print '-- rounding'
print [round(n) for n in (.5, 1.5, 2.5, -.5, -2.5, .49999999999999994, 5e15 + 1)], round(2.675, 2), round(1250, -2), round(-1.005, 2)
print math.floor(7.9) / 2, math.ceil(7.1) / 2, math.floor(-.5), int(math.floor(3.7)), math.trunc(3.7)
print round(7) / 2, round(np.float32(2.5)), type(round(3)) is float, divmod(-7, 2), divmod(7., 2), -7 % 3, 2 ** -1

print '-- order'
print sorted([3, None, 'a', (1,), [2], {}, 2.5, True]), sorted([(1, None), (1, 'b'), (0, 3), (1, 2)])
print None < -1, None > 0, 'a' > 3, [1] < 'a', (1, 2) > [1, 2], {} < [], 3 < 2.5, None <= None, max(None, 3, 'a'), min([None, 3])
print cmp(1, 2), cmp('b', 'a'), cmp([1, None], [1, 2]), cmp({1: 2}, {1: 3}), cmp(None, None), cmp((1, 2), (1, 2, 3))
words = ['b', 'A', 'c']; words.sort(lambda a, b: cmp(a.lower(), b.lower())); print words
words.sort(key=str.lower, reverse=True); print words, sorted(words, cmp=lambda a, b: -cmp(a, b)), sorted([3, 1, 2], None, lambda n: -n)
mixed = [3, None, 'x']; mixed.sort(); print mixed
class Version:
    def __init__(self, n): self.n = n
    def __cmp__(self, other): return cmp(self.n, other.n)
    def __repr__(self): return 'V%d' % self.n
print sorted([Version(3), Version(1)]), Version(1) == Version(1), Version(2) > Version(1), max(Version(1), Version(5))

print '-- lists'
d = {'one': 1}
print d.keys() + ['x'], d.items()[0], d.values(), d.has_key('one'), d.has_key('two'), list(d.iteritems()), [k for k in d.iterkeys()], sum(d.itervalues())
print map(None, [1, 2], 'a'), map(lambda a, b: (a, b), [1, 2], [3]), map(str, (1, 2)), zip('ab', [1, 2, 3]), zip()
print filter(None, (0, 1, 2)), filter(lambda c: c != 'a', 'banana'), filter(lambda n: n % 2, range(6)), range(3) + [9], range(5)[::-1], range(2, 11, 4)
print len(xrange(5)), xrange(9)[3], reduce(lambda a, b: a * b, xrange(1, 6)), reduce(lambda a, b: a + b, [], 'start'), apply(max, (1, 5)), apply(dict, (), {'k': 1})
print list(izip('ab', (1, 2))), list(imap(lambda a: a * 2, [1, 2])), list(ifilter(None, [0, 3])), list(izip_longest('a', [1, 2])), list(itertools.ifilterfalse(None, [0, 3]))
pairs = [(1, 'a'), (2, 'b')]
print map(lambda (n, s): s * n, pairs), (lambda a, (b, c): a + b / c)(1, (7, 2)), sorted(pairs, key=lambda (n, s): -n)
def spread((a, (b, c)), d=010, *rest):
    """Doc of spread."""
    return a, b, c, d, rest
print spread((1, (2, 3))), spread.__doc__, spread.func_name, 0777, 0xFFL, 10L, 1e3, `1 + 1`, `'a'`, 1 <> 2

print '-- classes'
class Meta(type):
    def __new__(mcs, name, bases, namespace):
        namespace['made'] = name.lower()
        return type.__new__(mcs, name, bases, namespace)
class Base(object):
    __metaclass__ = Meta
class Derived(Base):
    count = 5
    def __nonzero__(self): return False
    def __len__(self): return 4
    def __getslice__(self, i, j): return i, min(j, 99)
    def __getitem__(self, key): return key
    def __eq__(self, other): return True
    def __unicode__(self): return u'text'
    def next(self):
        self.count -= 1
        if self.count / 2 == 0: raise StopIteration
        return self.count
    def __iter__(self): return self
    def method(self): return 'method'
o = Derived()
print Derived.made, bool(o), not o, o[1:3], o[-2:], o[:], o['key'], o == 3, {o: 1}.values(), list(o), unicode(o), issubclass(Derived, Base)
print o.method.im_self is o, o.method.im_func.func_name, Derived.__name__, hasattr(o, 'next'), isinstance(o, object)
def halves(source):
    while True:
        yield source.next() / 2
def until(n):
    for k in xrange(10):
        if k == n: raise StopIteration
        yield k
print list(halves(iter([5, 6, 7]))), list(until(3)), halves(iter([9])).next()

print '-- exceptions'
try:
    raise ValueError, 'bad value'
except (TypeError, ValueError), e:
    print e, e.message, e.args
print e
try:
    try: raise KeyError, ('k', 1)
    except KeyError, error: raise IOError, 'other', sys.exc_info()[2]
except IOError, e: print e, sys.exc_type is IOError
try: open(place('absent'))
except IOError, (number, text): print number, text
try: raise StandardError('standard')
except Exception, e: print e.message

print '-- exec'
exec 'y = 9 / 2'
print y, eval('7 / 2'), eval(' 1 + 1')
space = {}
exec 'print "inside", 5 / 2\ndef f(n): return n / 2' in space
print space['f'](9)
exec compile('z = 3 / 2', 'name', 'exec') in space
print space['z']
open(place('script.py'), 'w').write('w = 11 / 2\nprint "script", w, n\n')
execfile(place('script.py'), {'n': 4})

print '-- text'
print 'abc'.encode('hex'), '616263'.decode('hex'), 'uryyb'.decode('rot13'), 'a b'.encode('base64').strip(), u'abc'.encode('utf-8'), 'abc'.decode('utf-8') == 'abc'
print isinstance('a', basestring), isinstance(u'a', basestring), isinstance(3L, long), isinstance(3L, (int, long)), isinstance(np.int64(3), int), isinstance(np.float64(3), float), isinstance(np.int8(3), int)
print string.letters[:3], string.uppercase[-2:], string.join(['a', 'b'], '-'), string.split('a b'), string.replace('aXb', 'X', '-'), string.atoi('12') / 5, string.zfill('7', 3), join(['x', 'y'], ''), string.lower('ABC'), string.strip(' a ')
print 'hello'.translate(maketrans('el', 'ip')), 'hello'.translate(None, 'l'), 'a-b'.translate(string.maketrans('-', '_'), 'b'), string.capwords('ab cd')
print unichr(65), unicode('abc', 'utf-8') == u'abc', chr(65), ord('a'), oct(8), oct(0), hex(255), int('17', 8), intern('x'), ur'a\d', 'tab	inside'
print >>sys.stdout, 'redirected', 1
print >>sys.stdout
print ('a', 1), ('b')
print('parens'), 'more'
print "%s and %d" % ('x', 7 / 2), '%5.2f' % (7 / 2.), '%(k)s' % {'k': 1}

print '-- files'
f = open(place('text'), 'w'); f.write('one\ntwo\r\n'); print >>f, 'three', 3,; print >>f; print >>f, 'a\n', 4,; f.write('b'); print >>f, 'c'; f.writelines(['x\n']); f.close()
print open(place('text')).readlines(), [line.strip() for line in open(place('text'), 'rU')], len(open(place('text'), 'rb').read())
f = file(place('text')); print f.readline(), isinstance(f, file), f.closed; f.seek(-2, 2); print repr(f.read(1)), f.tell()
data = struct.pack('<2iB', 7, 9, 200)
open(place('binary'), 'w').write(data)
f = open(place('binary')); print struct.unpack('<2i', f.read(8)), ord(f.read(1)), len(open(place('binary')).read())
cPickle.dump({'a': np.arange(3) / 2, 'b': 'x'}, open(place('p'), 'w'))
print sorted(cPickle.load(open(place('p'))).items()), cPickle.loads(cPickle.dumps([1, 'a'], 2))
w = csv.writer(open(place('c'), 'wb')); w.writerow(['a', 7 / 2]); del w
print list(csv.reader(open(place('c'), 'rb'))), [r['x'] for r in csv.DictReader(open(place('c')), ['x', 'y'])]
z = gzip.open(place('z'), 'wb'); z.write('zipped'); z.close(); print len(gzip.open(place('z')).read())
json.dump({'a': [1, 2.5]}, open(place('j'), 'wb')); print json.load(open(place('j'))) == {u'a': [1, 2.5]}, json.loads('[1]', encoding='utf-8')
np.save(open(place('n'), 'wb'), np.arange(3)); print np.load(open(place('n'), 'rb')), np.fromfile(open(place('binary'), 'rb'), '<i4', 2)
np.savetxt(place('t'), [[1, 2]]); print np.loadtxt(open(place('t')))
s = StringIO.StringIO(); s.write('memory'); print >>s, 7 / 2; print repr(s.getvalue()), cStringIO.StringIO('a\nb\n').readlines(), StringIO.StringIO('x').read()

print '-- modules'
q = Queue.Queue(); q.put(3); print q.get(), Queue.Empty.__name__
parser = ConfigParser.SafeConfigParser(); parser.readfp(StringIO.StringIO('[s]\nk = 7\n')); print parser.getint('s', 'k') / 2, parser.has_option('s', 'k')
print urlparse.urlparse('http://host/path').netloc, urllib.quote('a b'), urllib.urlencode({'k': 'v w'}), urllib2.unquote('a%20b'), urllib2.Request('http://host/').get_full_path() if False else 'request'
print md5.new('abc').hexdigest(), commands.getoutput('echo out'), UserDict.UserDict({'a': 1}).has_key('a') if False else UserDict.UserDict({'a': 1}).keys()
print sys.maxint, os.getcwdu() == os.getcwd(), types.ListType is list, types.StringTypes[0] is str, operator.isCallable(len), callable(len), operator.sequenceIncludes([1], 1)
print pack.inner.value, outer.half(9), outer.inner.value, HTMLParser().unescape('a &amp; b'), copy_reg.__name__, reload(pack.inner).value

print '-- random'
for seed in (0, 1, -3, 12345678901234567890, 'text', 2.5, 7.0, -0.1):
    random.seed(seed)
    order = range(8)
    random.shuffle(order)
    print seed, order, random.randint(1, 1000), random.choice('abcdefgh'), random.sample(xrange(1000), 4), random.randrange(3, 90, 7), random.sample(range(5), 3), '%.12f' % random.gauss(0, 1)
r = random.Random(5); print '%.12g %.12g' % (r.random(), r.uniform(1, 2)), r.randint(-5, 5), r.randrange(1 << 60), '%.10f' % r.normalvariate(0, 1)
np.random.seed(3); print np.random.permutation(5), np.random.randint(100), np.random.choice(5, 4 / 2, replace=False)
print '-- forms'
print ()
print (), 1
print '\upsilon C:\Users \N \\u \x41 \101 ', "$\nu$" == "$\nu$", r'\u', len('\u1234'), len(u'\u1234')
print dict(a=1).iteritems().next(), {'a': {'b': 3}}['a'].items()[0][1] / 2
def visit(arg, folder, names): arg.append(sorted(names)[:1])
l = []; os.mkdir(place('deep')); os.path.walk(folder, visit, l); print len(l), os.getcwdu() == os.getcwd()
d = {'x': [3, 1]}
d.values()[0].sort(); print d, sorted(d['x'], reverse=True)
class P:
    def m(self, (a, b), *args, **kw): return a, b, args, kw
    def __init__(self): self.items = [1]
print P().m((1, 2), 3, k=4), P().items
x = 5 if 1 / 2 else 7 / 2; print x
print [a / 2 for a in range(4) if a / 2], [y for y in 1, 2, 3], (a for a in [1]).next()
def g(n=9 / 2, *a): return n / 2, a
print g(), g(*(5, 6)), g(**{'n': 7})
print -7 / 2, -(7 / 2), 7 / -2, +7 / 2, not 7 / 2, 2 ** 3 / 3, 7 / 2 / 2, 7 / (2 / 1), 1 + 7 / 2 - 3 / 2
a = b = 7 / 2; a, b = b / 2, a / 2; print a, b
print 1 if 3 < None else 2, 1 < 2 < 3, None < 2 <> 3
assert 7 / 2 == 3, "no"
s = 'abc'
print s.encode('hex').decode('hex'), s.upper().encode('base64'), s.decode('utf8').encode('latin1')  and 'decoded'
print "%s" % (7 / 2), "a" "b" 'c', """t
u""", 'q'
if True: print 'one line'; print 'two'
else: pass
for i in range(2): print i,
print
print 'x' in 'xyz', 'é' == 'é', 3 is 3
def deco(f): return f
@deco
def h((a, (b, c)), d): return a / b, c, d
print h((7, (2, 'c')), 'd')
try:
    try: 1 / 0
    except ZeroDivisionError, e: raise TypeError, TypeError('again'), sys.exc_info()[2]
except TypeError as e2: print e2, e
try: raise KeyError
except: print sys.exc_info()[0] is KeyError
class E(Exception):
    def __init__(self, m): self.message = m
try: raise E, 'm'
except E, e: print e.message
print map(str, xrange(3)), filter(lambda x: x > None, [1, None]), reduce(max, [1, 'a', None])
print '\n'.join(['%d' % k for k in range(7 / 3)])
exec "def k(n): return n / 2" in globals()
print k(5)
exec("q = 7 / 2"); print q
print isinstance(P(), P), isinstance(Exception(), Exception)
print long('12') / 5, int('0x1f', 16) / 2, float('3') / 2, 3 / 2.
print os.path.basename('/a/b'), os.path.join('a', 'b')
w = codecs.getwriter('utf8')(sys.stdout)
w.write(u'via writer\n')
print sorted(['b', None, 3, (1, 2), 'a', 2.5, [1]], reverse=True), [None, 3].index(3), max([1, 2], [1, 3])
n = 10
while n / 3: n /= 3
print n, (lambda: 7 / 2)(), {7 / 2: 1}, [1, 2, 3][7 / 4], [1, 2, 3][3 / 2:]
print string.join(map(str, [1, 2]), ','), u'a' + 'b', 'a' * (7 / 2), "a,b".split(',')[3 / 2]
def outer():
    v = 3
    def inner(): return v / 2
    return inner()
print outer(), (5 / 2, 7 / 3), 1.5 // 1, 7 % 3 / 2, ~7 / 2, 1 << 7 / 2, 6 & 7 / 2, 7 / 2 == 3, `7 / 2` + 'x'
print 'no end of the line',
