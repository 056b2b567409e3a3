// SPDX-License-Identifier: Apache-2.0
// Settings that come with the library: found by `oclstm tune` on a device of the kind, for those who never tune. The lines of a tuned file without
// those that name one machine.
#include <string.h>

#include "device/tuned.h"

typedef struct preset {
    const char *platform;
    unsigned vector_width; // CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT: 16 = AVX-512, 8 = AVX2
    const char *text;
} preset;

static const preset presets[] = {
    {"Portable Computing Language", 16,
     "oclstm-tuned 1\n"
     "end\n"},
};

const char *tuned_preset(const device_limits *limits) {
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        if (limits->kind == OCLSTM_DEVICE_CPU && limits->vector_width_float == presets[i].vector_width &&
            strcmp(limits->platform_name, presets[i].platform) == 0)
            return presets[i].text;
    }
    return NULL;
}
