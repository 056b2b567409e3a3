// SPDX-License-Identifier: Apache-2.0
#include "model/pickle_names.h"

#include <string.h>

typedef struct known_name {
    const char *module, *name;
    int64_t number;
} known_name;

static const known_name names[] = {
    {"collections", "OrderedDict", GLOBAL_ORDERED_DICT},
    {"torch._utils", "_rebuild_tensor", GLOBAL_REBUILD_TENSOR},
    {"torch._utils", "_rebuild_tensor_v2", GLOBAL_REBUILD_TENSOR},
    {"torch._utils", "_rebuild_parameter", GLOBAL_REBUILD_PARAMETER},
    {"torch", "Size", GLOBAL_SIZE},
    {"torch", "FloatStorage", GLOBAL_STORAGE + OCLSTM_F32},
    {"torch", "DoubleStorage", GLOBAL_STORAGE + OCLSTM_F64},
    {"torch", "HalfStorage", GLOBAL_STORAGE + OCLSTM_F16},
    {"torch", "BFloat16Storage", GLOBAL_STORAGE + OCLSTM_BF16},
    {"torch", "CharStorage", GLOBAL_STORAGE + OCLSTM_I8},
    {"torch", "ShortStorage", GLOBAL_STORAGE + OCLSTM_I16},
    {"torch", "IntStorage", GLOBAL_STORAGE + OCLSTM_I32},
    {"torch", "LongStorage", GLOBAL_STORAGE + OCLSTM_I64},
    {"torch", "ByteStorage", GLOBAL_STORAGE + OCLSTM_U8},
    {"torch", "BoolStorage", GLOBAL_STORAGE + OCLSTM_BOOL},
};

static bool same(const char *known, const char *text, size_t bytes) {
    return strlen(known) == bytes && memcmp(known, text, bytes) == 0;
}

int64_t pickle_find_name(const char *module, size_t module_bytes, const char *name, size_t name_bytes) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (same(names[i].module, module, module_bytes) && same(names[i].name, name, name_bytes))
            return names[i].number;
    }
    return -1;
}
