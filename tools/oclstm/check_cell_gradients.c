// SPDX-License-Identifier: Apache-2.0
// The gradients of one cell: a tape against the file, and against the way back in double precision.
#include <stdlib.h>
#include <string.h>

#include <oclstm/backward.h>

#include "array_view.h"
#include "check_gradients.h"
#include "reference_back.h"

enum { OF_Y, OF_H, OF_C, GIVEN };                                                       // gradients that the file gives
enum { OF_X, OF_H0, OF_C0, OF_WEIGHT_IH, OF_WEIGHT_HH, OF_BIAS_IH, OF_BIAS_HH, FOUND }; // that are found
enum { X, H, C, INPUTS };

typedef struct cell_back {
    const char *names[FOUND];
    int64_t given_counts[GIVEN], counts[FOUND];
    void *inputs[INPUTS], *given[GIVEN], *found[FOUND]; // in the problem's dtype; NULL = absent
    double *exact[FOUND];
} cell_back;

static void cell_back_free(cell_back *back) {
    for (int i = 0; i < INPUTS; i++)
        free(back->inputs[i]);
    for (int i = 0; i < GIVEN; i++)
        free(back->given[i]);
    for (int i = 0; i < FOUND; i++) {
        free(back->found[i]);
        free(back->exact[i]);
    }
}

static bool make_room(cell_back *back, const check_problem *problem, check_outcome *outcome) {
    const oclstm_cell_entry *entry = &problem->entry;
    const int64_t input = entry->input_size, hidden = entry->hidden_size, state = problem->batch * hidden;
    const int64_t counts[FOUND] = {
        problem->steps * problem->batch * input, state, state, 4 * hidden * input, 4 * hidden * hidden, 4 * hidden, 4 * hidden};
    const int64_t given_counts[GIVEN] = {problem->steps * state, state, state};
    const char *const names[FOUND] = {"x",
                                      "h0",
                                      "c0",
                                      entry->weight_ih->name,
                                      entry->weight_hh->name,
                                      entry->bias ? entry->bias_ih->name : NULL,
                                      entry->bias ? entry->bias_hh->name : NULL};
    memcpy(back->counts, counts, sizeof counts);
    memcpy(back->given_counts, given_counts, sizeof given_counts);
    memcpy(back->names, names, sizeof names);
    for (int i = 0; i < FOUND; i++) {
        back->found[i] = calloc((size_t)counts[i], sizeof(double));
        back->exact[i] = calloc((size_t)counts[i], sizeof(double));
        if (!back->found[i] || !back->exact[i])
            return check_settle(outcome, CHECK_FAIL, "no memory for the gradients");
    }
    return true;
}

static bool read_inputs(cell_back *back, gradient_check *check, const check_problem *problem) {
    static const char *const of_step[GIVEN] = {"", "h1", "c1"}, *const of_sequence[GIVEN] = {"y", "hn", "cn"};
    const oclstm_tensor *const inputs[INPUTS] = {problem->x, problem->h0, problem->c0};
    for (int i = 0; i < INPUTS; i++) {
        if (inputs[i] && !(back->inputs[i] = check_read(problem->file, inputs[i], problem->dtype, check->outcome)))
            return false;
    }
    for (int i = problem->sequence ? OF_Y : OF_H; i < GIVEN; i++) {
        if (!gradient_check_input(check, (problem->sequence ? of_sequence : of_step)[i], back->given_counts[i], &back->given[i]))
            return false;
    }
    return back->given[OF_Y] || back->given[OF_H] || back->given[OF_C] ||
           check_settle(check->outcome, CHECK_FAIL, "there are gradients, but none of the results: %s are missing",
                        problem->sequence ? "grad_y, grad_hn, grad_cn" : "grad_h1, grad_c1");
}

// One step is a sequence of one.
static oclstm_array sequence_of(const check_problem *problem, void *data, int64_t features) {
    if (!data)
        return (oclstm_array){0};
    if (!problem->batched)
        return oclstm_out_2d(data, problem->dtype, problem->steps, features);
    return problem->batch_first ? oclstm_out_3d(data, problem->dtype, problem->batch, problem->steps, features)
                                : oclstm_out_3d(data, problem->dtype, problem->steps, problem->batch, features);
}

static oclstm_array state_of(const check_problem *problem, void *data) {
    const int64_t hidden = problem->entry.hidden_size;
    if (!data)
        return (oclstm_array){0};
    return problem->batched ? oclstm_out_2d(data, problem->dtype, problem->batch, hidden)
                            : oclstm_out_1d(data, problem->dtype, hidden);
}

