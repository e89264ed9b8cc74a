"""Make the embedded dataset: rendered people in COCO's own folder and JSON layout."""

from gm_pose.cli.make_synthetic_coco import main

if __name__ == '__main__':
    main()
