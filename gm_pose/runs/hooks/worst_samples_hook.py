"""Pictures of the samples that a model predicts worst."""

import os.path as osp
from typing import Any

import mmcv
import mmengine
from mmengine.dist import all_gather_object
from mmengine.runner import Runner
from mmpose.engine.hooks import BadCaseAnalysisHook
from mmpose.registry import HOOKS
from mmpose.structures import PoseDataSample, merge_data_samples


@HOOKS.register_module()
class WorstSamplesHook(BadCaseAnalysisHook):
    """Keep the `num_samples` worst samples of a test, worst first.

    MMPose's `BadCaseAnalysisHook` keeps all whose loss is above a threshold of 5, which
    every sample of a usual loss in px^2 is. Pictures are named by rank, image and value:
    ``01_000000000042_KeypointMSELoss_5123.41.jpg``, ground truth in blue, prediction in
    red; ``results.json`` has the boxes.

    Args:
        num_samples: pictures to keep, over all processes.
        out_dir: folder for them, below the run's folder of its time.
        **settings: of `BadCaseAnalysisHook`; its threshold is not used.

    Raises:
        ValueError: `num_samples` is below 1.
    """

    def __init__(
        self, num_samples: int = 20, out_dir: str | None = None, **settings: Any
    ) -> None:
        if num_samples < 1:
            raise ValueError(f'num_samples is {num_samples}; expected at least 1')
        super().__init__(out_dir=out_dir or 'badcase', **settings)
        self.num_samples = num_samples
        self._kept: list[tuple[float, int, PoseDataSample]] = []

    def before_test_epoch(self, runner: Runner) -> None:
        self._kept, self._test_index = [], 0

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Any = None,
    ) -> None:
        """Remember the samples that may be among the worst."""
        if not self.enable:
            return
        for sample in outputs or []:
            self._test_index += 1
            merged = merge_data_samples([sample])
            _, value = self.check_badcase(data_batch, merged)
            self._kept.append((value, self._test_index, merged))
        self._kept = sorted(self._kept, key=self._rank)[: self.num_samples]

    def after_test_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Draw those that are the worst of all processes'.

        The first process draws them all: MMEngine's visualizer does nothing in others.
        """
        if not self.enable:
            return
        entries = [(value, runner.rank, index) for value, index, _ in self._kept]
        of_all = [one for some in all_gather_object(entries) for one in some]
        worst = sorted(of_all, key=self._rank)[: self.num_samples]
        own = {
            (value, runner.rank, index): sample.cpu()
            for value, index, sample in self._kept
            if (value, runner.rank, index) in worst
        }
        samples = {k: v for some in all_gather_object(own) for k, v in some.items()}
        if runner.rank != 0:
            return
        folder = osp.join(runner.work_dir, runner.timestamp, self.out_dir)
        mmengine.mkdir_or_exist(folder)
        self._visualizer.set_dataset_meta(runner.test_evaluator.dataset_meta)
        results = []
        for rank, key in enumerate(worst, 1):
            (value, _, index), sample = key, samples[key]
            image, suffix = osp.splitext(osp.basename(sample.img_path))
            name = f'{rank:02d}_{image}_{self.metric_name}_{value:.2f}{suffix}'
            boxes = sample.gt_instances.bboxes.astype(int).tolist()
            results.append(
                {
                    'rank': rank,
                    'file': name,
                    'img': image,
                    'bbox': boxes,
                    self.metric_name: value,
                }
            )
            self._draw(sample, osp.join(folder, name), index)
        mmengine.dump(results, osp.join(folder, 'results.json'))
        runner.logger.info(f'the {len(results)} worst samples are in {folder}')

    def _rank(self, entry: tuple) -> float:
        """Key that sorts the worst first: highest loss, lowest accuracy."""
        return -entry[0] if self.metric_type == 'loss' else entry[0]

    def _draw(self, sample: PoseDataSample, path: str, step: int) -> None:
        """Ground truth in blue, prediction with its box in red, on the whole image."""
        picture = mmcv.imread(sample.img_path, channel_order='rgb')
        for color, is_truth in (('blue', True), ('red', False)):
            self._visualizer.kpt_color = self._visualizer.link_color = color
            picture = self._visualizer.add_datasample(
                osp.basename(path),
                picture,
                data_sample=sample,
                show=self.show and not is_truth,
                draw_gt=is_truth,
                draw_pred=not is_truth,
                draw_bbox=not is_truth,
                draw_heatmap=False,
                wait_time=self.wait_time,
                kpt_thr=self.kpt_thr,
                out_file=None if is_truth else path,
                step=step,
            )
