// SPDX-License-Identifier: Apache-2.0
// fork(): what was used before it is refused in the child, promptly and in words; a child that was forked before the first use works.
// Each case runs in a child of its own under alarm(): a child that hangs is killed by it, and that is the failure.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oclstm/oclstm.h>
#include <oclstm/opencl.h>

#include "cell/cell_private.h"
#include "device/device_private.h"
#include "runner.h"

enum { HIDDEN = 8, INPUT = 4, SECONDS = 60 };

// What the parent had made when it forked.
static oclstm_device *device;
static oclstm_cell *cell;
static oclstm_state *state;
static oclstm_network *network;
static oclstm_stream *stream;
static oclstm_group *group;
static oclstm_tape *tape;
static oclstm_trainer *trainer;
static oclstm_device_info *list;
static size_t list_count;
static oclstm_error error;

static const float ones[INPUT] = {1, 1, 1, 1};

// A tape that has gone forward, a trainer that has made a step.
static oclstm_status train_something(void) {
    static const float targets[HIDDEN];
    const oclstm_trainer_params params = {.description = "lstm 4 8", .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    const oclstm_sequence sequence = {.x = {ones, OCLSTM_F32, 2, {1, INPUT}}};
    const oclstm_train_batch batch = {.x = {ones, OCLSTM_F32, 2, {1, INPUT}}, .target = {targets, OCLSTM_F32, 2, {1, HIDDEN}}};
    oclstm_status status = oclstm_tape_create(&tape, cell, NULL, &error);
    if (status == OCLSTM_OK)
        status = oclstm_tape_forward(tape, &sequence, &error);
    if (status == OCLSTM_OK)
        status = oclstm_trainer_create(&trainer, device, NULL, &params, &error);
    return status == OCLSTM_OK ? oclstm_trainer_step(trainer, &batch, NULL, &error) : status;
}

// Lists, opens, creates, runs. Returns what went wrong, or NULL.
static const char *use_everything(void) {
    float h[HIDDEN];
    const oclstm_step step = {.x = {ones, OCLSTM_F32, 1, {INPUT}}, .h_out = {h, OCLSTM_F32, 1, {HIDDEN}}};
    memset(&error, 0, sizeof error);
    if (oclstm_device_list(&list, &list_count, &error) != OCLSTM_OK ||
        oclstm_device_open(&device, test_device(), &error) != OCLSTM_OK ||
        oclstm_cell_create(&cell, device, OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN), &error) != OCLSTM_OK ||
        oclstm_state_create(&state, cell, 0, &error) != OCLSTM_OK || oclstm_cell_step(cell, &step, &error) != OCLSTM_OK)
        return error.message;
    oclstm_tensors *file = NULL;
    oclstm_status status = oclstm_tensors_open(&file, test_data("cells/torch_lstm_l1.safetensors"), &error);
    if (status == OCLSTM_OK)
        status = oclstm_network_load(&network, device, file, NULL, &error);
    if (status == OCLSTM_OK)
        status = oclstm_stream_create(&stream, network, 1, &error);
    if (status == OCLSTM_OK)
        status = oclstm_group_create(&group, (oclstm_device *const[]){device, device}, 2,
                                     OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN), &error);
    oclstm_tensors_close(&file);
    if (status == OCLSTM_OK)
        status = train_something();
    return status == OCLSTM_OK ? NULL : error.message;
}

static void make_things(void) {
    const char *fault = use_everything();
    ck_assert_msg(fault == NULL, "%s", fault);
}

static void release_things(void) {
    oclstm_trainer_destroy(&trainer);
    oclstm_tape_destroy(&tape);
    oclstm_group_destroy(&group);
    oclstm_stream_destroy(&stream);
    oclstm_network_destroy(&network);
    oclstm_state_destroy(&state);
    oclstm_cell_destroy(&cell);
    oclstm_device_close(&device);
    oclstm_device_list_free(&list);
}

// --- children -------------------------------------------------------------------------------------------------------

