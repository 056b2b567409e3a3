// SPDX-License-Identifier: Apache-2.0
// Gradients in reference files: tensors grad_NAME, of results (given) and of inputs and weights (to be found).
#ifndef OCLSTM_TOOL_CHECK_GRADIENTS_H
#define OCLSTM_TOOL_CHECK_GRADIENTS_H

#include "check_problem.h"

// The gradients of a file while they are checked.
typedef struct gradient_check {
    const oclstm_tensors *file;
    oclstm_dtype dtype; // that is computed in
    bool *seen;         // of each tensor of the file
    check_outcome *outcome;
} gradient_check;

// Does the file hold gradients at all?
bool gradients_in_file(const oclstm_tensors *file);

// False: no memory; the outcome has it.
bool gradient_check_begin(gradient_check *check, const oclstm_tensors *file, oclstm_dtype dtype, check_outcome *outcome);

// Reads grad_NAME, which must have that many values, into memory that the caller frees; leaves *data NULL where the file does not have it.
bool gradient_check_input(gradient_check *check, const char *name, int64_t count, void **data);

// Compares `got`, in the check's dtype, with grad_NAME, which may be absent. exact: in double precision, or NULL.
bool gradient_check_output(gradient_check *check, const char *name, const void *got, const double *exact, int64_t count);

// Gradients that nobody has asked for are an error. Releases what the check holds, and sets the outcome's tolerance; `good`: so far.
bool gradient_check_end(gradient_check *check, const cli_options *options, bool good);

// The gradients of a cell on a device, of a whole network. False: the outcome has what went wrong.
bool check_cell_gradients(const check_problem *problem, oclstm_device *device, const cli_options *options, check_outcome *outcome);

// call: as it was run, with its results' arrays. single: the results are called h1 and c1.
bool check_network_gradients(const check_problem *problem, oclstm_device *device, const oclstm_network_params *params,
                             const oclstm_network_call *call, bool single, const cli_options *options, check_outcome *outcome);

#endif
