"""Settings of the whole test run."""

import signal

# A shell's background jobs and nohup ignore Ctrl-C, and their children inherit that; here
# it is part of what is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)
