"""Models that are known by their tensors' names: which weight reads which channels, as data.

Each table follows the source that defines its modules: transformers' modeling_*.py, Meta's
llama/model.py, nanoGPT, timm's vision_transformer.py and torch.nn.TransformerEncoderLayer.
"""
