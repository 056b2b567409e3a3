// SPDX-License-Identifier: Apache-2.0
// Telling a user what the file is that was handed over by mistake.
#include <string.h>

#include "model/tensors_file.h"

typedef struct signature {
    const char *bytes;
    size_t length;
    const char *words;
} signature;

static const signature signatures[] = {
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
    return NULL;
}
