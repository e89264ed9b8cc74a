"""Many runs at once on one GPU: see studies/device/run_on_device.py."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studies.device.run_on_device import main

if __name__ == '__main__':
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # all is written; freeing dozens of graphs took a GPU 40 s
    os._exit(code)
