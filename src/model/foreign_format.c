// SPDX-License-Identifier: Apache-2.0
// Telling a user what the file is that was handed over by mistake.
#include <string.h>

#include "model/tensors_file.h"

#define SAVE_FROM_TORCH                                                                                                            \
    "in Python, safetensors.torch.save_file(torch.load(FILE, weights_only=True), \"model.safetensors\") makes one from a "         \
    "state_dict"

typedef struct signature {
    const char *bytes;
    size_t length;
    const char *words;
} signature;

static const signature signatures[] = {
    {"PK\x03\x04", 4, "a zip archive, as PyTorch's .pt and .pth and NumPy's .npz are; " SAVE_FROM_TORCH},
    {"\x80\x02", 2, "a Python pickle, as PyTorch's .pt before version 1.6 was; " SAVE_FROM_TORCH},
    {"\x80\x03", 2, "a Python pickle; " SAVE_FROM_TORCH},
    {"\x80\x04", 2, "a Python pickle; " SAVE_FROM_TORCH},
    {"\x80\x05", 2, "a Python pickle; " SAVE_FROM_TORCH},
    {"\x89HDF\r\n\x1a\n", 8, "an HDF5 file, as Keras writes; save its weights as safetensors"},
    {"GGUF", 4, "a GGUF file; save its weights as safetensors"},
    {"\x1f\x8b", 2, "compressed by gzip; unpack it first"},
    {"version https://git-lfs", 23, "a Git LFS pointer, not the file itself; fetch it with git lfs pull"},
};

const char *model_foreign_format(const unsigned char *bytes, size_t size_bytes) {
    for (size_t i = 0; i < sizeof signatures / sizeof *signatures; i++) {
        if (size_bytes >= signatures[i].length && memcmp(bytes, signatures[i].bytes, signatures[i].length) == 0)
            return signatures[i].words;
    }
    // Protobuf has no signature. ONNX begins with field 1 as a number (ir_version, below 128), a string field after it; MindSpore's
    // .ckpt with field 1 as a message that begins with a name.
    if (size_bytes > 4 && bytes[0] == 0x08 && bytes[1] < 0x80 && (bytes[2] == 0x12 || bytes[2] == 0x1a || bytes[2] == 0x3a) &&
        bytes[3] != 0)
        return "an ONNX model; save the weights of the network it was exported from as safetensors";
    if (size_bytes > 4 && bytes[0] == 0x0a && bytes[1] != 0 && memchr(bytes + 2, 0x0a, size_bytes < 8 ? size_bytes - 2 : 6) != NULL)
        return "a MindSpore checkpoint; in Python, mindspore.save_checkpoint(net, \"model.safetensors\", format=\"safetensors\") "
               "makes "
               "one that is read";
    return NULL;
}
