// SPDX-License-Identifier: Apache-2.0
#include "check_problem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool check_settle(check_outcome *outcome, check_result result, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(outcome->reason, sizeof outcome->reason, format, arguments);
    va_end(arguments);
    outcome->result = result;
    return false;
}

const oclstm_tensors *check_problem_weights(const check_problem *problem) {
    return problem->model ? problem->model : problem->file;
}

void *check_read(const oclstm_tensors *file, const oclstm_tensor *tensor, oclstm_dtype dtype, check_outcome *outcome) {
    const size_t stored = oclstm_dtype_size_bytes(tensor->dtype);
    const size_t count = stored ? (size_t)tensor->size_bytes / stored : 0;
    oclstm_error error;
    void *data = calloc(count ? count : 1, oclstm_dtype_size_bytes(dtype));
    if (!data) {
        check_settle(outcome, CHECK_FAIL, "no memory for tensor '%s': %zu values", tensor->name, count);
        return NULL;
    }
    if (oclstm_tensor_read(file, tensor, 0, 0, tensor->rank ? tensor->shape[0] : 1, dtype, data, false, &error) == OCLSTM_OK)
        return data;
    check_settle(outcome, CHECK_FAIL, "%s", error.message);
    free(data);
    return NULL;
}

static const char suffix[] = ".io.safetensors";

static bool is_io(const char *path) {
    const size_t length = strlen(path), suffix_length = sizeof suffix - 1;
    return length > suffix_length && strcmp(path + length - suffix_length, suffix) == 0;
}

// NAME.io.safetensors goes with the model file NAME of any kind.
static bool open_model(check_problem *out, check_outcome *outcome, const char *path) {
    static const char *const kinds[] = {".safetensors", ".pt", ".ckpt", ".onnx"};
    char model[4096];
    const int stem = (int)(strlen(path) - (sizeof suffix - 1));
    oclstm_error error;
    for (int i = 0; i < 4; i++) {
        snprintf(model, sizeof model, "%.*s%s", stem, path, kinds[i]);
        if (access(model, F_OK) != 0)
            continue;
        if (oclstm_tensors_open(&out->model, model, &error) != OCLSTM_OK)
            return check_settle(outcome, CHECK_FAIL, "%s", error.message);
        return true;
    }
    return check_settle(outcome, CHECK_FAIL, "its model file, %.*s.safetensors, .pt, .ckpt or .onnx, is missing", stem, path);
}

// A model file without inputs and answers has them in NAME.io.safetensors beside it; NAME_legacy.pt shares those of NAME.
static bool open_answers(check_problem *out, check_outcome *outcome, const char *path) {
    char answers[4096];
    oclstm_error error;
    const char *end = strrchr(path, '.');
    const int stem = end != NULL && strchr(end, '/') == NULL ? (int)(end - path) : (int)strlen(path);
    snprintf(answers, sizeof answers, "%.*s%s", stem, path, suffix);
    if (access(answers, F_OK) != 0 && stem > 7 && strncmp(path + stem - 7, "_legacy", 7) == 0)
        snprintf(answers, sizeof answers, "%.*s%s", stem - 7, path, suffix);
    if (access(answers, F_OK) != 0)
        return check_settle(outcome, CHECK_FAIL, "tensor 'x' is missing, and there is no %s with inputs and answers", answers);
    out->model = out->file;
    out->file = NULL;
    if (oclstm_tensors_open(&out->file, answers, &error) != OCLSTM_OK)
        return check_settle(outcome, CHECK_FAIL, "%s", error.message);
    return true;
}

static bool has_input(const oclstm_tensors *file) {
    static const char *const names[] = {"x", "X", "tokens"};
    for (int i = 0; i < 3; i++) {
        if (oclstm_tensors_find(file, names[i]))
            return true;
    }
    return false;
}

// One plain cell, or one layer in one direction; anything more is a network.
static bool find_cell(check_problem *out, check_outcome *outcome) {
    const oclstm_tensors *weights = check_problem_weights(out);
    oclstm_cell_entry entries[2];
    oclstm_layer *layers = NULL;
    size_t layer_count = 0;
    const size_t count = oclstm_tensors_cells(weights, entries, 2);
    if (count == 0)
        return check_settle(outcome, CHECK_FAIL, "%s: no cell found", oclstm_tensors_path(weights));
    const bool found = oclstm_network_find(&layers, &layer_count, weights, NULL, NULL) == OCLSTM_OK;
    out->network = count > 1 || entries[0].reverse || entries[0].proj_size != 0 ||
                   oclstm_tensors_find(out->file, "lengths") != NULL || oclstm_tensors_find(out->file, "X") != NULL ||
                   oclstm_tensors_find(out->file, "tokens") != NULL || !found || layer_count > 1 || layers[0].general ||
                   layers[0].reverse;
    oclstm_network_layers_free(&layers);
    out->entry = entries[0];
    return true;
}

