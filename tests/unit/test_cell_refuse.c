// SPDX-License-Identifier: Apache-2.0
// Every reason not to make a cell, and devices that lack what it asks for.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cell_fixture.h"
#include "device/device_private.h"

extern char **environ;
static const char *own_path;

static void refuse(int line, const oclstm_cell_params *params, oclstm_device *device, oclstm_status wanted,
                   const char *const *texts) {
    oclstm_cell *cell = (oclstm_cell *)(void *)&own_path; // anything but NULL
    oclstm_error error = {0};
    oclstm_status status = oclstm_cell_create(&cell, device, params, &error);
    expect_failure_at(line, status, &error, wanted, texts);
    ck_assert_ptr_null(cell);
    ck_assert_int_eq(oclstm_cell_create(&cell, device, params, NULL), wanted);
}
#define REFUSE(params, ...)                    REFUSE_ON(params, fixture_device(), OCLSTM_INVALID_ARGUMENT, __VA_ARGS__)
#define REFUSE_ON(params, device, wanted, ...) refuse(__LINE__, params, device, wanted, (const char *const[]){__VA_ARGS__, NULL})

START_TEST(refuses_sizes) {
    REFUSE(OCLSTM_CELL(.input_size = 0, .hidden_size = 3), "input_size is 0", "at least 1");
    REFUSE(OCLSTM_CELL(.input_size = 3, .hidden_size = 0), "hidden_size is 0", "at least 1");
    REFUSE(OCLSTM_CELL(.input_size = -1, .hidden_size = 3), "input_size is -1");
    REFUSE(OCLSTM_CELL(.input_size = 3, .hidden_size = INT64_MIN), "hidden_size is -9223372036854775808");
    REFUSE(OCLSTM_CELL(.input_size = INT64_MAX, .hidden_size = 1), "9223372036854775807", "too large");
    REFUSE(OCLSTM_CELL(.input_size = 1, .hidden_size = INT64_MAX), "9223372036854775807", "too large");
    REFUSE(OCLSTM_CELL(.input_size = INT64_C(1) << 40, .hidden_size = INT64_C(1) << 40), "too large");
    REFUSE(OCLSTM_CELL(.input_size = 1, .hidden_size = 1 << 15), "too large");       // 2^32 elements of weight_hh
    REFUSE(OCLSTM_CELL(.input_size = 1 << 20, .hidden_size = 1 << 10), "too large"); // 2^32 of weight_ih
    REFUSE(OCLSTM_CELL(.input_size = 1, .hidden_size = 1, .dtype = (oclstm_dtype)99), "float16 or bfloat16", "unknown");
    REFUSE(OCLSTM_CELL(.input_size = 1, .hidden_size = 1, .dtype = OCLSTM_I32), "int32", "float32, float64, float16 or bfloat16");
    REFUSE(OCLSTM_CELL(.input_size = 1, .hidden_size = 1, .engine = (oclstm_engine)7), "no engine", "7");
}
END_TEST

// Weights of input 3 and hidden 2, of which a test changes what it is about.
static float some_weights[64];
static oclstm_cell_params good_params(void) {
    return (oclstm_cell_params){.weight_ih = oclstm_in_2d(some_weights, OCLSTM_F32, 8, 3),
                                .weight_hh = oclstm_in_2d(some_weights, OCLSTM_F32, 8, 2),
                                .bias_ih = oclstm_in_1d(some_weights, OCLSTM_F32, 8),
                                .bias_hh = oclstm_in_1d(some_weights, OCLSTM_F32, 8)};
}

