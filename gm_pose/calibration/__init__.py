"""`gm_pose calibrate`: is a model as sure as it should be?"""
