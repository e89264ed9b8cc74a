"""What one GPU does: network alone, whole loop, resume, data path, block, codec, NCCL.

    python benchmarks/on_gpu.py --out DIR
    python benchmarks/on_gpu.py --out DIR --jobs accuracy --data FOLDER_OF_STUDIO17
    python benchmarks/on_gpu.py --out DIR --jobs 'network:eager;data' --rehearse

Every job of `benchmarks/gpu/plan.py` is a process of its own with a time limit, so one that
dies or hangs costs its own rows alone. Rows go to DIR/rows.jsonl as they are measured, and
DIR/on_gpu.md is made from them after each job. While a job runs, the next one imports what
it needs and waits. `--rehearse` runs tiny sizes, without a GPU.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.gpu.plan import choose_jobs  # noqa: E402

# Section -> its module.
MODULES = {'data': 'data_path', 'ddp': 'one_process'}
_LEAST_S = 10.0  # a job is not started with less


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    out = Path(os.environ.get('OUT', '.'))
    parser.add_argument('--out', type=Path, default=out, help='folder (%(default)s)')
    parser.add_argument(
        '--scratch',
        type=Path,
        default=Path(tempfile.gettempdir()) / 'gm_pose_on_gpu',
        help='for photographs and stores, 20 GB (%(default)s)',
    )
    parser.add_argument(
        '--jobs', help="sections and section:job, ';' between them; all but accuracy"
    )
    parser.add_argument('--budget', type=float, default=470, help='s (%(default)s)')
    parser.add_argument('--data', type=Path, help='holds studio17/, for accuracy')
    parser.add_argument(
        '--seeds', type=int, default=5, help='of accuracy (%(default)s)'
    )
    parser.add_argument(
        '--rehearse', action='store_true', help='tiny sizes, any device'
    )
    parser.add_argument('--report', action='store_true', help='only make the tables')
    parser.add_argument('--child', nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    args.out = args.out.resolve()
    args.scratch = args.scratch.resolve()
    for folder in (args.out, args.scratch):
        folder.mkdir(parents=True, exist_ok=True)
    if args.child:
        run_child(args, *args.child)
        return
    from benchmarks.gpu.report import write_report

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the jobs, too
    if not args.report:
        run_jobs(choose_jobs(args.jobs), args)
    print(write_report(args.out))


def run_jobs(jobs: list[tuple[str, str, float]], args: argparse.Namespace) -> None:
    """Run the jobs one after another, each in a process that the one before prepared."""
    from benchmarks.gpu.report import write_report
    from benchmarks.gpu.row_file import write_row

    slower = 8 if args.rehearse else 1
    end = time.monotonic() + slower * args.budget
    jobs = [('machine', 'machine', 40.0), *jobs]
    processes = {}
    try:
        for index, (section, job, seconds) in enumerate(jobs):
            for upcoming in jobs[index : index + 2]:
                if upcoming not in processes:
                    processes[upcoming] = start_child(*upcoming[:2], args)
            limit = min(slower * seconds, end - time.monotonic() - 2)
            began = time.monotonic()
            process = processes[section, job, seconds]
            if limit < _LEAST_S:
                failed = 'no time left'
            else:
                failed = let_run(process, limit)
            stop(process)
            took = round(time.monotonic() - began, 1)
            print(f'{section}:{job} took {took} s, {failed or "done"}', flush=True)
            if failed:
                log = f'{section} {job}.log'.replace(', ', ' ')
                write_row(args.out, section=section, name=job, failed=failed, log=log)
            write_report(args.out)
    finally:
        for process in processes.values():
            stop(process)


def start_child(section: str, job: str, args: argparse.Namespace) -> subprocess.Popen:
    """Start a job's process; it imports, and waits for its limit on stdin."""
    command = [sys.executable, __file__, '--out', str(args.out)]
    command += ['--scratch', str(args.scratch)]
    command += ['--child', section, job, '--seeds', str(args.seeds)]
    command += ['--rehearse'] if args.rehearse else []
    command += ['--data', str(args.data.resolve())] if args.data else []
    log = args.out / f'{section} {job}.log'.replace(', ', ' ')
    with log.open('wb') as file:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its data workers end with it
        )


def let_run(process: subprocess.Popen, limit: float) -> str | None:
    """Let a waiting process run -> what went wrong, or None."""
    try:
        process.communicate(f'{limit}\n'.encode(), timeout=limit)
    except subprocess.TimeoutExpired:
        return f'killed after {limit:.0f} s'
    except BrokenPipeError:
        process.wait()
    return None if process.returncode == 0 else f'exit code {process.returncode}'


def stop(process: subprocess.Popen) -> None:
    """End a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_child(args: argparse.Namespace, section: str, job: str) -> None:
    import faulthandler

    import gm_pose  # noqa: F401  prepares the stack before MMPose is imported

    faulthandler.enable()
    module = import_module(f'benchmarks.gpu.{MODULES.get(section, section)}')
    from benchmarks.gpu.rows import Bench

    limit = float(sys.stdin.readline())  # the job before has ended
    faulthandler.dump_traceback_later(max(limit - 2, 1))
    bench = Bench(
        section=section,
        folder=args.out,
        scratch=args.scratch,
        rehearse=args.rehearse,
        limit_s=limit,
        data=args.data,
        seeds=args.seeds,
    )
    module.run(job, bench)


if __name__ == '__main__':
    main()
