// SPDX-License-Identifier: Apache-2.0
// Every host allocation and every CLBlast call of the main job fails in turn: the call that hits it returns a status with a message,
// leaves its out-pointer NULL, holds no OpenCL object, and the next attempt succeeds. LeakSanitizer watches host memory.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oclstm/oclstm.h>

#include "faults.h"
#include "runner.h"

enum { STEPS = 3, BATCH = 2, MAX_SIZE = 64, MAX_CALLS = 20000 };

// What one attempt of a job made; everything is NULL or zero before and after it.
typedef struct attempt {
    oclstm_device *device;
    oclstm_tensors *file;
    oclstm_cell *cell;
    oclstm_state *state;
    oclstm_npy_writer *writer;
    oclstm_error error;
    oclstm_engine engine;
    float y[STEPS * BATCH * MAX_SIZE];
} attempt;

typedef oclstm_status job(attempt *at);

static oclstm_device *kept_device; // for jobs that do not open one themselves
static char npy_path[] = "/tmp/oclstm-faults-XXXXXX";

// The cell under test: 13 inputs, 17 hidden units, with bias.
static const char *model_path(void) { return test_data("cells/torch_cell_odd.safetensors"); }

// --- the jobs ---------------------------------------------------------------------------------------------------------

static oclstm_status open_device(attempt *at) { return oclstm_device_open(&at->device, test_device(), &at->error); }

static oclstm_status list_devices(attempt *at) {
    oclstm_device_info *list = NULL;
    size_t count = 0;
    const oclstm_status status = oclstm_device_list(&list, &count, &at->error);
    if (status != OCLSTM_OK && (list != NULL || count != 0))
        at->y[0] = 1; // compared with an attempt without failure: out-parameters must be cleared
    oclstm_device_list_free(&list);
    return status;
}

static oclstm_status open_file(attempt *at) { return oclstm_tensors_open(&at->file, model_path(), &at->error); }

static oclstm_status run_sequence(attempt *at, oclstm_device *device) {
    float x[STEPS * BATCH * MAX_SIZE];
    for (int i = 0; i < (int)(sizeof x / sizeof *x); i++)
        x[i] = (float)(i % 7) * 0.25f - 0.75f;
    oclstm_status status = open_file(at);
    if (status == OCLSTM_OK)
        status = oclstm_cell_load(&at->cell, device, at->file, NULL, &(oclstm_cell_params){.engine = at->engine}, &at->error);
    if (status == OCLSTM_OK)
        status = oclstm_state_create(&at->state, at->cell, BATCH, &at->error);
    if (status != OCLSTM_OK)
        return status;
    const oclstm_cell_params params = oclstm_cell_get_params(at->cell);
    const oclstm_sequence sequence = {
        .x = oclstm_in_3d(x, OCLSTM_F32, STEPS, BATCH, params.input_size),
        .y = oclstm_out_3d(at->y, OCLSTM_F32, STEPS, BATCH, params.hidden_size),
        .state = at->state,
    };
    return oclstm_cell_sequence(at->cell, &sequence, &at->error);
}

static oclstm_status run_on_kept_device(attempt *at) { return run_sequence(at, kept_device); }

