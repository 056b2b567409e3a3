// SPDX-License-Identifier: Apache-2.0
// Trainers of networks that a description makes, random batches for them, and the reference's answers.
#ifndef OCLSTM_TESTS_TRAINER_FIXTURE_H
#define OCLSTM_TESTS_TRAINER_FIXTURE_H

#include <oclstm/train.h>

#include "gradient_fixture.h"
#include "gradient_network.h"

enum { TRAINER_MOST_PARAMETERS = 64, TRAINER_MOST_BATCH = 64 };

typedef struct trainer_case {
    const char *description;
    int64_t steps, batch; // batch 0: no batch dimension
    bool lengths, batch_first, long_integers;
    bool without_state; // of a backward pass: no h0 and c0
    bool spoiled;       // NaN stands in what lies behind a sequence's end
    oclstm_loss loss;
    bool ignores; // some classes are ignored
    oclstm_dtype dtype;
    oclstm_engine engine;
    oclstm_trainer_params params; // what else it is made with; the optimizer: SGD without a rate unless it is set
} trainer_case;

// A case with its data. Arrays in the caller's order; wide of results and gradients: the reference's, after trainer_problem_solve().
typedef struct trainer_problem {
    trainer_case shape;
    oclstm_trainer *trainer;
    const oclstm_layer *layers;
    size_t layer_count, rows; // rows of a step
    size_t inputs, outputs;   // features; inputs 0 with tokens
    int64_t units;            // their state is one array [units][batch][...] where widths are equal; 0 otherwise
    reference_parameter parameters[TRAINER_MOST_PARAMETERS];
    size_t parameter_count;
    int lengths[TRAINER_MOST_BATCH];
    int *tokens, *classes;            // time-major
    void *host_tokens, *host_classes; // as the caller hands them over
    host_values x, h0, c0, y, hn, cn; // what goes forward
    host_values dy, dhn, dcn;         // given
    host_values dx, dh0, dc0;         // found
    host_values target;
    double loss; // the reference's
    char what[300];
} trainer_problem;

trainer_problem *trainer_problem_make(const trainer_case *shape);
void trainer_problem_free(trainer_problem *problem);

// Reads the trainer's weights into the reference's, whose gradients become zero.
void trainer_problem_read(trainer_problem *problem);

// The calls.
oclstm_network_call trainer_forward_call(const trainer_problem *problem);
oclstm_network_gradients trainer_backward_call(const trainer_problem *problem);
oclstm_train_batch trainer_batch(const trainer_problem *problem);

// They must succeed.
void trainer_run_forward(trainer_problem *problem);
void trainer_run_backward(trainer_problem *problem, const oclstm_network_gradients *call);
oclstm_train_result trainer_run_step(trainer_problem *problem);
double trainer_run_evaluate(trainer_problem *problem);

// The reference's results and gradients of a backward pass, those of weights added to what is there; of a step, with its loss.
void trainer_problem_solve(trainer_problem *problem);
void trainer_problem_solve_step(trainer_problem *problem);

// Results and gradients with the reference's; the weights' gradients alone.
void trainer_problem_compare(trainer_problem *problem);
void trainer_compare_weights(trainer_problem *problem);

// All weights' bits, or all their gradients', one after the other; free() them.
void *trainer_bits(oclstm_trainer *trainer, bool gradients, size_t *bytes);

// Calls `check` for the case on every engine, in each dtype that there is.
void trainer_on_every_engine(trainer_case shape, void (*check)(const trainer_case *));

#endif
