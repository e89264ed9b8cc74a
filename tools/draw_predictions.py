"""Draw what a trained model sees: heatmaps joint by joint, skeletons over the image."""

from __future__ import annotations

import argparse
import os.path as osp
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python tools/draw_predictions.py configs/demo/demo_gm_set2_synthetic.py \\
      work_dirs/demo/epoch_40.pth --out work_dirs/demo/pictures"""


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='For a few validation images of a config: heatmaps_ID.png, the '
        'target beside the predicted heatmap of every joint over the crop of the '
        'largest person, and skeletons_ID.png, the true beside the predicted skeletons '
        'of all people. Uses ground-truth boxes.',
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of that config')
    parser.add_argument('--out', required=True, help='folder for the pictures')
    parser.add_argument(
        '--images', type=int, default=6, metavar='N',
        help='images, evenly spaced over the validation set (%(default)s)',
    )  # fmt: skip
    parser.add_argument(
        '--score-threshold', type=float, default=0.2, metavar='S',
        help='joints with a lower score are not drawn in skeletons (%(default)s)',
    )  # fmt: skip
    parser.add_argument('--device', help='cpu, cuda:0, ... (a GPU where there is one)')
    return parser.parse_args(argv)


def read_config(path: str) -> Any:
    """Config file -> config with ground-truth boxes and heatmaps as an output."""
    from mmengine.config import Config

    from gm_pose.engine import codec_config, preflight
    from gm_pose.engine.user_errors import UserError

    if not osp.isfile(path):
        raise UserError(f'config {path} does not exist: give the path of a config file')
    try:
        cfg = Config.fromfile(path)
    except (SyntaxError, OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(f'config {path} cannot be read: {error}') from error
    if cfg.get('data_mode', 'topdown') != 'topdown' or 'head' not in cfg.model:
        raise UserError(
            f'config {path} is not a top-down heatmap model: only those are drawn'
        )
    codec_config.check_codec_agreement(cfg)
    cfg.val_dataloader.dataset.bbox_file = None
    preflight.check_data_files(cfg, ('val',))
    cfg.model.setdefault('test_cfg', {})
    cfg.model.test_cfg.output_heatmaps = True
    if 'backbone' in cfg.model:
        cfg.model.backbone.init_cfg = None  # the checkpoint brings the weights
    return cfg


def build_dataset(cfg: Any) -> Any:
    """The validation dataset, with target heatmaps drawn by the model's codec."""
    from mmpose.registry import DATASETS

    settings = cfg.val_dataloader.dataset
    pipeline = [dict(step) for step in settings.pipeline]
    target = dict(type='GenerateTarget', encoder=cfg.model.head.decoder)
    pack = [step['type'] for step in pipeline].index('PackPoseInputs')
    return DATASETS.build(dict(settings, pipeline=[*pipeline[:pack], target,
                                                   *pipeline[pack:]]))  # fmt: skip


def build_model(cfg: Any, checkpoint: str, device: str | None) -> Any:
    """The config's model with the checkpoint's weights, ready to predict."""
    import torch
    from mmengine.runner import load_checkpoint
    from mmpose.registry import MODELS

    from gm_pose.engine.user_errors import UserError

    if not osp.isfile(checkpoint):
        raise UserError(
            f'checkpoint {checkpoint} does not exist: give a file that training wrote '
            '(its path stands in last_checkpoint in the work directory)'
        )
    model = MODELS.build(cfg.model)
    try:
        load_checkpoint(model, checkpoint, map_location='cpu', strict=True)
    except ValueError as error:  # a damaged or unsafe file, told in a sentence
        raise UserError(str(error)) from error
    except RuntimeError as error:
        reason = str(error).strip().splitlines()
        raise UserError(
            f'checkpoint {checkpoint} does not fit the config: '
            f'{" ".join(line.strip() for line in reason[:2])}'
        ) from error
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    return model.to(device).eval()


