// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "train/checkpoint_checksum.h"
#include "train/trainer_private.h"

static oclstm_device *device;

oclstm_device *checkpoint_device(void) {
    oclstm_error error = {0};
    if (device == NULL)
        ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    return device;
}

void checkpoint_device_close(void) { oclstm_device_close(&device); }

oclstm_trainer *checkpoint_trainer_of(const oclstm_tensors *file, oclstm_trainer_params params) {
    oclstm_error error = {0};
    oclstm_trainer *trainer = NULL;
    ck_assert_msg(oclstm_trainer_create(&trainer, checkpoint_device(), file, &params, &error) == OCLSTM_OK, "%s", error.message);
    return trainer;
}

oclstm_trainer *checkpoint_trainer(const char *description, oclstm_trainer_params params) {
    params.description = description;
    return checkpoint_trainer_of(NULL, params);
}

const checkpoint_case checkpoint_cases[CHECKPOINT_CASES] = {
    {"embed 11 6, lstm 7 layers 2, linear 11", OCLSTM_LOSS_CROSS_ENTROPY, OCLSTM_OPTIMIZER_ADAM, 0, 0.25, OCLSTM_F32},
    {"lstm 3 6 layers 2 proj 2, relu, linear 4, lstmcell 5 nobias, linear 2 nobias", OCLSTM_LOSS_MSE, OCLSTM_OPTIMIZER_SGD, 0.9,
     0.5, OCLSTM_F32},
    {"a: lstmcell 3 4, b: lstmcell 5, sigmoid, head: linear 2", OCLSTM_LOSS_BCE, OCLSTM_OPTIMIZER_ADAMW, 0, 0.5, OCLSTM_F64},
    {".: lstm 3 4", OCLSTM_LOSS_MSE, OCLSTM_OPTIMIZER_SGD, 0, 0, OCLSTM_F32},
};

bool checkpoint_can_run(const checkpoint_case *c) {
    return c->dtype != OCLSTM_F64 || device_get_limits(checkpoint_device())->has_fp64;
}

oclstm_trainer_params checkpoint_params(const checkpoint_case *c) {
    oclstm_trainer_params params = {.dtype_given = true,
                                    .dtype = c->dtype,
                                    .seed = 0xfedcba9876543210u,
                                    .dropout = c->dropout,
                                    .loss = c->loss,
                                    .optimizer = oclstm_optimizer_defaults(c->optimizer)};
    params.optimizer.lr = 0.05;
    params.optimizer.momentum = c->momentum;
    params.optimizer.clip_norm = 1.5;
    return params;
}

oclstm_trainer *checkpoint_make(const checkpoint_case *c) { return checkpoint_trainer(c->layers, checkpoint_params(c)); }

// --- steps --------------------------------------------------------------------------------------------------------------

typedef struct step_data {
    double values[4096]; // as double, or as float
    int64_t tokens[CHECKPOINT_STEPS * CHECKPOINT_BATCH], classes[CHECKPOINT_STEPS * CHECKPOINT_BATCH];
    double targets[4096];
} step_data;

static double next_value(unsigned *seed) {
    *seed = *seed * 1103515245u + 12345u;
    return (double)(*seed >> 8) / (1 << 24);
}

static void put_value(oclstm_dtype dtype, double *values, size_t at, double value) {
    const float narrow = (float)value;
    memcpy((char *)values + at * oclstm_dtype_size_bytes(dtype), dtype == OCLSTM_F32 ? (const void *)&narrow : &value,
           oclstm_dtype_size_bytes(dtype));
}

static oclstm_const_array as_rows(oclstm_dtype dtype, const double *values, int64_t features) {
    return oclstm_in_3d(values, dtype, CHECKPOINT_STEPS, CHECKPOINT_BATCH, features);
}