// A cell of 16 bits on float32 arrays: everything is converted, through a state and through host arrays.
static oclstm_status run_in_16_bits(attempt *at) {
    static const float x[STEPS * BATCH * 5], ones[BATCH * 6] = {1, 1, 1};
    float h_out[BATCH * 6], c_out[BATCH * 6];
    const oclstm_const_array state_in = oclstm_in_2d(ones, OCLSTM_F32, BATCH, 6);
    const oclstm_array h = oclstm_out_2d(h_out, OCLSTM_F32, BATCH, 6), c = oclstm_out_2d(c_out, OCLSTM_F32, BATCH, 6);
    oclstm_sequence sequence = {.x = oclstm_in_3d(x, OCLSTM_F32, STEPS, BATCH, 5),
                                .y = oclstm_out_3d(at->y, OCLSTM_F32, STEPS, BATCH, 6)};
    oclstm_status status = open_file(at);
    if (status == OCLSTM_OK)
        status = oclstm_cell_create(&at->cell, kept_device,
                                    OCLSTM_CELL(.input_size = 5, .hidden_size = 6, .dtype = OCLSTM_BF16, .engine = at->engine),
                                    &at->error);
    if (status == OCLSTM_OK)
        status = oclstm_state_create(&at->state, at->cell, BATCH, &at->error);
    if (status == OCLSTM_OK)
        status = oclstm_state_set(at->state, &state_in, &state_in, &at->error);
    sequence.state = at->state;
    if (status == OCLSTM_OK)
        status = oclstm_cell_sequence(at->cell, &sequence, &at->error);
    if (status == OCLSTM_OK)
        status = oclstm_state_get(at->state, &h, &c, &at->error);
    sequence.state = NULL;
    sequence.h = sequence.c = state_in;
    sequence.h_out = h, sequence.c_out = c;
    return status == OCLSTM_OK ? oclstm_cell_sequence(at->cell, &sequence, &at->error) : status;
}

static oclstm_status run_on_new_device(attempt *at) {
    const oclstm_status status = open_device(at);
    return status == OCLSTM_OK ? run_sequence(at, at->device) : status;
}

static oclstm_status create_fresh_cell(attempt *at) {
    return oclstm_cell_create(&at->cell, kept_device, &(oclstm_cell_params){.input_size = 3, .hidden_size = 5}, &at->error);
}

static oclstm_status write_npy(attempt *at) {
    const int64_t shape[] = {2, 3};
    const float values[6] = {0};
    oclstm_status status = oclstm_npy_writer_create(&at->writer, npy_path, OCLSTM_F32, 2, shape, &at->error);
    if (status == OCLSTM_OK)
        status = oclstm_npy_writer_write(at->writer, 0, 0, 2, values, &at->error);
    return status == OCLSTM_OK ? oclstm_npy_writer_commit(&at->writer, &at->error) : status;
}

// --- the loop ---------------------------------------------------------------------------------------------------------

static void clean_up(attempt *at) {
    oclstm_npy_writer_discard(&at->writer);
    oclstm_state_destroy(&at->state);
    oclstm_cell_destroy(&at->cell);
    oclstm_tensors_close(&at->file);
    oclstm_device_close(&at->device);
}

// The first object of the chain that is NULL must be followed by NULL ones only: nothing is made from a failed part.
static bool objects_follow_their_parts(const attempt *at) {
    return (at->cell == NULL || at->file != NULL || at->state == NULL) && (at->state == NULL || at->cell != NULL);
}

// Lets call 1, 2, 3 ... fail until the job is over before the failure. Returns how many calls there are.
static int fail_every_call(job *run, oclstm_engine engine) {
    static attempt wanted, at;
    memset(&wanted, 0, sizeof wanted);
    wanted.engine = engine;
    const oclstm_status wanted_status = run(&wanted);
    ck_assert_msg(wanted_status == OCLSTM_OK, "without a failure: %s", wanted.error.message);
    clean_up(&wanted);
    const int live_before = faults_live_objects();

    for (int n = 1; n < MAX_CALLS; n++) {
        memset(&at, 0, sizeof at);
        at.engine = engine;
        faults_arm(n);
        const oclstm_status status = run(&at);
        const char *reached = faults_disarm();
        const bool in_order = objects_follow_their_parts(&at);
        clean_up(&at);
        ck_assert_msg(in_order, "call %d, %s: an object was made from a part that failed", n, reached ? reached : "none");
        ck_assert_msg(faults_live_objects() == live_before, "call %d, %s: %d OpenCL objects are left over", n,
                      reached ? reached : "none", faults_live_objects() - live_before);
        if (status == OCLSTM_OK) {
            ck_assert_msg(reached == NULL || faults_may_be_survived(reached), "call %d, %s: failed without a status", n, reached);
            ck_assert_msg(memcmp(at.y, wanted.y, sizeof at.y) == 0, "call %d, %s: success with other results", n,
                          reached ? reached : "none");
        } else {
            ck_assert_msg(reached != NULL, "call %d: %s without a failure", n, at.error.message);
            ck_assert_msg(at.error.status == status && at.error.message[0] != '\0',
                          "call %d, %s: status %s, record %s, message \"%s\"", n, reached, oclstm_status_name(status),
                          oclstm_status_name(at.error.status), at.error.message);
        }
        if (reached == NULL)
            return n - 1;
    }
    ck_abort_msg("no end after %d calls", MAX_CALLS);
    return 0;
}

