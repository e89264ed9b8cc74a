"""Pictures of heatmaps and skeletons, drawn with OpenCV from plain arrays."""
