// SPDX-License-Identifier: Apache-2.0
// Random cells, sequences and gradients for a tape, and the reference's answers.
#ifndef OCLSTM_TESTS_TAPE_FIXTURE_H
#define OCLSTM_TESTS_TAPE_FIXTURE_H

#include <oclstm/backward.h>

#include "gradient_fixture.h"

typedef struct tape_case {
    int64_t steps, batch, input, hidden; // batch 0: no batch dimension
    bool batch_first, no_bias, no_state;
    oclstm_dtype dtype;
    oclstm_engine engine;
    bool recompute;
} tape_case;

enum { OF_X, OF_H, OF_C, OF_WEIGHT_IH, OF_WEIGHT_HH, OF_BIAS_IH, OF_BIAS_HH, INPUTS }; // and their gradients
enum { OF_Y, OF_HN, OF_CN, RESULTS };

// A case with its data. wide of `gradients` and `results`: the reference's, in the order of the arrays.
typedef struct tape_problem {
    tape_case shape;
    int64_t rows; // of a step
    int64_t input_extents[INPUTS][3], result_extents[RESULTS][3];
    host_values inputs[INPUTS], gradients[INPUTS], results[RESULTS], given[RESULTS];
    char what[160];
} tape_problem;

extern const char *const tape_input_names[INPUTS];

tape_problem *tape_problem_make(const tape_case *shape);
void tape_problem_free(tape_problem *problem);

// A gradient's or an input's array.
oclstm_array tape_input_array(const tape_problem *problem, const host_values *values, int which);

// The problem's cell; a tape for it, the cell being gone.
oclstm_cell *tape_problem_cell(const tape_problem *problem);
oclstm_tape *tape_problem_tape(const tape_problem *problem);

// The calls, with everything given and asked for; run, they must succeed.
oclstm_sequence tape_forward_call(const tape_problem *problem);
oclstm_cell_gradients tape_backward_call(const tape_problem *problem);
void tape_run_forward(oclstm_tape *tape, const tape_problem *problem);
void tape_run_backward(oclstm_tape *tape, const tape_problem *problem, const oclstm_cell_gradients *call);
void tape_run_both(oclstm_tape *tape, const tape_problem *problem);

// The reference's results and gradients, those of the weights added to what is there; and the comparison with all of them.
void tape_problem_solve(tape_problem *problem, bool with_y, bool with_h, bool with_c);
void tape_problem_compare(const tape_problem *problem);

// Calls `check` for the shape on every engine, in each dtype that there is.
void tape_on_every_engine(tape_case shape, void (*check)(const tape_case *));

#endif
