"""Draw which sigma a Gaussian mixture of a trained model chooses at each position."""

import argparse
from pathlib import Path
from typing import Any

from gm_pose.cli import make_parser
from gm_pose.cli.picture_run import add_picture_arguments, choose_images, open_run
from gm_pose.cli.run_arguments import run_task

DESCRIPTION = """For a few validation images of a config with a GaussianMixtureBlock or a
GaussianMixtureHead: MIXTURE_ID.png, the sigma chosen at each position of the
crop of one person, and the weight of each component (block) or the choice for each joint
(head). Uses ground-truth boxes."""
EXAMPLE = """example:
  gm_pose draw-mixture configs/gm_set2_res50_coco.py \\
      work_dirs/gm_set2_res50_coco/epoch_210.pth --out work_dirs/mixtures"""


add_arguments = add_picture_arguments


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return make_parser('draw-mixture').parse_args(argv)


def draw_person(model: Any, dataset: Any, index: int, out: Path) -> list[Path]:
    """Draw every mixture of the model for one person; returns the pictures' paths."""
    import torch

    from gm_pose.models.mixture_readout import read_mixtures
    from gm_pose.visualization.mixture_picture import JointLabels, draw_mixture
    from gm_pose.visualization.picture_files import write_picture

    item = dataset[index]
    image = item['inputs'].numpy().transpose(1, 2, 0)
    batch = dict(inputs=[item['inputs']], data_samples=[item['data_samples']])
    batch = model.data_preprocessor(batch, training=False)
    with torch.no_grad(), read_mixtures(model) as readouts:
        heatmaps = model(**batch, mode='tensor')[0]
    peaks = find_peaks(heatmaps, image.shape[1], image.shape[0])
    stem = Path(item['data_samples'].img_path).stem
    paths = []
    for name, readout in readouts.items():
        weights = readout.weights[0].float().cpu().numpy()
        joints = None
        if readout.sigmas.dim() == 2:  # each joint has its own
            names = list_joints(dataset, len(weights))
            joints = JointLabels(names, list_scales(model), peaks)
        picture = draw_mixture(
            image,
            weights,
            readout.compute_mean_sigmas()[0].float().cpu().numpy(),
            readout.sigmas.float().cpu().numpy(),
            title=f'{stem}, {name}',
            joints=joints,
        )
        path = out / f'{name.replace(".", "_")}_{stem}.png'
        write_picture(path, picture)
        paths.append(path)
    return paths


def find_peaks(heatmaps: Any, width_px: int, height_px: int) -> Any:
    """Heatmaps (K, H, W) -> (K, 2), the highest cell's centre in crop px [x, y]."""
    import numpy as np

    height, width = heatmaps.shape[1:]
    at = heatmaps.flatten(1).argmax(1).cpu().numpy()
    cells = np.stack([at % width, at // width], axis=1)
    return (cells + 0.5) * [width_px / width, height_px / height]


def list_joints(dataset: Any, count: int) -> list[str]:
    """Names of `count` joints, or their numbers where the dataset has others."""
    names = dataset.metainfo.get('keypoint_id2name', {})
    return [names.get(k, str(k)) for k in range(count)]


def list_scales(model: Any) -> list[str]:
    """How much of the mixture each joint of a GaussianMixtureHead takes."""
    scales = model.head.mixture_scale.flatten().tolist()
    return [f'a = {scale:+.2f}' for scale in scales]


def run_drawing(args: argparse.Namespace) -> list[Path]:
    """Draw all the pictures and say where they are."""
    from gm_pose.models.mixture_readout import find_mixtures
    from gm_pose.runs.user_errors import UserError
    from gm_pose.visualization.picture_files import make_picture_folder

    model, dataset = open_run(args)
    if not find_mixtures(model):
        raise UserError(
            f'config {args.config} has no Gaussian mixture to draw: give one with a '
            'GaussianMixtureBlock neck or a GaussianMixtureHead'
        )
    out = Path(args.out)
    make_picture_folder(out)
    paths: list[Path] = []
    for people in choose_images(dataset, args.images):
        paths += draw_person(model, dataset, people[0], out)
    print(f'{len(paths)} pictures in {out}')
    return paths


def run(args: argparse.Namespace) -> int:
    """Draw; 0."""
    return run_task(run_drawing, args)


def main(argv: list[str] | None = None) -> None:
    run(parse_args(argv))


if __name__ == '__main__':
    main()
