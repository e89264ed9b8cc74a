"""Evaluate a checkpoint: MMPose's options, plus `--gt-boxes`."""

from gm_pose.cli.test import main

if __name__ == '__main__':
    main()
