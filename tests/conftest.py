"""Settings of the whole test run."""

import signal

from hypothesis import settings

# A shell's background jobs and nohup ignore Ctrl-C, and their children inherit that; here
# it is part of what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

# For tests/fuzz.py; Hypothesis' own default is 100.
settings.register_profile("fuzz", max_examples=3000)
