"""From annotations to a config that trains: `gm_pose new-dataset`.

``readers`` bring annotations of any known format into COCO's; ``joints`` say what MMPose
has to know of each joint, and why; ``metainfo_text`` and ``config_text`` write it down; and
``new_folder`` writes all files or none.
"""
