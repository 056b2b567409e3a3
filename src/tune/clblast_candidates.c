// SPDX-License-Identifier: Apache-2.0
#include "tune/clblast_candidates.h"

#include "base/error.h"

// Xgemm, in three families. Constraints: MWG a multiple of MDIMC*VWM and of MDIMA*VWM, NWG of NDIMC*VWN and of NDIMB*VWN, KWG of KWI; with SA or SB
// KWG also of MDIMC*NDIMC/MDIMA and MDIMC*NDIMC/NDIMB. NWG*KWG a multiple of VWM and MWG*KWG of VWN: CLBlast puts
// the copies of A, B and C behind each other and refuses a start that is no whole vector. With GEMMK 1 and a vector of 16 CLBlast 1.5.3 computes wrong
// results.
static const short xgemm[][CLBLAST_COLUMNS] = {
    // GEMMK KREG KWG KWI MDIMA MDIMC MWG NDIMB NDIMC NWG SA SB STRM STRN VWM VWN
    {0, 1, 32, 2, 8, 8, 32, 16, 16, 32, 1, 1, 0, 0, 4, 2},
    {0, 1, 32, 2, 16, 16, 32, 8, 8, 32, 1, 1, 0, 0, 2, 4},
    // A CPU that runs a work-item at a time: one a group, explicit vectors, the tile of sums in registers.
    {0, 1, 8, 1, 1, 1, 64, 1, 1, 6, 0, 0, 0, 0, 16, 1},
    {0, 1, 8, 1, 1, 1, 64, 1, 1, 6, 0, 0, 0, 0, 16, 2},
    {0, 1, 1, 1, 1, 1, 32, 1, 1, 16, 0, 0, 0, 0, 16, 1},
    {0, 1, 2, 1, 1, 1, 48, 1, 1, 8, 0, 0, 0, 0, 16, 4},
    {0, 1, 2, 1, 1, 1, 32, 1, 1, 8, 0, 0, 0, 0, 16, 4},
    {0, 1, 2, 1, 1, 1, 64, 1, 1, 8, 0, 0, 0, 0, 16, 1},
    {0, 1, 4, 1, 1, 1, 16, 1, 1, 6, 0, 0, 0, 0, 8, 2},
    {0, 1, 2, 1, 1, 1, 24, 1, 1, 4, 0, 0, 0, 0, 8, 2},
    {0, 1, 4, 1, 1, 1, 32, 1, 1, 6, 0, 0, 0, 0, 8, 2},
    {0, 1, 8, 1, 1, 1, 16, 1, 1, 5, 0, 0, 0, 0, 8, 1},
    {0, 1, 1, 1, 1, 1, 8, 1, 1, 8, 0, 0, 0, 0, 4, 2},
    // A CPU that vectorises over work-items.
    {0, 1, 1, 1, 16, 16, 32, 1, 1, 8, 0, 0, 0, 0, 2, 2},
    {0, 1, 1, 1, 16, 16, 32, 1, 1, 16, 0, 0, 0, 0, 2, 1},
    {0, 1, 1, 1, 16, 16, 64, 1, 1, 8, 0, 0, 0, 0, 4, 1},
    {0, 1, 1, 1, 16, 16, 16, 1, 1, 8, 0, 0, 0, 0, 1, 2},
    {0, 1, 1, 1, 8, 8, 16, 1, 1, 8, 0, 0, 0, 0, 2, 2},
    {0, 1, 16, 2, 8, 8, 32, 8, 8, 32, 0, 0, 0, 0, 4, 4},
    // A GPU: tiles of a group in local memory or in caches.
    {0, 1, 16, 2, 8, 8, 64, 8, 8, 64, 0, 0, 0, 0, 4, 4},
    {0, 1, 16, 2, 16, 16, 64, 16, 16, 64, 1, 1, 0, 0, 2, 2},
    {0, 1, 16, 2, 16, 16, 128, 16, 16, 128, 1, 1, 0, 0, 4, 4},
    {0, 1, 32, 2, 16, 16, 64, 16, 8, 64, 1, 1, 0, 0, 4, 2},
    {0, 1, 16, 2, 32, 16, 128, 8, 8, 64, 1, 1, 0, 1, 2, 4},
    {0, 1, 32, 8, 16, 8, 64, 16, 16, 128, 1, 1, 0, 0, 4, 4},
};

// The kernels that copy a matrix into whole tiles, transposed (A and B, each time) and not (C that is no whole tiles or does not begin its buffer).
static const short padtranspose[][CLBLAST_COLUMNS] = {
    // PADTRA_PAD PADTRA_TILE PADTRA_WPT; with a WPT above 4 PoCL compiles for minutes
    {0, 8, 4}, {0, 8, 4}, {0, 16, 1}, {0, 16, 2}, {0, 4, 4}, {0, 8, 1}, {0, 8, 2}, {1, 16, 2}, {1, 32, 1},
};
static const short pad[][CLBLAST_COLUMNS] = {
    // PAD_DIMX PAD_DIMY PAD_WPTX PAD_WPTY
    {32, 8, 2, 1}, {32, 8, 1, 1}, {16, 1, 1, 4}, {64, 1, 1, 4}, {256, 1, 1, 1}, {32, 8, 4, 2}, {16, 8, 1, 4}, {8, 8, 1, 1},
};
static const short transpose[][CLBLAST_COLUMNS] = {
    // TRA_DIM TRA_PAD TRA_SHUFFLE TRA_WPT
    {8, 0, 1, 4}, {8, 0, 1, 2}, {4, 0, 0, 4}, {16, 0, 0, 4}, {16, 0, 0, 1}, {16, 1, 0, 2}, {32, 1, 0, 1},
};

