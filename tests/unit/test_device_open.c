// SPDX-License-Identifier: Apache-2.0
// Opening, wrapping, holding and closing a device; its buffers, transfers, launch sizes and errors.
#include <stdlib.h>
#include <string.h>

#include <oclstm/opencl.h>

#include "base/error.h"
#include "device/device_private.h"
#include "device/device_transfer.h"
#include "device/size_text.h"
#include "runner.h"

static oclstm_device *device;
static oclstm_error error;

static void make_device(void) {
    memset(&error, 0, sizeof error);
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
}

static void close_device(void) { oclstm_device_close(&device); }

// --- opening ----------------------------------------------------------------------------------------------------------

START_TEST(an_opened_device_is_the_listed_one) {
    oclstm_device_info *list;
    size_t count;
    ck_assert_int_eq(oclstm_device_list(&list, &count, &error), OCLSTM_OK);
    const oclstm_device_info *info = oclstm_device_get_info(device);
    ck_assert_int_lt(info->index, (int)count);
    const oclstm_device_info *listed = &list[info->index];
    ck_assert_str_eq(info->name, listed->name);
    ck_assert(info->usable && info->chosen_by_auto == listed->chosen_by_auto);
    ck_assert_ptr_nonnull(oclstm_device_get_context(device));
    ck_assert_ptr_nonnull(oclstm_device_get_id(device));
    ck_assert_ptr_nonnull(oclstm_device_get_queue(device));
    cl_command_queue_properties properties = ~(cl_command_queue_properties)0;
    ck_assert_int_eq(clGetCommandQueueInfo(device->queue, CL_QUEUE_PROPERTIES, sizeof properties, &properties, NULL), CL_SUCCESS);
    ck_assert_uint_eq(properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, 0);

    char selector[32];
    oclstm_device *same = NULL;
    snprintf(selector, sizeof selector, "%d:%d", info->platform_index, info->device_index);
    ck_assert_int_eq(oclstm_device_open(&same, selector, &error), OCLSTM_OK);
    ck_assert_ptr_eq(oclstm_device_get_id(same), oclstm_device_get_id(device));
    oclstm_device_close(&same);
    ck_assert_ptr_null(same);
    oclstm_device_list_free(&list);
}
END_TEST

