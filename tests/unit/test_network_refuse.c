// SPDX-License-Identifier: Apache-2.0
// What networks refuse, and how they say it; what does not fit the device is refused before anything is allocated.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/device_private.h"
#include "file_fixture.h"
#include "network/network_private.h"
#include "network_fixture.h"

static model_fixture m;

// A network with a call that fits it: 4 steps of batch 3.
typedef struct good_call {
    oclstm_tensors *file;
    oclstm_network *network;
    network_problem *problem;
    oclstm_network_call call;
    oclstm_error error;
} good_call;

static good_call make_of(oclstm_tensors *file, const network_case *shape) {
    good_call g = {.file = file, .network = network_fixture_load(file, NULL)};
    g.problem = network_problem_create(g.network, shape);
    g.call = network_problem_call(g.problem);
    return g;
}

static good_call make_tagger(const network_case *shape) {
    model_add_linear(&m, "embed.", 6, 9, false);
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .directions = 2);
    return make_of(model_open(&m), shape);
}

static good_call make_plain(const network_case *shape) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    model_add_linear(&m, "head.", 5, 2, true);
    return make_of(model_open(&m), shape);
}

static void destroy(good_call *g) {
    // The call that fits still works, after all that were refused.
    expect_ok(
        oclstm_network_run(g->network, &(oclstm_network_call){.x = g->call.x, .tokens = g->call.tokens, .y = g->call.y}, &g->error),
        &g->error);
    network_problem_destroy(&g->problem);
    oclstm_network_destroy(&g->network);
    oclstm_tensors_close(&g->file);
}

