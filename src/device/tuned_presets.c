// SPDX-License-Identifier: Apache-2.0
// Settings that come with the library, for those who never tune: CLBlast's parameters for the CPU drivers that it does not know. The lines of a
// tuned file without those that name one machine. `oclstm bench --gemm` shows what they are worth.
//
// PoCL 3.1 runs one work-item a group: a tile of 64 x 6 sums in vectors of 16 keeps 24 of AVX-512's 32 registers, one of 16 x 6 in vectors of 8
// keeps 12 of AVX2's 16; KWG keeps CLBlast's copies at whole vectors. Intel's runtime vectorises over work-items instead, so a group is 16
// wide. CLBlast's own kernel for small products is slow on both, so the switch to the tiled one comes early.
#include <string.h>

#include "device/tuned.h"

// CLBlast's Xgemm of a group of `group` work-items along M, all of it from caches.
#define XGEMM(dtype, group, kwg, mwg, nwg, vwm, vwn)                                                                               \
    "clblast " dtype " Xgemm GEMMK=0 KREG=1 KWG=" kwg " KWI=1 MDIMA=" group " MDIMC=" group " MWG=" mwg                            \
    " NDIMB=1 NDIMC=1 NWG=" nwg " SA=0 SB=0 STRM=0 STRN=0 VWM=" vwm " VWN=" vwn "\n"
#define COPIES(dtype)                                                                                                              \
    "clblast " dtype " Padtranspose PADTRA_PAD=0 PADTRA_TILE=16 PADTRA_WPT=1\n"                                                    \
    "clblast " dtype " GemmRoutine XGEMM_MIN_INDIRECT_SIZE=64\n"

// Groups of 16 for float64 and for AVX2, too: with 8 the runtime's compiler does not vectorise where it has AVX-512.
#define INTEL                                                                                                                      \
    "oclstm-tuned 1\n" XGEMM("float32", "16", "1", "32", "8", "2", "2") COPIES("float32")                                          \
        XGEMM("float64", "16", "1", "16", "8", "1", "2") COPIES("float64") "end\n"

typedef struct preset {
    const char *platform;
    unsigned vector_width; // CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT: 16 = AVX-512, 8 = AVX2
    const char *text;
} preset;

static const preset presets[] = {
    {"Portable Computing Language", 16,
     "oclstm-tuned 1\n" XGEMM("float32", "1", "8", "64", "6", "16", "1") COPIES("float32")
         XGEMM("float64", "1", "4", "32", "6", "8", "1") COPIES("float64") "end\n"},
    {"Portable Computing Language", 8,
     "oclstm-tuned 1\n" XGEMM("float32", "1", "4", "16", "6", "8", "1") COPIES("float32")
         XGEMM("float64", "1", "2", "8", "6", "4", "1") COPIES("float64") "end\n"},
    {"Intel(R) OpenCL", 16, INTEL},
    {"Intel(R) OpenCL", 8, INTEL},
};

const char *tuned_preset(const device_limits *limits) {
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        if (limits->kind == OCLSTM_DEVICE_CPU && limits->vector_width_float == presets[i].vector_width &&
            strcmp(limits->platform_name, presets[i].platform) == 0)
            return presets[i].text;
    }
    return NULL;
}
