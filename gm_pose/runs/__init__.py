"""What makes any MMPose run trustworthy. Knows nothing of Gaussians.

``host`` makes the installed stack work, ``checks`` look at a config before a run starts,
``data_checks`` at annotation files and images, ``loading`` makes samples reproducible,
``resume`` holds the state a run continues from, ``files`` writes whole files or none,
``launch`` starts processes, ``hooks`` act during a run, ``doctor`` looks at the machine.
"""
