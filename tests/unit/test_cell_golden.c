// SPDX-License-Identifier: Apache-2.0
// The frameworks' own answers: every reference file that is a cell or a plain one-layer LSTM, with every engine, within the file's
// tolerance. Prints how far the results are from the framework's and from the exact value, and how far the framework is from that.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_fixture.h"
#include "tools/oclstm/compare.h"
#include "tools/oclstm/reference.h"

// Files that are no single cell: several layers, both directions, lengths, projection.
static const char *const out_of_scope[] = {
    "torch_lstm_bidir",   "torch_lstm_bidir_l2",         "torch_lstm_l2",   "torch_lstm_l2_f64",       "torch_lstm_l3_nobias",
    "torch_lstm_lengths", "torch_lstm_lengths_bidir_l2", "torch_lstm_proj", "torch_lstm_proj_bidir_l2"};

static oclstm_tensors *open_data(const char *name) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_tensors_open(&file, test_data(name), &error), &error);
    return file;
}

// A tensor as an array, without the leading dimension of 1 that torch.nn.LSTM gives its states.
static oclstm_const_array array_of(const oclstm_tensors *file, const char *name, bool drop_first) {
    const oclstm_tensor *tensor = oclstm_tensors_find(file, name);
    oclstm_const_array out = {0};
    if (tensor == NULL)
        return out;
    ck_assert(!drop_first || tensor->shape[0] == 1);
    out = (oclstm_const_array){.data = tensor->data, .dtype = tensor->dtype, .rank = tensor->rank - drop_first};
    memcpy(out.shape, tensor->shape + drop_first, (size_t)out.rank * sizeof out.shape[0]);
    return out;
}

static int64_t count_of(const oclstm_const_array *array) {
    int64_t count = 1;
    for (int axis = 0; axis < array->rank; axis++)
        count *= array->shape[axis];
    return count;
}

// Memory for a result that has the shape of the answer; the answer absent: so is the result.
static oclstm_array result_like(const oclstm_const_array *answer) {
    oclstm_array out = {.dtype = answer->dtype, .rank = answer->rank};
    if (answer->data == NULL)
        return out;
    memcpy(out.shape, answer->shape, sizeof out.shape);
    out.data = fixture_alloc((size_t)count_of(answer), oclstm_dtype_size_bytes(answer->dtype));
    return out;
}

// Any floating-point tensor in double precision, free() it; NULL for NULL.
static double *widen(const oclstm_tensors *file, const oclstm_tensor *tensor) {
    if (tensor == NULL)
        return NULL;
    double *out = fixture_alloc((size_t)tensor->size_bytes, sizeof *out / oclstm_dtype_size_bytes(tensor->dtype));
    oclstm_error error = {0};
    expect_ok(oclstm_tensor_read(file, tensor, 0, 0, tensor->shape[0], OCLSTM_F64, out, false, &error), &error);
    return out;
}

// A problem that a file poses, and how far its results are from the framework's and from the exact ones.
typedef struct golden {
    const oclstm_tensors *weights, *file;
    oclstm_cell_entry entry;
    oclstm_cell *cell;
    bool is_lstm;
    comparison framework, exact;
} golden;

static void compare_with(golden *problem, const char *name, const oclstm_array *got, const oclstm_const_array *answer,
                         const double *exact) {
    if (answer->data == NULL)
        return;
    const int64_t count = count_of(answer);
    double *got_wide = fixture_alloc((size_t)count, sizeof(double)), *answer_wide = fixture_alloc((size_t)count, sizeof(double));
    reference_widen(got_wide, got->data, got->dtype, count);
    reference_widen(answer_wide, answer->data, answer->dtype, count);
    compare_add(&problem->framework, name, got_wide, answer_wide, count);
    compare_add(&problem->exact, name, got_wide, exact, count);
    free(got_wide);
    free(answer_wide);
    free(got->data);
}

// The exact results of the call: y, h', c'.
static void solve(const golden *problem, const oclstm_const_array *x, bool from_state, double *const *exact) {
    const oclstm_cell_entry *entry = &problem->entry;
    double *const weights[] = {widen(problem->weights, entry->weight_ih), widen(problem->weights, entry->weight_hh),
                               widen(problem->weights, entry->bias_ih), widen(problem->weights, entry->bias_hh)};
    double *const inputs[] = {widen(problem->file, oclstm_tensors_find(problem->file, "x")),
                              from_state ? widen(problem->file, oclstm_tensors_find(problem->file, "h0")) : NULL,
                              from_state ? widen(problem->file, oclstm_tensors_find(problem->file, "c0")) : NULL};
    const reference_cell cell = {entry->input_size, entry->hidden_size, weights[0], weights[1], weights[2], weights[3]};
    const int64_t steps = problem->is_lstm ? x->shape[0] : 1, rows = count_of(x) / entry->input_size / steps;
    ck_assert(reference_sequence(&cell, steps, rows, false, inputs[0], inputs[1], inputs[2], exact[0], exact[1], exact[2]));
    for (int i = 0; i < 4; i++)
        free(weights[i]);
    for (int i = 0; i < 3; i++)
        free(inputs[i]);
}

