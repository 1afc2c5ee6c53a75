"""Encoders of text, images and sound."""

from __future__ import annotations

from modlint_plugins.networks.names.families.layout import Attention, Block, Family, Mlp, Stack

_BERT = Block(
    Attention(
        "attention.output.dense",
        query="attention.self.query",
        key="attention.self.key",
        value="attention.self.value",
    ),
    Mlp("intermediate.dense", "output.dense"),
    norms=("attention.output.LayerNorm", "output.LayerNorm"),
    order="behind",
)
_TABLES = (
    "embeddings.word_embeddings",
    "embeddings.position_embeddings",
    "embeddings.token_type_embeddings",
)
_VIT = Block(
    Attention(
        "attention.output.dense",
        query="attention.attention.query",
        key="attention.attention.key",
        value="attention.attention.value",
    ),
    Mlp("intermediate.dense", "output.dense"),
    norms=("layernorm_before", "layernorm_after"),
)
_CLIP = Block(
    Attention(
        "self_attn.out_proj",
        query="self_attn.q_proj",
        key="self_attn.k_proj",
        value="self_attn.v_proj",
    ),
    Mlp("mlp.fc1", "mlp.fc2"),
    norms=("layer_norm1", "layer_norm2"),
)
_TORCH = Block(
    Attention("self_attn.out_proj", fused="self_attn.in_proj"),
    Mlp("linear1", "linear2"),
    norms=("norm1", "norm2"),
    order="behind",
)

