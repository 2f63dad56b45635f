"""What all tests have: signals that end a process.

A shell that starts the tests in the background lets them ignore SIGINT, nohup SIGHUP, and what they start inherits it:
the tests of Ctrl-C would wait for ever.
"""

import signal

for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)
