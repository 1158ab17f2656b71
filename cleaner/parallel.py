"""Tasks, done in parallel wherever joblib sends them, also when a worker is killed by what it reads."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain

from cleaner.errors import CleanerError
from cleaner.sources import Source
from cleaner.task import Done, Settings, Task, clean_task, killed

TASK_WEIGHT, TASK_BYTES, TASK_INPUTS = 256, 2 << 20, 1 << 11
"""A task ends at so many texts (a page counts as sixteen), bytes or inputs."""

_PAGE_WEIGHT = 16
DEATHS_IN_A_ROW = 5


def tasks(sources: Iterable[Source]) -> Iterator[Task]:
    """Group consecutive inputs into tasks; it depends on the inputs alone.

    Numbers leave room for a task to be cut into one for each of its inputs.
    """
    group: list[Source] = []
    weight = size = number = 0
    for source in sources:
        group.append(source)
        weight += _PAGE_WEIGHT if source.kind == "page" else 1
        size += max(source.size, 0)
        if weight >= TASK_WEIGHT or size >= TASK_BYTES or len(group) >= TASK_INPUTS:
            yield Task(number, group)
            group, weight, size, number = [], 0, 0, number + TASK_INPUTS
    if group:
        yield Task(number, group)


def run(work: Iterator[Task], settings: Settings, jobs: int | None) -> Iterator[Done]:
    """Do the tasks; results as they come. An input that kills its worker becomes a failure, the others are done again."""
    open_tasks: dict[int, Task] = {}
    first = next(work, None)
    if first is None:
        return  # joblib takes its time to import
    work = chain([first], work)

    def sent() -> Iterator[Task]:
        for task in work:
            open_tasks[task.number] = task
            yield task

    while True:
        try:
            for done in _parallel(sent(), settings, jobs):
                open_tasks.pop(done.number, None)
                yield done
            return
        except CleanerError:
            raise
        except Exception as error:  # a worker died: which exception says so depends on where the work is done
            if not open_tasks:
                raise
            suspects = [open_tasks.pop(number) for number in sorted(open_tasks)]
            yield from _one_by_one(suspects, settings, jobs, error)


def _parallel(work: Iterable[Task], settings: Settings, jobs: int | None) -> Iterator[Done]:
    from joblib import Parallel, delayed

    calls = (delayed(clean_task)(task, settings) for task in _interruptible(iter(work)))
    if jobs not in (None, 1) and hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # joblib starts it between two workers, and up to Python 3.11 it lets Ctrl-C through again
    # Workers start here, and inherit what is held back: Ctrl-C, which reaches the whole group, is the business of this process.
    with _interrupts(held=True):
        results = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(calls)
    yield from results


def _interruptible(work: Iterator[Task]) -> Iterator[Task]:
    """The same tasks; looking for them may take long, and Ctrl-C ends that at once."""
    while True:
        with _interrupts(held=False):
            task = next(work, None)
        if task is None:
            return
        yield task


@contextmanager
def _interrupts(held: bool) -> Iterator[None]:
    """Hold Ctrl-C back in this thread, or let it through, where the system can do that."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK if held else signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _one_by_one(suspects: list[Task], settings: Settings, jobs: int | None, error: Exception) -> Iterator[Done]:
    """Each task alone, and if it kills its worker again, each of its inputs alone. `error` again if nothing can be done at all."""
    deaths = 0
    todo = list(reversed(suspects))
    while todo:
        task = todo.pop()
        try:
            yield from _parallel([task], settings, jobs)
            deaths = 0
        except CleanerError:
            raise
        except Exception as again:
            if len(task.sources) > 1:
                todo += [Task(task.number + at, [source]) for at, source in reversed(list(enumerate(task.sources)))]
                continue
            deaths += 1
            if deaths > DEATHS_IN_A_ROW:
                raise again from error
            yield killed(task, settings)
