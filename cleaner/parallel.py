"""Tasks, done in parallel wherever joblib sends them, also when a worker is killed by what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cleaner.errors import CleanerError
from cleaner.read import kind_of
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
        weight += _PAGE_WEIGHT if kind_of(source.key) == "page" else 1
        size += max(source.size, 0)
        if weight >= TASK_WEIGHT or size >= TASK_BYTES or len(group) >= TASK_INPUTS:
            yield Task(number, group)
            group, weight, size, number = [], 0, 0, number + TASK_INPUTS
    if group:
        yield Task(number, group)


def run(work: Iterator[Task], settings: Settings, jobs: int | None) -> Iterator[Done]:
    """Do the tasks; results as they come. An input that kills its worker becomes a failure, the others are done again."""
    open_tasks: dict[int, Task] = {}

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

    yield from Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(delayed(clean_task)(task, settings) for task in work)


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
