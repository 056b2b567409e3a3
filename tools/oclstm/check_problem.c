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

// NAME.io.safetensors goes with NAME.safetensors, or with a model file of another kind, which cannot be read here.
static bool open_model(check_problem *out, check_outcome *outcome, const char *path) {
    static const char suffix[] = ".io.safetensors";
    static const char *const other_kinds[] = {".pt", ".ckpt", ".onnx"};
    const size_t length = strlen(path), suffix_length = sizeof suffix - 1;
    char model[4096];
    if (length <= suffix_length || strcmp(path + length - suffix_length, suffix) != 0 || length >= sizeof model - 16)
        return check_settle(outcome, CHECK_FAIL, "the file has no cell: tensors weight_ih and weight_hh are missing");
    const int stem = (int)(length - suffix_length);
    snprintf(model, sizeof model, "%.*s.safetensors", stem, path);
    if (access(model, F_OK) == 0) {
        oclstm_error error;
        if (oclstm_tensors_open(&out->model, model, &error) != OCLSTM_OK)
            return check_settle(outcome, CHECK_FAIL, "%s", error.message);
        return true;
    }
    for (int i = 0; i < 3; i++) {
        char other[4096];
        snprintf(other, sizeof other, "%.*s%s", stem, path, other_kinds[i]);
        if (access(other, F_OK) == 0)
            return check_settle(outcome, CHECK_SKIP, "its model is a %s file, which this version does not read", other_kinds[i]);
    }
    return check_settle(outcome, CHECK_FAIL, "its model file %s is missing", model);
}

// One plain cell, or one layer in one direction.
static bool find_cell(check_problem *out, check_outcome *outcome) {
    oclstm_cell_entry entries[8];
    const size_t count = oclstm_tensors_cells(check_problem_weights(out), entries, 8);
    bool reverse = false, layered = false;
    for (size_t i = 0; i < count && i < 8; i++) {
        reverse = reverse || entries[i].reverse;
        layered = layered || entries[i].layer > 0;
    }
    if (count == 0)
        return check_settle(outcome, CHECK_FAIL, "%s: no cell found", oclstm_tensors_path(check_problem_weights(out)));
    if (reverse)
        return check_settle(outcome, CHECK_SKIP, "bidirectional: this version has one direction");
    if (count > 1)
        return check_settle(outcome, CHECK_SKIP, layered ? "more than one layer: this version has one" : "more than one cell");
    if (entries[0].proj_size)
        return check_settle(outcome, CHECK_SKIP, "projection: this version has none");
    if (oclstm_tensors_find(out->file, "lengths"))
        return check_settle(outcome, CHECK_SKIP, "lengths: this version has sequences of one length");
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
    if (oclstm_tensors_cells(out->file, NULL, 0) == 0 && !open_model(out, outcome, path))
        return false;
    if (!find_cell(out, outcome) || !find_inputs(out, outcome) || !read_exact_weights(out, outcome))
        return false;
    const char *framework = oclstm_tensors_metadata(out->file, "framework");
    const char *own = oclstm_tensors_metadata(out->file, "own_error_forward");
    snprintf(outcome->framework, sizeof outcome->framework, "%s", framework ? framework : "the framework");
    outcome->framework_error = own ? strtod(own, NULL) : -1.0;
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
