/**
 * A Python program that times Hugging Face's Llama with random weights: the same static batch, one prompt and decoding
 * steps over a cache of random numbers. Takes one argument, a JSON object, and prints one.
 */
export const transformersScript = `
import json, sys, time

import torch
import transformers
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

spec = json.loads(sys.argv[1])
shape, batch = spec["shape"], spec["batch"]
torch.manual_seed(spec["seed"])
torch.set_default_dtype(torch.bfloat16)
config = LlamaConfig(
    vocab_size=shape["vocab"],
    hidden_size=shape["hidden"],
    intermediate_size=shape["intermediate"],
    num_hidden_layers=shape["layers"],
    num_attention_heads=shape["heads"],
    num_key_value_heads=shape["kvHeads"],
    max_position_embeddings=spec["positions"],
)
model = LlamaForCausalLM(config).eval()


def forward(ids, cache):
    start = time.perf_counter()
    hidden = model.model(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state
    model.lm_head(hidden[:, -1:]).argmax(-1)
    return (time.perf_counter() - start) * 1000


def ids(rows, tokens):
    return torch.randint(0, shape["vocab"], (rows, tokens))


def filled(context):
    cache = DynamicCache()
    size = (batch, shape["kvHeads"], context, shape["headDim"])
    for layer in range(shape["layers"]):
        cache.update(torch.randn(size), torch.randn(size), layer)
    return cache


with torch.inference_mode():
    forward(ids(1, 4), DynamicCache())
    prompts = [forward(ids(1, spec["prompt"]), DynamicCache()) for _ in range(spec["prompts"])]
    steps = []
    for context in spec["contexts"]:
        cache = filled(context)
        forward(ids(batch, 1), cache)
        steps.append({"context": context, "ms": [forward(ids(batch, 1), cache) for _ in range(spec["repetitions"])]})
        del cache
version = "transformers " + transformers.__version__ + ", torch " + torch.__version__
print(json.dumps({"version": version, "threads": torch.get_num_threads(), "promptMs": prompts, "steps": steps}))
`;
