// SPDX-License-Identifier: Apache-2.0
// The candidates for CLBlast's parameters, kernel by kernel. Source of names and constraints: CLBlast 1.5.3, src/tuning/kernels/*.hpp.
#ifndef OCLSTM_TUNE_CLBLAST_CANDIDATES_H
#define OCLSTM_TUNE_CLBLAST_CANDIDATES_H

#include "device/tuned.h"

enum { CLBLAST_COLUMNS = 16 };

// A kernel's search.
typedef struct clblast_stage {
    const char *kernel; // as CLBlastOverrideParameters() names it
    const char *names[CLBLAST_COLUMNS];
    const short (*rows)[CLBLAST_COLUMNS]; // a candidate each, values in the order of names
    size_t count;
    size_t switch_size;   // XGEMM_MIN_INDIRECT_SIZE while it is searched; 0 = leave it
    size_t first_product; // 0 = large and small, 1 = small only
    bool is_vector;       // timed on a matrix-vector product
} clblast_stage;

size_t clblast_stage_count(void);
const clblast_stage *clblast_stage_at(size_t position);
uint64_t clblast_candidate_count(void); // of all stages

tuned_clblast clblast_candidate(const clblast_stage *stage, size_t row, oclstm_dtype dtype);

#endif