// Runs a case in a child, which returns what went wrong or NULL. Returns waitpid()'s status.
static int run_child(const char *(*run)(void)) {
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGALRM, SIG_DFL); // Check's handler kills the process group
        alarm(SECONDS);
        const char *fault = run();
        if (fault != NULL)
            fprintf(stderr, "# in the child: %s\n", fault);
        _exit(fault != NULL);
    }
    int result = -1;
    return child > 0 && waitpid(child, &result, 0) == child ? result : -1;
}

static void expect_child(int result) {
    ck_assert_msg(!(WIFSIGNALED(result) && WTERMSIG(result) == SIGALRM), "the child hung for %d seconds", SECONDS);
    ck_assert_msg(result == 0, "the child ended with %#x", (unsigned)result);
}

static void in_child(const char *(*run)(void)) { expect_child(run_child(run)); }

// The call was refused, and the message says what happened and what to do.
static bool is_refused(oclstm_status status) {
    const bool good = status == OCLSTM_UNSUPPORTED && error.status == status && strstr(error.message, "forked") != NULL &&
                      strstr(error.message, "exec") != NULL;
    memset(&error, 0, sizeof error);
    return good;
}

#define REFUSED(call)                                                                                                              \
    do {                                                                                                                           \
        if (!is_refused(call))                                                                                                     \
            return #call;                                                                                                          \
    } while (0)

static const char *use_devices(void) {
    oclstm_device *other = device;
    REFUSED(oclstm_device_open(&other, test_device(), &error));
    if (other != NULL)
        return "open left its out-pointer";
    oclstm_device_info *infos = list;
    size_t count = 1;
    REFUSED(oclstm_device_list(&infos, &count, &error));
    if (infos != NULL || count != 0)
        return "list left its out-pointer";
    REFUSED(oclstm_device_open_for(&other, 1, 1, 1, 1, &error));
    REFUSED(oclstm_device_wrap(&other, device->context, device->id, NULL, &error));
    REFUSED(oclstm_device_set_kernel_dir(device, "/", &error));
    oclstm_roofs roofs;
    double seconds;
    REFUSED(oclstm_device_measure_roofs(&roofs, device, OCLSTM_F32, &error));
    REFUSED(oclstm_device_measure_product(&seconds, device, OCLSTM_F32, 1, 1, 1, true, &error));
    char note[100];
    REFUSED(oclstm_kernels_count(&(oclstm_kernel_counts){0}, device, note, sizeof note, &error));
    REFUSED(oclstm_kernels_export(&count, "/", &(const oclstm_kernels_export_params){.device = device}, &error));
    REFUSED(oclstm_kernels_set_binary_dir("/", &error));
    oclstm_device **several = NULL;
    REFUSED(oclstm_devices_open(&several, &count, "0,0", &error));
    REFUSED(oclstm_tune(device, &(const oclstm_tune_params){0}, &error));
    return oclstm_device_open(&other, NULL, NULL) == OCLSTM_UNSUPPORTED ? NULL : "a call without a record";
}

static const char *use_cells(void) {
    float values[HIDDEN * HIDDEN * 4] = {0};
    const oclstm_array h = {values, OCLSTM_F32, 1, {HIDDEN}}, w = {values, OCLSTM_F32, 2, {4 * HIDDEN, HIDDEN}};
    const oclstm_const_array h0 = {values, OCLSTM_F32, 1, {HIDDEN}};
    oclstm_cell *other = cell;
    oclstm_state *fresh = state;
    REFUSED(oclstm_cell_create(&other, device, OCLSTM_CELL(.input_size = 1, .hidden_size = 1), &error));
    if (other != NULL)
        return "create left its out-pointer";
    REFUSED(oclstm_cell_step(cell, &(const oclstm_step){.x = {ones, OCLSTM_F32, 1, {INPUT}}, .h_out = h}, &error));
    REFUSED(oclstm_cell_sequence(cell, &(const oclstm_sequence){.x = {ones, OCLSTM_F32, 2, {1, INPUT}}, .h_out = h}, &error));
    REFUSED(oclstm_cell_prepare(cell, 1, 1, &error));
    REFUSED(oclstm_cell_read_weights(cell, NULL, &w, NULL, NULL, &error));
    REFUSED(oclstm_cell_enqueue(cell, &(const oclstm_buffers){.batch = 1, .x = {cell->weight_ih, 0}}, 0, NULL, NULL, &error));
    REFUSED(oclstm_state_create(&fresh, cell, 0, &error));
    if (fresh != NULL)
        return "oclstm_state_create left its out-pointer";
    REFUSED(oclstm_state_set(state, &h0, &h0, &error));
    REFUSED(oclstm_state_set(state, NULL, NULL, &error));
    REFUSED(oclstm_state_get(state, &h, &h, &error));
    return NULL;
}

