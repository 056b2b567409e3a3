// SPDX-License-Identifier: Apache-2.0
// Drivers by name, here and nowhere else: one row a quirk, with the platforms it was seen on. The presets of tuned_presets.c are data about devices,
// not conditions on them.
#include "device/device_facts.h"

#include <string.h>

static const char POCL[] = "Portable Computing Language", INTEL_CPU[] = "Intel(R) OpenCL", NVIDIA[] = "NVIDIA CUDA";

enum { QUIRK_GROUPS_MEET, QUIRK_CALLING_THREAD, QUIRK_PREFETCH, QUIRK_OWN_KERNELS, QUIRK_EMULATED_HALF, QUIRK_LOSES_PARTS, QUIRKS };

static const struct {
    oclstm_device_quirk words;
    const char *platforms[3];
    const char *names[3]; // how the device's name begins; none: any
    bool of_cpus;         // CPUs alone
    unsigned units;       // compute units at least
} quirks[QUIRKS] = {
    [QUIRK_GROUPS_MEET] =
        {{"groups-may-meet",
          "the fused engine tries whether work-groups of one launch run at the same time, and lets them meet once a step",
          "OpenCL promises nothing about it; here two groups on two threads met in each of 5,500 calls, idle and loaded. On "
          "Intel's CPU "
          "runtime 2026 2 of 300 did not, and a lost meeting costs 40 ms, so it is not tried there",
          "PoCL 3.1 (pthread)"},
         {POCL},
         {NULL},
         true,
         2},
    [QUIRK_CALLING_THREAD] = {{"runs-in-calling-thread", "small cells are run on it where no device is named",
                               "it has no threads to wake up: a launch with its wait takes 0.3 us, 25-55 us with threads",
                               "PoCL 3.1 (basic), PoCL 5 (cpu-minimal)"},
                              {POCL},
                              {"basic", "cpu-minimal"},
                              true,
                              0},
    [QUIRK_PREFETCH] = {{"prefetch-builtin", "the fused kernels fetch weights ahead with __builtin_prefetch",
                         "its compiler is clang, and OpenCL's own prefetch() does nothing there; Oclgrind 21.10 is built on clang "
                         "too, but stops at "
                         "llvm.prefetch",
                         "PoCL 3.1, Intel's CPU runtime 2026"},
                        {POCL, INTEL_CPU},
                        {NULL},
                        false,
                        0},
    [QUIRK_OWN_KERNELS] =
        {{"keeps-own-kernels", "built kernels are not kept on disk by the library",
          "the driver keeps them itself; PoCL's copy has what it compiles at a kernel's first launch, its binaries do not",
          "PoCL 3.1 (~/.cache/pocl), NVIDIA since 270 (~/.nv/ComputeCache)"},
         {POCL, NVIDIA},
         {NULL},
         false,
         0},
    [QUIRK_EMULATED_HALF] =
        {{"emulates-float16", "products of a float16 cell are made in float32, although cl_khr_fp16 is listed",
          "it is listed on every CPU; without AVX512-FP16 each product is two conversions up and one down: 3.4 times as long",
          "Intel's CPU runtime 2026"},
         {INTEL_CPU},
         {NULL},
         true,
         0},
    [QUIRK_LOSES_PARTS] = {{"loses-parts", "parts of a device (N/K) that were opened are kept until the process ends",
                            "a worker thread lets go of a command only after saying that it is done, and by then the part may be "
                            "gone: of 1,200 parts opened, run on "
                            "and closed one crashed, with the part kept none of 3,600",
                            "PoCL 3.1"},
                           {POCL},
                           {NULL},
                           false,
                           0},
};

static bool is_listed(const char *const *list, const char *text, bool begins) {
    for (int i = 0; i < 3 && list[i] != NULL; i++) {
        if (begins ? strncmp(text, list[i], strlen(list[i])) == 0 : strcmp(text, list[i]) == 0)
            return true;
    }
    return false;
}

static bool applies(const device_limits *limits, int quirk) {
    return is_listed(quirks[quirk].platforms, limits->platform_name, false) &&
           (quirks[quirk].names[0] == NULL || is_listed(quirks[quirk].names, limits->name, true)) &&
           (!quirks[quirk].of_cpus || limits->kind == OCLSTM_DEVICE_CPU) && limits->compute_units >= quirks[quirk].units;
}

const oclstm_device_quirk *oclstm_device_get_quirk(const oclstm_device_info *info, size_t position) {
    for (int quirk = 0; info != NULL && quirk < QUIRKS; quirk++) {
        if (applies(info, quirk) && position-- == 0)
            return &quirks[quirk].words;
    }
    return NULL;
}

bool device_groups_may_meet(const device_limits *limits) { return applies(limits, QUIRK_GROUPS_MEET); }
bool device_runs_in_calling_thread(const device_limits *limits) { return applies(limits, QUIRK_CALLING_THREAD); }
bool device_has_prefetch_builtin(const device_limits *limits) { return applies(limits, QUIRK_PREFETCH); }
bool device_keeps_own_kernels(const device_limits *limits) { return applies(limits, QUIRK_OWN_KERNELS); }
bool device_emulates_half(const device_limits *limits) { return applies(limits, QUIRK_EMULATED_HALF); }

// Of a platform that does not tell its name, too: a part that is kept costs little, one that is gone too early crashes.
bool device_loses_parts(const device_limits *limits) {
    return applies(limits, QUIRK_LOSES_PARTS) || limits->platform_name[0] == '\0';
}

device_half device_half_products = DEVICE_HALF_BY_DEVICE;

bool device_has_half_products(const device_limits *limits) {
    if (!limits->has_fp16 || device_half_products == DEVICE_HALF_NEVER)
        return false;
    return device_half_products == DEVICE_HALF_ALWAYS || !device_emulates_half(limits);
}
