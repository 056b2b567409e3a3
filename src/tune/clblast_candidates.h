// SPDX-License-Identifier: Apache-2.0
// The candidates for CLBlast's parameters, kernel by kernel. Source of names and constraints: CLBlast 1.5.3, src/tuning/kernels/*.hpp.
#ifndef OCLSTM_TUNE_CLBLAST_CANDIDATES_H
#define OCLSTM_TUNE_CLBLAST_CANDIDATES_H

#include "device/tuned.h"
#include "matmul/matmul.h"

enum { CLBLAST_COLUMNS = 16, CLBLAST_PRODUCTS = 4 };

// The first two rows of each kernel are what CLBlast gives a device that it does not know, in float32 and in float64.
enum { CLBLAST_DEFAULT_F32, CLBLAST_DEFAULT_F64 };

// C += A B^T, A [m][k], B [n][k]; or one of training's two other forms.
typedef struct clblast_product {
    size_t m, n, k;
    matmul_form form;
} clblast_product;

// A kernel's search.
typedef struct clblast_stage {
    const char *kernel; // as CLBlastOverrideParameters() names it
    const char *names[CLBLAST_COLUMNS];
    const short (*rows)[CLBLAST_COLUMNS]; // a candidate each, values in the order of names
    size_t count;
    size_t switch_size;                         // XGEMM_MIN_INDIRECT_SIZE while it is searched; 0 = leave it
    clblast_product products[CLBLAST_PRODUCTS]; // what it is timed on; m == 0 after the last
} clblast_stage;

size_t clblast_stage_count(void);
const clblast_stage *clblast_stage_at(size_t position);
uint64_t clblast_candidate_count(void); // of all stages

tuned_clblast clblast_candidate(const clblast_stage *stage, size_t row, oclstm_dtype dtype);

#endif