// XgemmDirect. WGD a multiple of KWID, MDIMCD*VWMD, NDIMCD*VWND, MDIMAD*VWMD, NDIMBD*VWND, and of MDIMCD*NDIMCD/MDIMAD and /NDIMBD.
static const short xgemm_direct[][CLBLAST_COLUMNS] = {
    // KWID MDIMAD MDIMCD NDIMBD NDIMCD PADA PADB VWMD VWND WGD; with one work-item a group PoCL compiles for a minute, for nothing
    {2, 8, 8, 8, 8, 1, 1, 1, 1, 16},     {2, 8, 8, 8, 8, 1, 1, 2, 2, 16},     {2, 8, 8, 8, 8, 1, 1, 4, 4, 32},
    {2, 8, 8, 8, 8, 0, 0, 1, 1, 8},      {2, 8, 8, 8, 8, 1, 1, 1, 2, 16},     {2, 8, 8, 8, 8, 1, 1, 2, 2, 32},
    {8, 16, 16, 16, 16, 1, 1, 2, 2, 32}, {2, 16, 16, 16, 16, 1, 1, 1, 1, 16},
};

static const short gemm_routine[][CLBLAST_COLUMNS] = {{896}, {1152}, {1}, {64}, {128}, {192}, {256}, {384}, {512}, {2048}};

// XgemvFast is for the other order of the matrix.
static const short xgemv[][CLBLAST_COLUMNS] = {{64, 1}, {64, 1}, {32, 1}, {128, 1}, {256, 1}, {64, 2}, {64, 4}, {16, 1}, {1, 1}};
static const short xgemv_fast_rot[][CLBLAST_COLUMNS] = {{8, 32, 32}, {4, 16, 16}, {1, 64, 1},   {4, 32, 16}, {8, 16, 16},
                                                        {8, 16, 8},  {4, 64, 32}, {8, 128, 32}, {4, 128, 8}};

#define ROWS(table) (table), sizeof(table) / sizeof(table)[0]

// A large product, and the recurrent product of a batch.
#define LARGE                                                                                                                      \
    { 1024, 1024, 1024, MATMUL_NT }
#define RECURRENT                                                                                                                  \
    { 64, 2048, 512, MATMUL_NT }
// Training: back through the recurrent weights, and their gradient over some steps; of a batch and a small one.
#define BACK                                                                                                                       \
    { 64, 512, 2048, MATMUL_NN }
#define GRADIENT                                                                                                                   \
    { 2048, 512, 640, MATMUL_TN }
#define SMALL_BACK                                                                                                                 \
    { 8, 64, 256, MATMUL_NN }
#define SMALL_GRADIENT                                                                                                             \
    { 256, 64, 160, MATMUL_TN }

static const clblast_stage stages[] = {
    {"Xgemm",
     {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB", "NDIMC", "NWG", "SA", "SB", "STRM", "STRN", "VWM", "VWN"},
     ROWS(xgemm),
     1,
     {LARGE, RECURRENT, BACK, GRADIENT}},
    {"Padtranspose", {"PADTRA_PAD", "PADTRA_TILE", "PADTRA_WPT"}, ROWS(padtranspose), 1, {RECURRENT, {60, 1000, 250, MATMUL_NT}}},
    {"Pad",
     {"PAD_DIMX", "PAD_DIMY", "PAD_WPTX", "PAD_WPTY"},
     ROWS(pad),
     1,
     {{60, 2044, 512, MATMUL_NT}, {60, 508, 2048, MATMUL_NN}}},
    {"Transpose", {"TRA_DIM", "TRA_PAD", "TRA_SHUFFLE", "TRA_WPT"}, ROWS(transpose), 1, {{512, 512, 512, MATMUL_NT}}},
    {"XgemmDirect",
     {"KWID", "MDIMAD", "MDIMCD", "NDIMBD", "NDIMCD", "PADA", "PADB", "VWMD", "VWND", "WGD"},
     ROWS(xgemm_direct),
     1 << 20,
     {{4, 256, 64, MATMUL_NT}, {8, 256, 64, MATMUL_NT}, SMALL_BACK, SMALL_GRADIENT}},
    {"GemmRoutine",
     {"XGEMM_MIN_INDIRECT_SIZE"},
     ROWS(gemm_routine),
     0,
     {RECURRENT, {16, 512, 128, MATMUL_NT}, {8, 1024, 256, MATMUL_NT}, {32, 256, 64, MATMUL_NT}}},
    {"Xgemv", {"WGS1", "WPT1"}, ROWS(xgemv), 0, {{1, 4090, 1000, MATMUL_NT}, {1, 1000, 4090, MATMUL_NN}}},
    {"XgemvFastRot", {"VW3", "WGS3", "WPT3"}, ROWS(xgemv_fast_rot), 0, {{1, 4096, 1024, MATMUL_NT}}},
};

size_t clblast_stage_count(void) { return sizeof stages / sizeof stages[0]; }

const clblast_stage *clblast_stage_at(size_t position) { return &stages[position]; }

uint64_t clblast_candidate_count(void) {
    uint64_t count = 0;
    for (size_t i = 0; i < clblast_stage_count(); i++)
        count += stages[i].count;
    return count;
}

tuned_clblast clblast_candidate(const clblast_stage *stage, size_t row, oclstm_dtype dtype) {
    tuned_clblast kernel = {.dtype = dtype};
    base_copy_string(kernel.kernel, sizeof kernel.kernel, stage->kernel);
    for (; kernel.count < CLBLAST_COLUMNS && stage->names[kernel.count] != NULL; kernel.count++) {
        base_copy_string(kernel.names[kernel.count], TUNED_NAME, stage->names[kernel.count]);
        kernel.values[kernel.count] = (size_t)stage->rows[row][kernel.count];
    }
    return kernel;
}
