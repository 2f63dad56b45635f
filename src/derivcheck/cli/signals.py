"""Signals that end a run: each is an exception, so that what is open is closed and what is finished is reported."""

import signal

from derivcheck.run.many import Terminated

# Those that would end the process, that others send to it (a terminal that closes, a batch system before its time is
# up), and that can be caught. Windows has SIGTERM alone.
ENDING = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF")


def stop_on_termination() -> list[int]:
    """Let these signals raise `Terminated` from now on, except those that are ignored, as under nohup. The list that is
    returned fills with the signals that came."""
    came: list[int] = []

    def stop(number: int, frame: object) -> None:
        came.append(number)
        raise Terminated

    for number in (getattr(signal, name) for name in ENDING if hasattr(signal, name)):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)
    return came
