"""Run the study's missing trainings: see studies/training/run_study.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studies.training.run_study import main

if __name__ == '__main__':
    sys.exit(main())