def choose_images(dataset: Any, count: int) -> list[list[int]]:
    """Indices of the people in each of `count` images, evenly spaced."""
    people: dict[int, list[int]] = {}
    for index in range(len(dataset)):
        people.setdefault(dataset.get_data_info(index)['img_id'], []).append(index)
    groups = list(people.values())
    count = min(count, len(groups))
    return [groups[i * len(groups) // count] for i in range(count)]


def draw_image(model: Any, dataset: Any, indices: list[int], out: Path,
               score_threshold: float) -> list[Path]:  # fmt: skip
    """Draw the two pictures of one image; returns their paths."""
    import cv2
    import numpy as np
    import torch

    from gm_pose.visualization.heatmap_grid import draw_heatmap_grid
    from gm_pose.visualization.picture_files import write_picture
    from gm_pose.visualization.skeleton_picture import SkeletonStyle, draw_skeleton_pair

    packed = [dataset[index] for index in indices]
    crops = [item['inputs'].numpy().transpose(1, 2, 0) for item in packed]
    targets = [s['data_samples'].gt_fields.heatmaps.numpy() for s in packed]
    with torch.no_grad():
        results = model.test_step(
            dict(
                inputs=[item['inputs'] for item in packed],
                data_samples=[item['data_samples'] for item in packed],
            )
        )
    truth = [np.reshape(r.raw_ann_info['keypoints'], (-1, 3)) for r in results]
    predicted = [r.pred_instances.keypoints[0] for r in results]
    scores = [r.pred_instances.keypoint_scores[0] for r in results]
    meta = dataset.metainfo
    name = Path(results[0].img_path).stem
    heatmaps_path = out / f'heatmaps_{name}.png'
    skeletons_path = out / f'skeletons_{name}.png'

    areas = [float(np.prod(r.metainfo['input_scale'])) for r in results]
    k = int(np.argmax(areas))
    info = results[k].metainfo

    def to_crop(points: np.ndarray) -> np.ndarray:
        shifted = points - info['input_center'] + 0.5 * info['input_scale']
        return shifted / info['input_scale'] * info['input_size']

    heatmaps = results[k].pred_fields.heatmaps.cpu().numpy()
    sheet = draw_heatmap_grid(
        crops[k],
        targets[k],
        heatmaps,
        truth[k][:, 2] > 0,
        to_crop(truth[k][:, :2]),
        to_crop(predicted[k]),
        [meta['keypoint_id2name'][j] for j in range(len(heatmaps))],
        read_sigmas(model.head.decoder, len(heatmaps)),
        model.head.decoder.scale_factor,
        name if len(results) == 1 else f'{name}, largest of {len(results)} people',
    )
    write_picture(heatmaps_path, sheet)
    style = SkeletonStyle(
        np.array(meta['skeleton_links']),
        np.array(meta['skeleton_link_colors']),
        np.array(meta['keypoint_colors']),
    )
    pair = draw_skeleton_pair(
        cv2.imread(results[0].img_path),
        [points[:, :2] for points in truth],
        [points[:, 2] for points in truth],
        predicted,
        scores,
        style,
        f'{name}, {len(results)} {"person" if len(results) == 1 else "people"}',
        score_threshold,
    )
    write_picture(skeletons_path, pair)
    return [heatmaps_path, skeletons_path]


def read_sigmas(codec: Any, joints: int) -> list[float] | None:
    """Sigma in cells of each joint, None for a codec without any."""
    sigmas = getattr(codec, 'sigmas_cells', getattr(codec, 'sigma', None))
    if sigmas is None:
        return None
    values = [float(s) for s in (sigmas if hasattr(sigmas, '__len__') else [sigmas])]
    return values * joints if len(values) == 1 else values


def run_drawing(args: argparse.Namespace) -> list[Path]:
    """Draw all the pictures and print their paths."""
    from mmengine.registry import init_default_scope

    from gm_pose.engine.user_errors import UserError
    from gm_pose.visualization.picture_files import make_picture_folder

    if args.images < 1:
        raise UserError(f'--images is {args.images}: ask for at least 1')
    cfg = read_config(args.config)
    init_default_scope(cfg.get('default_scope', 'mmpose'))
    model = build_model(cfg, args.checkpoint, args.device)
    dataset = build_dataset(cfg)
    out = Path(args.out)
    make_picture_folder(out)
    paths = []
    for indices in choose_images(dataset, args.images):
        for path in draw_image(model, dataset, indices, out, args.score_threshold):
            print(path, flush=True)
            paths.append(path)
    return paths


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)

    import gm_pose  # noqa: F401  before mmpose, and for configs without our import
    from gm_pose.engine.user_errors import report_user_errors

    with report_user_errors():
        run_drawing(args)


if __name__ == '__main__':
    main()
