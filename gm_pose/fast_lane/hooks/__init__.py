"""Hooks of the fast lane, registered in `mmpose.registry.HOOKS`."""

from gm_pose.fast_lane.hooks.compile_hook import CompileHook
from gm_pose.fast_lane.hooks.cuda_graph_hook import CudaGraphHook
from gm_pose.fast_lane.hooks.late_runtime_info_hook import LateRuntimeInfoHook
from gm_pose.fast_lane.hooks.log_time_accuracy_hook import LogTimeAccuracyHook

__all__ = ['CompileHook', 'CudaGraphHook', 'LateRuntimeInfoHook', 'LogTimeAccuracyHook']