// One call of the file: from (h0, c0) or from nothing, with its answers.
static void check_call(golden *problem, const char *const *answers, bool from_state) {
    const oclstm_tensors *file = problem->file;
    const oclstm_const_array x = array_of(file, "x", false), y = array_of(file, answers[0], false);
    const oclstm_const_array h = array_of(file, answers[1], problem->is_lstm), c = array_of(file, answers[2], problem->is_lstm);
    if (h.data == NULL || c.data == NULL)
        return;
    oclstm_sequence call = {.x = x, .y = result_like(&y), .h_out = result_like(&h), .c_out = result_like(&c)};
    if (from_state) {
        call.h = array_of(file, "h0", problem->is_lstm);
        call.c = array_of(file, "c0", problem->is_lstm);
    }
    oclstm_error error = {0};
    if (problem->is_lstm) {
        expect_ok(oclstm_cell_sequence(problem->cell, &call, &error), &error);
    } else {
        const oclstm_step step = {.x = call.x, .h = call.h, .c = call.c, .h_out = call.h_out, .c_out = call.c_out};
        expect_ok(oclstm_cell_step(problem->cell, &step, &error), &error);
    }
    const size_t state_count = (size_t)count_of(&h), y_count = y.data != NULL ? (size_t)count_of(&y) : state_count;
    double *const exact[] = {fixture_alloc(y_count, sizeof(double)), fixture_alloc(state_count, sizeof(double)),
                             fixture_alloc(state_count, sizeof(double))};
    solve(problem, &x, from_state, exact);
    compare_with(problem, answers[0], &call.y, &y, exact[0]);
    compare_with(problem, answers[1], &call.h_out, &h, exact[1]);
    compare_with(problem, answers[2], &call.c_out, &c, exact[2]);
    for (int i = 0; i < 3; i++)
        free(exact[i]);
}

// weights: the file of the cell; file: that of x and the answers. Both may be one.
static void check_files(const char *label, const oclstm_tensors *weights, const oclstm_tensors *file, double fallback_tolerance) {
    static const char *const step[] = {"", "h1", "c1"}, *const zero[] = {"", "h1_zero_state", "c1_zero_state"};
    static const char *const lstm[] = {"y", "hn", "cn"};
    const oclstm_tensor *x = oclstm_tensors_find(file, "x");
    ck_assert_ptr_nonnull(x);
    if (x->dtype == OCLSTM_F64 && !fixture_has_fp64())
        return;
    const char *stated = oclstm_tensors_metadata(file, "tolerance_forward"),
               *own = oclstm_tensors_metadata(file, "own_error_forward");
    const double tolerance = stated != NULL ? strtod(stated, NULL) : fallback_tolerance;
    const bool is_lstm = oclstm_tensors_find(file, "hn") != NULL;
    for (const oclstm_engine *engine = fixture_engines(x->dtype); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        golden problem = {.weights = weights, .file = file, .is_lstm = is_lstm};
        oclstm_error error = {0};
        expect_ok(oclstm_tensors_find_cell(weights, NULL, &problem.entry, &error), &error);
        expect_ok(oclstm_cell_load(&problem.cell, fixture_device(), weights, NULL,
                                   OCLSTM_CELL(.dtype = x->dtype, .engine = *engine), &error),
                  &error);
        check_call(&problem, is_lstm ? lstm : step, true);
        if (!is_lstm)
            check_call(&problem, zero, false);
        const comparison *worst = &problem.framework;
        ck_assert_msg(worst->array != NULL, "%s: there are no answers", label);
        ck_assert_int_eq(oclstm_cell_last_engine(problem.cell), *engine);
        printf("# %s %s: from the framework's %.2e, allowed %.2e; from the exact %.2e, the framework's own %s\n", label,
               oclstm_engine_name(*engine), worst->error, tolerance, problem.exact.error, own != NULL ? own : "not stated");
        ck_assert_msg(compare_within(worst, tolerance),
                      "%s, engine %s: %s[%lld] is %.9g, the framework says %.9g: error %.3g, allowed %.3g, %lld misplaced", label,
                      oclstm_engine_name(*engine), worst->array, (long long)worst->index, worst->got, worst->expected, worst->error,
                      tolerance, (long long)worst->misplaced);
        oclstm_cell_destroy(&problem.cell);
    }
}

