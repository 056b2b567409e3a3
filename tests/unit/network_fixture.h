// SPDX-License-Identifier: Apache-2.0
// Runs of networks, and a reference for them in double precision: plain loops over what the model file holds.
#ifndef OCLSTM_TESTS_NETWORK_FIXTURE_H
#define OCLSTM_TESTS_NETWORK_FIXTURE_H

#include <oclstm/oclstm.h>

#include "cell_fixture.h"
#include "model_fixture.h"

// A run: what is given and asked for. Arrays are time-major here, [steps][batch][...], whatever the call has.
typedef struct network_case {
    int64_t steps, batch; // batch 0: no batch dimension
    const int *lengths;   // [batch]; NULL: all steps
    bool batch_first;
    bool state;    // h0 and c0 are given
    bool in_place; // hn and cn are the memory of h0 and c0
    bool without_y, without_state;
    bool long_tokens; // I64, otherwise I32
    double clip;      // what the file's metadata says of all recurrent layers; 0: nothing
} network_case;

typedef struct network_problem {
    network_case shape;
    oclstm_dtype dtype;
    int64_t rows; // the batch; 1 without one
    size_t inputs, outputs, x_count, y_count, h_count, c_count, unit_count;
    bool takes_tokens;
    bool has_state;                    // the network's state is one array
    double *x, *h0, *c0, *y, *hn, *cn; // y, hn, cn: the reference's
    void *x_host, *y_host, *h_host, *c_host, *hn_host, *cn_host;
    void *token_host;
    int *tokens;
} network_problem;

// Random data for a network, and the call as the library takes it. The call's results lie in the problem.
network_problem *network_problem_create(const oclstm_network *network, const network_case *shape);
void network_problem_destroy(network_problem **problem);
oclstm_network_call network_problem_call(network_problem *problem);

// Computes the reference's answer; compares the library's with it.
void network_problem_solve(network_problem *problem, const oclstm_network *network, const oclstm_tensors *file);
void network_problem_compare(const network_problem *problem, const char *what);

// Loads, never fails.
oclstm_network *network_fixture_load(const oclstm_tensors *file, const oclstm_network_params *params);

// All of it: random data, a run, the comparison.
void check_network(oclstm_network *network, const oclstm_tensors *file, const network_case *shape, const char *what);

#endif