START_TEST(what_cannot_be_opened) {
    oclstm_device *none = device;
    ck_assert_int_eq(oclstm_device_open(&none, "no such device at all", &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_null(none);
    ck_assert_ptr_nonnull(strstr(error.message, device_get_limits(device)->name));
    ck_assert_int_eq(oclstm_device_open(&none, "no such device at all", NULL), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_device_open(NULL, NULL, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_null(oclstm_device_get_info(NULL));
    ck_assert_ptr_null(oclstm_device_get_context(NULL));
    ck_assert_ptr_null(oclstm_device_get_id(NULL));
    ck_assert_ptr_null(oclstm_device_get_queue(NULL));
    oclstm_device_close(&none);
    oclstm_device_close(NULL);
}
END_TEST

static int closings;
static void count_closing(void) { closings++; }

START_TEST(the_last_hold_closes) {
    device_on_last_close(count_closing);
    device_on_last_close(count_closing); // kept once
    closings = 0;
    oclstm_device *held = device_retain(device), *other = NULL;
    ck_assert_int_eq(oclstm_device_open(&other, test_device(), &error), OCLSTM_OK);
    oclstm_device_close(&device);
    ck_assert_ptr_null(device);
    ck_assert_int_eq(device_finish(held, &error), OCLSTM_OK); // still alive
    oclstm_device_close(&held);
    ck_assert_int_eq(closings, 0);
    oclstm_device_close(&other);
    ck_assert_int_eq(closings, 1);
    make_device();
    oclstm_device_close(&device);
    ck_assert_int_eq(closings, 2);
}
END_TEST

// --- wrapping ---------------------------------------------------------------------------------------------------------

static cl_uint references_of_context(cl_context context) {
    cl_uint count = 0;
    ck_assert_int_eq(clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, sizeof count, &count, NULL), CL_SUCCESS);
    return count;
}

static cl_uint references_of_queue(cl_command_queue queue) {
    cl_uint count = 0;
    ck_assert_int_eq(clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, sizeof count, &count, NULL), CL_SUCCESS);
    return count;
}

START_TEST(wrapping_holds_what_it_was_given) {
    cl_device_id id = oclstm_device_get_id(device);
    cl_int code;
    cl_context context = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_command_queue queue = clCreateCommandQueue(context, id, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    cl_uint contexts = references_of_context(context), queues = references_of_queue(queue);

    oclstm_device *wrapped = NULL;
    ck_assert_msg(oclstm_device_wrap(&wrapped, context, id, queue, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_ptr_eq(oclstm_device_get_context(wrapped), context);
    ck_assert_ptr_eq(oclstm_device_get_queue(wrapped), queue);
    ck_assert_ptr_eq(oclstm_device_get_id(wrapped), id);
    ck_assert_int_eq(oclstm_device_get_info(wrapped)->index, oclstm_device_get_info(device)->index);
    ck_assert_uint_eq(references_of_context(context), contexts + 1);
    ck_assert_uint_eq(references_of_queue(queue), queues + 1);
    oclstm_device_close(&wrapped);
    ck_assert_uint_eq(references_of_context(context), contexts);
    ck_assert_uint_eq(references_of_queue(queue), queues);

    ck_assert_int_eq(oclstm_device_wrap(&wrapped, context, id, NULL, &error), OCLSTM_OK); // with a queue of its own
    ck_assert_ptr_ne(oclstm_device_get_queue(wrapped), queue);
    oclstm_device_close(&wrapped);
    ck_assert_uint_eq(references_of_context(context), contexts);
    clReleaseCommandQueue(queue);
    clReleaseContext(context);
}
END_TEST

START_TEST(what_cannot_be_wrapped) {
    cl_device_id id = oclstm_device_get_id(device);
    cl_context context = oclstm_device_get_context(device);
    cl_int code;
    oclstm_device *wrapped = device;
    ck_assert_int_eq(oclstm_device_wrap(NULL, context, id, NULL, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_device_wrap(&wrapped, NULL, id, NULL, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_null(wrapped);
    ck_assert_int_eq(oclstm_device_wrap(&wrapped, context, NULL, NULL, &error), OCLSTM_INVALID_ARGUMENT);

    cl_context other = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_int_eq(oclstm_device_wrap(&wrapped, other, id, oclstm_device_get_queue(device), &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "another context"));

    cl_command_queue loose = clCreateCommandQueue(other, id, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &code);
    if (code == CL_SUCCESS) { // not every device has such queues
        ck_assert_int_eq(oclstm_device_wrap(&wrapped, other, id, loose, &error), OCLSTM_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(error.message, "out of order"));
        clReleaseCommandQueue(loose);
    }
    clReleaseContext(other);
    ck_assert_ptr_null(wrapped);
}
END_TEST

// main() asks PoCL for two devices.
START_TEST(a_device_of_another_context) {
    oclstm_device_info *list;
    size_t count;
    ck_assert_int_eq(oclstm_device_list(&list, &count, &error), OCLSTM_OK);
    int mine = oclstm_device_get_info(device)->index;
    for (size_t at = 0; at < count; at++) {
        char selector[16];
        oclstm_device *other = NULL, *wrapped = NULL;
        if (!list[at].usable || list[at].index == mine)
            continue;
        snprintf(selector, sizeof selector, "%d", list[at].index);
        ck_assert_int_eq(oclstm_device_open(&other, selector, &error), OCLSTM_OK);
        cl_device_id other_id = oclstm_device_get_id(other);
        ck_assert_ptr_ne(other_id, oclstm_device_get_id(device));
        ck_assert_int_eq(oclstm_device_wrap(&wrapped, oclstm_device_get_context(device), other_id, NULL, &error),
                         OCLSTM_INVALID_ARGUMENT);
        ck_assert_ptr_nonnull(strstr(error.message, "not one of the context's"));
        ck_assert_ptr_null(wrapped);
        oclstm_device_close(&other);
    }
    oclstm_device_list_free(&list);
}
END_TEST

// A part of a CPU is a device that stands in no list.
START_TEST(a_sub_device) {
    const cl_device_partition_property halves[] = {CL_DEVICE_PARTITION_BY_COUNTS, 1, CL_DEVICE_PARTITION_BY_COUNTS_LIST_END, 0};
    cl_device_id part;
    cl_int code;
    if (clCreateSubDevices(oclstm_device_get_id(device), halves, 1, &part, NULL) != CL_SUCCESS)
        return;
    oclstm_device *wrapped = NULL;
    cl_context context = clCreateContext(NULL, 1, &part, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    ck_assert_msg(oclstm_device_wrap(&wrapped, context, part, NULL, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert_int_eq(oclstm_device_get_info(wrapped)->index, -1);
    ck_assert_uint_eq(oclstm_device_get_info(wrapped)->compute_units, 1);
    clReleaseContext(context);
    clReleaseDevice(part);
    ck_assert_int_eq(device_finish(wrapped, &error), OCLSTM_OK);
    oclstm_device_close(&wrapped);
}
END_TEST

// --- buffers ----------------------------------------------------------------------------------------------------------

START_TEST(buffers_are_counted) {
    cl_mem first, second;
    ck_assert_int_eq(device_buffer_create(&first, device, CL_MEM_READ_WRITE, 4096, "x", &error), OCLSTM_OK);
    ck_assert_int_eq(device_buffer_create(&second, device, CL_MEM_READ_ONLY, 0, "nothing", &error), OCLSTM_OK);
    ck_assert_uint_eq(atomic_load(&device->held_bytes), 4097);
    device_buffer_release(device, &first);
    ck_assert_ptr_null(first);
    device_buffer_release(device, &first);
    device_buffer_release(device, NULL);
    device_buffer_release(device, &second);
    ck_assert_uint_eq(atomic_load(&device->held_bytes), 0);
}
END_TEST

static void refuse_buffer(size_t size_bytes, const char *text) {
    cl_mem mem;
    uint64_t held = atomic_load(&device->held_bytes);
    ck_assert_int_eq(device_buffer_create(&mem, device, CL_MEM_READ_WRITE, size_bytes, "the input product", &error),
                     OCLSTM_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_null(mem);
    ck_assert_ptr_nonnull(strstr(error.message, "the input product"));
    ck_assert_msg(strstr(error.message, text) != NULL, "\"%s\" in: %s", text, error.message);
    ck_assert_str_eq(error.device, device->limits.name);
    ck_assert_uint_eq(atomic_load(&device->held_bytes), held);
}

START_TEST(too_large_a_buffer_is_refused_before_it_is_asked_for) {
    device->limits.max_allocation_bytes = (uint64_t)1 << 30;
    device->limits.global_memory_bytes = (uint64_t)4 << 30;
    refuse_buffer(((size_t)1 << 30) + 1, "largest single allocation is 1.0 GiB");
    refuse_buffer(SIZE_MAX, "16.0 EiB");
    cl_mem mem;
    ck_assert_int_eq(device_buffer_create(&mem, device, CL_MEM_READ_WRITE, 3072, "x", &error), OCLSTM_OK);
    device->limits.global_memory_bytes = 4096;
    refuse_buffer(1025, "memory 4.0 KiB, of which this device object holds 3.0 KiB");
    device_buffer_release(device, &mem);
}
END_TEST

START_TEST(sizes_in_words) {
    ck_assert_str_eq(size_to_text(0).text, "0 bytes");
    ck_assert_str_eq(size_to_text(1023).text, "1023 bytes");
    ck_assert_str_eq(size_to_text(1536).text, "1.5 KiB");
    ck_assert_str_eq(size_to_text((uint64_t)1 << 40).text, "1.0 TiB");
    ck_assert_str_eq(size_to_text(UINT64_MAX).text, "16.0 EiB");
}
END_TEST

// Both ways: OpenCL 1.2's fill and the writes that stand for it before.
START_TEST(zeros) {
    enum { COUNT = 20000 };
    static uint32_t host[COUNT];
    cl_mem mem;
    ck_assert_int_eq(device_buffer_create(&mem, device, CL_MEM_READ_WRITE, sizeof host, "x", &error), OCLSTM_OK);
    for (int way = 0; way < 2; way++) {
        memset(host, 0xFF, sizeof host);
        ck_assert_int_eq(device_write(device, mem, 0, host, sizeof host, "x", &error), OCLSTM_OK);
        ck_assert_int_eq(device_fill_zero(device, mem, 4, sizeof host - 8, &error), OCLSTM_OK);
        ck_assert_int_eq(device_fill_zero(device, mem, 0, 0, &error), OCLSTM_OK);
        ck_assert_int_eq(device_flush(device, &error), OCLSTM_OK);
        ck_assert_int_eq(device_read(device, host, mem, 0, sizeof host, "x", &error), OCLSTM_OK);
        for (int at = 0; at < COUNT; at++)
            ck_assert_uint_eq(host[at], at == 0 || at == COUNT - 1 ? UINT32_MAX : 0);
        device->opencl_1_2 = false;
    }
    device_buffer_release(device, &mem);
}
END_TEST

START_TEST(events_both_ways) {
    for (int way = 0; way < 2; way++) {
        cl_event event = NULL;
        ck_assert_int_eq(device_enqueue_mark(device, &event, &error), OCLSTM_OK);
        if (way == 0) // PoCL, of OpenCL 3.0, exits the process in the call that 1.1 has for this
            ck_assert_int_eq(device_enqueue_wait(device, 1, &event, &error), OCLSTM_OK);
        ck_assert_int_eq(device_enqueue_wait(device, 0, NULL, &error), OCLSTM_OK);
        ck_assert_int_eq(device_finish(device, &error), OCLSTM_OK);
        ck_assert_int_eq(clReleaseEvent(event), CL_SUCCESS);
        device->opencl_1_2 = false;
    }
}
END_TEST

START_TEST(transfers_outside_a_buffer) {
    char host[64] = {0};
    cl_mem mem;
    ck_assert_int_eq(device_buffer_create(&mem, device, CL_MEM_READ_WRITE, 32, "x", &error), OCLSTM_OK);
    ck_assert_int_eq(device_write(device, mem, 0, host, 64, "the weights", &error), OCLSTM_OPENCL);
    ck_assert_str_eq(error.call, "clEnqueueWriteBuffer");
    ck_assert_str_eq(error.opencl_name, "CL_INVALID_VALUE");
    ck_assert_int_eq(error.opencl_code, CL_INVALID_VALUE);
    ck_assert_ptr_nonnull(strstr(error.message, "the weights"));
    ck_assert_int_eq(device_read(device, host, mem, 16, 32, "y", &error), OCLSTM_OPENCL);
    ck_assert_int_eq(device_fill_zero(device, mem, 16, 32, NULL), OCLSTM_OPENCL);
    ck_assert_int_eq(device_read(device, host, mem, 0, 0, "nothing", &error), OCLSTM_OK);
    device_buffer_release(device, &mem);
}
END_TEST

// --- launch sizes -----------------------------------------------------------------------------------------------------

static void expect_grid(size_t kernel_max, size_t wanted, const size_t counts[3], cl_uint dimensions, size_t global0,
                        size_t local0) {
    device_grid grid = device_grid_make(device, kernel_max, wanted, counts[0], counts[1], counts[2]);
    ck_assert_uint_eq(grid.dimensions, dimensions);
    ck_assert_uint_eq(grid.global[0], global0);
    ck_assert_uint_eq(grid.local[0], local0);
    ck_assert(grid.local[1] == 1 && grid.local[2] == 1);
    ck_assert_uint_eq(grid.global[1], counts[1]);
    ck_assert_uint_eq(grid.global[2], counts[2]);
}

START_TEST(grids_respect_every_limit) {
    device->limits.max_work_group_size = 256;
    device->limits.max_work_item_sizes[0] = 128;
    expect_grid(0, 64, (size_t[3]){1, 1, 1}, 1, 64, 64);
    expect_grid(0, 64, (size_t[3]){64, 1, 1}, 1, 64, 64);
    expect_grid(0, 64, (size_t[3]){65, 3, 1}, 2, 128, 64);
    expect_grid(0, 64, (size_t[3]){100, 1, 7}, 3, 128, 64);
    expect_grid(32, 64, (size_t[3]){33, 1, 1}, 1, 64, 32);
    expect_grid(1, 64, (size_t[3]){33, 1, 1}, 1, 33, 1);
    expect_grid(512, 512, (size_t[3]){129, 1, 1}, 1, 256, 128);
    device->limits.max_work_item_sizes[0] = 1024;
    expect_grid(512, 512, (size_t[3]){129, 1, 1}, 1, 256, 256);
    expect_grid(0, 0, (size_t[3]){5, 1, 1}, 1, 5, 1);
    device_grid grid = device_grid_make(device, 0, 16, 0, 0, 0);
    ck_assert(grid.global[0] == 16 && grid.global[1] == 1 && grid.global[2] == 1);
}
END_TEST

// --- errors -----------------------------------------------------------------------------------------------------------

START_TEST(codes_become_statuses) {
    ck_assert_int_eq(device_fail(&error, device, CL_OUT_OF_HOST_MEMORY, "clFinish", "x"), OCLSTM_OUT_OF_MEMORY);
    ck_assert_int_eq(device_fail(&error, device, CL_MEM_OBJECT_ALLOCATION_FAILURE, "clFinish", "x"), OCLSTM_OUT_OF_DEVICE_MEMORY);
    ck_assert_ptr_nonnull(strstr(error.message, "smaller batch"));
    ck_assert_int_eq(device_fail(&error, device, CL_INVALID_BUFFER_SIZE, "clCreateBuffer", "x"), OCLSTM_OUT_OF_DEVICE_MEMORY);
    ck_assert_int_eq(device_fail(&error, device, CL_OUT_OF_RESOURCES, "clCreateBuffer", "x"), OCLSTM_OUT_OF_DEVICE_MEMORY);
    ck_assert_int_eq(device_fail(&error, device, CL_OUT_OF_RESOURCES, "clEnqueueNDRangeKernel", "x"), OCLSTM_OPENCL);
    ck_assert_int_eq(device_fail(&error, NULL, CL_BUILD_PROGRAM_FAILURE, "clBuildProgram", "x"), OCLSTM_BUILD_FAILED);
    ck_assert_int_eq(device_fail(NULL, NULL, CL_INVALID_VALUE, "clFinish", "x"), OCLSTM_OPENCL);
    ck_assert_int_eq(device_fail(&error, NULL, -4242, "clFinish", "doing %s", "it"), OCLSTM_OPENCL);
    ck_assert_str_eq(error.message, "doing it: clFinish failed with CL_UNKNOWN (-4242)");
    ck_assert_int_eq(error.opencl_code, -4242);
    ck_assert_str_eq(error.opencl_name, "CL_UNKNOWN");
    ck_assert_str_eq(error.device, "");
    ck_assert_str_eq(device_opencl_name(CL_INVALID_KERNEL_ARGS), "CL_INVALID_KERNEL_ARGS");
    ck_assert_str_eq(device_opencl_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
}
END_TEST

START_TEST(marks) {
    ck_assert(device_needs_warmup(device, 0) && device_needs_warmup(device, 31));
    device_mark_warm(device, 31);
    ck_assert(device_needs_warmup(device, 0) && !device_needs_warmup(device, 31));
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("device_open");
    TCase *tests = tcase_create("open");
    tcase_add_checked_fixture(tests, make_device, close_device);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_opened_device_is_the_listed_one);
    tcase_add_test(tests, what_cannot_be_opened);
    tcase_add_test(tests, the_last_hold_closes);
    tcase_add_test(tests, wrapping_holds_what_it_was_given);
    tcase_add_test(tests, what_cannot_be_wrapped);
    tcase_add_test(tests, a_device_of_another_context);
    tcase_add_test(tests, a_sub_device);
    tcase_add_test(tests, buffers_are_counted);
    tcase_add_test(tests, too_large_a_buffer_is_refused_before_it_is_asked_for);
    tcase_add_test(tests, sizes_in_words);
    tcase_add_test(tests, zeros);
    tcase_add_test(tests, events_both_ways);
    tcase_add_test(tests, transfers_outside_a_buffer);
    tcase_add_test(tests, grids_respect_every_limit);
    tcase_add_test(tests, codes_become_statuses);
    tcase_add_test(tests, marks);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    setenv("POCL_DEVICES", "pthread pthread", 0);
    return run_suite(make_suite(), true);
}
