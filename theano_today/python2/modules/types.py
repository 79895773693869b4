"""types, with the names of the built-in types."""

import builtins
import io
import sys
import types as today

from theano_today.python2.modules import vary

NoneType = type(None)
TypeType = ClassType = builtins.type
ObjectType = builtins.object
BooleanType = builtins.bool
IntType = LongType = builtins.int
FloatType = builtins.float
ComplexType = builtins.complex
StringType = UnicodeType = builtins.str
StringTypes = (builtins.str, builtins.bytes)
TupleType = builtins.tuple
ListType = builtins.list
DictType = DictionaryType = builtins.dict
SliceType = builtins.slice
XRangeType = builtins.range
BufferType = builtins.memoryview
FileType = io.IOBase
InstanceType = builtins.object
UnboundMethodType = today.FunctionType
EllipsisType = type(Ellipsis)
NotImplementedType = type(NotImplemented)

vary(sys.modules[__name__], today)
