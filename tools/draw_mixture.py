"""Draw which width the Gaussian mixtures of a trained model choose where."""

from gm_pose.cli.draw_mixture import main

if __name__ == '__main__':
    main()
