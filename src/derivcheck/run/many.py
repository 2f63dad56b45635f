"""Many checks, run by any executor in any order and reported in their own. Whatever happens to one affects no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, as_completed
from typing import TYPE_CHECKING

from derivcheck.errors import message

if TYPE_CHECKING:
    from derivcheck.problem import Check
    from derivcheck.results import CheckResult
    from derivcheck.run.journal import Journal

Listener = Callable[["CheckResult"], None]
Task = Callable[["Check"], "CheckResult"]


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run like Ctrl-C."""


class Run:
    """The checks of a run and the results so far.

    `task` turns a check into its result, here or in another process; `lost` turns a check and the reason why its task
    did not finish into one. With `fail_fast` the run stops at the first check that makes the exit status 1, which
    depends on `known_ok`.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        task: Task,
        lost: Callable[[Check, str], CheckResult],
        *,
        journal: Journal | None = None,
        listener: Listener | None = None,
        fail_fast: bool = False,
        known_ok: bool = False,
    ) -> None:
        self.checks, self.task, self.lost = checks, task, lost
        self.journal, self.listener = journal, listener
        self.fail_fast, self.known_ok = fail_fast, known_ok
        self.results: dict[int, CheckResult] = {}

    @property
    def finished(self) -> tuple[CheckResult, ...]:
        """The results so far, in the order of the checks."""
        return tuple(self.results[k] for k in sorted(self.results))

    def go(self, executor: Executor | None = None, *, apart: Callable[[Check], bool] | None = None) -> None:
        """Run what is not finished yet. An interruption leaves the results so far in place.

        With `apart`, checks run one after the other, by the executor only if it is true of them, otherwise here.
        """
        waiting = list(self._recalled())
        if executor is None or apart is not None:
            results = self._one_by_one(waiting, executor, apart or (lambda check: False))
        else:
            results = self._side_by_side(waiting, executor)
        for place, result in results:
            self._take(place, result)
            if self.fail_fast and result.outcome.fails(known_ok=self.known_ok):
                break

    def _recalled(self) -> Iterator[int]:
        """Take the results that the journal has, and yield the places of the other checks."""
        for place, check in enumerate(self.checks):
            result = self.journal.recalled(check) if self.journal else None
            if result is None:
                yield place
            else:
                self.results[place] = result
                if self.listener:
                    self.listener(result)

    def _take(self, place: int, result: CheckResult) -> None:
        self.results[place] = result
        if self.journal:
            self.journal.add(self.checks[place], result)
        if self.listener:
            self.listener(result)

    def _one_by_one(
        self, places: Sequence[int], executor: Executor | None, apart: Callable[[Check], bool]
    ) -> Iterator[tuple[int, CheckResult]]:
        for place in places:
            check = self.checks[place]
            if executor is not None and apart(check):
                yield place, self._result_of(executor.submit(self.task, check), check)
            else:
                yield place, self.task(check)

    def _side_by_side(self, places: Sequence[int], executor: Executor) -> Iterator[tuple[int, CheckResult]]:
        futures = {executor.submit(self.task, self.checks[place]): place for place in places}
        try:
            for future in as_completed(futures):
                yield futures[future], self._result_of(future, self.checks[futures[future]])
        finally:
            for future in futures:
                future.cancel()  # no effect on those that are done

    def _result_of(self, future: Future[CheckResult], check: Check) -> CheckResult:
        """What the worker found, or, if the worker was lost, a result that says so."""
        try:
            return future.result()
        except CancelledError:
            return self.lost(check, "it was cancelled")
        except Exception as error:
            return self.lost(check, message(error) or type(error).__name__)