static const char *use_networks_and_groups(void) {
    float values[64 * 64] = {0};
    const oclstm_const_array x = {values, OCLSTM_F32, 3, {1, 1, 4}};
    const oclstm_array y = {values, OCLSTM_F32, 3, {1, 1, 4}};
    oclstm_stream *fresh = stream;
    oclstm_group *other = group;
    REFUSED(oclstm_network_run(network, &(const oclstm_network_call){.x = x, .y = y}, &error));
    REFUSED(oclstm_stream_create(&fresh, network, 1, &error));
    REFUSED(oclstm_stream_feed(stream, &x, &y, &error));
    REFUSED(oclstm_stream_reset(stream, &error));
    REFUSED(
        oclstm_group_create(&other, (oclstm_device *const[]){device}, 1, OCLSTM_CELL(.input_size = 1, .hidden_size = 1), &error));
    if (fresh != NULL || other != NULL)
        return "create left its out-pointer";
    REFUSED(oclstm_group_step(group, &(const oclstm_step){.x = {ones, OCLSTM_F32, 2, {1, INPUT}}}, &error));
    REFUSED(oclstm_group_sequence(group, &(const oclstm_sequence){.x = {ones, OCLSTM_F32, 3, {1, 1, INPUT}}}, &error));
    return NULL;
}

