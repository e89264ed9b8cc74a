"""Many runs at once on one GPU: see studies/device/run_on_device.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studies.device.run_on_device import main

if __name__ == '__main__':
    sys.exit(main())
