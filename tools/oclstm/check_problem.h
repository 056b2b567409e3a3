// SPDX-License-Identifier: Apache-2.0
// A reference file as a problem: which cell, which inputs, which answers. Opens files, needs no device.
#ifndef OCLSTM_TOOL_CHECK_PROBLEM_H
#define OCLSTM_TOOL_CHECK_PROBLEM_H

#include "check_file.h"
#include "reference.h"

typedef struct check_problem {
    oclstm_tensors *file;  // inputs and answers
    oclstm_tensors *model; // weights, when they are in a file of their own
    bool network;          // more than a cell: check_network_on() does it, and of the members below only dtype is set
    oclstm_cell_entry entry;
    oclstm_dtype dtype;      // of the arrays handed over: x's, or what fits cell_dtype
    oclstm_dtype cell_dtype; // --precision, else x's
    bool sequence;
    bool batch_first;
    const oclstm_tensor *x, *h0, *c0;
    int64_t steps, batch; // batch at least 1
    bool batched;         // x has a batch dimension
    reference_cell exact; // the weights in double precision
} check_problem;

// Fills the problem and what the outcome says of it. False: the outcome has the result, SKIP or FAIL, and the reason.
bool check_problem_open(check_problem *out, check_outcome *outcome, const char *path);
void check_problem_close(check_problem *problem);

// Where the weights are.
const oclstm_tensors *check_problem_weights(const check_problem *problem);

// A whole tensor in the dtype asked for, freed with free(); NULL with the outcome set to FAIL.
void *check_read(const oclstm_tensors *file, const oclstm_tensor *tensor, oclstm_dtype dtype, check_outcome *outcome);

// Sets the outcome's result and reason. Returns false.
bool check_settle(check_outcome *outcome, check_result result, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
