"""urllib, before it was a package: the names of urllib.request, .parse and .error."""

import sys
import urllib as today
import urllib.error
import urllib.parse
import urllib.request
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlencode
from urllib.request import getproxies, pathname2url, url2pathname, urlcleanup, urlopen, urlretrieve

from theano_today.python2.modules import vary

__all__ = [
    "getproxies",
    "pathname2url",
    "quote",
    "quote_plus",
    "unquote",
    "unquote_plus",
    "url2pathname",
    "urlcleanup",
    "urlencode",
    "urlopen",
    "urlretrieve",
]
ContentTooShortError = urllib.error.ContentTooShortError
if hasattr(urllib.request, "FancyURLopener"):  # gone in Python 3.14
    URLopener = urllib.request.URLopener
    FancyURLopener = urllib.request.FancyURLopener


def splitquery(url):
    path, mark, query = url.rpartition("?")
    return (path, query) if mark else (url, None)


vary(sys.modules[__name__], today)
