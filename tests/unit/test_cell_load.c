// SPDX-License-Identifier: Apache-2.0
// Cells from model files: by name and without, layers of a torch.nn.LSTM, dtypes, options, and what is refused.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell_fixture.h"
#include "file_fixture.h"

static oclstm_tensors *open_data(const char *name) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_tensors_open(&file, test_data(name), &error), &error);
    return file;
}

static oclstm_cell *load(const oclstm_tensors *file, const char *name, const oclstm_cell_params *params) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_load(&cell, fixture_device(), file, name, params, &error), &error);
    return cell;
}

static void expect_sizes(const oclstm_cell *cell, int64_t input, int64_t hidden, bool no_bias) {
    const oclstm_cell_params params = oclstm_cell_get_params(cell);
    ck_assert_int_eq(params.input_size, input);
    ck_assert_int_eq(params.hidden_size, hidden);
    ck_assert_int_eq(params.no_bias, no_bias);
}

// weight_hh on the device is the tensor of that name.
static void expect_weight_hh(oclstm_cell *cell, const oclstm_tensors *file, const char *tensor_name) {
    const oclstm_cell_params params = oclstm_cell_get_params(cell);
    const oclstm_tensor *tensor = oclstm_tensors_find(file, tensor_name);
    ck_assert_ptr_nonnull(tensor);
    const size_t count = (size_t)(4 * params.hidden_size * params.hidden_size);
    const size_t bytes = count * oclstm_dtype_size_bytes(params.dtype);
    void *got = fixture_alloc(1, bytes), *expected = fixture_alloc(1, bytes);
    oclstm_error error = {0};
    const oclstm_array array = oclstm_out_2d(got, params.dtype, 4 * params.hidden_size, params.hidden_size);
    expect_ok(oclstm_cell_read_weights(cell, NULL, &array, NULL, NULL, &error), &error);
    expect_ok(oclstm_tensor_read(file, tensor, 0, 0, tensor->shape[0], params.dtype, expected, false, &error), &error);
    ck_assert_mem_eq(got, expected, bytes);
    free(got);
    free(expected);
}

