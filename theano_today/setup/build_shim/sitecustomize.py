"""Lets Theano 1.0.5's setup.py run on Python 3.12 and newer.

Its copy of versioneer uses configparser.SafeConfigParser and readfp, gone in 3.12. Python
imports this file at start-up while pip builds the package, because the installation puts
this folder on PYTHONPATH; nothing of it is installed.
"""

import configparser

if not hasattr(configparser, "SafeConfigParser"):

    class SafeConfigParser(configparser.ConfigParser):
        readfp = configparser.ConfigParser.read_file

    configparser.SafeConfigParser = SafeConfigParser  # type: ignore[attr-defined]
