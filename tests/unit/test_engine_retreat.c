// SPDX-License-Identifier: Apache-2.0
// Kernels that turn out too large for the device when they are built: the fused engine steps back to smaller groups, `auto` goes on with the next engine
// and says so, a forced engine is refused. The driver's answers about kernels are changed on the way.
#include <string.h>

#include "cell/fused_plan.h"
#include "cell_fixture.h"
#include "device/device_private.h"

// What every kernel may have, where not 0.
static size_t largest_group;
static cl_ulong local_bytes;

cl_int __real_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info parameter,
                                       size_t size_bytes, void *value, size_t *size_out);
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info parameter,
                                       size_t size_bytes, void *value, size_t *size_out);
cl_int __wrap_clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info parameter,
                                       size_t size_bytes, void *value, size_t *size_out) {
    const cl_int code = __real_clGetKernelWorkGroupInfo(kernel, device, parameter, size_bytes, value, size_out);
    if (code == CL_SUCCESS && parameter == CL_KERNEL_WORK_GROUP_SIZE && value != NULL && largest_group > 0)
        *(size_t *)value = largest_group;
    if (code == CL_SUCCESS && parameter == CL_KERNEL_LOCAL_MEM_SIZE && value != NULL && local_bytes > 0)
        *(cl_ulong *)value = local_bytes;
    return code;
}

// A device that counts as a GPU with local memory of its own; NULL where its groups are too small for that.
static oclstm_device *open_as_gpu(void) {
    oclstm_device *device = NULL;
    oclstm_error error = {0};
    largest_group = 0;
    local_bytes = 0;
    expect_ok(oclstm_device_open(&device, test_device(), &error), &error);
    if (device->limits.max_work_group_size < 256) {
        oclstm_device_close(&device);
        return NULL;
    }
    device->limits.kind = OCLSTM_DEVICE_GPU;
    device->limits.has_local_memory = true;
    device->limits.local_memory_bytes = 32768;
    return device;
}

static const cell_case shape = {.input = 5, .hidden = 33, .batch = 3, .steps = 4};

// Runs the case on the device; its results must be right. *settings are those of the fused engine, where that ran.
static oclstm_engine run_on(oclstm_device *device, fused_settings *settings, char *words, size_t capacity) {
    oclstm_error error = {0};
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, device);
    problem_solve(problem);
    problem_run(problem, cell);
    problem_compare(problem, cell);
    const oclstm_engine engine = oclstm_cell_last_engine(cell);
    if (engine == OCLSTM_ENGINE_FUSED)
        *settings = ((const fused_data *)cell->plans[0]->engine_data)->settings;
    expect_ok(oclstm_cell_explain(cell, shape.batch, shape.steps, words, capacity, &error), &error);
    problem_run(problem, cell);
    ck_assert_int_eq(oclstm_cell_last_engine(cell), engine);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
    return engine;
}

START_TEST(steps_back_to_smaller_groups) {
    oclstm_device *device = open_as_gpu();
    fused_settings settings = {0};
    char words[1024];
    if (device == NULL)
        return;
    ck_assert_int_eq(run_on(device, &settings, words, sizeof words), OCLSTM_ENGINE_FUSED);
    ck_assert(settings.form == FUSED_GROUP && settings.lanes_k == 8);
    largest_group = 64; // enough for 32, not for 8 x 32
    ck_assert_int_eq(run_on(device, &settings, words, sizeof words), OCLSTM_ENGINE_FUSED);
    ck_assert(settings.form == FUSED_STEP && settings.lanes_k == 1);
    largest_group = 0;
    local_bytes = 32000; // with h beside it too much
    device->limits.kind = OCLSTM_DEVICE_GPU;
    ck_assert_int_eq(run_on(device, &settings, words, sizeof words), OCLSTM_ENGINE_FUSED);
    ck_assert(settings.form == FUSED_STEP && settings.lanes_k == 1);
    local_bytes = 0;
    oclstm_device_close(&device);
}
END_TEST

START_TEST(auto_goes_on_with_the_next_engine) {
    oclstm_device *device = open_as_gpu();
    fused_settings settings = {0};
    char words[1024];
    if (device == NULL)
        return;
    largest_group = 16;
    ck_assert_int_eq(run_on(device, &settings, words, sizeof words), OCLSTM_ENGINE_PORTABLE);
    ck_assert_msg(strstr(words, "engine portable") != NULL, "%s", words);
    ck_assert_msg(strstr(words, "not fused: the fused kernel needs work-groups of 32 work-items") != NULL, "%s", words);
    ck_assert_msg(strstr(words, "allows it 16 (CL_KERNEL_WORK_GROUP_SIZE)") != NULL, "%s", words);
    largest_group = 0;
    oclstm_device_close(&device);
}
END_TEST

// What an engine declares is asked before anything is built for it.
START_TEST(auto_asks_what_an_engine_needs) {
    oclstm_device *device = open_as_gpu();
    fused_settings settings = {0};
    char words[1024];
    if (device == NULL)
        return;
    device->limits.max_work_group_size = 16;
    ck_assert_int_eq(run_on(device, &settings, words, sizeof words), OCLSTM_ENGINE_PORTABLE);
    ck_assert_msg(strstr(words, "not fused: needs work-groups of 32 work-items, this device allows 16") != NULL, "%s", words);
    oclstm_device_close(&device);
}
END_TEST

START_TEST(a_forced_one_is_refused) {
    oclstm_device *device = open_as_gpu();
    oclstm_error error = {0};
    oclstm_cell *cell = NULL;
    float x[10] = {0};
    if (device == NULL)
        return;
    largest_group = 31;
    expect_ok(
        oclstm_cell_create(&cell, device, OCLSTM_CELL(.input_size = 5, .hidden_size = 7, .engine = OCLSTM_ENGINE_FUSED), &error),
        &error);
    const oclstm_step step = {.x = oclstm_in_2d(x, OCLSTM_F32, 2, 5)};
    for (int i = 0; i < 2; i++)
        expect_failure(oclstm_cell_step(cell, &step, &error), &error, OCLSTM_UNSUPPORTED, "work-groups of 32", "31",
                       "CL_KERNEL_WORK_GROUP_SIZE", device->limits.name);
    largest_group = 32;
    expect_ok(oclstm_cell_step(cell, &step, &error), &error);
    largest_group = 0;
    oclstm_cell_destroy(&cell);
    oclstm_device_close(&device);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {steps_back_to_smaller_groups, auto_goes_on_with_the_next_engine, auto_asks_what_an_engine_needs,
                                  a_forced_one_is_refused};
    return run_suite(fixture_suite("engine_retreat", tests, sizeof tests / sizeof tests[0]), true);
}