static bool find_inputs(check_problem *out, check_outcome *outcome) {
    const char *kind = oclstm_tensors_metadata(out->file, "kind"), *order = oclstm_tensors_metadata(out->file, "batch_first");
    out->sequence = kind ? strcmp(kind, "sequence") == 0 : oclstm_tensors_find(out->file, "y") != NULL;
    if (kind && !out->sequence && strcmp(kind, "cell") != 0)
        return check_settle(outcome, CHECK_SKIP, "kind '%s' is not known; cell and sequence are", kind);
    out->x = oclstm_tensors_find(out->file, "x");
    out->h0 = oclstm_tensors_find(out->file, "h0");
    out->c0 = oclstm_tensors_find(out->file, "c0");
    if (!out->x)
        return check_settle(outcome, CHECK_FAIL, "tensor 'x' is missing");
    if (!out->h0 != !out->c0)
        return check_settle(outcome, CHECK_FAIL, "tensor '%s' is missing beside '%s'", out->h0 ? "c0" : "h0",
                            out->h0 ? "h0" : "c0");
    if (out->x->dtype != OCLSTM_F32 && out->x->dtype != OCLSTM_F64)
        return check_settle(outcome, CHECK_FAIL, "tensor 'x' is %s; expected float32 or float64", oclstm_dtype_name(out->x->dtype));
    const int batched_rank = out->sequence ? 3 : 2, rank = out->x->rank;
    if (rank != batched_rank && rank != batched_rank - 1)
        return check_settle(outcome, CHECK_FAIL, "tensor 'x' has rank %d; expected %d or %d", rank, batched_rank - 1, batched_rank);
    if (out->x->shape[rank - 1] != out->entry.input_size)
        return check_settle(outcome, CHECK_FAIL, "the last dimension of 'x' is %" PRId64 ", the cell's input size %" PRId64,
                            out->x->shape[rank - 1], out->entry.input_size);
    out->dtype = out->cell_dtype = out->x->dtype;
    out->batched = rank == batched_rank;
    out->batch_first = out->sequence && out->batched && order && strcmp(order, "true") == 0;
    out->steps = out->sequence ? out->x->shape[out->batch_first ? 1 : 0] : 1;
    out->batch = out->batched ? out->x->shape[out->sequence && !out->batch_first ? 1 : 0] : 1;
    return true;
}

static bool read_exact_weights(check_problem *out, check_outcome *outcome) {
    const oclstm_cell_entry *entry = &out->entry;
    const oclstm_tensors *file = check_problem_weights(out);
    out->exact = (reference_cell){.input_size = entry->input_size, .hidden_size = entry->hidden_size};
    out->exact.weight_ih = check_read(file, entry->weight_ih, OCLSTM_F64, outcome);
    out->exact.weight_hh = check_read(file, entry->weight_hh, OCLSTM_F64, outcome);
    if (!out->exact.weight_ih || !out->exact.weight_hh)
        return false;
    if (!entry->bias)
        return true;
    out->exact.bias_ih = check_read(file, entry->bias_ih, OCLSTM_F64, outcome);
    out->exact.bias_hh = check_read(file, entry->bias_hh, OCLSTM_F64, outcome);
    return out->exact.bias_ih && out->exact.bias_hh;
}

bool check_problem_open(check_problem *out, check_outcome *outcome, const char *path) {
    oclstm_error error;
    *out = (check_problem){0};
    if (oclstm_tensors_open(&out->file, path, &error) != OCLSTM_OK)
        return check_settle(outcome, CHECK_FAIL, "%s", error.message);
    if (is_io(path) ? !open_model(out, outcome, path) : !has_input(out->file) && !open_answers(out, outcome, path))
        return false;
    if (!find_cell(out, outcome) || (!out->network && (!find_inputs(out, outcome) || !read_exact_weights(out, outcome))))
        return false;
    const char *framework = oclstm_tensors_metadata(out->file, "framework");
    const char *own = oclstm_tensors_metadata(out->file, "own_error_forward");
    snprintf(outcome->framework, sizeof outcome->framework, "%s", framework ? framework : "the framework");
    outcome->framework_error = own ? strtod(own, NULL) : -1.0;
    if (out->network)
        return true;
    outcome->exact_known = true;
    outcome->sequence = out->sequence;
    outcome->dtype = out->dtype;
    outcome->steps = out->steps;
    outcome->batch = out->batched ? out->batch : 0;
    outcome->input = out->entry.input_size;
    outcome->hidden = out->entry.hidden_size;
    return true;
}

static void free_exact(const double *weights) { free((void *)(uintptr_t)weights); }

void check_problem_close(check_problem *problem) {
    free_exact(problem->exact.weight_ih);
    free_exact(problem->exact.weight_hh);
    free_exact(problem->exact.bias_ih);
    free_exact(problem->exact.bias_hh);
    oclstm_tensors_close(&problem->model);
    oclstm_tensors_close(&problem->file);
}