START_TEST(a_real_model_by_name_and_without) {
    static const char *const names[] = {"lstm_cell", NULL};
    oclstm_tensors *file = open_data("silero/silero_vad_16k.safetensors");
    for (int i = 0; i < 2; i++) {
        oclstm_cell *cell = load(file, names[i], NULL);
        expect_sizes(cell, 128, 128, false);
        expect_weight_hh(cell, file, "lstm_cell.weight_hh");
        oclstm_cell_destroy(&cell);
    }
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(tensors_without_a_prefix) {
    oclstm_tensors *file = open_data("cells/torch_cell_tile_edges_nobias.safetensors");
    oclstm_cell *cell = load(file, "", NULL);
    expect_sizes(cell, 31, 63, true);
    oclstm_cell_destroy(&cell);
    cell = load(file, NULL, OCLSTM_CELL(.input_size = 31, .hidden_size = 63));
    expect_sizes(cell, 31, 63, true);
    oclstm_cell_destroy(&cell);
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(layers_of_a_torch_lstm) {
    oclstm_tensors *file = open_data("cells/torch_lstm_bidir_l2.safetensors");
    static const struct {
        const char *name;
        int64_t input;
        const char *weight_hh;
    } layers[] = {{"l0", 9, "weight_hh_l0"},
                  {"l1", 24, "weight_hh_l1"},
                  {"l0_reverse", 9, "weight_hh_l0_reverse"},
                  {"l1_reverse", 24, "weight_hh_l1_reverse"}};
    for (int i = 0; i < 4; i++) {
        oclstm_cell *cell = load(file, layers[i].name, NULL);
        expect_sizes(cell, layers[i].input, 12, false);
        expect_weight_hh(cell, file, layers[i].weight_hh);
        oclstm_cell_destroy(&cell);
    }
    oclstm_tensors_close(&file);
}
END_TEST

// The file may be closed, the options are used, the dtype is the option's and not the file's.
START_TEST(options) {
    oclstm_tensors *file = open_data("cells/torch_cell_odd_f64.safetensors");
    oclstm_cell *cell = load(file, NULL, OCLSTM_CELL(.state_required = true, .engine = OCLSTM_ENGINE_PORTABLE));
    oclstm_cell_params params = oclstm_cell_get_params(cell);
    ck_assert_int_eq(params.dtype, OCLSTM_F32); // float64 only when asked for
    ck_assert(params.state_required && params.engine == OCLSTM_ENGINE_PORTABLE);
    ck_assert_ptr_null(params.weight_ih.data);
    expect_weight_hh(cell, file, "weight_hh");
    oclstm_cell_destroy(&cell);
    if (fixture_has_fp64()) {
        cell = load(file, NULL, OCLSTM_CELL(.dtype = OCLSTM_F64));
        ck_assert_int_eq(oclstm_cell_get_params(cell).dtype, OCLSTM_F64);
        expect_weight_hh(cell, file, "weight_hh");
        oclstm_cell_destroy(&cell);
    }
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(half_precision_weights) {
    static const char *const names[] = {"models/torch_cell_f16.safetensors", "models/torch_cell_bf16.safetensors"};
    for (int i = 0; i < 2; i++) {
        oclstm_tensors *file = open_data(names[i]);
        oclstm_cell *cell = load(file, NULL, NULL);
        expect_sizes(cell, 32, 48, false);
        expect_weight_hh(cell, file, "weight_hh");
        oclstm_cell_destroy(&cell);
        oclstm_tensors_close(&file);
    }
}
END_TEST

START_TEST(the_file_may_be_closed_before_the_first_step) {
    oclstm_tensors *file = open_data("cells/torch_cell_one_by_one.safetensors");
    oclstm_cell *cell = load(file, NULL, NULL);
    oclstm_tensors_close(&file);
    const float x[1] = {1.0F};
    float h[1];
    oclstm_error error = {0};
    const oclstm_step step = {.x = oclstm_in_1d(x, OCLSTM_F32, 1), .h_out = oclstm_out_1d(h, OCLSTM_F32, 1)};
    expect_ok(oclstm_cell_step(cell, &step, &error), &error);
    ck_assert(h[0] > -1.0F && h[0] < 1.0F);
    oclstm_cell_destroy(&cell);
}
END_TEST

static void refuse(int line, const char *path, const char *name, const oclstm_cell_params *params, oclstm_status wanted,
                   const char *const *texts) {
    static int anything;
    oclstm_tensors *file = open_data(path);
    oclstm_cell *cell = (oclstm_cell *)(void *)&anything;
    oclstm_error error = {0};
    expect_failure_at(line, oclstm_cell_load(&cell, fixture_device(), file, name, params, &error), &error, wanted, texts);
    ck_assert_ptr_null(cell);
    oclstm_tensors_close(&file);
}
#define REFUSE(path, name, params, wanted, ...)                                                                                    \
    refuse(__LINE__, path, name, params, wanted, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(refuses_unknown_names) {
    REFUSE("silero/silero_vad_16k.safetensors", "decoder", NULL, OCLSTM_NOT_FOUND, "decoder", "'lstm_cell'");
    REFUSE("silero/silero_vad_16k.safetensors", "", NULL, OCLSTM_NOT_FOUND, "'lstm_cell'");
    REFUSE("cells/torch_lstm_l3_nobias.safetensors", "l3", NULL, OCLSTM_NOT_FOUND, "'l0'", "'l1'", "'l2'");
    REFUSE("cells/torch_lstm_l3_nobias.safetensors", NULL, NULL, OCLSTM_NOT_FOUND, "several", "'l0'", "'l1'", "'l2'");
    REFUSE("models/torch_cell_f16.io.safetensors", NULL, NULL, OCLSTM_NOT_FOUND, "no cell", "'h0'");
    REFUSE("silero/features.npy", NULL, NULL, OCLSTM_NOT_FOUND, ".npy");
}
END_TEST

START_TEST(refuses_a_projection) {
    REFUSE("cells/torch_lstm_proj.safetensors", NULL, NULL, OCLSTM_UNSUPPORTED, "'l0'", "projection", "proj_size 8");
}
END_TEST

// What an ONNX node has beyond a cell; a name with "_l0" in it does not hide it.
START_TEST(refuses_what_no_cell_has) {
    static const char *const names[] = {"peepholes", "clip", "activations", "reverse", "input_forget"};
    for (int i = 0; i < 5; i++) {
        char path[64];
        snprintf(path, sizeof path, "models/onnx_%s.onnx", names[i]);
        REFUSE(path, NULL, NULL, OCLSTM_UNSUPPORTED, "'Y'", "peepholes, a clip, other activations or goes backward",
               "oclstm_network_load()");
        REFUSE(path, "Y_l0", NULL, OCLSTM_UNSUPPORTED, "'Y'", path);
    }
    oclstm_tensors *file = open_data("models/onnx_defaults.onnx");
    oclstm_cell *cell = load(file, "Y_l0", NULL);
    expect_sizes(cell, 4, 3, true);
    oclstm_cell_destroy(&cell);
    oclstm_tensors_close(&file);
    file = open_data("models/onnx_bidirectional.onnx");
    cell = load(file, "Y_l0_reverse", NULL);
    expect_weight_hh(cell, file, "Y.weight_hh_l0_reverse");
    oclstm_cell_destroy(&cell);
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(refuses_metadata_of_a_layer) {
    static const struct {
        const char *prefix, *suffix, *metadata, *word;
    } bad[] = {{"a_l0.b.", "_l0", "\"a_l0.b.clip\":\"1\"", "'a_l0.b'"},
               {"", "_l0", "\".input_forget\":\"1\"", "''"},
               {"x.", "_l1", "\"x.clip\":\"1\"", "'x'"},
               {"x.", "_l0", "\"x.clip\":\"none\"", "'x.clip'"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char header[512], ih[64], hh[64];
        static const float weights[8] = {0};
        static int anything;
        oclstm_tensors *file = NULL;
        oclstm_cell *cell = (oclstm_cell *)(void *)&anything;
        oclstm_error error = {0};
        snprintf(ih, sizeof ih, "%sweight_ih%s", bad[i].prefix, bad[i].suffix);
        snprintf(hh, sizeof hh, "%sweight_hh%s", bad[i].prefix, bad[i].suffix);
        snprintf(header, sizeof header,
                 "{\"__metadata__\":{%s},\"%s\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[0,16]},"
                 "\"%s\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[16,32]}}",
                 bad[i].metadata, ih, hh);
        expect_ok(oclstm_tensors_open(&file, file_write_safetensors("layer.safetensors", header, weights, sizeof weights), &error),
                  &error);
        expect_failure(oclstm_cell_load(&cell, fixture_device(), file, NULL, NULL, &error), &error,
                       i == 3 ? OCLSTM_FORMAT : OCLSTM_UNSUPPORTED, bad[i].word);
        ck_assert_ptr_null(cell);
        oclstm_tensors_close(&file);
    }
}
END_TEST

START_TEST(refuses_options_that_do_not_fit) {
    const float weights[4] = {0};
    REFUSE("cells/torch_cell_odd.safetensors", NULL, OCLSTM_CELL(.input_size = 8), OCLSTM_INVALID_ARGUMENT, "[52][7]",
           "dimension 1 (input) is 7", "expected 8");
    REFUSE("cells/torch_cell_odd.safetensors", NULL, OCLSTM_CELL(.hidden_size = 12), OCLSTM_INVALID_ARGUMENT, "[52][7]",
           "dimension 0 (4*hidden) is 52", "expected 48");
    REFUSE("cells/torch_cell_odd.safetensors", NULL, OCLSTM_CELL(.weight_ih = oclstm_in_2d(weights, OCLSTM_F32, 4, 1)),
           OCLSTM_INVALID_ARGUMENT, "oclstm_cell_create()");
    REFUSE("cells/torch_cell_odd.safetensors", NULL, OCLSTM_CELL(.bias_hh = oclstm_in_1d(weights, OCLSTM_F32, 4)),
           OCLSTM_INVALID_ARGUMENT, "oclstm_cell_create()");
    REFUSE("cells/torch_cell_odd.safetensors", NULL, OCLSTM_CELL(.dtype = OCLSTM_U8), OCLSTM_INVALID_ARGUMENT, "uint8");
}
END_TEST

START_TEST(refuses_null) {
    oclstm_tensors *file = open_data("cells/torch_cell_odd.safetensors");
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_failure(oclstm_cell_load(NULL, fixture_device(), file, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "out is NULL");
    expect_failure(oclstm_cell_load(&cell, NULL, file, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "device is NULL");
    expect_failure(oclstm_cell_load(&cell, fixture_device(), NULL, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "file is NULL");
    oclstm_tensors_close(&file);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {a_real_model_by_name_and_without,
                                  tensors_without_a_prefix,
                                  layers_of_a_torch_lstm,
                                  options,
                                  half_precision_weights,
                                  the_file_may_be_closed_before_the_first_step,
                                  refuses_unknown_names,
                                  refuses_a_projection,
                                  refuses_what_no_cell_has,
                                  refuses_options_that_do_not_fit,
                                  refuses_null};
    Suite *suite = fixture_suite("cell_load", tests, sizeof tests / sizeof tests[0]);
    TCase *files = file_case(suite, "files");
    tcase_add_unchecked_fixture(files, NULL, fixture_close);
    tcase_add_test(files, refuses_metadata_of_a_layer);
    return run_suite(suite, true);
}
