// SPDX-License-Identifier: Apache-2.0
#include "check_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array_view.h"
#include "check_gradients.h"
#include "check_network.h"
#include "check_problem.h"

// The answers a file may hold: the names of y, h' and c', and whether (h0, c0) is fed. y NULL: there is none.
typedef struct answer_set {
    bool sequence;
    bool from_state;
    const char *names[3];
} answer_set;

static const answer_set answer_sets[] = {
    {false, true, {NULL, "h1", "c1"}},
    {false, false, {NULL, "h1_zero_state", "c1_zero_state"}},
    {true, true, {"y", "hn", "cn"}},
};

// Everything of one evaluation. Index 0 y, 1 h', 2 c'.
typedef struct evaluation {
    void *x, *h, *c;                  // in the problem's dtype
    double *x_wide, *h_wide, *c_wide; // the same in double precision
    int64_t counts[3];
    void *got[3];
    double *got_wide[3];
    double *exact[3];
} evaluation;

static void evaluation_free(evaluation *run) {
    void *const single[] = {run->x, run->h, run->c, run->x_wide, run->h_wide, run->c_wide};
    for (int i = 0; i < 6; i++)
        free(single[i]);
    for (int i = 0; i < 3; i++) {
        free(run->got[i]);
        free(run->got_wide[i]);
        free(run->exact[i]);
    }
}

static bool check_state_shape(const check_problem *problem, const oclstm_tensor *tensor, check_outcome *outcome) {
    const int64_t expected = problem->batch * problem->entry.hidden_size;
    int64_t count = 1;
    for (int axis = 0; axis < tensor->rank; axis++)
        count *= tensor->shape[axis];
    return count == expected ||
           check_settle(outcome, CHECK_FAIL, "tensor '%s' has %" PRId64 " values; expected %" PRId64 ", batch x hidden",
                        tensor->name, count, expected);
}

static bool read_inputs(evaluation *run, const check_problem *problem, bool from_state, check_outcome *outcome) {
    const oclstm_tensors *file = problem->file;
    run->x = check_read(file, problem->x, problem->dtype, outcome);
    run->x_wide = check_read(file, problem->x, OCLSTM_F64, outcome);
    if (!run->x || !run->x_wide)
        return false;
    if (!from_state || !problem->h0)
        return true;
    if (!check_state_shape(problem, problem->h0, outcome) || !check_state_shape(problem, problem->c0, outcome))
        return false;
    run->h = check_read(file, problem->h0, problem->dtype, outcome);
    run->c = check_read(file, problem->c0, problem->dtype, outcome);
    run->h_wide = check_read(file, problem->h0, OCLSTM_F64, outcome);
    run->c_wide = check_read(file, problem->c0, OCLSTM_F64, outcome);
    return run->h && run->c && run->h_wide && run->c_wide;
}

static bool make_room(evaluation *run, const check_problem *problem, check_outcome *outcome) {
    const int64_t state = problem->batch * problem->entry.hidden_size;
    const int64_t counts[3] = {state * problem->steps, state, state};
    memcpy(run->counts, counts, sizeof counts);
    for (int i = 0; i < 3; i++) {
        const size_t count = (size_t)counts[i];
        run->got[i] = calloc(count, sizeof(double));
        run->got_wide[i] = calloc(count, sizeof(double));
        run->exact[i] = calloc(count, sizeof(double));
        if (!run->got[i] || !run->got_wide[i] || !run->exact[i])
            return check_settle(outcome, CHECK_FAIL, "no memory for %zu results", count);
    }
    return true;
}

static oclstm_const_array input_of(const oclstm_tensor *tensor, const void *data, oclstm_dtype dtype) {
    oclstm_const_array array = {.data = data, .dtype = dtype, .rank = tensor->rank};
    memcpy(array.shape, tensor->shape, sizeof array.shape);
    return array;
}

static oclstm_array state_of(const check_problem *problem, void *data) {
    if (problem->batched)
        return oclstm_out_2d(data, problem->dtype, problem->batch, problem->entry.hidden_size);
    return oclstm_out_1d(data, problem->dtype, problem->entry.hidden_size);
}

// What computes: a cell on one device, or a group.
typedef struct check_engine {
    oclstm_cell *cell;
    oclstm_group *group;
} check_engine;