static oclstm_train_batch make_batch(const oclstm_trainer *trainer, step_data *data, int number) {
    size_t count;
    const oclstm_layer *layers = oclstm_trainer_layers(trainer, &count);
    const oclstm_dtype dtype = oclstm_trainer_dtype(trainer);
    const int64_t inputs = layers[0].inputs, outputs = layers[count - 1].outputs;
    const int64_t rows = (int64_t)CHECKPOINT_STEPS * CHECKPOINT_BATCH;
    unsigned seed = (unsigned)number + 1;
    oclstm_train_batch batch = {.carry_state = true};
    for (int64_t i = 0; i < rows; i++) {
        data->tokens[i] = (int64_t)(next_value(&seed) * (double)inputs);
        data->classes[i] = (int64_t)(next_value(&seed) * (double)outputs);
    }
    for (int64_t i = 0; i < rows * inputs && layers[0].kind != OCLSTM_LAYER_EMBEDDING; i++)
        put_value(dtype, data->values, (size_t)i, 2 * next_value(&seed) - 1);
    for (int64_t i = 0; i < rows * outputs; i++)
        put_value(dtype, data->targets, (size_t)i, next_value(&seed));
    if (layers[0].kind == OCLSTM_LAYER_EMBEDDING)
        batch.tokens = oclstm_in_2d(data->tokens, OCLSTM_I64, CHECKPOINT_STEPS, CHECKPOINT_BATCH);
    else
        batch.x = as_rows(dtype, data->values, inputs);
    batch.target = trainer->params.loss == OCLSTM_LOSS_CROSS_ENTROPY
                       ? oclstm_in_2d(data->classes, OCLSTM_I64, CHECKPOINT_STEPS, CHECKPOINT_BATCH)
                       : as_rows(dtype, data->targets, outputs);
    return batch;
}

