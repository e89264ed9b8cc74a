"""What is measured, in which order and for how long at most; imports no PyTorch."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """One way to train through the Runner.

    Args:
        lane: 'stock' for MMPose's own config, 'product' for the shipped one, 'fast'.
        workers: processes that load data.
        images: where the fast lane takes pixels from.
        compile: mode of `torch.compile`, or None.
        graphs: replay the network as CUDA graphs.
        batch: people an iteration.
        profile: write where the time of a few iterations goes.
    """

    lane: str
    workers: int
    images: str | None = None
    compile: str | None = None
    graphs: bool = False
    batch: int = 64
    profile: bool = False


ARMS = {
    'stock, 2 workers': Arm('stock', 2),
    'stock, 14 workers': Arm('stock', 14, profile=True),
    'product, 14 workers': Arm('product', 14),
    'fast, original, 14 workers': Arm('fast', 14, 'original', profile=True),
    'fast, images, 8 workers': Arm('fast', 8, 'images', profile=True),
    'fast, crops, 8 workers': Arm('fast', 8, 'crops'),
    'fast, images, 8 workers, batch 256': Arm('fast', 8, 'images', batch=256),
    'fast, images, 8 workers, CUDA graphs': Arm('fast', 8, 'images', graphs=True),
    'fast, images, 8 workers, compiled': Arm('fast', 8, 'images', 'default'),
    'fast, original, 14 workers, compiled': Arm('fast', 14, 'original', 'default'),
}
# Section -> job -> seconds after which it is killed.
JOBS: dict[str, dict[str, float]] = {
    'network': {'fastest': 70, 'half': 110, 'eager': 80, 'graph': 50, 'compiled': 110},
    'loop': {
        'photographs': 40,
        'stores': 60,
        **{name: 110 if arm.compile else 75 for name, arm in ARMS.items()},
    },
    'resume': {'product': 90, 'fast': 90, 'graphs': 90},
    'data': {'data': 45},
    'product': {'product': 60},
    'predict': {'predict': 60},
    'ddp': {'ddp': 30},
    'accuracy': {'accuracy': 420},
}
# Without `accuracy`, which asks for photographs; most valuable first.
ORDER = (
    'network:fastest',
    'loop:photographs',
    'loop:stores',
    'loop:stock, 14 workers',
    'loop:fast, images, 8 workers',
    'loop:fast, original, 14 workers',
    'loop:fast, images, 8 workers, CUDA graphs',
    'network:half',
    'network:eager',
    'loop:stock, 2 workers',
    'resume:product',
    'resume:fast',
    'resume:graphs',
    'network:graph',
    'product:product',
    'predict:predict',
    'data:data',
    'loop:product, 14 workers',
    'loop:fast, crops, 8 workers',
    'loop:fast, images, 8 workers, compiled',
    'network:compiled',
    'ddp:ddp',
    'loop:fast, images, 8 workers, batch 256',
    'loop:fast, original, 14 workers, compiled',
)


def choose_jobs(asked: str | None) -> list[tuple[str, str, float]]:
    """'section' or 'section:job', separated by ';' -> (section, job, seconds) in order.

    Raises:
        ValueError: a name that does not exist.
    """
    if asked is None:
        names = list(ORDER)
    else:
        names = []
        for name in asked.split(';'):
            section, _, job = name.partition(':')
            known = JOBS.get(section, {})
            if not known or (job and job not in known):
                raise ValueError(
                    f'job {name!r} does not exist; the sections are {", ".join(JOBS)}, '
                    f'their jobs {known or JOBS}'
                )
            own = [f'{section}:{job}'] if job else [f'{section}:{j}' for j in known]
            names += own
    pairs = [name.split(':') for name in names]
    return [(section, job, JOBS[section][job]) for section, job in pairs]