// Changes one thing of the good call, and expects it refused.
#define REFUSE(change, ...)                                                                                                        \
    do {                                                                                                                           \
        oclstm_network_call call = g.call;                                                                                         \
        change;                                                                                                                    \
        expect_failure(oclstm_network_run(g.network, &call, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, __VA_ARGS__);            \
    } while (0)

START_TEST(features) {
    good_call g = make_plain(&(network_case){.steps = 4, .batch = 3, .state = true});
    REFUSE(call.x.data = NULL, "begins with features", "give x");
    REFUSE(call.tokens = oclstm_in_2d(g.problem->token_host, OCLSTM_I32, 4, 3), "give x, and no tokens");
    REFUSE(call.x.dtype = OCLSTM_F64, "x is float64", "computes in float32", "convert x");
    REFUSE(call.x.dtype = OCLSTM_F16, "x is float16");
    REFUSE(call.x.rank = 1, "x has 1 dimensions, expected 2, or 3 with a batch");
    REFUSE(call.x.rank = 4, "x has 4 dimensions");
    REFUSE(call.x.rank = -1, "x has -1 dimensions");
    REFUSE(call.x.shape[2] = 7, "x is [4][3][7]", "7 features", "layer 1 ('lstm') takes 6");
    REFUSE(call.x.shape[0] = 0, "x is [0][3][6]", "1 to 2147483647");
    REFUSE(call.x.shape[1] = -3, "x is [4][-3][6]");
    REFUSE(call.x.shape[0] = (int64_t)1 << 31, "x is [2147483648][3][6]");
    destroy(&g);
}
END_TEST

START_TEST(results_and_state) {
    good_call g = make_plain(&(network_case){.steps = 4, .batch = 3, .state = true});
    REFUSE(call.y.shape[2] = 3, "y is [4][3][3] of float32, expected [4][3][2] of float32", "[outputs]");
    REFUSE(call.y.dtype = OCLSTM_F64, "y is [4][3][2] of float64");
    REFUSE(call.y.rank = 2, "y is [4][3]");
    REFUSE(call.y.rank = 99, "y is");
    REFUSE(call.h0.data = NULL, "only one of h0 and c0");
    REFUSE(call.c0.data = NULL, "only one of h0 and c0");
    REFUSE(call.h0.shape[0] = 2, "h0 is [2][3][5]", "expected [1][3][5]");
    REFUSE(call.c0.shape[1] = 4, "c0 is [1][4][5]");
    REFUSE(call.hn.dtype = OCLSTM_F64, "hn is [1][3][5] of float64");
    REFUSE(call.cn.rank = 2, "cn is [1][3]", "expected [1][3][5]");
    destroy(&g);
}
END_TEST

START_TEST(lengths) {
    static const int good[] = {4, 1, 2};
    static const int64_t zero[] = {4, 0, 2}, negative[] = {-1, 1, 1}, beyond[] = {4, 1, 5}, far[] = {4, ((int64_t)1 << 32) + 1, 1};
    good_call g = make_plain(&(network_case){.steps = 4, .batch = 3, .lengths = good});
    REFUSE(call.lengths = oclstm_in_1d(zero, OCLSTM_I64, 3), "the length of row 1 is 0", "1 to the 4 steps");
    REFUSE(call.lengths = oclstm_in_1d(negative, OCLSTM_I64, 3), "the length of row 0 is -1");
    REFUSE(call.lengths = oclstm_in_1d(beyond, OCLSTM_I64, 3), "the length of row 2 is 5");
    REFUSE(call.lengths = oclstm_in_1d(far, OCLSTM_I64, 3), "the length of row 1 is 4294967297");
    REFUSE(call.lengths = oclstm_in_1d(good, OCLSTM_I32, 2), "lengths are [2] of int32, expected [3]");
    REFUSE(call.lengths = oclstm_in_2d(good, OCLSTM_I32, 1, 3), "lengths are [1][3]");
    REFUSE(call.lengths.dtype = OCLSTM_F32, "lengths are [3] of float32");
    REFUSE(call.lengths.rank = 77, "lengths are");
    destroy(&g);
}
END_TEST

START_TEST(tokens) {
    static const int64_t good[] = {0, 1, 2, 8, 0, 1, 2, 3, 4, 5, 6, 7};
    good_call g = make_tagger(&(network_case){.steps = 4, .batch = 3});
    int64_t bad[12];
    memcpy(bad, good, sizeof bad);
    REFUSE(call.tokens.data = NULL, "begins with an embedding", "give tokens");
    REFUSE(call.x = oclstm_in_2d(good, OCLSTM_F32, 4, 3), "give tokens, and no x");
    REFUSE(call.tokens.dtype = OCLSTM_F32, "tokens are float32, expected int64 or int32");
    REFUSE(call.tokens.dtype = OCLSTM_U8, "tokens are uint8");
    REFUSE(call.tokens.rank = 3, "tokens has 3 dimensions, expected 1, or 2 with a batch");
    bad[7] = 9;
    REFUSE(call.tokens = oclstm_in_2d(bad, OCLSTM_I64, 4, 3), "the token at step 2 of row 1 is 9", "'embed'", "0 to 8");
    REFUSE((call.tokens = oclstm_in_2d(bad, OCLSTM_I64, 3, 4), call.batch_first = true), "the token at step 3 of row 1 is 9");
    REFUSE(call.tokens = oclstm_in_1d(bad, OCLSTM_I64, 12), "the token at step 7 of row 0 is 9");
    bad[7] = -1;
    REFUSE(call.tokens = oclstm_in_2d(bad, OCLSTM_I64, 4, 3), "the token at step 2 of row 1 is -1");
    bad[7] = (int64_t)1 << 32; // 0 in 32 bits
    REFUSE(call.tokens = oclstm_in_2d(bad, OCLSTM_I64, 4, 3), "is 4294967296");
    destroy(&g);
}
END_TEST

START_TEST(widths_that_differ) {
    MODEL_LSTM(&m, .prefix = "a.", .input = 6, .hidden = 5);
    MODEL_LSTM(&m, .prefix = "b.", .input = 5, .hidden = 4);
    good_call g = make_of(model_open(&m), &(network_case){.steps = 4, .batch = 3});
    float state[64] = {0};
    int rank;
    int64_t h[3], c[3];
    oclstm_network_call call = g.call;
    expect_failure(oclstm_network_state_shape(g.network, 3, &rank, h, c, &g.error), &g.error, OCLSTM_UNSUPPORTED,
                   "differ in width");
    call.hn = oclstm_out_3d(state, OCLSTM_F32, 2, 3, 5);
    expect_failure(oclstm_network_run(g.network, &call, &g.error), &g.error, OCLSTM_UNSUPPORTED, "differ in width",
                   "leave h0, c0, hn and cn out");
    destroy(&g);
}
END_TEST

START_TEST(state_shapes) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .proj = 3, .layers = 2, .directions = 2);
    good_call g = make_of(model_open(&m), &(network_case){.steps = 4, .batch = 3});
    int rank = 0;
    int64_t h[3], c[3];
    expect_ok(oclstm_network_state_shape(g.network, 7, &rank, h, c, &g.error), &g.error);
    ck_assert(rank == 3 && h[0] == 4 && h[1] == 7 && h[2] == 3 && c[0] == 4 && c[1] == 7 && c[2] == 5);
    expect_ok(oclstm_network_state_shape(g.network, 0, &rank, h, c, &g.error), &g.error);
    ck_assert(rank == 2 && h[0] == 4 && h[1] == 3 && c[0] == 4 && c[1] == 5);
    destroy(&g);
}
END_TEST

