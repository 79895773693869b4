"""What Python's standard library dropped between 3.4 and 3.14.

distutils, gone in 3.12, is not here: setuptools, which Lasagne needs for pkg_resources,
brings it back under its old name.
"""

from __future__ import annotations

import collections
import collections.abc
import configparser
import errno
import importlib
import importlib.machinery
import importlib.util
import inspect
import math
import sys
from types import ModuleType

from theano_today import hooks


def install() -> None:
    _alias_collections()
    # configparser.SafeConfigParser, gone in 3.12: ConfigParser has been the same class since 3.2.
    if not hasattr(configparser, "SafeConfigParser"):
        configparser.SafeConfigParser = configparser.ConfigParser  # type: ignore[attr-defined]
    # inspect.getargspec and the type of what it gives, gone in 3.11.
    _add(inspect, getargspec=_getargspec, ArgSpec=ArgSpec)
    hooks.supply("imp", _fill_imp)
    hooks.supply("pipes", _fill_pipes)
    hooks.supply("xml.etree.cElementTree", _fill_element_tree)
    for name, put in _LOST.items():
        hooks.after_import(name, put)


def _add(owner: object, **names: object) -> None:
    for name, value in names.items():
        if not hasattr(owner, name):
            setattr(owner, name, value)


def _time(time: ModuleType) -> None:
    # Gone in 3.8. On Linux and Mac it was the processor's time.
    _add(time, clock=time.process_time)


def _fractions(fractions: ModuleType) -> None:
    _add(fractions, gcd=math.gcd)  # gone in 3.9


def _os(os: ModuleType) -> None:
    _add(os, errno=errno)  # an import that showed, until 3.7


def _base64(base64: ModuleType) -> None:
    # Gone in 3.9.
    _add(base64, encodestring=base64.encodebytes, decodestring=base64.decodebytes)


def _threading(threading: ModuleType) -> None:
    _add(threading.Thread, isAlive=threading.Thread.is_alive)  # gone in 3.9


def _cgi(cgi: ModuleType) -> None:
    from html import escape

    _add(cgi, escape=lambda text, quote=False: escape(text, quote))  # gone in 3.8


def _html_parser(parser: ModuleType) -> None:
    from html import unescape

    _add(parser.HTMLParser, unescape=lambda self, text: unescape(text))  # gone in 3.9


def _locale(locale: ModuleType) -> None:
    # Gone in 3.12.
    _add(
        locale,
        format=lambda layout, value, grouping=False, monetary=False: locale.format_string(
            layout, value, grouping, monetary
        ),
    )


def _config_parser(parser: ModuleType) -> None:
    # Gone in 3.12.
    _add(
        parser.RawConfigParser,
        readfp=lambda self, file, filename=None: self.read_file(file, filename),
    )


def _platform(platform: ModuleType) -> None:
    # Gone in 3.8.
    def linux_distribution(*arguments, **options):
        try:
            release = platform.freedesktop_os_release()
        except OSError:
            return "", "", ""
        codename = release.get("VERSION_CODENAME", "")
        return release.get("NAME", ""), release.get("VERSION_ID", ""), codename

    _add(platform, linux_distribution=linux_distribution, dist=linux_distribution)


def _unittest(case: ModuleType) -> None:
    # Gone in 3.12, the last one in 3.0.
    test = case.TestCase
    _add(
        test,
        assert_=test.assertTrue,
        assertEquals=test.assertEqual,
        assertNotEquals=test.assertNotEqual,
        assertAlmostEquals=test.assertAlmostEqual,
        assertNotAlmostEquals=test.assertNotAlmostEqual,
        assertRaisesRegexp=test.assertRaisesRegex,
        assertRegexpMatches=test.assertRegex,
        failIf=test.assertFalse,
        failUnless=test.assertTrue,
        failUnlessEqual=test.assertEqual,
        failUnlessRaises=test.assertRaises,
        assertItemsEqual=test.assertCountEqual,
    )


_LOST = {
    "base64": _base64,
    "cgi": _cgi,
    "configparser": _config_parser,
    "fractions": _fractions,
    "html.parser": _html_parser,
    "locale": _locale,
    "os": _os,
    "platform": _platform,
    "threading": _threading,
    "time": _time,
    "unittest.case": _unittest,
}


def _fill_pipes(module: ModuleType) -> None:
    from shlex import quote

    module.quote = quote  # type: ignore[attr-defined]  # pipes is gone in 3.13


def _fill_element_tree(module: ModuleType) -> None:
    # Gone in 3.9: ElementTree itself has been written in C since 3.3.
    from xml.etree import ElementTree

    names = {k: v for k, v in vars(ElementTree).items() if not k.startswith("__")}
    module.__dict__.update(names)


def _alias_collections() -> None:
    # The abstract base classes live in collections.abc since 3.3; the old place closed in 3.10.
    for name in collections.abc.__all__:
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))


ArgSpec = collections.namedtuple("ArgSpec", "args varargs keywords defaults")


def _getargspec(function):
    spec = inspect.getfullargspec(function)
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)


def _fill_imp(module: ModuleType) -> None:
    # imp, gone in 3.12. Theano loads its compiled modules with load_dynamic and reloads
    # with reload; the tests of old projects look for modules with find_module.
    def load_dynamic(name, path, file=None):
        loader = importlib.machinery.ExtensionFileLoader(name, path)
        spec = importlib.machinery.ModuleSpec(name, loader, origin=path)
        loaded = importlib.util.module_from_spec(spec)
        loader.exec_module(loaded)
        sys.modules[name] = loaded
        return loaded

    def find_module(name, path=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None:
            raise ImportError(f"No module named {name!r}", name=name)
        return None, spec.origin, ("", "", 5 if spec.submodule_search_locations else 1)

    def get_suffixes():
        return (
            [(suffix, "rb", 3) for suffix in importlib.machinery.EXTENSION_SUFFIXES]
            + [(suffix, "r", 1) for suffix in importlib.machinery.SOURCE_SUFFIXES]
            + [(suffix, "rb", 2) for suffix in importlib.machinery.BYTECODE_SUFFIXES]
        )

    module.reload = importlib.reload  # type: ignore[attr-defined]
    module.load_dynamic = load_dynamic  # type: ignore[attr-defined]
    module.find_module = find_module  # type: ignore[attr-defined]
    module.get_suffixes = get_suffixes  # type: ignore[attr-defined]
    module.new_module = ModuleType  # type: ignore[attr-defined]