static oclstm_status compute(evaluation *run, const check_problem *problem, const check_engine *engine, oclstm_error *error) {
    const oclstm_const_array x = input_of(problem->x, run->x, problem->dtype);
    oclstm_const_array h = {0}, c = {0};
    if (run->h) {
        h = array_read_only(state_of(problem, run->h));
        c = array_read_only(state_of(problem, run->c));
    }
    if (!problem->sequence) {
        const oclstm_step step = {
            .x = x, .h = h, .c = c, .h_out = state_of(problem, run->got[1]), .c_out = state_of(problem, run->got[2])};
        return engine->group ? oclstm_group_step(engine->group, &step, error) : oclstm_cell_step(engine->cell, &step, error);
    }
    oclstm_sequence sequence = {.x = x,
                                .h = h,
                                .c = c,
                                .h_out = state_of(problem, run->got[1]),
                                .c_out = state_of(problem, run->got[2]),
                                .batch_first = problem->batch_first};
    sequence.y = (oclstm_array){.data = run->got[0], .dtype = problem->dtype, .rank = problem->x->rank};
    memcpy(sequence.y.shape, problem->x->shape, sizeof sequence.y.shape);
    sequence.y.shape[problem->x->rank - 1] = problem->entry.hidden_size;
    return engine->group ? oclstm_group_sequence(engine->group, &sequence, error)
                         : oclstm_cell_sequence(engine->cell, &sequence, error);
}

// One result against the file's answer, where it has it, and against the exact value.
static bool compare_result(const evaluation *run, int which, const answer_set *set, const check_problem *problem,
                           check_outcome *outcome) {
    const oclstm_tensor *answer = set->names[which] ? oclstm_tensors_find(problem->file, set->names[which]) : NULL;
    if (!answer)
        return true;
    const size_t size = oclstm_dtype_size_bytes(answer->dtype);
    if (!size || answer->size_bytes / size != (uint64_t)run->counts[which])
        return check_settle(outcome, CHECK_FAIL, "tensor '%s' does not have the %" PRId64 " values expected", answer->name,
                            run->counts[which]);
    double *expected = check_read(problem->file, answer, OCLSTM_F64, outcome);
    if (!expected)
        return false;
    reference_widen(run->got_wide[which], run->got[which], problem->dtype, run->counts[which]);
    compare_add(&outcome->worst, set->names[which], run->got_wide[which], expected, run->counts[which]);
    compare_add(&outcome->exact, set->names[which], run->got_wide[which], run->exact[which], run->counts[which]);
    outcome->compared = true;
    free(expected);
    return true;
}

static bool evaluate(const check_problem *problem, const answer_set *set, const check_engine *engine, check_outcome *outcome) {
    evaluation run = {0};
    oclstm_error error;
    bool good = read_inputs(&run, problem, set->from_state, outcome) && make_room(&run, problem, outcome);
    if (good && compute(&run, problem, engine, &error) != OCLSTM_OK)
        good = check_settle(outcome, CHECK_FAIL, "%s", error.message);
    if (good && !reference_sequence(&problem->exact, problem->steps, problem->batch, problem->batch_first, run.x_wide, run.h_wide,
                                    run.c_wide, run.exact[0], run.exact[1], run.exact[2]))
        good = check_settle(outcome, CHECK_FAIL, "no memory for the reference");
    for (int i = 0; good && i < 3; i++)
        good = compare_result(&run, i, set, problem, outcome);
    evaluation_free(&run);
    return good;
}

// What a float32 file's tolerance is where its sums are of ordinary size; larger sums have larger ones.
static const double ordinary_tolerance = 5e-6;

// Half a unit in the last place is lost in each weight, input and state that is rounded: 2^-11, 2^-8. They add up to at most one such unit in the files of
// PyTorch and MindSpore that there are; this leaves four, and as much more as the file leaves for float32.
static double short_tolerance(const check_problem *problem, const char *own) {
    const double wider = own && problem->x->dtype == OCLSTM_F32 ? strtod(own, NULL) / ordinary_tolerance : 1.0;
    return (problem->cell_dtype == OCLSTM_F16 ? 0x1p-9 : 0x1p-6) * (wider > 1.0 ? wider : 1.0);
}

