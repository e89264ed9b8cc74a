"""Checkpoints that a kill or a full disk cannot break."""

import contextlib
import os.path as osp
from collections.abc import Iterator
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import get_file_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from gm_pose.runs.files import atomic_local_backend  # noqa: F401  registers the backend

GATHER_HOOK = 'before_gather_checkpoint'
"""Method that every process's hooks get called with before a checkpoint is saved."""


class _DeferredRemovals:
    """A file backend whose removals are kept back until the new file stands."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.paths: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self.paths.append(path)

    def rmtree(self, path: str) -> None:
        self.paths.append(path)


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's `CheckpointHook`, safe against SIGKILL and a full disk at any moment.

    Differs in three ways. Files are written aside and renamed (`AtomicLocalBackend`),
    `last_checkpoint` too. Old checkpoints are removed after the new one is on the disk:
    MMEngine removes first, so that a kill with ``max_keep_ckpts=1`` leaves none. Before
    each save the hooks of *all* processes are called with `before_gather_checkpoint`,
    for state that the saving process does not have (see `ExactResumeHook`).

    Takes `CheckpointHook`'s arguments. With another file backend in `backend_args`
    (cloud storage), writing is as safe as that backend is.
    """

    file_backend: Any

    def __init__(
        self, *args: Any, backend_args: dict | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, backend_args=backend_args, **kwargs)
        if self.file_client_args is None and (backend_args or {}).get(
            'backend', 'local'
        ) in ('local', 'LocalBackend'):
            self.backend_args = dict(backend='atomic_local')

    def before_train(self, runner: Runner) -> None:
        super().before_train(runner)
        # MMEngine forgets it on resuming, and then does not record a new best score.
        self.last_ckpt = runner.message_hub.runtime_info.get('last_ckpt')

    @contextlib.contextmanager
    def _remove_afterwards(self) -> Iterator[None]:
        """Carry out removals asked for inside only when all of it has succeeded."""
        backend, deferred = self.file_backend, _DeferredRemovals(self.file_backend)
        self.file_backend = deferred
        try:
            yield
        finally:
            self.file_backend = backend
        best = getattr(self, 'best_ckpt_path_dict', {}).values()
        kept = {self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best}
        for path in deferred.paths:
            if path in kept:  # the same epoch, saved again after a resume
                continue
            if backend.isdir(path):
                backend.rmtree(path)
            elif backend.isfile(path):
                backend.remove(path)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if not self.save_best:
            return
        runner.call_hook(GATHER_HOOK)
        with self._remove_afterwards():
            super()._save_best_checkpoint(runner, metrics)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        runner.call_hook(GATHER_HOOK)
        with self._remove_afterwards():
            self._forget_oldest(runner, step)
            name = self.filename_tmpl.format(step)
            path = self.file_backend.join_path(self.out_dir, name)
            runner.message_hub.update_info('last_ckpt', path)
            runner.save_checkpoint(
                self.out_dir,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
                **self.args,
            )
            self.last_ckpt = path
            if is_main_process():
                record = osp.join(runner.work_dir, 'last_checkpoint')
                backend = get_file_backend(backend_args=dict(backend='atomic_local'))
                backend.put_text(path, record)

    def _forget_oldest(self, runner: Runner, step: int) -> None:
        """Drop the oldest checkpoint from the list of those kept."""
        if self.max_keep_ckpts <= 0 or (
            self.keep_ckpt_ids and self.keep_ckpt_ids[-1] == step
        ):
            return
        if len(self.keep_ckpt_ids) == self.max_keep_ckpts:
            oldest = self.filename_tmpl.format(self.keep_ckpt_ids.popleft())
            if is_main_process():
                self.file_backend.remove(
                    self.file_backend.join_path(self.out_dir, oldest)
                )
        self.keep_ckpt_ids.append(step)
        runner.message_hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
