// SPDX-License-Identifier: Apache-2.0
#include "model_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "file_fixture.h"

// In (-0.5, 0.5): exact in float32.
static double next_value(model_fixture *model) {
    model->seed = model->seed * 1664525u + 1013904223u;
    return ((double)(model->seed >> 8) + 0.5) / 16777216.0 - 0.5;
}

static void append_values(model_fixture *model, oclstm_dtype dtype, size_t count) {
    const size_t element = oclstm_dtype_size_bytes(dtype);
    model->data = realloc(model->data, model->data_bytes + count * element);
    ck_assert_ptr_nonnull(model->data);
    for (size_t i = 0; i < count; i++) {
        const double value = next_value(model);
        const float narrow = (float)value;
        unsigned char *to = model->data + model->data_bytes + i * element;
        if (dtype == OCLSTM_F64)
            memcpy(to, &value, sizeof value);
        else if (dtype == OCLSTM_F32)
            memcpy(to, &narrow, sizeof narrow);
        else
            memset(to, 0, element);
    }
    model->data_bytes += count * element;
}

void model_tensor(model_fixture *model, const char *name, oclstm_dtype dtype, int rank, ...) {
    static const char *const codes[] = {
        [OCLSTM_F32] = "F32", [OCLSTM_F64] = "F64", [OCLSTM_F16] = "F16", [OCLSTM_BF16] = "BF16", [OCLSTM_I64] = "I64"};
    char shape[128] = "";
    size_t count = 1;
    const size_t begin = model->data_bytes;
    va_list extents;
    va_start(extents, rank);
    for (int axis = 0; axis < rank; axis++) {
        const int extent = va_arg(extents, int);
        base_append(shape, sizeof shape, "%s%d", axis > 0 ? "," : "", extent);
        count *= (size_t)extent;
    }
    va_end(extents);
    if (model->without != NULL && strcmp(model->without, name) == 0)
        return;
    append_values(model, dtype, count);
    base_append(model->tensors, sizeof model->tensors, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                model->tensors[0] != '\0' ? "," : "", name, codes[dtype], shape, begin, model->data_bytes);
}

void model_add_lstm(model_fixture *model, const model_lstm *lstm) {
    const int layers = lstm->layers > 0 ? lstm->layers : 1, directions = lstm->directions > 0 ? lstm->directions : 1;
    const int width = lstm->proj > 0 ? lstm->proj : lstm->hidden, gates = 4 * lstm->hidden;
    char name[256];
    for (int layer = 0; layer < layers; layer++) {
        for (int direction = 0; direction < directions; direction++) {
            const char *end = direction == 1 ? "_reverse" : "";
            const int input = layer == 0 ? lstm->input : directions * width;
            snprintf(name, sizeof name, "%sweight_ih_l%d%s", lstm->prefix, layer, end);
            model_tensor(model, name, lstm->dtype, 2, gates, input);
            snprintf(name, sizeof name, "%sweight_hh_l%d%s", lstm->prefix, layer, end);
            model_tensor(model, name, lstm->dtype, 2, gates, width);
            for (int i = 0; i < 2 && !lstm->no_bias; i++) {
                snprintf(name, sizeof name, "%sbias_%s_l%d%s", lstm->prefix, i == 0 ? "ih" : "hh", layer, end);
                model_tensor(model, name, lstm->dtype, 1, gates);
            }
            snprintf(name, sizeof name, "%sweight_hr_l%d%s", lstm->prefix, layer, end);
            if (lstm->proj > 0)
                model_tensor(model, name, lstm->dtype, 2, lstm->proj, lstm->hidden);
        }
    }
}

void model_add_cell(model_fixture *model, const char *prefix, int input, int hidden) {
    static const char *const names[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    char name[256];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        if (i < 2)
            model_tensor(model, name, OCLSTM_F32, 2, 4 * hidden, i == 0 ? input : hidden);
        else
            model_tensor(model, name, OCLSTM_F32, 1, 4 * hidden);
    }
}

void model_add_linear(model_fixture *model, const char *prefix, int inputs, int outputs, bool bias) {
    char name[256];
    snprintf(name, sizeof name, "%sweight", prefix);
    model_tensor(model, name, OCLSTM_F32, 2, outputs, inputs);
    snprintf(name, sizeof name, "%sbias", prefix);
    if (bias)
        model_tensor(model, name, OCLSTM_F32, 1, outputs);
}

void model_add_metadata(model_fixture *model, const char *key, const char *value) {
    base_append(model->metadata, sizeof model->metadata, "%s\"%s\":\"%s\"", model->metadata[0] != '\0' ? "," : "", key, value);
}

oclstm_tensors *model_open(model_fixture *model) {
    static char header[sizeof model->tensors + sizeof model->metadata + 64];
    oclstm_tensors *file = NULL;
    oclstm_error error = {0};
    const bool both = model->metadata[0] != '\0' && model->tensors[0] != '\0';
    snprintf(header, sizeof header, "{%s%s%s%s%s}", model->metadata[0] != '\0' ? "\"__metadata__\":{" : "", model->metadata,
             model->metadata[0] != '\0' ? "}" : "", both ? "," : "", model->tensors);
    const char *path = file_write_safetensors("model.safetensors", header, model->data, model->data_bytes);
    const oclstm_status status = oclstm_tensors_open(&file, path, &error);
    free(model->data);
    *model = (model_fixture){.seed = model->seed};
    ck_assert_msg(status == OCLSTM_OK, "%s\n%s", error.message, header);
    return file;
}
