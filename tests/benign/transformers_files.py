"""What transformers, accelerate and peft write: folders of models, adapters and states."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benign.collection import Collection

FILES = Collection("transformers")
ACCELERATE = Collection("accelerate")
PEFT = Collection("peft")

CONFIGS: dict[str, dict[str, Any]] = {
    "bert": {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16},
    "gpt2": {"n_embd": 8, "n_head": 2, "n_layer": 2, "n_positions": 16},
    "llama": {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16},
    "qwen3": {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 16, "head_dim": 4},
    "mixtral": {
        "hidden_size": 8,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 16,
        "num_local_experts": 2,
    },
    "t5": {"d_model": 8, "d_kv": 4, "d_ff": 16, "num_heads": 2, "num_layers": 2},
    "mamba": {"hidden_size": 8, "state_size": 4},
    "vit": {
        "hidden_size": 8,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "image_size": 8,
        "patch_size": 4,
    },
}


def tiny(family: str) -> Any:
    """A model of the family with two layers and random weights."""
    from transformers import AutoConfig, AutoModel

    sizes = {"num_hidden_layers": 2, "vocab_size": 32} | CONFIGS[family]
    sizes |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return AutoModel.from_config(AutoConfig.for_model(family, **sizes)).eval()


def causal() -> Any:
    """A language model with its head."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = CONFIGS["llama"] | {"num_hidden_layers": 2, "vocab_size": 32}
    return LlamaForCausalLM(LlamaConfig(**sizes, pad_token_id=0, bos_token_id=1, eos_token_id=2))


def _add_family(family: str) -> None:
    def write(folder: Path) -> Path:
        tiny(family).save_pretrained(folder)
        return folder

    FILES.add(f"folder of {family}", write)


for _family in CONFIGS:
    _add_family(_family)


@FILES.file()
def shards_and_their_index(folder: Path) -> Path:
    causal().save_pretrained(folder, max_shard_size="2KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    return folder


@FILES.file()
def weights_as_torch_saves_them(folder: Path) -> Path:
    model = causal()
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


@FILES.file("note")
def model_with_tokenizer_and_chat_template(folder: Path) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<s>", "</s>", "<unk>", *(f"word{n}" for n in range(28))]
    tokenizer = Tokenizer(
        models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    fast.chat_template = (
        "{{ bos_token }}{% for message in messages %}"
        "{{ '<|' + message['role'] + '|>' + message['content'].strip() + eos_token }}"
        "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    fast.save_pretrained(folder)
    model = causal()
    model.generation_config.temperature = 0.7
    model.generation_config.do_sample = True
    model.save_pretrained(folder)
    return folder


@FILES.file("warning")
def whole_model_as_an_object(folder: Path) -> Path:
    torch.save(tiny("bert"), folder / "model.pt")
    return folder / "model.pt"


class Sentences(torch.utils.data.Dataset[Any]):
    """Eight sequences of four tokens."""

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Any:
        tokens = (torch.arange(4) + index) % 32
        return {"input_ids": tokens, "labels": tokens}


@FILES.file("note")
def checkpoint_of_the_trainer(folder: Path) -> Path:
    from transformers import Trainer, TrainingArguments

    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=2,
        save_steps=2,
        per_device_train_batch_size=4,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=1,
    )
    Trainer(model=causal(), args=arguments, train_dataset=Sentences()).train()
    return folder / "checkpoint-2"


def _training() -> tuple[Any, Any, Any]:
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    net(torch.ones(2, 6)).sum().backward()
    optimizer.step()
    return net, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 3)


def _add_state(name: str, **options: Any) -> None:
    def write(folder: Path) -> Path:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)
        accelerator = Accelerator(cpu=True)
        accelerator.prepare(*_training())
        accelerator.save_state(str(folder / "state"), **options)
        AcceleratorState._reset_state(reset_partial_state=True)
        return folder / "state"

    ACCELERATE.add(name, write, "note")


_add_state("state with safetensors")
_add_state("state with bin files", safe_serialization=False)


def _adapted(folder: Path, config: Any, **options: Any) -> Path:
    from peft import get_peft_model

    model = get_peft_model(causal(), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    model.save_pretrained(folder, **options)
    return folder


def _adapter(name: str, make: Callable[[], Any], **options: Any) -> None:
    PEFT.add(name, lambda folder: _adapted(folder, make(), **options))


def lora(**options: Any) -> Any:
    from peft import LoraConfig

    return LoraConfig(r=2, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM", **options)


_adapter("lora", lora)
_adapter("lora as bin", lora, safe_serialization=False)
_adapter("rank-stabilised dora", lambda: lora(use_dora=True, use_rslora=True))
