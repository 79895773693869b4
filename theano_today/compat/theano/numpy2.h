/* Included before every C++ file that Theano 1.0.5 compiles.
 *
 * Theano's C code was written for Python 2 and 3 by way of NumPy's npy_3kcompat.h, which
 * mapped Python 2's names to Python 3's and which NumPy 2.0 no longer installs.
 */
#ifndef THEANO_TODAY_NUMPY2_H
#define THEANO_TODAY_NUMPY2_H

/* Theano's probes of the compiler (which -march it takes, whether OpenMP is there) are compiled
 * without Python's directories. */
#if __has_include(<Python.h>) && __has_include(<numpy/ndarraytypes.h>)
#include <Python.h>
#include <numpy/ndarraytypes.h>
#endif

#define NPY_PY3K 1

#define PyInt_Check PyLong_Check
#define PyInt_CheckExact PyLong_CheckExact
#define PyInt_FromLong PyLong_FromLong
#define PyInt_FromSsize_t PyLong_FromSsize_t
#define PyInt_AsLong PyLong_AsLong
#define PyInt_AS_LONG PyLong_AsLong
#define PyNumber_Int PyNumber_Long

#define PyString_Check PyUnicode_Check
#define PyString_FromString PyUnicode_FromString
#define PyString_FromFormat PyUnicode_FromFormat
#define PyString_AsString PyUnicode_AsUTF8
#define PyString_AS_STRING PyUnicode_AsUTF8

#endif
