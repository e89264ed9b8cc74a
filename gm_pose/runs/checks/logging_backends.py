"""Programs that a run logs to: the package of each is installed."""

from importlib.util import find_spec

from gm_pose.runs.checks.outline import Outline
from gm_pose.runs.problem import Problem

__all__ = ['check_logging_backends']

# MMEngine's backends: the modules of which one is needed, and the package that brings it
_PACKAGES = {
    'TensorboardVisBackend': (('tensorboard', 'tensorboardX'), 'tensorboard'),
    'WandbVisBackend': (('wandb',), 'wandb'),
    'MLflowVisBackend': (('mlflow',), 'mlflow'),
    'ClearMLVisBackend': (('clearml',), 'clearml'),
    'NeptuneVisBackend': (('neptune',), 'neptune'),
    'DVCLiveVisBackend': (('dvclive',), 'dvclive'),
    'AimVisBackend': (('aim',), 'aim'),
}


def check_logging_backends(outline: Outline) -> list[Problem]:
    """No backend of the visualizer lacks its package.

    MMEngine finds out when it first logs, which is after the model was built and the work
    directory written.
    """
    found = []
    for place in outline.typed:
        if not place.path.startswith('visualizer.'):
            continue  # a list that nothing uses
        modules, package = _PACKAGES.get(str(place.config['type']), ((), ''))
        if modules and not any(find_spec(module) for module in modules):
            found.append(
                Problem(
                    place.path,
                    f'logs to {place.config["type"]}, whose package is not installed',
                    f'pip install {package}, or take it out of vis_backends',
                )
            )
    return found