static double tolerance_of(const check_problem *problem, const cli_options *options) {
    const char *own = oclstm_tensors_metadata(problem->file, "tolerance_forward");
    if (options->tolerance_given)
        return options->tolerance;
    if (problem->cell_dtype == OCLSTM_F16 || problem->cell_dtype == OCLSTM_BF16)
        return short_tolerance(problem, own);
    if (own && (problem->cell_dtype == problem->x->dtype || problem->cell_dtype == OCLSTM_F64))
        return strtod(own, NULL);
    return problem->cell_dtype == OCLSTM_F64 && problem->x->dtype == OCLSTM_F64 ? 1e-12 : 2e-5;
}

static bool make_engine(check_engine *out, const check_problem *problem, oclstm_device *const *devices, size_t count,
                        const cli_options *options, check_outcome *outcome) {
    oclstm_error error;
    for (size_t i = 0; i < count && problem->cell_dtype == OCLSTM_F64; i++) {
        if (!oclstm_device_get_info(devices[i])->has_fp64)
            return check_settle(outcome, CHECK_SKIP, "float64: the device does not have it");
    }
    const oclstm_cell_params *params = OCLSTM_CELL(.dtype = problem->cell_dtype, .engine = options->engine);
    const oclstm_tensors *weights = check_problem_weights(problem);
    const oclstm_status status = count > 1
                                     ? oclstm_group_load(&out->group, devices, count, weights, problem->entry.name, params, &error)
                                     : oclstm_cell_load(&out->cell, devices[0], weights, problem->entry.name, params, &error);
    return status == OCLSTM_OK || check_settle(outcome, CHECK_FAIL, "%s", error.message);
}

// The engine that ran; of several devices the first that had rows.
static oclstm_engine last_engine(const check_engine *engine) {
    oclstm_share share = {0};
    for (size_t i = 0; engine->group && share.rows == 0; i++) {
        if (oclstm_group_get_share(engine->group, i, &share, NULL) != OCLSTM_OK)
            return OCLSTM_ENGINE_AUTO;
    }
    return engine->group ? share.engine : oclstm_cell_last_engine(engine->cell);
}

// Cells of 16 bits have none.
static bool has_gradients(const check_problem *problem) {
    return gradients_in_file(problem->file) && (problem->cell_dtype == OCLSTM_F32 || problem->cell_dtype == OCLSTM_F64);
}

bool check_outcome_within(const check_outcome *outcome) {
    return compare_within(&outcome->worst, outcome->tolerance) &&
           (!outcome->gradients_compared || compare_within(&outcome->gradient, outcome->gradient_tolerance));
}

static void check_problem_on(const check_problem *problem, oclstm_device *const *devices, size_t count, const cli_options *options,
                             check_outcome *outcome) {
    check_engine engine = {0};
    if (!make_engine(&engine, problem, devices, count, options, outcome))
        return;
    bool good = true;
    outcome->tolerance = tolerance_of(problem, options);
    for (size_t i = 0; good && i < sizeof answer_sets / sizeof answer_sets[0]; i++) {
        const answer_set *set = &answer_sets[i];
        if (set->sequence == problem->sequence &&
            (oclstm_tensors_find(problem->file, set->names[1]) || oclstm_tensors_find(problem->file, set->names[2])))
            good = evaluate(problem, set, &engine, outcome);
    }
    outcome->engine = last_engine(&engine);
    oclstm_cell_destroy(&engine.cell);
    oclstm_group_destroy(&engine.group);
    if (good && outcome->compared && has_gradients(problem))
        good = check_cell_gradients(problem, devices[0], options, outcome);
    if (!good)
        outcome->compared = false;
    else if (!outcome->compared)
        check_settle(outcome, CHECK_FAIL, "there are no answers: tensors %s are missing",
                     problem->sequence ? "y, hn, cn" : "h1, c1");
    else
        outcome->result = check_outcome_within(outcome) ? CHECK_OK : CHECK_FAIL;
}

void check_file(check_outcome *out, const char *path, oclstm_device *const *devices, size_t count, const cli_options *options) {
    check_problem problem;
    *out = (check_outcome){.path = path, .result = CHECK_FAIL};
    const bool opened = check_problem_open(&problem, out, path);
    if (opened && options->dtype_given) {
        problem.cell_dtype = out->dtype = options->dtype;
        problem.dtype = options->dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32; // which a cell of 16 bits takes
    }
    if (opened && problem.network && count > 1)
        check_settle(out, CHECK_SKIP, "more than one cell: several devices divide the batch of one");
    else if (opened && problem.network)
        check_network_on(&problem, devices[0], options, out);
    else if (opened)
        check_problem_on(&problem, devices, count, options, out);
    check_problem_close(&problem);
}