static const char *use_tapes_and_trainers(void) {
    float values[4 * HIDDEN * HIDDEN] = {0};
    const oclstm_const_array x = {values, OCLSTM_F32, 2, {1, INPUT}}, y = {values, OCLSTM_F32, 2, {1, HIDDEN}};
    const oclstm_array weight = {values, OCLSTM_F32, 2, {4 * HIDDEN, INPUT}};
    const oclstm_train_batch batch = {.x = x, .target = y};
    const oclstm_trainer_params params = {.description = "lstm 4 8", .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    oclstm_tape *other_tape = tape;
    oclstm_trainer *other = trainer;
    oclstm_tensors *file = NULL;
    double loss;
    REFUSED(oclstm_tape_create(&other_tape, cell, NULL, &error));
    REFUSED(oclstm_tape_forward(tape, &(const oclstm_sequence){.x = x}, &error));
    REFUSED(oclstm_tape_backward(tape, &(const oclstm_cell_gradients){.y = y}, &error));
    REFUSED(oclstm_trainer_create(&other, device, NULL, &params, &error));
    if (other_tape != NULL || other != NULL)
        return "create left its out-pointer";
    REFUSED(oclstm_trainer_step(trainer, &batch, NULL, &error));
    REFUSED(oclstm_trainer_evaluate(trainer, &batch, &loss, &error));
    REFUSED(oclstm_trainer_reset_state(trainer, &error));
    REFUSED(oclstm_trainer_forward(trainer, &(const oclstm_network_call){.x = x}, &error));
    REFUSED(oclstm_trainer_backward(trainer, &(const oclstm_network_gradients){.y = y}, &error));
    REFUSED(oclstm_trainer_update(trainer, NULL, &error));
    REFUSED(oclstm_trainer_read(trainer, 0, &weight, &error));
    REFUSED(oclstm_trainer_read_gradient(trainer, 0, &weight, &error));
    REFUSED(oclstm_trainer_write(trainer, "/nowhere/a.safetensors", NULL, 0, &error));
    REFUSED(oclstm_trainer_save(trainer, "/nowhere/a.safetensors", NULL, 0, &error));
    if (oclstm_tensors_open(&file, test_data("cells/torch_cell_odd.safetensors"), &error) != OCLSTM_OK)
        return error.message;
    REFUSED(oclstm_trainer_restore(trainer, file, &error));
    oclstm_tensors_close(&file);
    return NULL;
}

static const char *load_a_cell(void) {
    oclstm_tensors *file = NULL;
    oclstm_cell *other = NULL;
    // A model file is no matter of OpenCL.
    if (oclstm_tensors_open(&file, test_data("cells/torch_cell_odd.safetensors"), &error) != OCLSTM_OK)
        return error.message;
    oclstm_network *whole = NULL;
    oclstm_group *parted = NULL;
    REFUSED(oclstm_cell_load(&other, device, file, NULL, NULL, &error));
    REFUSED(oclstm_network_load(&whole, device, file, NULL, &error));
    REFUSED(oclstm_group_load(&parted, (oclstm_device *const[]){device}, 1, file, NULL, NULL, &error));
    oclstm_tensors_close(&file);
    return NULL;
}

static const char *read_facts(void) {
    char text[256];
    if (strcmp(oclstm_device_get_info(device)->name, device->limits.name) != 0 || oclstm_device_get_tuning(device) == NULL)
        return "the facts of a device";
    if (oclstm_cell_get_params(cell).hidden_size != HIDDEN || oclstm_cell_last_engine(cell) == OCLSTM_ENGINE_AUTO)
        return "the facts of a cell";
    if (oclstm_cell_explain(cell, 1, 1, text, sizeof text, &error) != OCLSTM_OK ||
        oclstm_network_explain(network, 1, 1, text, sizeof text, &error) != OCLSTM_OK ||
        oclstm_group_explain(group, 0, 2, 1, text, sizeof text, &error) != OCLSTM_OK)
        return error.message;
    int rank = 0;
    int64_t h_shape[3], c_shape[3];
    oclstm_share share;
    size_t layers = 0, parameters = 0;
    if (oclstm_trainer_layers(trainer, &layers) == NULL || oclstm_trainer_parameters(trainer, &parameters) == NULL || layers != 1 ||
        parameters != 4 || oclstm_trainer_steps(trainer) != 1 || oclstm_trainer_bytes(trainer, 1, 1) == 0)
        return "the facts of a trainer";
    if (oclstm_network_state_shape(network, 1, &rank, h_shape, c_shape, &error) != OCLSTM_OK ||
        oclstm_group_get_share(group, 0, &share, &error) != OCLSTM_OK)
        return error.message;
    // Only the path is asked for; there is none, because tests keep nothing.
    return oclstm_tune_path(device, text, sizeof text, &error) == OCLSTM_IO ? NULL : "the path of the tuned settings";
}

static const char *release_in_child(void) {
    release_things();
    const bool all = device == NULL && cell == NULL && state == NULL && list == NULL && network == NULL && stream == NULL &&
                     group == NULL && tape == NULL && trainer == NULL;
    return all ? NULL : "a pointer stays";
}

static const char *use_and_release(void) {
    const char *fault = use_cells();
    return fault != NULL ? fault : release_in_child();
}

static const char *fork_again(void) { return run_child(use_and_release) == 0 ? NULL : "the grandchild"; }

static const char *open_only(void) {
    REFUSED(oclstm_device_open(&device, test_device(), &error));
    return NULL;
}

// What a child does that was forked before the first use of OpenCL: everything, twice; and its own children are refused.
static const char *work_from_nothing(void) {
    for (int round = 0; round < 2; round++) {
        const char *fault = use_everything();
        if (fault == NULL && run_child(use_and_release) != 0)
            fault = "a child of its own";
        release_things();
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

// --- tests ----------------------------------------------------------------------------------------------------------

START_TEST(devices_are_refused) { in_child(use_devices); }
END_TEST

START_TEST(cells_and_states_are_refused) { in_child(use_cells); }
END_TEST

START_TEST(networks_and_groups_are_refused) { in_child(use_networks_and_groups); }
END_TEST

START_TEST(tapes_and_trainers_are_refused) { in_child(use_tapes_and_trainers); }
END_TEST

START_TEST(a_file_is_read_and_its_cell_refused) { in_child(load_a_cell); }
END_TEST

START_TEST(facts_can_be_read) { in_child(read_facts); }
END_TEST

START_TEST(everything_can_be_released) { in_child(release_in_child); }
END_TEST

// Waiting for the queue would never end: its work is held back by an event that only the parent can set.
START_TEST(a_busy_device_can_be_released) {
    cl_int code;
    cl_event gate = clCreateUserEvent(device->context, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_mem x = clCreateBuffer(device->context, CL_MEM_READ_WRITE, sizeof ones, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    const oclstm_buffers buffers = {.batch = 1, .x = {x, 0}};
    ck_assert_msg(oclstm_cell_enqueue(cell, &buffers, 1, &gate, NULL, &error) == OCLSTM_OK, "%s", error.message);
    const int result = run_child(release_in_child);
    ck_assert_int_eq(clSetUserEventStatus(gate, CL_COMPLETE), CL_SUCCESS);
    release_things();
    clReleaseEvent(gate);
    clReleaseMemObject(x);
    expect_child(result);
}
END_TEST

START_TEST(a_grandchild_is_no_better) { in_child(fork_again); }
END_TEST

// The parent's locks are inherited taken.
START_TEST(locks_that_another_thread_held) {
    pthread_mutex_lock(&device->lock);
    in_child(use_devices);
    in_child(release_in_child);
    pthread_mutex_unlock(&device->lock);
}
END_TEST

// Closing everything does not take the driver's threads away.
START_TEST(after_the_last_close_too) {
    release_things();
    in_child(open_only);
}
END_TEST

static atomic_bool enough;

static void *run_steps(void *out) {
    float h[HIDDEN];
    const oclstm_step step = {.x = {ones, OCLSTM_F32, 1, {INPUT}}, .h_out = {h, OCLSTM_F32, 1, {HIDDEN}}};
    oclstm_cell *own = NULL;
    bool good = true;
    while (good && !atomic_load(&enough)) {
        good = oclstm_cell_create(&own, device, OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN), NULL) == OCLSTM_OK;
        for (int at = 0; at < 20 && good; at++)
            good = oclstm_cell_step(own, &step, NULL) == OCLSTM_OK;
        oclstm_cell_destroy(&own);
    }
    *(bool *)out = good;
    return NULL;
}

START_TEST(while_another_thread_works) {
    pthread_t thread;
    bool good = false;
    atomic_store(&enough, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_steps, &good), 0);
    int results[10];
    for (int at = 0; at < 10; at++)
        results[at] = run_child(use_and_release);
    atomic_store(&enough, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert(good);
    for (int at = 0; at < 10; at++)
        expect_child(results[at]);
}
END_TEST

// The parent never notices.
START_TEST(the_parent_goes_on) {
    in_child(release_in_child);
    float before[HIDDEN], after[HIDDEN];
    oclstm_step step = {.x = {ones, OCLSTM_F32, 1, {INPUT}}, .h_out = {before, OCLSTM_F32, 1, {HIDDEN}}};
    ck_assert_msg(oclstm_cell_step(cell, &step, &error) == OCLSTM_OK, "%s", error.message);
    in_child(use_cells);
    step.h_out.data = after;
    ck_assert_msg(oclstm_cell_step(cell, &step, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_mem_eq(before, after, sizeof before);
}
END_TEST

static int early_result;

START_TEST(a_child_forked_before_works) { expect_child(early_result); }
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("fork");
    TCase *tests = tcase_create("fork");
    tcase_add_checked_fixture(tests, make_things, release_things);
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, a_child_forked_before_works);
    tcase_add_test(tests, devices_are_refused);
    tcase_add_test(tests, cells_and_states_are_refused);
    tcase_add_test(tests, networks_and_groups_are_refused);
    tcase_add_test(tests, tapes_and_trainers_are_refused);
    tcase_add_test(tests, a_file_is_read_and_its_cell_refused);
    tcase_add_test(tests, facts_can_be_read);
    tcase_add_test(tests, everything_can_be_released);
    tcase_add_test(tests, a_busy_device_can_be_released);
    tcase_add_test(tests, a_grandchild_is_no_better);
    tcase_add_test(tests, locks_that_another_thread_held);
    tcase_add_test(tests, after_the_last_close_too);
    tcase_add_test(tests, while_another_thread_works);
    tcase_add_test(tests, the_parent_goes_on);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    // The runner looks for a device, so this comes before it. Without one nothing below is run.
    early_result = run_child(work_from_nothing);
    return run_suite(make_suite(), true);
}
