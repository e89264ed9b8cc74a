"""Export a model: build, convert, check, write."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gm_pose.export.build_graph import build_graph, convert_graph
from gm_pose.export.file_metadata import add_metadata, describe_file
from gm_pose.export.graph.pose_graph import PoseGraph
from gm_pose.export.parity import LARGEST_PX, Parity, measure_parity
from gm_pose.export.precision import to_fp16, to_int8
from gm_pose.export.samples import Sample, render_samples
from gm_pose.inference.backends.onnx_backend import open_session
from gm_pose.inference.backends.torch_backend import TorchBackend
from gm_pose.inference.models.open_model import open_model
from gm_pose.inference.models.run_checkpoint import OpenedModel
from gm_pose.runs.files.atomic_files import explain_write_error, write_atomically
from gm_pose.runs.user_errors import UserError

__all__ = ['ExportOptions', 'Exported', 'export_onnx']

PRECISIONS = ('fp32', 'fp16', 'int8')


@dataclass(frozen=True)
class ExportOptions:
    """What the file takes, gives and computes in.

    Args:
        takes: 'image': a whole image and boxes; 'crop': crops of people.
        gives: 'joints', or 'maps', for decoders of your own.
        flip_test: average the maps of picture and mirrored picture; doubles the time.
        precision: of the network: 'fp32', 'fp16' or 'int8'.

    Raises:
        ValueError: another value.
    """

    takes: str = 'image'
    gives: str = 'joints'
    flip_test: bool = False
    precision: str = 'fp32'

    def __post_init__(self) -> None:
        for name, known in (
            ('takes', ('image', 'crop')),
            ('gives', ('joints', 'maps')),
            ('precision', PRECISIONS),
        ):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f'{name} is {value!r}; expected one of {known}')


@dataclass(frozen=True)
class Exported:
    """A file that was written.

    Attributes:
        path: of it.
        megabytes: of 10^6 bytes.
        parity: of the float32 graph with PyTorch.
        loss: of the file itself with PyTorch; None for fp32, where it is `parity`.
    """

    path: Path
    megabytes: float
    parity: Parity
    loss: Parity | None


def export_onnx(
    model: str | OpenedModel,
    out: str | Path,
    options: ExportOptions | None = None,
    weights: str | None = None,
    samples: Sequence[Sample] | None = None,
    report: Callable[[str], None] | None = None,
) -> Exported:
    """Checkpoint -> one ONNX file, checked against PyTorch before it is written.

    Args:
        model: what `gm_pose.PoseEstimator` takes, ONNX files apart; or opened already.
        out: the file; an older one of that name is replaced as a whole.
        options: default: image and boxes in, joints out, float32.
        weights: checkpoint, where `model` is a config or a name.
        samples: people to check on, and to calibrate 'int8' with; None: rendered ones,
            which do for the check alone.
        report: called with a line for each step.

    Raises:
        UserError: the model cannot be opened or exported, differs from PyTorch by more
            than 0.05 px, or `out` cannot be written; nothing is left then.
    """
    options = options or ExportOptions()
    say = report or _say_nothing
    if options.precision == 'int8' and samples is None:
        raise UserError(
            'int8 needs images like those that the model will see, to calibrate on. Fix: '
            '--int8 IMAGES'
        )
    require_runtime()
    out = Path(out)
    require_place(out)
    opened = open_model(model, weights) if isinstance(model, str) else model
    backend = TorchBackend(opened, 'cpu', options.flip_test, any_codec=True)
    # the layout that PyTorch is fast with would be traced as well
    backend.network.model.to(memory_format=torch.contiguous_format)
    graph = build_graph(backend.network, opened, options.takes, options.gives)
    properties = describe_file(backend, opened, options)
    say('converting')
    proto = convert_graph(graph)
    add_metadata(proto, properties)
    samples = render_samples() if samples is None else samples
    try:
        data, parity, loss = check_and_shrink(
            proto, graph, backend, samples, options.precision, say
        )
    except OSError as error:
        place = 'the folder of temporary files'
        raise explain_write_error(error, place, 'write into', 'TMPDIR') from error
    try:
        write_atomically(out, data)
    except OSError as error:
        raise explain_write_error(error, str(out), option='--out') from error
    return Exported(out, len(data) / 1e6, parity, loss)


def check_and_shrink(
    proto: Any,
    graph: PoseGraph,
    backend: TorchBackend,
    samples: Sequence[Sample],
    precision: str,
    say: Callable[[str], None],
) -> tuple[bytes, Parity, Parity | None]:
    """ONNX model -> content of the file, differences of float32 and of `precision`.

    Raises:
        UserError: float32 differs too much.
        OSError: temporary files cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix='gm_pose_export_') as folder:
        path = os.path.join(folder, 'model.onnx')
        write_model(proto, path)
        parity = measure_parity(open_session(path), graph, backend, samples)
        say(f'checked: {parity}')
        if not parity.largest_px <= LARGEST_PX:
            raise UserError(
                f'the exported graph differs from PyTorch by {parity.largest_px:.3g} px; '
                f'expected at most {LARGEST_PX}. Nothing was written'
            )
        loss = None
        if precision != 'fp32':
            say(f'converting to {precision}')
            if precision == 'fp16':
                write_model(to_fp16(proto), path)
            else:
                to_int8(proto, path, graph, samples)
            loss = measure_parity(open_session(path), graph, backend, samples)
            say(f'{precision}: {loss}')
        return Path(path).read_bytes(), parity, loss


def _say_nothing(line: str) -> None:
    pass


def require_runtime() -> None:
    """Fail in a second, not after the conversion."""
    version = torch.__version__
    if tuple(map(int, version.split('.')[:2])) < (2, 7):
        raise UserError(
            f'torch is {version}, whose exporter fixes the number of people; expected 2.7 '
            "or newer. Fix: pip install 'torch>=2.7'"
        )
    for package in ('onnx', 'onnxruntime', 'onnxscript'):
        try:
            __import__(package)
        except ImportError as error:
            raise UserError(
                f"exporting needs {package} ({error}). Fix: pip install 'gm_pose[export]'"
            ) from error


def require_place(out: Path) -> None:
    """Refuse a file that cannot be written."""
    if out.suffix != '.onnx':
        raise UserError(f'{out} does not end in .onnx. Fix: --out {out}.onnx')
    parent = out.parent
    if out.is_dir() or not parent.is_dir():
        reason = 'is a file' if os.path.lexists(parent) else 'is not there'
        what = 'is a folder' if out.is_dir() else f'is in {parent}, which {reason}'
        raise UserError(f'{out} {what}; expected a file to write. Fix: another --out')
    try:  # not after minutes of conversion
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise explain_write_error(error, str(out), option='--out') from error


def write_model(proto: Any, path: str) -> None:
    """One file, above 2 GB refused by ONNX itself."""
    import onnx

    try:
        onnx.save_model(proto, path, save_as_external_data=False)
    except ValueError as error:  # protobuf's limit
        raise UserError(
            f'the model does not fit one ONNX file of 2 GB ({error})'
        ) from error
