"""ONNX files of a Qwen3 checkpoint, in the layout transformers.js loads. usage: make_onnx.py MODEL OUT [--causal]

Writes OUT/onnx/model.onnx (fp32), model_quantized.onnx (q8: dynamic int8 as transformers.js' own script makes it) and
model_q4.onnx (4-bit blocks of 32), each with its data beside it. With --causal the graph takes and gives keys
and values and ends in the last token's logits, otherwise in hidden states. Needs: onnx onnxruntime onnxruntime-genai torch
transformers. Rows of a left-padded batch come out wrong from this graph: good for timing padded batches, while numbers
are compared on texts without padding.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

OUTPUT = "last_hidden_state"


def build(model, out, head):
    """onnxruntime-genai's own graph of the decoder."""
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", model, "-o", out, "-p", "fp32", "-e", "cpu"]
    subprocess.run([*command, "--extra_options", head], check=True)
    return onnx.load(Path(out) / "model.onnx")


def without_cache(model):
    """The graph for one pass over whole texts: no past keys and values, the output under transformers.js' name."""
    graph = model.graph
    inputs = [value for value in graph.input if not value.name.startswith("past_key_values")]
    for value in inputs:
        if value.name == "attention_mask":
            value.type.tensor_type.shape.dim[1].dim_param = "sequence_length"
    for node in graph.node:
        if node.op_type == "GroupQueryAttention":
            node.input[3] = node.input[4] = ""
            del node.output[1:]
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = OUTPUT if name == "hidden_states" else name
    outputs = [value for value in graph.output if value.name == "hidden_states"]
    outputs[0].name = OUTPUT
    for field, kept in ((graph.input, inputs), (graph.output, outputs), (graph.value_info, [])):
        del field[:]
        field.extend(kept)
    return model


def save(model, file):
    onnx.save(
        model, file, save_as_external_data=True, all_tensors_to_one_file=True, location=file.name + "_data", size_threshold=1024
    )


def write_q8(folder):
    raw = folder / "q8.onnx"
    quantize_dynamic(
        folder / "model.onnx",
        raw,
        op_types_to_quantize=["MatMul", "Gather"],
        weight_type=QuantType.QUInt8,
        use_external_data_format=True,
        extra_options={"EnableSubgraph": False, "MatMulConstBOnly": True, "DefaultTensorType": 1},
    )
    save(onnx.load(raw), folder / "model_quantized.onnx")
    for file in (raw, folder / "q8.onnx.data"):
        file.unlink()


def write_q4(folder):
    quantizer = MatMulNBitsQuantizer(
        onnx.load(folder / "model.onnx"), block_size=32, is_symmetric=True, accuracy_level=4, op_types_to_quantize=("MatMul",)
    )
    quantizer.process()
    save(quantizer.model.model, folder / "model_q4.onnx")


def main(model, out, *options):
    folder = Path(out) / "onnx"
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=out) as scratch:
        if "--causal" in options:
            save(build(model, scratch, "prune_lm_head=true"), folder / "model.onnx")
        else:
            save(without_cache(build(model, scratch, "exclude_lm_head=true")), folder / "model.onnx")
    write_q8(folder)
    write_q4(folder)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(Path(model) / name, out)


main(*sys.argv[1:])