static oclstm_status run_tape(oclstm_tape *tape, const cell_back *back, const check_problem *problem, oclstm_error *error) {
    const oclstm_dtype dtype = problem->dtype;
    const int64_t input = problem->entry.input_size, hidden = problem->entry.hidden_size, gates = 4 * hidden;
    const oclstm_sequence forward = {.x = array_read_only(sequence_of(problem, back->inputs[X], input)),
                                     .h = array_read_only(state_of(problem, back->inputs[H])),
                                     .c = array_read_only(state_of(problem, back->inputs[C])),
                                     .batch_first = problem->batch_first};
    oclstm_cell_gradients gradients = {.y = array_read_only(sequence_of(problem, back->given[OF_Y], hidden)),
                                       .h = array_read_only(state_of(problem, back->given[OF_H])),
                                       .c = array_read_only(state_of(problem, back->given[OF_C])),
                                       .x = sequence_of(problem, back->found[OF_X], input),
                                       .h0 = state_of(problem, back->found[OF_H0]),
                                       .c0 = state_of(problem, back->found[OF_C0]),
                                       .weight_ih = oclstm_out_2d(back->found[OF_WEIGHT_IH], dtype, gates, input),
                                       .weight_hh = oclstm_out_2d(back->found[OF_WEIGHT_HH], dtype, gates, hidden)};
    if (problem->entry.bias) {
        gradients.bias_ih = oclstm_out_1d(back->found[OF_BIAS_IH], dtype, gates);
        gradients.bias_hh = oclstm_out_1d(back->found[OF_BIAS_HH], dtype, gates);
    }
    const oclstm_status status = oclstm_tape_forward(tape, &forward, error);
    return status == OCLSTM_OK ? oclstm_tape_backward(tape, &gradients, error) : status;
}

static bool run_on(const cell_back *back, const check_problem *problem, oclstm_device *device, const cli_options *options,
                   check_outcome *outcome) {
    oclstm_error error;
    oclstm_cell *cell = NULL;
    oclstm_tape *tape = NULL;
    oclstm_tape_params params = {.engine = options->engine};
    oclstm_status status = oclstm_cell_load(&cell, device, check_problem_weights(problem), problem->entry.name,
                                            OCLSTM_CELL(.dtype = problem->cell_dtype, .engine = options->engine), &error);
    if (status == OCLSTM_OK)
        status = oclstm_tape_create(&tape, cell, &params, &error);
    if (cell && status == OCLSTM_UNSUPPORTED) { // an engine that runs here and does not train
        params.engine = OCLSTM_ENGINE_PORTABLE;
        status = oclstm_tape_create(&tape, cell, &params, &error);
    }
    if (status == OCLSTM_OK)
        status = run_tape(tape, back, problem, &error);
    oclstm_tape_destroy(&tape);
    oclstm_cell_destroy(&cell);
    return status == OCLSTM_OK || check_settle(outcome, CHECK_FAIL, "gradients: %s", error.message);
}

static double *widen(const void *data, oclstm_dtype dtype, int64_t count, bool *good) {
    double *wide = data ? calloc((size_t)count, sizeof *wide) : NULL;
    if (wide)
        reference_widen(wide, data, dtype, count);
    *good = *good && (wide || !data);
    return wide;
}

static bool run_exact(const cell_back *back, const check_problem *problem, check_outcome *outcome) {
    bool good = true;
    double *inputs[INPUTS], *given[GIVEN], **exact = (double **)(uintptr_t)back->exact;
    for (int i = 0; i < INPUTS; i++)
        inputs[i] = widen(back->inputs[i], problem->dtype, back->counts[i], &good);
    for (int i = 0; i < GIVEN; i++)
        given[i] = widen(back->given[i], problem->dtype, back->given_counts[i], &good);
    const reference_gradients gradients = {.y = given[OF_Y],
                                           .h = given[OF_H],
                                           .c = given[OF_C],
                                           .x = exact[OF_X],
                                           .h0 = exact[OF_H0],
                                           .c0 = exact[OF_C0],
                                           .weight_ih = exact[OF_WEIGHT_IH],
                                           .weight_hh = exact[OF_WEIGHT_HH],
                                           .bias = exact[OF_BIAS_IH]};
    good = good && reference_sequence_back(&problem->exact, problem->steps, problem->batch, problem->batch_first, inputs[X],
                                           inputs[H], inputs[C], &gradients);
    memcpy(exact[OF_BIAS_HH], exact[OF_BIAS_IH], (size_t)back->counts[OF_BIAS_HH] * sizeof(double));
    for (int i = 0; i < INPUTS; i++)
        free(inputs[i]);
    for (int i = 0; i < GIVEN; i++)
        free(given[i]);
    return good || check_settle(outcome, CHECK_FAIL, "no memory for the reference's gradients");
}

bool check_cell_gradients(const check_problem *problem, oclstm_device *device, const cli_options *options, check_outcome *outcome) {
    cell_back back = {0};
    gradient_check check;
    if (!gradient_check_begin(&check, problem->file, problem->dtype, outcome))
        return false;
    bool good = make_room(&back, problem, outcome) && read_inputs(&back, &check, problem) &&
                run_on(&back, problem, device, options, outcome) && run_exact(&back, problem, outcome);
    for (int i = 0; good && i < FOUND; i++) {
        if (back.names[i])
            good = gradient_check_output(&check, back.names[i], back.found[i], back.exact[i], back.counts[i]);
    }
    good = gradient_check_end(&check, options, good);
    cell_back_free(&back);
    return good;
}
