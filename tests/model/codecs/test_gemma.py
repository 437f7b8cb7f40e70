import json

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from data_contracts.errors import InputError
from model.codecs.gemma import Gemma2TextEncoder, load_gemma2, read_instruction
from model.codecs.gemma3 import Gemma3StateEncoder, load_gemma3
from model.codecs.gemma_files import load_gemma

WORDS = ["<pad>", "<eos>", "<bos>", "<unk>", "describe", "this", "prompt", ":", "a", "red", "brick", "wall"]
INSTRUCTION = ("describe this", "prompt: ")  # five tokens with the start token
TOKENS = 6
SIZES = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
}


def _save_tokenizer(directory):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<bos>", unk_token="<unk>", padding_side="left"
    ).save_pretrained(directory)


@pytest.fixture(scope="module")
def gemma2(tmp_path_factory):
    from transformers import Gemma2Config, Gemma2ForCausalLM

    directory = tmp_path_factory.mktemp("gemma2")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        Gemma2ForCausalLM(Gemma2Config(**SIZES)).save_pretrained(directory)
    _save_tokenizer(directory)
    return directory


@pytest.fixture(scope="module")
def gemma3(tmp_path_factory):
    """With a vision tower, as the released one has."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    directory = tmp_path_factory.mktemp("gemma3")
    vision = {
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "image_size": 28,
        "patch_size": 14,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = Gemma3Config(text_config=SIZES, vision_config=vision)
        Gemma3ForConditionalGeneration(config).save_pretrained(directory)
    _save_tokenizer(directory)
    return directory


def _encoder(directory, instruction=INSTRUCTION):
    return Gemma2TextEncoder(load_gemma(directory, "gemma2", "right", torch.float32), instruction, TOKENS)


def _hidden(directory, ids):
    decoder = load_gemma(directory, "gemma2", "right", torch.float32).decoder
    with torch.no_grad():
        return decoder(input_ids=torch.tensor([ids])).last_hidden_state[0]


def test_the_instruction_is_read_and_cut_away(gemma2):
    """Five instruction tokens and six places: padded to 5 + 6 - 2 = 9, kept 0 and the last five (4..8)."""
    encoder = _encoder(gemma2)
    encoded = encoder.encode(["a red brick"])
    assert encoded.states.shape == (1, TOKENS, encoder.channels) == (1, 6, 16)
    sequence = [2, 4, 5, 6, 7, 8, 9, 10]  # <bos> describe this prompt : a red brick, then one pad
    expected = _hidden(gemma2, sequence)
    assert encoded.mask.tolist() == [[True] * 5 + [False]]
    assert torch.allclose(encoded.states[0, :5], expected[[0, 4, 5, 6, 7]], atol=1e-5)
    assert encoded.states[0, 5].abs().sum() == 0


def test_a_long_prompt_is_cut_at_the_end(gemma2):
    encoded = _encoder(gemma2).encode(["a red brick wall a red"])
    assert encoded.mask.all()
    expected = _hidden(gemma2, [2, 4, 5, 6, 7, 8, 9, 10, 11])
    assert torch.allclose(encoded.states[0], expected[[0, 4, 5, 6, 7, 8]], atol=1e-5)


def test_the_null_condition_has_no_instruction(gemma2):
    encoded = _encoder(gemma2).encode([""])
    assert encoded.mask.tolist() == [[True] + [False] * 5]
    assert torch.allclose(encoded.states[0, 0], _hidden(gemma2, [2])[0], atol=1e-5)
    assert torch.equal(encoded.states, _encoder(gemma2, ()).encode([""]).states)


def test_a_batch_changes_nothing(gemma2):
    encoder = _encoder(gemma2)
    together = encoder.encode(["a red brick", "", "wall"])
    for row, text in enumerate(["a red brick", "", "wall"]):
        assert torch.equal(together.states[row], encoder.encode([text]).states[0])


def test_released_length(gemma2):
    encoded = load_gemma2(gemma2, INSTRUCTION).encode(["a red brick"])
    assert encoded.states.shape == (1, 300, 16)
    assert int(encoded.mask.sum()) == 5


def test_instruction_comes_from_the_released_configuration(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"text_encoder": {"chi_prompt": list(INSTRUCTION), "other": 1}, "model": {}}))
    assert read_instruction(path) == INSTRUCTION
    path.write_text("text_encoder: {}\n")
    with pytest.raises(InputError, match=r"text_encoder\.chi_prompt"):
        read_instruction(path)
    with pytest.raises(InputError, match=r"text_encoder\.chi_prompt"):
        read_instruction(tmp_path / "absent.yaml")


def test_all_layers_of_gemma3_with_padding_on_the_left(gemma3):
    files = load_gemma(gemma3, "gemma3", "left", torch.float32)
    found = Gemma3StateEncoder(files, tokens=6).encode(["a red", "brick"])
    assert found.states.shape == (2, 6, 16, 3)
    assert found.mask.tolist() == [[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 1, 1]]
    with torch.no_grad():
        alone = files.decoder(input_ids=torch.tensor([[2, 8, 9]]), output_hidden_states=True).hidden_states
    # Gemma-3's positions are relative, so what stands on the left and is masked does not matter.
    assert torch.allclose(found.states[0, 3:], torch.stack(alone, dim=-1)[0], atol=1e-4)
    assert torch.equal(found.states[1], Gemma3StateEncoder(files, tokens=6).encode(["brick"]).states[0])
    assert load_gemma3(gemma3).tokens == 1024


def test_what_is_not_the_model_is_refused(gemma2, gemma3, tmp_path):
    with pytest.raises(InputError, match="model_type is gemma3"):
        load_gemma2(gemma3, INSTRUCTION)
    with pytest.raises(InputError, match="does not exist"):
        load_gemma2(tmp_path, INSTRUCTION)
    for source in gemma2.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    tensors = load_file(tmp_path / "model.safetensors")
    name = next(name for name in tensors if "q_proj" in name)
    kept = {key: value for key, value in tensors.items() if key != name}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="1 weights are missing"):
        load_gemma2(tmp_path, INSTRUCTION)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "surprise"}))
    with pytest.raises(InputError, match="not a gemma2 text encoder"):
        load_gemma2(tmp_path, INSTRUCTION)