START_TEST(refuses_ranks_and_shapes) {
    oclstm_cell_params params = good_params();
    params.weight_ih = oclstm_in_1d(some_weights, OCLSTM_F32, 24);
    REFUSE(&params, "weight_ih has 1 dimension", "expected 2", "[4*hidden][input]");
    params = good_params();
    params.weight_hh = oclstm_in_3d(some_weights, OCLSTM_F32, 8, 2, 1);
    REFUSE(&params, "weight_hh has 3 dimensions", "expected 2", "[4*hidden][hidden]");
    params = good_params();
    params.weight_ih.shape[0] = 9;
    REFUSE(&params, "weight_ih is [9][3]", "dimension 0 (4*hidden) is 9", "multiple of 4");
    params.weight_ih.shape[0] = 0;
    REFUSE(&params, "weight_ih is [0][3]", "dimension 0");
    params.weight_ih.shape[0] = -8;
    REFUSE(&params, "weight_ih is [-8][3]", "dimension 0");
    params = good_params();
    params.weight_ih.shape[1] = 0;
    REFUSE(&params, "input_size is 0");
    params.weight_ih.shape[1] = INT64_MAX;
    REFUSE(&params, "too large");
    params = good_params();
    params.weight_hh.shape[0] = 12;
    REFUSE(&params, "weight_hh is [12][2]", "dimension 0 (4*hidden) is 12", "expected 8");
    params = good_params();
    params.weight_hh.shape[1] = 3;
    REFUSE(&params, "weight_hh is [8][3]", "dimension 1 (hidden) is 3", "expected 2");
    params = good_params();
    params.bias_ih.shape[0] = 7;
    REFUSE(&params, "bias_ih is [7]", "[4*hidden] = [8]");
    params = good_params();
    params.bias_hh = oclstm_in_2d(some_weights, OCLSTM_F32, 8, 1);
    REFUSE(&params, "bias_hh is [8][1]", "[4*hidden] = [8]");
    // Ranks that are none must not be used to read the shape.
    for (int rank = -1; rank < 100; rank += 100) {
        params = good_params();
        params.bias_hh.rank = rank;
        REFUSE(&params, "bias_hh");
        params = good_params();
        params.weight_ih.rank = rank;
        REFUSE(&params, "weight_ih");
    }
    params = good_params();
    params.bias_ih.rank = 1000;
    REFUSE(&params, "bias_ih");
}
END_TEST

START_TEST(refuses_sizes_that_disagree_with_weights) {
    oclstm_cell_params params = good_params();
    params.input_size = 4;
    REFUSE(&params, "weight_ih is [8][3]", "dimension 1 (input) is 3", "expected 4");
    params = good_params();
    params.hidden_size = 5;
    REFUSE(&params, "weight_ih is [8][3]", "dimension 0 (4*hidden) is 8", "expected 20");
    params.hidden_size = -5;
    REFUSE(&params, "hidden_size is -5");
    params.hidden_size = INT64_MAX;
    REFUSE(&params, "hidden_size 9223372036854775807", "too large");
}
END_TEST

START_TEST(refuses_dtypes) {
    oclstm_cell_params params = good_params();
    params.weight_ih.dtype = OCLSTM_I32;
    REFUSE(&params, "weight_ih is int32", "float32, float64, float16 or bfloat16");
    params = good_params();
    params.weight_hh.dtype = OCLSTM_U8;
    REFUSE(&params, "weight_hh is uint8");
    params = good_params();
    params.bias_ih.dtype = OCLSTM_BOOL;
    REFUSE(&params, "bias_ih is bool");
    params = good_params();
    params.bias_hh.dtype = (oclstm_dtype)77;
    REFUSE(&params, "bias_hh is unknown");
}
END_TEST

START_TEST(refuses_some_arrays_without_others) {
    oclstm_cell_params params = good_params();
    params.bias_hh.data = NULL;
    REFUSE(&params, "bias_ih is given without bias_hh", "both biases or none");
    params = good_params();
    params.bias_ih.data = NULL;
    REFUSE(&params, "bias_hh is given without bias_ih");
    params = good_params();
    params.weight_hh.data = NULL;
    REFUSE(&params, "weight_ih is given without weight_hh", "fresh");
    params = good_params();
    params.weight_ih.data = NULL;
    REFUSE(&params, "weight_hh is given without weight_ih");
    params.weight_hh.data = NULL;
    REFUSE(&params, "biases are given without weights");
    params = good_params();
    params.no_bias = true;
    REFUSE(&params, "no_bias");
}
END_TEST

