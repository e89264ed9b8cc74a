"""How far a queue is, and how long it still takes."""

from collections.abc import Collection, Mapping

from gm_pose.runs.launch.time_left import format_time
from gm_pose.runs.queue.job import Job

__all__ = ['describe_progress']


def describe_progress(
    jobs: Collection[Job], elapsed: Mapping[str, float], parts: Mapping[str, float]
) -> str:
    """One line: how many jobs are finished, under way and waiting, and the time left.

    A job takes as long as the finished ones did on average; before the first has finished,
    as long as the running ones will at their present pace. As many run side by side as now.

    Args:
        jobs: all of the queue.
        elapsed: seconds of the jobs that run here.
        parts: how much of each running job is done, 0 to 1; half where it is not known.
    """
    by_state = {
        state: [j for j in jobs if j.state == state] for state in ('waiting', 'running')
    }
    waiting, running = by_state['waiting'], by_state['running']
    finished = len(jobs) - len(waiting) - len(running)
    text = f'{finished} of {len(jobs)} finished, {len(running)} under way, '
    text += f'{len(waiting)} waiting'
    durations = [job.seconds for job in jobs if job.state == 'done']
    if not durations:
        durations = [
            seconds / parts[name]
            for name, seconds in elapsed.items()
            if parts.get(name, 0) > 0
        ]
    if not durations or not running:
        return text
    open_parts = sum(1 - parts.get(job.name, 0.5) for job in running)
    left = sum(durations) / len(durations) * (len(waiting) + open_parts) / len(running)
    return f'{text}, about {format_time(left)} left'
