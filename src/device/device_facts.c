// SPDX-License-Identifier: Apache-2.0
#include "device/device_facts.h"

#include <string.h>

// PoCL 3.1, `pthread`: a launch of two groups on two threads met in each of 5,500 calls, idle and loaded. Intel's CPU runtime 2026: 2 of 300
// did not, and a lost meeting costs the whole patience, so it is not tried there.
bool device_groups_may_meet(const device_limits *limits) {
    return limits->kind == OCLSTM_DEVICE_CPU && limits->compute_units > 1 &&
           strcmp(limits->platform_name, "Portable Computing Language") == 0;
}

// PoCL's driver without threads: `basic` in 3.1, `cpu-minimal` in later versions. It takes 0.3 us for a launch with its wait, `pthread` 25-55 us.
bool device_runs_in_calling_thread(const device_limits *limits) {
    static const char *const names[] = {"basic", "cpu-minimal"};
    if (limits->kind != OCLSTM_DEVICE_CPU || strcmp(limits->platform_name, "Portable Computing Language") != 0)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(limits->name, names[i], strlen(names[i])) == 0)
            return true;
    }
    return false;
}

// PoCL 3.1 and Intel's CPU runtime 2026, both built on clang. Oclgrind 21.10 is too, but stops at llvm.prefetch.
bool device_has_prefetch_builtin(const device_limits *limits) {
    return strcmp(limits->platform_name, "Portable Computing Language") == 0 ||
           strcmp(limits->platform_name, "Intel(R) OpenCL") == 0;
}

// PoCL 3.1: ~/.cache/pocl, and what it compiles at a kernel's first launch is in there too, but not in its binaries. NVIDIA: ~/.nv/ComputeCache,
// on since driver 270.
bool device_keeps_own_kernels(const device_limits *limits) {
    return strcmp(limits->platform_name, "Portable Computing Language") == 0 || strcmp(limits->platform_name, "NVIDIA CUDA") == 0;
}

// Intel's CPU runtime 2026 lists cl_khr_fp16 on every CPU; without AVX512-FP16 each product is two conversions up, one down.
bool device_emulates_half(const device_limits *limits) {
    return limits->kind == OCLSTM_DEVICE_CPU && strcmp(limits->platform_name, "Intel(R) OpenCL") == 0;
}

device_half device_half_products = DEVICE_HALF_BY_DEVICE;

bool device_has_half_products(const device_limits *limits) {
    if (!limits->has_fp16 || device_half_products == DEVICE_HALF_NEVER)
        return false;
    return device_half_products == DEVICE_HALF_ALWAYS || !device_emulates_half(limits);
}
