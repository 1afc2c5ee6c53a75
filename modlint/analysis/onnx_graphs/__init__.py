"""Checks of ONNX graphs; onnx itself is imported by the modules that call it."""