START_TEST(streams) {
    good_call g = make_plain(&(network_case){.steps = 4, .batch = 3});
    static int anything;
    oclstm_stream *stream = (oclstm_stream *)(void *)&anything;
    expect_failure(oclstm_stream_create(&stream, g.network, 0, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT,
                   "the batch of a stream is 0");
    ck_assert_ptr_null(stream);
    expect_failure(oclstm_stream_create(&stream, g.network, (int64_t)1 << 31, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT,
                   "2147483648");
    expect_failure(oclstm_stream_create(&stream, NULL, 1, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "network is NULL");
    expect_failure(oclstm_stream_create(NULL, g.network, 1, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "out is NULL");
    expect_ok(oclstm_stream_create(&stream, g.network, 2, &g.error), &g.error);
    expect_failure(oclstm_stream_feed(stream, &g.call.x, &g.call.y, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT,
                   "made for batch 2", "[steps][2]");
    oclstm_const_array x = oclstm_in_2d(g.call.x.data, OCLSTM_F32, 2, 6);
    oclstm_array y = oclstm_out_2d(g.call.y.data, OCLSTM_F32, 2, 2);
    expect_failure(oclstm_stream_feed(stream, &x, &y, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "made for batch 2");
    x = oclstm_in_3d(g.call.x.data, OCLSTM_F32, 1, 2, 5);
    expect_failure(oclstm_stream_feed(stream, &x, &y, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "5 features");
    expect_failure(oclstm_stream_feed(NULL, &x, &y, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "stream is NULL");
    expect_failure(oclstm_stream_feed(stream, NULL, &y, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "x or y is NULL");
    expect_failure(oclstm_stream_feed(stream, &x, NULL, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "x or y is NULL");
    expect_failure(oclstm_stream_reset(NULL, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "stream is NULL");
    oclstm_stream_destroy(&stream);
    ck_assert_ptr_null(stream);
    oclstm_stream_destroy(&stream);
    oclstm_stream_destroy(NULL);
    destroy(&g);
}
END_TEST

START_TEST(null_arguments) {
    good_call g = make_plain(&(network_case){.steps = 4, .batch = 3});
    oclstm_network *network = NULL;
    size_t count = 9;
    int rank;
    int64_t h[3];
    expect_failure(oclstm_network_run(NULL, &g.call, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "network is NULL");
    expect_failure(oclstm_network_run(g.network, NULL, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "call is NULL");
    expect_failure(oclstm_network_load(NULL, fixture_device(), g.file, NULL, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "out");
    expect_failure(oclstm_network_load(&network, NULL, g.file, NULL, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "device");
    expect_failure(oclstm_network_load(&network, fixture_device(), NULL, NULL, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT,
                   "file");
    expect_failure(oclstm_network_state_shape(g.network, 1, &rank, h, NULL, &g.error), &g.error, OCLSTM_INVALID_ARGUMENT, "NULL");
    ck_assert(oclstm_network_layers(NULL, &count) == NULL && count == 0);
    ck_assert_int_eq(oclstm_network_dtype(NULL), OCLSTM_F32);
    ck_assert(!oclstm_network_takes_tokens(NULL));
    oclstm_network_destroy(NULL);
    oclstm_network_destroy(&network);
    destroy(&g);
}
END_TEST

START_TEST(loading) {
    static const oclstm_dtype dtypes[] = {OCLSTM_F16, OCLSTM_BF16, OCLSTM_I64};
    good_call g = make_plain(&(network_case){.steps = 4, .batch = 3});
    static int anything;
    const uint64_t held = oclstm_device_get_held_bytes(fixture_device());
    for (int i = 0; i < 3; i++) {
        oclstm_network *network = (oclstm_network *)(void *)&anything;
        const oclstm_network_params params = {.dtype_given = true, .dtype = dtypes[i]};
        expect_failure(oclstm_network_load(&network, fixture_device(), g.file, &params, &g.error), &g.error, OCLSTM_UNSUPPORTED,
                       "float32 or float64", oclstm_dtype_name(dtypes[i]));
        ck_assert_ptr_null(network);
    }
    oclstm_network *network = NULL;
    expect_failure(oclstm_network_load(&network, fixture_device(), g.file, &(oclstm_network_params){.layers = "nothing"}, &g.error),
                   &g.error, OCLSTM_NOT_FOUND, "'nothing'");
    expect_failure(
        oclstm_network_load(&network, fixture_device(), g.file, &(oclstm_network_params){.engine = (oclstm_engine)99}, &g.error),
        &g.error, OCLSTM_INVALID_ARGUMENT, "engine");
    const bool fp64 = fixture_device()->limits.has_fp64;
    fixture_device()->limits.has_fp64 = false;
    const oclstm_network_params wide = {.dtype_given = true, .dtype = OCLSTM_F64};
    expect_failure(oclstm_network_load(&network, fixture_device(), g.file, &wide, &g.error), &g.error, OCLSTM_UNSUPPORTED,
                   "cl_khr_fp64");
    fixture_device()->limits.has_fp64 = fp64;
    ck_assert_uint_eq(oclstm_device_get_held_bytes(fixture_device()), held);
    MODEL_LSTM(&m, .prefix = "node.", .input = 6, .hidden = 5);
    model_tensor(&m, "node.h0", OCLSTM_F32, 3, 2, 1, 5); // layout 1
    model_add_metadata(&m, "node.initial_state", "1");
    oclstm_tensors *file = model_open(&m);
    expect_failure(oclstm_network_load(&network, fixture_device(), file, NULL, &g.error), &g.error, OCLSTM_UNSUPPORTED, "node.h0",
                   "does not begin with its 1 direction");
    oclstm_tensors_close(&file);
    MODEL_LSTM(&m, .prefix = "node.", .input = 6, .hidden = 5);
    model_tensor(&m, "node.h0", OCLSTM_F32, 3, 1, 2, 5);
    model_tensor(&m, "node.c0", OCLSTM_F32, 3, 1, 3, 5);
    model_add_metadata(&m, "node.initial_state", "1");
    file = model_open(&m);
    expect_failure(oclstm_network_load(&network, fixture_device(), file, NULL, &g.error), &g.error, OCLSTM_FORMAT,
                   "initial_h has 2 rows, initial_c 3");
    oclstm_tensors_close(&file);
    ck_assert_uint_eq(oclstm_device_get_held_bytes(fixture_device()), held);
    destroy(&g);
}
END_TEST

// --- a device with little memory ----------------------------------------------------------------------------------------

// All steps at once do not fit: the numbers, and nothing is allocated. Less fits, and runs.
START_TEST(backward_beyond_the_device) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .directions = 2);
    good_call g = make_of(model_open(&m), &(network_case){.steps = 4, .batch = 3});
    oclstm_device *device = fixture_device();
    const oclstm_device_info limits = device->limits;
    const uint64_t held = oclstm_device_get_held_bytes(device);
    network_problem *large = network_problem_create(g.network, &(network_case){.steps = 3000, .batch = 3});
    const oclstm_network_call call = network_problem_call(large);
    device->limits.max_allocation_bytes = 200000; // the widest needs 3000 * 3 * 10 * 4 = 360000
    expect_failure(oclstm_network_run(g.network, &call, &g.error), &g.error, OCLSTM_OUT_OF_DEVICE_MEMORY, "3000 steps of batch 3",
                   "351.6 KiB", "backward", "195.3 KiB", "shorter sequences");
    device->limits.max_allocation_bytes = limits.max_allocation_bytes;
    device->limits.global_memory_bytes = 1000000; // all together need 1116000 and the state
    expect_failure(oclstm_network_run(g.network, &call, &g.error), &g.error, OCLSTM_OUT_OF_DEVICE_MEMORY, "3000 steps of batch 3",
                   "976.6 KiB", "shorter sequences");
    ck_assert_uint_eq(oclstm_device_get_held_bytes(device), held);
    device->limits = limits;
    network_problem_solve(large, g.network, g.file);
    expect_ok(oclstm_network_run(g.network, &call, &g.error), &g.error);
    network_problem_compare(large, "with room for it");
    network_problem_destroy(&large);
    destroy(&g);
}
END_TEST

// More than 32 bits of elements: refused with numbers that are not cut to 32 bits either.
START_TEST(beyond_indices) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .directions = 2);
    good_call g = make_of(model_open(&m), &(network_case){.steps = 4, .batch = 3});
    oclstm_network_call call = {.x = oclstm_in_3d(g.problem->x_host, OCLSTM_F32, 1000000, 1000, 6)};
    expect_failure(oclstm_network_run(g.network, &call, &g.error), &g.error, OCLSTM_OUT_OF_DEVICE_MEMORY,
                   "1000000 steps of batch 1000", "37.3 GiB", "4294967295 elements");
    call.x = oclstm_in_3d(g.problem->x_host, OCLSTM_F32, 2147483647, 2147483647, 6);
    ck_assert(oclstm_network_run(g.network, &call, &g.error) != OCLSTM_OK);
    destroy(&g);
}
END_TEST

// Forward only goes in slices that fit, on the general kernel too.
START_TEST(slices_that_fit) {
    oclstm_device *device = fixture_device();
    const oclstm_device_info limits = device->limits;
    for (int general = 0; general < 2; general++) {
        MODEL_LSTM(&m, .prefix = "node.", .input = 6, .hidden = 5, .layers = 2);
        if (general)
            model_add_metadata(&m, "node.clip", "0.5");
        good_call g = make_of(model_open(&m), &(network_case){.steps = 4, .batch = 3});
        device->limits.max_allocation_bytes = 2000; // 27 steps of 18 numbers, 8 of the gates' 60
        check_network(g.network, g.file, &(network_case){.steps = 300, .batch = 3, .clip = general ? 0.5 : 0},
                      "in slices that fit");
        device->limits.max_allocation_bytes = 70; // not one step
        network_problem *p = network_problem_create(g.network, &(network_case){.steps = 9, .batch = 3});
        const oclstm_network_call call = network_problem_call(p);
        network_prepare(g.network, 1, 1, NULL);
        expect_failure(oclstm_network_run(g.network, &call, &g.error), &g.error, OCLSTM_OUT_OF_DEVICE_MEMORY, "1 steps of batch 3",
                       "120 bytes", "smaller batch");
        network_problem_destroy(&p);
        device->limits = limits;
        destroy(&g);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("network_refuse");
    TCase *tests = file_case(suite, "refusals");
    const TTest *const all[] = {features,       results_and_state, lengths,        tokens,  widths_that_differ,
                                state_shapes,   streams,           null_arguments, loading, backward_beyond_the_device,
                                beyond_indices, slices_that_fit};
    tcase_add_unchecked_fixture(tests, NULL, fixture_close);
    tcase_set_timeout(tests, 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        tcase_add_test(tests, all[i]);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