static void keep_device(void) {
    oclstm_error error = {0};
    ck_assert_msg(oclstm_device_open(&kept_device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
}

static void drop_device(void) { oclstm_device_close(&kept_device); }

START_TEST(opening_a_file) { ck_assert_int_gt(fail_every_call(open_file, OCLSTM_ENGINE_AUTO), 3); }
END_TEST

START_TEST(writing_a_file) {
    const int file = mkstemp(npy_path);
    ck_assert_int_ge(file, 0);
    close(file);
    ck_assert_int_gt(fail_every_call(write_npy, OCLSTM_ENGINE_AUTO), 0);
    unlink(npy_path);
}
END_TEST

START_TEST(listing_devices) { ck_assert_int_gt(fail_every_call(list_devices, OCLSTM_ENGINE_AUTO), 10); }
END_TEST

START_TEST(opening_a_device) { ck_assert_int_gt(fail_every_call(open_device, OCLSTM_ENGINE_AUTO), 10); }
END_TEST

START_TEST(creating_a_cell) { ck_assert_int_gt(fail_every_call(create_fresh_cell, OCLSTM_ENGINE_AUTO), 5); }
END_TEST

START_TEST(a_run_from_nothing) { ck_assert_int_gt(fail_every_call(run_on_new_device, OCLSTM_ENGINE_PORTABLE), 50); }
END_TEST

START_TEST(a_run_of_the_portable_engine) { ck_assert_int_gt(fail_every_call(run_on_kept_device, OCLSTM_ENGINE_PORTABLE), 20); }
END_TEST

START_TEST(a_run_in_16_bits) { ck_assert_int_gt(fail_every_call(run_in_16_bits, OCLSTM_ENGINE_PORTABLE), 30); }
END_TEST

START_TEST(a_run_of_the_fused_engine) {
    if (oclstm_device_get_info(kept_device)->kind == OCLSTM_DEVICE_CPU)
        ck_assert_int_gt(fail_every_call(run_on_kept_device, OCLSTM_ENGINE_FUSED), 20);
}
END_TEST

START_TEST(a_run_of_the_clblast_engine) { ck_assert_int_gt(fail_every_call(run_on_kept_device, OCLSTM_ENGINE_CLBLAST), 20); }
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("fault injection");
    TCase *files = tcase_create("files");
    tcase_add_test(files, opening_a_file);
    tcase_add_test(files, writing_a_file);
    suite_add_tcase(suite, files);
    TCase *devices = tcase_create("devices");
    tcase_add_test(devices, listing_devices);
    tcase_add_test(devices, opening_a_device);
    tcase_add_test(devices, a_run_from_nothing);
    suite_add_tcase(suite, devices);
    TCase *runs = tcase_create("runs");
    tcase_add_checked_fixture(runs, keep_device, drop_device);
    tcase_add_test(runs, creating_a_cell);
    tcase_add_test(runs, a_run_of_the_portable_engine);
    tcase_add_test(runs, a_run_in_16_bits);
    tcase_add_test(runs, a_run_of_the_fused_engine);
    tcase_add_test(runs, a_run_of_the_clblast_engine);
    suite_add_tcase(suite, runs);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
