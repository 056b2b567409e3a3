// SPDX-License-Identifier: Apache-2.0
#include "tune/clblast_candidates.h"

#include "base/error.h"

// Xgemm, in three families. Constraints: MWG a multiple of MDIMC*VWM and of MDIMA*VWM, NWG of NDIMC*VWN and of NDIMB*VWN, KWG of KWI; with SA or SB
// KWG also of MDIMC*NDIMC/MDIMA and MDIMC*NDIMC/NDIMB.
static const short xgemm[][CLBLAST_COLUMNS] = {
    // GEMMK KREG KWG KWI MDIMA MDIMC MWG NDIMB NDIMC NWG SA SB STRM STRN VWM VWN
    // A CPU that runs a work-item at a time: one a group, explicit vectors, the tile in registers.
    {0, 1, 1, 1, 1, 1, 32, 1, 1, 6, 0, 0, 0, 0, 16, 1},
    {0, 1, 1, 1, 1, 1, 32, 1, 1, 8, 0, 0, 0, 0, 16, 1},
    {0, 1, 1, 1, 1, 1, 64, 1, 1, 6, 0, 0, 0, 0, 16, 1},
    {0, 1, 1, 1, 1, 1, 32, 1, 1, 12, 0, 0, 0, 0, 16, 1},
    {0, 1, 1, 1, 1, 1, 48, 1, 1, 8, 0, 0, 0, 0, 16, 1},
    {0, 1, 2, 2, 1, 1, 32, 1, 1, 8, 0, 0, 0, 0, 16, 1},
    {0, 1, 1, 1, 1, 1, 16, 1, 1, 12, 0, 0, 0, 0, 8, 1},
    {0, 1, 1, 1, 1, 1, 16, 1, 1, 6, 0, 0, 0, 0, 8, 1},
    {0, 1, 1, 1, 1, 1, 16, 1, 1, 8, 0, 0, 0, 0, 16, 1},
    {0, 1, 1, 1, 1, 1, 8, 1, 1, 4, 0, 0, 0, 0, 4, 1},
    // A CPU that vectorises over work-items.
    {0, 1, 1, 1, 16, 16, 64, 1, 1, 8, 0, 0, 0, 0, 4, 1},
    {0, 1, 1, 1, 16, 16, 32, 1, 1, 8, 0, 0, 0, 0, 2, 1},
    {0, 1, 2, 2, 16, 16, 64, 1, 1, 4, 0, 0, 0, 0, 4, 1},
    {0, 1, 16, 2, 8, 8, 32, 8, 8, 32, 0, 0, 0, 0, 4, 4},
    // A GPU: tiles of a group in local memory or in caches.
    {0, 1, 16, 2, 8, 8, 64, 8, 8, 64, 0, 0, 0, 0, 4, 4},
    {0, 1, 16, 2, 16, 16, 64, 16, 16, 64, 1, 1, 0, 0, 2, 2},
    {0, 1, 16, 2, 16, 16, 128, 16, 16, 128, 1, 1, 0, 0, 4, 4},
    {0, 1, 32, 2, 16, 16, 64, 16, 8, 64, 1, 1, 0, 0, 4, 2},
    {0, 1, 16, 2, 32, 16, 128, 8, 8, 64, 1, 1, 0, 1, 2, 4},
    {0, 1, 32, 8, 16, 8, 64, 16, 16, 128, 1, 1, 0, 0, 4, 4},
};

// XgemmDirect. WGD a multiple of KWID, MDIMCD*VWMD, NDIMCD*VWND, MDIMAD*VWMD, NDIMBD*VWND, and of MDIMCD*NDIMCD/MDIMAD and /NDIMBD.
static const short xgemm_direct[][CLBLAST_COLUMNS] = {
    // KWID MDIMAD MDIMCD NDIMBD NDIMCD PADA PADB VWMD VWND WGD
    {1, 1, 1, 1, 1, 0, 0, 8, 1, 8},  {1, 1, 1, 1, 1, 0, 0, 8, 8, 8},      {2, 1, 1, 1, 1, 0, 0, 8, 1, 16},
    {2, 8, 8, 8, 8, 1, 1, 4, 4, 32}, {2, 8, 8, 8, 8, 0, 0, 1, 1, 8},      {2, 8, 8, 8, 8, 1, 1, 1, 2, 16},
    {2, 8, 8, 8, 8, 1, 1, 2, 2, 32}, {8, 16, 16, 16, 16, 1, 1, 2, 2, 32}, {2, 16, 16, 16, 16, 1, 1, 1, 1, 16},
};

static const short gemm_routine[][CLBLAST_COLUMNS] = {{1}, {64}, {128}, {256}, {384}, {512}, {768}, {2048}};

static const short xgemv[][CLBLAST_COLUMNS] = {{64, 1}, {32, 1}, {128, 1}, {256, 1}, {64, 2}, {64, 4}, {16, 1}};
static const short xgemv_fast[][CLBLAST_COLUMNS] = {{1, 64, 1}, {2, 64, 2}, {4, 64, 4}, {1, 32, 1}, {4, 16, 4}, {1, 128, 1}};
static const short xgemv_fast_rot[][CLBLAST_COLUMNS] = {{1, 64, 1},  {2, 32, 16}, {4, 32, 16}, {8, 16, 16},
                                                        {8, 32, 32}, {4, 64, 32}, {8, 16, 32}, {4, 128, 8}};

#define ROWS(table) (table), sizeof(table) / sizeof(table)[0]

static const clblast_stage stages[] = {
    {"Xgemm",
     {"GEMMK", "KREG", "KWG", "KWI", "MDIMA", "MDIMC", "MWG", "NDIMB", "NDIMC", "NWG", "SA", "SB", "STRM", "STRN", "VWM", "VWN"},
     ROWS(xgemm),
     1,
     0,
     false},
    {"XgemmDirect",
     {"KWID", "MDIMAD", "MDIMCD", "NDIMBD", "NDIMCD", "PADA", "PADB", "VWMD", "VWND", "WGD"},
     ROWS(xgemm_direct),
     1 << 20,
     1,
     false},
    {"GemmRoutine", {"XGEMM_MIN_INDIRECT_SIZE"}, ROWS(gemm_routine), 0, 0, false},
    {"Xgemv", {"WGS1", "WPT1"}, ROWS(xgemv), 0, 0, true},
    {"XgemvFast", {"VW2", "WGS2", "WPT2"}, ROWS(xgemv_fast), 0, 0, true},
    {"XgemvFastRot", {"VW3", "WGS3", "WPT3"}, ROWS(xgemv_fast_rot), 0, 0, true},
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
