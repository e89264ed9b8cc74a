"""Write the report's tables and figures: see studies/report/make_report.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from studies.report.make_report import main

if __name__ == '__main__':
    main()
