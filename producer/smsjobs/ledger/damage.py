"""An entry that cannot be read: it is set aside, so that it holds up nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from smsjobs.facts import ItemSetAside, tell

__all__ = ["EntryDamaged", "tell_set_aside"]


class EntryDamaged(Exception):
    """The entry of a job is damaged: of a wrong type, without a field, or of a newer version. It was set aside.

    Attributes:
        job_id: The job.
        problem: What is wrong with it. This is never what is in it.
    """

    def __init__(self, job_id: str, problem: str) -> None:
        super().__init__(f"the entry of job {job_id} is damaged: {problem}")
        self.job_id = job_id
        self.problem = problem


def tell_set_aside(pairs: Sequence[str]) -> None:
    """Tell what a script has set aside, as it returns it: item and problem, one after the other."""
    for item, problem in zip(pairs[::2], pairs[1::2], strict=True):
        tell(ItemSetAside(item=item, problem=problem))