static bool is_in_scope(const char *stem) {
    for (size_t i = 0; i < sizeof out_of_scope / sizeof out_of_scope[0]; i++) {
        if (strcmp(stem, out_of_scope[i]) == 0)
            return false;
    }
    return true;
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

// Every file of the folder that is in scope and whose name begins so; at least `least` of them.
static void check_folder(const char *prefix, int least) {
    char *stems[128], path[512];
    int count = 0;
    DIR *directory = opendir(test_data("cells"));
    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        const char *end = strstr(entry->d_name, ".safetensors");
        if (end == NULL || strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        ck_assert_int_lt(count, 128);
        stems[count++] = strndup(entry->d_name, (size_t)(end - entry->d_name));
    }
    closedir(directory);
    qsort(stems, (size_t)count, sizeof *stems, compare_names);
    int checked = 0;
    for (int i = 0; i < count; i++) {
        if (is_in_scope(stems[i])) {
            snprintf(path, sizeof path, "cells/%s.safetensors", stems[i]);
            oclstm_tensors *file = open_data(path);
            check_files(stems[i], file, file, oclstm_tensors_find(file, "x")->dtype == OCLSTM_F64 ? 1e-12 : 2e-5);
            oclstm_tensors_close(&file);
            checked++;
        }
        free(stems[i]);
    }
    ck_assert_int_ge(checked, least);
}

START_TEST(torch_cells) { check_folder("torch_cell_", 18); }
END_TEST

START_TEST(mindspore_cells) { check_folder("mindspore_cell_", 10); }
END_TEST

START_TEST(torch_one_layer_lstms) { check_folder("torch_lstm_", 3); }
END_TEST

// PyTorch computed these answers in float32 from the widened weights, as the library does.
START_TEST(half_precision_weights) {
    static const char *const stems[] = {"torch_cell_f16", "torch_cell_bf16"};
    char path[512];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "models/%s.safetensors", stems[i]);
        oclstm_tensors *weights = open_data(path);
        snprintf(path, sizeof path, "models/%s.io.safetensors", stems[i]);
        oclstm_tensors *file = open_data(path);
        check_files(stems[i], weights, file, 5e-6);
        oclstm_tensors_close(&file);
        oclstm_tensors_close(&weights);
    }
}
END_TEST

// A real cell over a minute of real speech: an error of the state would grow over its 1,875 steps.
START_TEST(a_real_cell_on_real_speech) {
    oclstm_tensors *model = open_data("silero/silero_vad_16k.safetensors"), *features = open_data("silero/features.npy");
    oclstm_tensors *hidden = open_data("silero/hidden.npy"), *states = open_data("silero/cell.npy");
    const oclstm_tensor *x = oclstm_tensors_at(features, 0);
    const int64_t steps = x->shape[0], size = 128;
    ck_assert_int_eq(steps, 1875);
    double *expected = widen(hidden, oclstm_tensors_at(hidden, 0)), *expected_c = widen(states, oclstm_tensors_at(states, 0));
    float *y = fixture_alloc((size_t)(steps * size), sizeof *y), c[128];
    double *wide = fixture_alloc((size_t)(steps * size), sizeof *wide);
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        oclstm_cell *cell = NULL;
        oclstm_error error = {0};
        comparison worst = {0};
        expect_ok(oclstm_cell_load(&cell, fixture_device(), model, "lstm_cell", OCLSTM_CELL(.engine = *engine), &error), &error);
        const oclstm_sequence call = {.x = oclstm_in_2d(x->data, OCLSTM_F32, steps, size),
                                      .y = oclstm_out_2d(y, OCLSTM_F32, steps, size),
                                      .c_out = oclstm_out_1d(c, OCLSTM_F32, size)};
        expect_ok(oclstm_cell_sequence(cell, &call, &error), &error);
        reference_widen(wide, y, OCLSTM_F32, steps * size);
        compare_add(&worst, "hidden", wide, expected, steps * size);
        reference_widen(wide, c, OCLSTM_F32, size);
        compare_add(&worst, "cell", wide, expected_c + (steps - 1) * size, size);
        printf("# silero %s: from PyTorch's %.2e, allowed 2e-05\n", oclstm_engine_name(*engine), worst.error);
        ck_assert_msg(compare_within(&worst, 2e-5), "engine %s: %s[%lld] is %.9g, PyTorch says %.9g", oclstm_engine_name(*engine),
                      worst.array, (long long)worst.index, worst.got, worst.expected);
        oclstm_cell_destroy(&cell);
    }
    free(expected);
    free(expected_c);
    free(y);
    free(wide);
    oclstm_tensors_close(&model);
    oclstm_tensors_close(&features);
    oclstm_tensors_close(&hidden);
    oclstm_tensors_close(&states);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {torch_cells, mindspore_cells, torch_one_layer_lstms, half_precision_weights,
                                  a_real_cell_on_real_speech};
    return run_suite(fixture_suite("cell_golden", tests, sizeof tests / sizeof tests[0]), true);
}
