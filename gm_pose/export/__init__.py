"""A checkpoint -> one ONNX file that takes an image and boxes and gives joints."""