ENCODERS = (
    Family(
        "BERT",
        types=("bert", "roberta", "xlm-roberta", "camembert", "electra", "ernie", "data2vec-text"),
        stacks=(
            Stack(
                "encoder.layer",
                _BERT,
                embeddings=_TABLES,
                opening="embeddings.LayerNorm",
                projected="embeddings_project",
            ),
        ),
        heads=(
            ("pooler.dense", "classifier"),
            ("classifier.dense", "classifier.out_proj"),
            ("qa_outputs",),
            (
                "cls.predictions.transform.dense|lm_head.dense",
                "cls.predictions.transform.LayerNorm|lm_head.layer_norm",
                "cls.predictions.decoder|lm_head.decoder|=embeddings.word_embeddings",
            ),
        ),
    ),
    Family(
        "DistilBERT",
        types=("distilbert",),
        stacks=(
            Stack(
                "transformer.layer",
                Block(
                    Attention(
                        "attention.out_lin",
                        query="attention.q_lin",
                        key="attention.k_lin",
                        value="attention.v_lin",
                    ),
                    Mlp("ffn.lin1", "ffn.lin2"),
                    norms=("sa_layer_norm", "output_layer_norm"),
                    order="behind",
                ),
                embeddings=_TABLES[:2],
                opening="embeddings.LayerNorm",
            ),
        ),
        heads=(
            ("pre_classifier", "classifier"),
            ("qa_outputs",),
            (
                "vocab_transform",
                "vocab_layer_norm",
                "vocab_projector|=embeddings.word_embeddings",
            ),
        ),
    ),
    Family(
        "ALBERT",
        types=("albert",),
        stacks=(
            Stack(
                "encoder.albert_layer_groups.0.albert_layers",
                Block(
                    Attention(
                        "attention.dense",
                        query="attention.query",
                        key="attention.key",
                        value="attention.value",
                    ),
                    Mlp("ffn", "ffn_output"),
                    norms=("attention.LayerNorm", "full_layer_layer_norm"),
                    order="behind",
                ),
                embeddings=_TABLES,
                opening="embeddings.LayerNorm",
                projected="encoder.embedding_hidden_mapping_in",
                shared=True,
            ),
        ),
        heads=(
            ("pooler", "classifier"),
            (
                "predictions.dense",
                "predictions.LayerNorm",
                "predictions.decoder|=embeddings.word_embeddings",
            ),
        ),
    ),
    Family(
        "MPNet",
        types=("mpnet",),
        stacks=(
            Stack(
                "encoder.layer",
                Block(
                    Attention(
                        "attention.attn.o",
                        query="attention.attn.q",
                        key="attention.attn.k",
                        value="attention.attn.v",
                    ),
                    Mlp("intermediate.dense", "output.dense"),
                    norms=("attention.LayerNorm", "output.LayerNorm"),
                    order="behind",
                ),
                embeddings=_TABLES[:2],
                opening="embeddings.LayerNorm",
            ),
        ),
        heads=(
            ("pooler.dense",),
            ("classifier.dense", "classifier.out_proj"),
            (
                "lm_head.dense",
                "lm_head.layer_norm",
                "lm_head.decoder|=embeddings.word_embeddings",
            ),
        ),
        optional=("relative_attention_bias",),
    ),
    Family(
        "ViT",
        types=("vit", "deit", "vit_mae", "vit_msn"),
        stacks=(
            Stack(
                "encoder.layer",
                _VIT,
                patches=("embeddings.patch_embeddings.projection",),
                tokens=("embeddings.cls_token", "embeddings.distillation_token"),
                final="layernorm",
            ),
        ),
        heads=(("pooler.dense",), ("classifier",)),
    ),
    Family(
        "DINOv2",
        types=("dinov2",),
        stacks=(
            Stack(
                "encoder.layer",
                Block(
                    _VIT.attention,
                    Mlp("mlp.fc1", "mlp.fc2"),
                    norms=("norm1", "norm2"),
                    scales=(("layer_scale1", "lambda1"), ("layer_scale2", "lambda1")),
                ),
                patches=("embeddings.patch_embeddings.projection",),
                tokens=("embeddings.cls_token", "embeddings.distillation_token"),
                final="layernorm",
            ),
        ),
        heads=(("classifier",),),
        pool="both",
    ),
    Family(
        "BEiT",
        types=("beit", "data2vec-vision"),
        stacks=(
            Stack(
                "encoder.layer",
                Block(
                    _VIT.attention,
                    _VIT.mlp,
                    norms=_VIT.norms,
                    scales=(("", "lambda_1"), ("", "lambda_2")),
                ),
                patches=("embeddings.patch_embeddings.projection",),
                tokens=("embeddings.cls_token",),
                final="layernorm",
            ),
        ),
        heads=(("pooler.layernorm", "classifier"),),
        pool="mean",
        bare=True,
        optional=("relative_position_bias",),
    ),
    Family(
        "timm's ViT",
        types=(),
        stacks=(
            Stack(
                "blocks",
                Block(
                    Attention("attn.proj", fused="attn.qkv", norms=("attn.q_norm", "attn.k_norm")),
                    Mlp("mlp.fc1", "mlp.fc2"),
                    norms=("norm1", "norm2"),
                    scales=(("ls1", "gamma"), ("ls2", "gamma")),
                ),
                patches=("patch_embed.proj",),
                tokens=("cls_token", "dist_token"),
                final="norm",
            ),
        ),
        heads=(("head",),),
    ),
    Family(
        "CLIP's vision tower",
        types=("clip", "clip_vision_model", "siglip", "siglip_vision_model"),
        stacks=(
            Stack(
                "vision_model.encoder.layers",
                _CLIP,
                patches=("vision_model.embeddings.patch_embedding",),
                tokens=("vision_model.embeddings.class_embedding",),
                opening="vision_model.pre_layrnorm",
                final="vision_model.post_layernorm",
            ),
        ),
        heads=(("visual_projection",),),
    ),
    Family(
        "CLIP's text tower",
        types=("clip", "clip_text_model", "siglip", "siglip_text_model"),
        stacks=(
            Stack(
                "text_model.encoder.layers",
                _CLIP,
                embeddings=(
                    "text_model.embeddings.token_embedding",
                    "text_model.embeddings.position_embedding",
                ),
                final="text_model.final_layer_norm",
            ),
        ),
        heads=(("text_projection",),),
    ),
    Family(
        "Whisper",
        types=("whisper",),
        stacks=(
            Stack(
                "encoder.layers",
                Block(
                    _CLIP.attention,
                    Mlp("fc1", "fc2"),
                    norms=("self_attn_layer_norm", "final_layer_norm"),
                ),
                patches=("encoder.conv1", "encoder.conv2"),
                final="encoder.layer_norm",
            ),
            Stack(
                "decoder.layers",
                Block(
                    _CLIP.attention,
                    Mlp("fc1", "fc2"),
                    norms=("self_attn_layer_norm", "final_layer_norm"),
                    cross=(
                        Attention(
                            "encoder_attn.out_proj",
                            query="encoder_attn.q_proj",
                            key="encoder_attn.k_proj",
                            value="encoder_attn.v_proj",
                        ),
                        "encoder_attn_layer_norm",
                    ),
                ),
                embeddings=("decoder.embed_tokens",),
                final="decoder.layer_norm",
            ),
        ),
        heads=(("proj_out|=decoder.embed_tokens",),),
    ),
    Family(
        "torch.nn.TransformerEncoder",
        types=(),
        stacks=(Stack("layers", _TORCH, final="norm"),),
        activation="relu",
    ),
    Family(
        "torch.nn.TransformerEncoderLayer",
        types=(),
        stacks=(Stack("", _TORCH),),
        activation="relu",
    ),
)