START_TEST(refuses_null) {
    const oclstm_cell_params params = good_params();
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    float got[1];
    const oclstm_array array = oclstm_out_1d(got, OCLSTM_F32, 1);
    expect_failure(oclstm_cell_create(NULL, fixture_device(), &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "out is NULL");
    expect_failure(oclstm_cell_create(&cell, NULL, &params, &error), &error, OCLSTM_INVALID_ARGUMENT, "device is NULL");
    expect_failure(oclstm_cell_create(&cell, fixture_device(), NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "params is NULL");
    expect_failure(oclstm_cell_read_weights(NULL, &array, NULL, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "cell is NULL");
}
END_TEST

START_TEST(read_weights_refuses) {
    const oclstm_cell_params params = good_params();
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    float got[64];
    expect_ok(oclstm_cell_create(&cell, fixture_device(), &params, &error), &error);
    oclstm_array array = oclstm_out_2d(got, OCLSTM_F32, 8, 2);
    expect_failure(oclstm_cell_read_weights(cell, &array, NULL, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "weight_ih is [8][2]", "dimension 1 (input) is 2", "expected 3");
    array = oclstm_out_2d(got, OCLSTM_F64, 8, 2);
    expect_failure(oclstm_cell_read_weights(cell, NULL, &array, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "weight_hh is float64", "the cell is float32");
    array = oclstm_out_2d(got, OCLSTM_F32, 8, 1);
    expect_failure(oclstm_cell_read_weights(cell, NULL, NULL, &array, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT,
                   "bias_ih has 2 dimensions", "expected 1");
    array = (oclstm_array){0}; // absent: not read
    expect_ok(oclstm_cell_read_weights(cell, &array, &array, &array, NULL, &error), &error);
    oclstm_cell_destroy(&cell);
}
END_TEST

// --- devices that cannot --------------------------------------------------------------------------------------------------------

// What the device reports is changed after it was opened.
START_TEST(refuses_what_the_device_lacks) {
    const oclstm_cell_params params = good_params();
    oclstm_device *device = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_device_open(&device, test_device(), &error), &error);
    device->limits.has_fp64 = false;
    REFUSE_ON(OCLSTM_CELL(.input_size = 2, .hidden_size = 2, .dtype = OCLSTM_F64), device, OCLSTM_UNSUPPORTED, "no float64",
              device->limits.name);
    device->limits.max_work_group_size = 16;
    REFUSE_ON(OCLSTM_CELL(.input_size = 2, .hidden_size = 2, .engine = OCLSTM_ENGINE_CLBLAST), device, OCLSTM_UNSUPPORTED,
              "clblast", "16", "portable", device->limits.name);
    device->limits.max_allocation_bytes = 40;
    REFUSE_ON(&params, device, OCLSTM_OUT_OF_DEVICE_MEMORY, "weight_ih", "96 byte");
    oclstm_device_close(&device);
}
END_TEST

// On a device of small work-groups, in a process of its own: see main().
static void run_with_small_groups(const char *group_size) {
    char setting[64], command[] = "small-groups";
    snprintf(setting, sizeof setting, "POCL_MAX_WORK_GROUP_SIZE=%s", group_size);
    char path[4096];
    snprintf(path, sizeof path, "%s", own_path);
    char *const arguments[] = {path, command, NULL};
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **environment = fixture_alloc(count + 2, sizeof *environment);
    environment[0] = setting;
    memcpy(environment + 1, environ, count * sizeof *environment);
    posix_spawn_file_actions_t actions;
    pid_t child = -1;
    int state = -1;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    ck_assert_int_eq(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0), 0);
    ck_assert_int_eq(posix_spawn(&child, path, &actions, NULL, arguments, environment), 0);
    while (waitpid(child, &state, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    ck_assert_msg(WIFEXITED(state) && WEXITSTATUS(state) == 0, "to see why, run: %s %s %s", setting, path, command);
}

START_TEST(small_work_groups) {
    run_with_small_groups("1");
    run_with_small_groups("16");
}
END_TEST

START_TEST(portable_runs_and_clblast_is_refused) {
    const size_t largest = oclstm_device_get_info(fixture_device())->max_work_group_size;
    if (largest > 16)
        return; // not PoCL: the setting has no effect
    const cell_case shape = {.input = 33, .hidden = 65, .batch = 17, .steps = 3};
    check_case(&shape); // auto says portable here
    char group[32];
    snprintf(group, sizeof group, "%zu", largest);
    REFUSE_ON(OCLSTM_CELL(.input_size = 2, .hidden_size = 2, .engine = OCLSTM_ENGINE_CLBLAST), fixture_device(), OCLSTM_UNSUPPORTED,
              "clblast", group, "work-group", "portable");
}
END_TEST

int main(int argc, char **argv) {
    const TTest *const small_groups[] = {portable_runs_and_clblast_is_refused};
    if (argc > 1 && strcmp(argv[1], "small-groups") == 0)
        return run_suite(fixture_suite("small_groups", small_groups, 1), true);
    own_path = argv[0];
    const TTest *const tests[] = {
        refuses_sizes,        refuses_ranks_and_shapes,           refuses_sizes_that_disagree_with_weights,
        refuses_dtypes,       refuses_some_arrays_without_others, refuses_null,
        read_weights_refuses, refuses_what_the_device_lacks,      small_work_groups};
    return run_suite(fixture_suite("cell_refuse", tests, sizeof tests / sizeof tests[0]), true);
}
