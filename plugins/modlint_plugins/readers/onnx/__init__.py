"""The parts of the ONNX reader: wire format, skeleton, tensors, external data."""
