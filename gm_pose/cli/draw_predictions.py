"""Draw what a trained model sees: heatmaps joint by joint, skeletons over the image."""

import argparse
from pathlib import Path
from typing import Any

from gm_pose.cli import make_parser
from gm_pose.cli.picture_run import add_picture_arguments, choose_images, open_run
from gm_pose.cli.run_arguments import run_task

DESCRIPTION = """For a few validation images of a config: heatmaps_ID.png, the target beside
the predicted heatmap of every joint over the crop of the largest person, and
skeletons_ID.png, the true beside the predicted skeletons of all people. Uses ground-truth
boxes."""
EXAMPLE = """example:
  gm_pose draw-predictions configs/demo/demo_gm_set2_synthetic.py \\
      work_dirs/demo/epoch_40.pth --out work_dirs/demo/pictures"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_picture_arguments(parser)
    parser.add_argument(
        '--score-threshold',
        type=float,
        default=0.2,
        metavar='S',
        help='joints with a lower score are not drawn in skeletons (%(default)s)',
    )


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('draw-predictions').parse_args(argv)


def draw_image(
    model: Any, dataset: Any, indices: list[int], out: Path, score_threshold: float
) -> list[Path]:
    """Draw the two pictures of one image; returns their paths."""
    import cv2
    import numpy as np
    import torch

    from gm_pose.visualization.heatmap_grid import JointMaps, draw_heatmap_grid
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
    found = [r.pred_instances for r in results]
    predicted = [np.column_stack([f.keypoints[0], f.keypoint_scores[0]]) for f in found]
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
        JointMaps(targets[k], to_crop(truth[k][:, :2]), truth[k][:, 2] > 0),
        JointMaps(heatmaps, to_crop(predicted[k][:, :2])),
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
        truth,
        predicted,
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
    from gm_pose.visualization.picture_files import make_picture_folder

    model, dataset = open_run(args)
    out = Path(args.out)
    make_picture_folder(out)
    paths = []
    for indices in choose_images(dataset, args.images):
        for path in draw_image(model, dataset, indices, out, args.score_threshold):
            print(path, flush=True)
            paths.append(path)
    return paths


def run(args: argparse.Namespace) -> int:
    """Draw; 0."""
    return run_task(run_drawing, args)


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


if __name__ == '__main__':
    main()
