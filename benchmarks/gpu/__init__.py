"""What `benchmarks/on_gpu.py` measures: `plan.py` and one module a section."""
