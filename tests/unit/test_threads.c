// SPDX-License-Identifier: Apache-2.0
// What the headers say of threads: a device each, one device for all, one file for all. Every result must be, bit by bit, what one thread
// alone gets. The threads begin together, and fail by words: Check's assertions are for the main thread.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/oclstm.h>

#include "device/device_private.h"
#include "runner.h"

enum { STEPS = 6, BATCH = 17, INPUT = 33, HIDDEN = 40, ELEMENTS = STEPS * BATCH * HIDDEN, MOST_THREADS = 8 };

// Shapes and engines that the threads share out; each row's result is the same for whoever computes it.
static const struct {
    oclstm_engine engine;
    int64_t batch, hidden;
} rows[] = {
    {OCLSTM_ENGINE_CLBLAST, BATCH, HIDDEN}, {OCLSTM_ENGINE_PORTABLE, BATCH, HIDDEN}, {OCLSTM_ENGINE_FUSED, BATCH, HIDDEN},
    {OCLSTM_ENGINE_AUTO, BATCH, HIDDEN},    {OCLSTM_ENGINE_CLBLAST, 1, HIDDEN},      {OCLSTM_ENGINE_FUSED, 1, 24},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static float x[STEPS * BATCH * INPUT];
static float expected[ROWS][ELEMENTS];
static bool can_run[ROWS]; // false: an engine that this device lacks

static oclstm_status make_cell(oclstm_cell **cell, oclstm_device *device, int row, oclstm_error *error) {
    const oclstm_cell_params params = {
        .input_size = INPUT, .hidden_size = rows[row].hidden, .engine = rows[row].engine, .seed = (uint64_t)row + 1};
    return oclstm_cell_create(cell, device, &params, error);
}

static oclstm_status run_cell(oclstm_cell *cell, int row, float *y, oclstm_error *error) {
    const oclstm_sequence call = {.x = {x, OCLSTM_F32, 3, {STEPS, rows[row].batch, INPUT}},
                                  .y = {y, OCLSTM_F32, 3, {STEPS, rows[row].batch, rows[row].hidden}}};
    return oclstm_cell_sequence(cell, &call, error);
}

static size_t y_bytes(int row) { return (size_t)(STEPS * rows[row].batch * rows[row].hidden) * sizeof(float); }

// --- threads --------------------------------------------------------------------------------------------------------

// What a thread is to do, and what it found.
typedef struct worker {
    pthread_t thread;
    const char *(*work)(struct worker *self); // NULL: all well
    int number, rounds;
    oclstm_device *device; // shared; NULL: opens its own
    oclstm_cell *cell;
    oclstm_network *network;
    const oclstm_tensors *file;
    oclstm_error error;
    char fault[1200];
    float y[ELEMENTS];
} worker;

static worker workers[MOST_THREADS];
static atomic_int waiting; // threads that the others wait for

static void *run_worker(void *context) {
    worker *self = context;
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) > 0)
        ;
    const char *fault = self->work(self);
    snprintf(self->fault, sizeof self->fault, "%s", fault != NULL ? fault : "");
    return NULL;
}

static void start(int count, const char *(*work)(worker *), int rounds) {
    atomic_store(&waiting, count);
    for (int at = 0; at < count; at++) {
        workers[at].work = work;
        workers[at].number = at;
        workers[at].rounds = rounds;
        if (pthread_create(&workers[at].thread, NULL, run_worker, &workers[at]) != 0)
            abort(); // the others would wait for ever
    }
}

// The first thread's fault, or NULL.
static const char *finish(int count) {
    const char *fault = NULL;
    for (int at = 0; at < count; at++) {
        pthread_join(workers[at].thread, NULL);
        if (fault == NULL && workers[at].fault[0] != '\0')
            fault = workers[at].fault;
    }
    return fault;
}

static void expect_all_well(int count) {
    const char *fault = finish(count);
    ck_assert_msg(fault == NULL, "%s", fault);
}

static oclstm_device *shared;

