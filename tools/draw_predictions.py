"""Draw what a trained model sees: heatmaps joint by joint, skeletons over the image."""

from gm_pose.cli.draw_predictions import main

if __name__ == '__main__':
    main()
