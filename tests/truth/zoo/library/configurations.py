"""Small configurations of the library's architectures."""

from __future__ import annotations

WIDTH = {"hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = {**WIDTH, "vocab_size": 31, "intermediate_size": 20, "max_position_embeddings": 16}
GPT = {"vocab_size": 31, "n_embd": 12, "n_layer": 2, "n_head": 2, "n_positions": 16}
GROUPED = {**TEXT, "hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2}
COMMON = {"use_cache": False, "pad_token_id": 0}
BART = {"vocab_size": 31, "d_model": 12, "encoder_layers": 1, "decoder_layers": 1}
BART |= {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 20}
BART |= {"decoder_ffn_dim": 18, "max_position_embeddings": 16}
IMAGE = {**WIDTH, "intermediate_size": 20, "image_size": 8, "patch_size": 4}
SPEECH = {"conv_dim": [6, 8], "conv_stride": [2, 2], "conv_kernel": [3, 2], "vocab_size": 7}
SPEECH |= {
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2,
}
CLIP = {
    "text_config": {**TEXT, "eos_token_id": 30, "pad_token_id": 0},
    "vision_config": {**IMAGE, "hidden_size": 14},
    "projection_dim": 9,
}
SEGFORMER = {
    "num_encoder_blocks": 2,
    "depths": [1, 1],
    "sr_ratios": [2, 1],
    "hidden_sizes": [6, 8],
    "patch_sizes": [3, 3],
}
SEGFORMER |= {
    "strides": [2, 2],
    "num_attention_heads": [1, 2],
    "mlp_ratios": [2, 2],
    "decoder_hidden_size": 10,
    "num_labels": 5,
}
WHISPER = {
    **BART,
    "num_mel_bins": 4,
    "max_source_positions": 5,
    "max_target_positions": 16,
    "decoder_start_token_id": 1,
}
SWIN = {
    "image_size": 16,
    "patch_size": 2,
    "embed_dim": 6,
    "depths": [2, 1],
    "num_heads": [1, 2],
    "window_size": 4,
    "num_labels": 5,
}
T5 = {
    "vocab_size": 31,
    "d_model": 12,
    "d_kv": 5,
    "d_ff": 20,
    "num_layers": 1,
    "num_decoder_layers": 1,
    "num_heads": 2,
}
XLNET = {"vocab_size": 31, "d_model": 12, "n_layer": 1, "n_head": 2, "d_inner": 20}
CONVNEXT = {
    "num_stages": 2,
    "hidden_sizes": [6, 8],
    "depths": [1, 1],
    "patch_size": 2,
    "num_labels": 5,
}
RESNET = {"embedding_size": 6, "hidden_sizes": [8, 12], "depths": [1, 2], "num_labels": 5}
MOE = {**GROUPED, "num_local_experts": 3, "num_experts_per_tok": 2}
BLOOM = {"vocab_size": 31, "hidden_size": 12, "n_layer": 2, "n_head": 2}