static void open_shared(void) {
    oclstm_error error = {0};
    memset(workers, 0, sizeof workers);
    ck_assert_msg(oclstm_device_open(&shared, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    for (int at = 0; at < MOST_THREADS; at++)
        workers[at].device = shared;
}

static void close_shared(void) { oclstm_device_close(&shared); }

// --- work -----------------------------------------------------------------------------------------------------------

// Creates, runs twice, compares, destroys.
static const char *use_row(worker *self, oclstm_device *device, int row) {
    oclstm_cell *cell = NULL;
    const char *fault = NULL;
    if (make_cell(&cell, device, row, &self->error) != OCLSTM_OK)
        return self->error.message;
    for (int turn = 0; turn < 2 && fault == NULL; turn++) {
        memset(self->y, 0, sizeof self->y);
        if (run_cell(cell, row, self->y, &self->error) != OCLSTM_OK)
            fault = self->error.message;
        else if (memcmp(self->y, expected[row], y_bytes(row)) != 0)
            fault = oclstm_engine_name(oclstm_cell_last_engine(cell));
    }
    oclstm_cell_destroy(&cell);
    return fault;
}

static const char *use_rows(worker *self) {
    const char *fault = NULL;
    for (int round = 0; round < self->rounds && fault == NULL; round++) {
        oclstm_device *own = NULL;
        const int row = (self->number + round) % ROWS;
        if (self->device == NULL && oclstm_device_open(&own, test_device(), &self->error) != OCLSTM_OK)
            return self->error.message;
        if (can_run[row])
            fault = use_row(self, own != NULL ? own : self->device, row);
        oclstm_device_close(&own);
    }
    return fault;
}

// Before there is anything to compare with: the process's first use of OpenCL, of PoCL's compiler, of CLBlast.
static const char *use_first(worker *self) {
    oclstm_device *own = NULL;
    oclstm_cell *cell = NULL;
    const int row = self->number % ROWS;
    oclstm_status status = oclstm_device_open(&own, test_device(), &self->error);
    if (status == OCLSTM_OK)
        status = make_cell(&cell, own, row, &self->error);
    if (status == OCLSTM_OK)
        status = run_cell(cell, row, self->y, &self->error);
    oclstm_cell_destroy(&cell);
    oclstm_device_close(&own);
    return status == OCLSTM_OK || status == OCLSTM_UNSUPPORTED ? NULL : self->error.message;
}

static const char *list_devices(worker *self) {
    for (int round = 0; round < self->rounds; round++) {
        oclstm_device_info *list = NULL;
        size_t count = 0;
        if (oclstm_device_list(&list, &count, &self->error) != OCLSTM_OK)
            return self->error.message;
        const bool good = count > 0 && list[0].index == 0;
        oclstm_device_list_free(&list);
        if (!good)
            return "the list is empty";
    }
    return NULL;
}

// Runs what the main thread made, and gives it up.
static const char *use_given_cell(worker *self) {
    const int row = self->number % ROWS;
    if (self->cell == NULL)
        return NULL;
    if (run_cell(self->cell, row, self->y, &self->error) != OCLSTM_OK)
        return self->error.message;
    oclstm_cell_destroy(&self->cell);
    return memcmp(self->y, expected[row], y_bytes(row)) == 0 ? NULL : "another result";
}

// Half of them build kernels while the others change where those come from, which must never be seen half done.
static const char *change_kernel_dir(worker *self) {
    if (self->number % 2 == 0)
        return use_rows(self);
    char folder[4096];
    const char *root = getenv("OCLSTM_TEST_SOURCE_ROOT");
    snprintf(folder, sizeof folder, "%s/cl", root != NULL ? root : ".");
    for (int round = 0; round < 200 * self->rounds; round++) {
        if (oclstm_device_set_kernel_dir(self->device, round % 2 ? folder : NULL, &self->error) != OCLSTM_OK)
            return self->error.message;
    }
    return NULL;
}

// Each thread's errors have numbers of its own.
static const char *fail_often(worker *self) {
    oclstm_cell *cell = NULL;
    char wanted[64];
    const int64_t features = 1000 + self->number;
    snprintf(wanted, sizeof wanted, "(input) is %d", (int)features);
    if (make_cell(&cell, self->device, 1, &self->error) != OCLSTM_OK)
        return self->error.message;
    bool good = true;
    for (int round = 0; round < self->rounds && good; round++) {
        const oclstm_step step = {.x = {x, OCLSTM_F32, 2, {1, features}}};
        good =
            oclstm_cell_step(cell, &step, &self->error) == OCLSTM_INVALID_ARGUMENT && strstr(self->error.message, wanted) != NULL;
    }
    oclstm_cell_destroy(&cell);
    return good ? NULL : self->error.message;
}

static const char *read_file(worker *self) {
    const oclstm_tensor *tensor = oclstm_tensors_find(self->file, "weight_ih");
    float *first = NULL, *again = NULL;
    const char *fault = NULL;
    if (tensor == NULL)
        return "no weight_ih";
    const size_t bytes = (size_t)(tensor->shape[0] * tensor->shape[1]) * sizeof(float);
    first = calloc(1, bytes);
    again = calloc(1, bytes);
    for (int round = 0; round < self->rounds && fault == NULL; round++) {
        oclstm_cell *cell = NULL;
        const oclstm_array read_back = {again, OCLSTM_F32, 2, {tensor->shape[0], tensor->shape[1]}};
        if (first == NULL || again == NULL)
            fault = "no memory";
        else if (oclstm_tensor_read(self->file, tensor, 0, 0, tensor->shape[0], OCLSTM_F32, first, round % 2, &self->error) !=
                     OCLSTM_OK ||
                 oclstm_cell_load(&cell, self->device, self->file, NULL, NULL, &self->error) != OCLSTM_OK ||
                 oclstm_cell_read_weights(cell, &read_back, NULL, NULL, NULL, &self->error) != OCLSTM_OK)
            fault = self->error.message;
        else if (memcmp(first, again, bytes) != 0)
            fault = "other weights";
        oclstm_cell_destroy(&cell);
    }
    free(first);
    free(again);
    return fault;
}

// --- tests ----------------------------------------------------------------------------------------------------------

static const char *first_fault = "never run";

START_TEST(the_first_use_of_the_process) { ck_assert_msg(first_fault == NULL, "%s", first_fault); }
END_TEST

START_TEST(a_device_each) {
    for (int at = 0; at < MOST_THREADS; at++)
        workers[at].device = NULL;
    start(MOST_THREADS, use_rows, ROWS);
    expect_all_well(MOST_THREADS);
}
END_TEST

// A network of its own over a file that all share, run again and again: every result as the first thread's first.
static float network_y[ELEMENTS];
static const size_t network_y_count = 5 * 3 * 2 * 8; // as below, of a projection to 8 in both directions

static const char *run_network(worker *self, float *y) {
    const oclstm_layer *layers = oclstm_network_layers(self->network, NULL);
    const int lengths[3] = {5, 2, 4};
    if (layers[0].inputs * 5 * 3 > STEPS * BATCH * INPUT || layers[0].outputs * 5 * 3 > ELEMENTS)
        return "the file has grown";
    const oclstm_network_call call = {.x = {x, OCLSTM_F32, 3, {5, 3, layers[0].inputs}},
                                      .lengths = {lengths, OCLSTM_I32, 1, {3}},
                                      .y = {y, OCLSTM_F32, 3, {5, 3, layers[0].outputs}}};
    return oclstm_network_run(self->network, &call, &self->error) == OCLSTM_OK ? NULL : self->error.message;
}

static const char *use_networks(worker *self) {
    const char *fault = NULL;
    const oclstm_network_params params = {.engine = self->number % 2 == 0 ? OCLSTM_ENGINE_PORTABLE : OCLSTM_ENGINE_AUTO};
    for (int round = 0; round < self->rounds && fault == NULL; round++) {
        if (oclstm_network_load(&self->network, self->device, self->file, &params, &self->error) != OCLSTM_OK)
            return self->error.message;
        for (int i = 0; i < 5 && fault == NULL; i++) {
            fault = run_network(self, self->y);
            if (fault == NULL && memcmp(self->y, network_y, network_y_count * sizeof *self->y) != 0)
                fault = "a network of several threads has other results";
        }
        oclstm_network_destroy(&self->network);
    }
    return fault;
}

// Layers with projection in both directions: each runs on the networks' own kernels.
START_TEST(a_network_each) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {0};
    ck_assert_msg(oclstm_tensors_open(&file, test_data("cells/torch_lstm_proj_bidir_l2.safetensors"), &error) == OCLSTM_OK, "%s",
                  error.message);
    ck_assert_msg(oclstm_network_load(&workers[0].network, shared, file, NULL, &error) == OCLSTM_OK, "%s", error.message);
    const char *fault = run_network(&workers[0], network_y);
    oclstm_network_destroy(&workers[0].network);
    ck_assert_msg(fault == NULL, "%s", fault);
    for (int at = 0; at < 4; at++)
        workers[at].file = file;
    start(4, use_networks, 6);
    fault = finish(4);
    oclstm_tensors_close(&file);
    ck_assert_msg(fault == NULL, "%s", fault);
    ck_assert_uint_eq(atomic_load(&shared->held_bytes), 0);
    ck_assert_int_eq(atomic_load(&shared->references), 1);
}
END_TEST

START_TEST(one_device_for_all) {
    start(4, use_rows, 4 * ROWS);
    expect_all_well(4);
    ck_assert_uint_eq(atomic_load(&shared->held_bytes), 0);
    ck_assert_int_eq(atomic_load(&shared->references), 1);
}
END_TEST

START_TEST(listing_while_others_run) {
    start(2, use_rows, 2 * ROWS);
    worker *lister = &workers[2];
    lister->rounds = 20;
    const char *fault = list_devices(lister);
    expect_all_well(2);
    ck_assert_msg(fault == NULL, "%s", fault);
}
END_TEST

START_TEST(the_opener_closes_first) {
    oclstm_error error = {0};
    for (int round = 0; round < 5; round++) {
        for (int at = 0; at < 4; at++) {
            if (can_run[at])
                ck_assert_msg(make_cell(&workers[at].cell, shared, at, &error) == OCLSTM_OK, "%s", error.message);
        }
        start(4, use_given_cell, 1);
        oclstm_device_close(&shared); // the threads' cells hold it
        expect_all_well(4);
        open_shared();
    }
}
END_TEST

START_TEST(the_kernels_folder_changes) {
    start(4, change_kernel_dir, 2 * ROWS);
    expect_all_well(4);
}
END_TEST

START_TEST(errors_stay_with_their_thread) {
    start(4, fail_often, 500);
    expect_all_well(4);
}
END_TEST

START_TEST(one_file_for_all) {
    oclstm_tensors *file = NULL;
    oclstm_error error = {0};
    ck_assert_msg(oclstm_tensors_open(&file, test_data("cells/torch_cell_odd.safetensors"), &error) == OCLSTM_OK, "%s",
                  error.message);
    for (int at = 0; at < 4; at++)
        workers[at].file = file;
    start(4, read_file, 20);
    const char *fault = finish(4);
    oclstm_tensors_close(&file);
    ck_assert_msg(fault == NULL, "%s", fault);
}
END_TEST

// A cell is used by one thread at a time: any thread.
START_TEST(a_cell_wanders) {
    oclstm_error error = {0};
    oclstm_cell *cell = NULL;
    for (int round = 0; round < 6; round++) {
        ck_assert_msg(make_cell(&cell, shared, 1, &error) == OCLSTM_OK, "%s", error.message);
        ck_assert_int_eq(run_cell(cell, 1, workers[0].y, &error), OCLSTM_OK);
        ck_assert_mem_eq(workers[0].y, expected[1], y_bytes(1));
        workers[1].cell = cell;
        workers[0].cell = NULL;
        start(2, use_given_cell, 1);
        expect_all_well(2);
        ck_assert_ptr_null(workers[1].cell);
    }
}
END_TEST

// The results of one thread. An engine that this device lacks is left out.
static void solve(void) {
    oclstm_error error = {0};
    oclstm_device *device = NULL;
    for (size_t i = 0; i < sizeof x / sizeof x[0]; i++)
        x[i] = (float)(i * 2654435761U % 2001U) / 1000.0F - 1.0F;
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    for (int row = 0; row < ROWS; row++) {
        oclstm_cell *cell = NULL;
        const oclstm_status status = make_cell(&cell, device, row, &error);
        can_run[row] = status == OCLSTM_OK;
        ck_assert_msg(status == OCLSTM_OK || status == OCLSTM_UNSUPPORTED, "%s", error.message);
        if (can_run[row])
            ck_assert_msg(run_cell(cell, row, expected[row], &error) == OCLSTM_OK, "%s", error.message);
        oclstm_cell_destroy(&cell);
    }
    oclstm_device_close(&device);
}

static Suite *make_suite(void) {
    Suite *suite = suite_create("threads");
    TCase *tests = tcase_create("threads");
    tcase_add_unchecked_fixture(tests, solve, NULL);
    tcase_add_checked_fixture(tests, open_shared, close_shared);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, the_first_use_of_the_process);
    tcase_add_test(tests, a_device_each);
    tcase_add_test(tests, one_device_for_all);
    tcase_add_test(tests, a_network_each);
    tcase_add_test(tests, listing_while_others_run);
    tcase_add_test(tests, the_opener_closes_first);
    tcase_add_test(tests, the_kernels_folder_changes);
    tcase_add_test(tests, errors_stay_with_their_thread);
    tcase_add_test(tests, one_file_for_all);
    tcase_add_test(tests, a_cell_wanders);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    // Before the runner looks for a device. Without one nothing below is run.
    static char fault[sizeof workers[0].fault];
    start(MOST_THREADS, use_first, 1);
    const char *found = finish(MOST_THREADS);
    first_fault = found != NULL ? strcpy(fault, found) : NULL;
    return run_suite(make_suite(), true);
}