double checkpoint_step(oclstm_trainer *trainer, int number) {
    static step_data data;
    oclstm_error error = {0};
    oclstm_train_result result;
    const oclstm_train_batch batch = make_batch(trainer, &data, number);
    ck_assert_msg(oclstm_trainer_step(trainer, &batch, &result, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert(result.finite);
    return result.loss;
}

double checkpoint_evaluate(oclstm_trainer *trainer, int number) {
    static step_data data;
    oclstm_error error = {0};
    double loss = 0;
    const oclstm_train_batch batch = make_batch(trainer, &data, number);
    ck_assert_msg(oclstm_trainer_evaluate(trainer, &batch, &loss, &error) == OCLSTM_OK, "%s", error.message);
    return loss;
}

// --- files --------------------------------------------------------------------------------------------------------------

void checkpoint_save(oclstm_trainer *trainer, const char *path) {
    oclstm_error error = {0};
    ck_assert_msg(oclstm_trainer_save(trainer, path, NULL, 0, &error) == OCLSTM_OK, "%s", error.message);
}

oclstm_tensors *checkpoint_open(const char *path) {
    oclstm_error error = {0};
    oclstm_tensors *file = NULL;
    ck_assert_msg(oclstm_tensors_open(&file, path, &error) == OCLSTM_OK, "%s", error.message);
    return file;
}

void checkpoint_parts_take(checkpoint_parts *parts, const char *path) {
    *parts = (checkpoint_parts){.file = checkpoint_open(path)};
    for (size_t i = 0; i < oclstm_tensors_count(parts->file); i++) {
        const oclstm_tensor *tensor = oclstm_tensors_at(parts->file, i);
        ck_assert_uint_lt(parts->count, PARTS_MOST);
        oclstm_named_array *array = &parts->arrays[parts->count++];
        *array = (oclstm_named_array){tensor->name, {.data = tensor->data, .dtype = tensor->dtype, .rank = tensor->rank}};
        memcpy(array->array.shape, tensor->shape, sizeof tensor->shape);
    }
    for (const char *key = NULL; (key = oclstm_tensors_metadata_next(parts->file, key)) != NULL;) {
        ck_assert_uint_lt(parts->metadata_count, PARTS_MOST);
        parts->metadata[parts->metadata_count++] = (oclstm_metadata){key, oclstm_tensors_metadata(parts->file, key)};
    }
}

const char **checkpoint_parts_value(checkpoint_parts *parts, const char *key) {
    for (size_t i = 0; i < parts->metadata_count; i++) {
        if (strcmp(parts->metadata[i].key, key) == 0)
            return &parts->metadata[i].value;
    }
    ck_abort_msg("there is no entry %s", key);
}

oclstm_named_array *checkpoint_parts_array(checkpoint_parts *parts, const char *name) {
    for (size_t i = 0; i < parts->count; i++) {
        if (strcmp(parts->arrays[i].name, name) == 0)
            return &parts->arrays[i];
    }
    ck_abort_msg("there is no tensor %s", name);
}

oclstm_tensors *checkpoint_parts_write(checkpoint_parts *parts, const char *path) {
    checkpoint_checksum sum;
    oclstm_error error = {0};
    oclstm_metadata entries[PARTS_MOST + 1];
    size_t count = 0;
    for (size_t i = 0; i < parts->metadata_count; i++) {
        if (strcmp(parts->metadata[i].key, CHECKSUM_KEY) != 0)
            entries[count++] = parts->metadata[i];
    }
    oclstm_status status = checkpoint_checksum_arrays(&sum, parts->arrays, parts->count, entries, count, &error);
    entries[count++] = (oclstm_metadata){CHECKSUM_KEY, sum.text};
    if (status == OCLSTM_OK)
        status = oclstm_tensors_write(path, OCLSTM_SAFETENSORS, parts->arrays, parts->count, entries, count, &error);
    ck_assert_msg(status == OCLSTM_OK, "%s", error.message);
    return checkpoint_open(path);
}

void checkpoint_parts_drop(checkpoint_parts *parts) { oclstm_tensors_close(&parts->file); }

// --- all that is kept ---------------------------------------------------------------------------------------------------

static void add_bytes(checkpoint_image *image, const void *bytes, size_t count) {
    image->bytes = realloc(image->bytes, image->count + count + 1);
    ck_assert_ptr_nonnull(image->bytes);
    memcpy(image->bytes + image->count, bytes, count);
    image->count += count;
}

static void add_buffer(checkpoint_image *image, const oclstm_trainer *trainer, cl_mem buffer, size_t elements) {
    const size_t bytes = buffer != NULL ? elements * trainer->element_bytes : 0;
    oclstm_error error = {0};
    void *host = calloc(bytes + 1, 1);
    ck_assert_ptr_nonnull(host);
    if (bytes > 0)
        ck_assert_msg(device_read(trainer->device, host, buffer, 0, bytes, "test", &error) == OCLSTM_OK, "%s", error.message);
    add_bytes(image, host, bytes);
    free(host);
}

static void add_state(checkpoint_image *image, const oclstm_trainer *trainer, const carried_state *state) {
    add_bytes(image, &state->batch, sizeof state->batch);
    if (state->batch > 0) {
        add_buffer(image, trainer, state->h, train_graph_h(trainer->graph) * state->batch);
        add_buffer(image, trainer, state->c, train_graph_c(trainer->graph) * state->batch);
    }
}

checkpoint_image checkpoint_image_take(const oclstm_trainer *trainer) {
    checkpoint_image image = {NULL, 0};
    const size_t flat = train_graph_flat(trainer->graph);
    add_bytes(&image, &trainer->steps, sizeof trainer->steps);
    add_buffer(&image, trainer, train_graph_weights(trainer->graph), flat);
    add_buffer(&image, trainer, train_optimizer_first(trainer->optimizer), flat);
    add_buffer(&image, trainer, train_optimizer_second(trainer->optimizer), flat);
    add_state(&image, trainer, &trainer->training);
    add_state(&image, trainer, &trainer->evaluation);
    return image;
}

bool checkpoint_image_equal(const checkpoint_image *left, const checkpoint_image *right) {
    return left->count == right->count && memcmp(left->bytes, right->bytes, left->count) == 0;
}

void checkpoint_image_free(checkpoint_image *image) {
    free(image->bytes);
    *image = (checkpoint_image){NULL, 0};
}
