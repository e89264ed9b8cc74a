"""Train a pose model: MMPose's options, plus `--gt-boxes`."""

from gm_pose.cli.train import main

if __name__ == '__main__':
    main()
