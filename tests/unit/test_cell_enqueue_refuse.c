// SPDX-License-Identifier: Apache-2.0
// Every reason to refuse a call on the caller's buffers.
#include <oclstm/opencl.h>

#include <stdio.h>
#include <stdlib.h>

#include "cell_fixture.h"

enum { INPUT = 3, HIDDEN = 2, BATCH = 4, STEPS = 5 };
enum { X_COUNT = STEPS * BATCH * INPUT, Y_COUNT = STEPS * BATCH * HIDDEN, STATE_COUNT = BATCH * HIDDEN };

static cl_mem made[16];
static int made_count;

// A buffer of that many floats, released by the teardown.
static cl_mem make_buffer_in(cl_context context, size_t count) {
    cl_int code;
    cl_mem mem = clCreateBuffer(context, CL_MEM_READ_WRITE, count * sizeof(float), NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    made[made_count++] = mem;
    return mem;
}

static cl_mem make_buffer(size_t count) { return make_buffer_in(oclstm_device_get_context(fixture_device()), count); }

static oclstm_cell *make_cell(bool state_required) {
    oclstm_cell *cell = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_cell_create(&cell, fixture_device(),
                                 OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN, .state_required = state_required), &error),
              &error);
    return cell;
}

// A call that is right, each part in a buffer of its own that it just fits.
static oclstm_buffers good_call(void) {
    return (oclstm_buffers){.batch = BATCH,
                            .steps = STEPS,
                            .x.mem = make_buffer(X_COUNT),
                            .h.mem = make_buffer(STATE_COUNT),
                            .c.mem = make_buffer(STATE_COUNT),
                            .y.mem = make_buffer(Y_COUNT),
                            .h_out.mem = make_buffer(STATE_COUNT),
                            .c_out.mem = make_buffer(STATE_COUNT)};
}

static void release_all(void) {
    while (made_count > 0)
        clReleaseMemObject(made[--made_count]);
}

static void refuse(int line, oclstm_cell *cell, const oclstm_buffers *call, const char *const *texts) {
    oclstm_error error = {0};
    cl_event event = (cl_event)(void *)&error; // anything but NULL
    expect_failure_at(line, oclstm_cell_enqueue(cell, call, 0, NULL, &event, &error), &error, OCLSTM_INVALID_ARGUMENT, texts);
    ck_assert_ptr_null(event);
    ck_assert_int_eq(oclstm_cell_enqueue(cell, call, 0, NULL, NULL, NULL), OCLSTM_INVALID_ARGUMENT);
}
#define REFUSE(cell, call, ...) refuse(__LINE__, cell, call, (const char *const[]){__VA_ARGS__, NULL})

static void expect_good(oclstm_cell *cell, const oclstm_buffers *call) {
    oclstm_error error = {0};
    expect_ok(oclstm_cell_enqueue(cell, call, 0, NULL, NULL, &error), &error);
    ck_assert_int_eq(clFinish(oclstm_device_get_queue(fixture_device())), CL_SUCCESS);
}

START_TEST(null_and_wait_list) {
    oclstm_cell *cell = make_cell(false);
    const oclstm_buffers call = good_call();
    oclstm_error error = {0};
    expect_good(cell, &call);
    REFUSE(NULL, &call, "cell is NULL");
    REFUSE(cell, NULL, "buffers is NULL");
    const cl_event none = NULL;
    expect_failure(oclstm_cell_enqueue(cell, &call, 1, NULL, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "wait_list");
    expect_failure(oclstm_cell_enqueue(cell, &call, 0, &none, NULL, &error), &error, OCLSTM_INVALID_ARGUMENT, "wait_count");
    expect_failure(oclstm_cell_enqueue(cell, &call, 1, &none, NULL, &error), &error, OCLSTM_OPENCL, "events");
    ck_assert_str_eq(error.opencl_name, "CL_INVALID_EVENT_WAIT_LIST");
    expect_good(cell, &call);
    release_all();
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(sizes) {
    oclstm_cell *cell = make_cell(false);
    oclstm_buffers call = good_call();
    call.batch = 0;
    REFUSE(cell, &call, "batch is 0", "at least 1");
    call.batch = -1;
    REFUSE(cell, &call, "batch is -1");
    call.batch = BATCH, call.steps = -1;
    REFUSE(cell, &call, "steps -1", "0 or more");
    call.steps = INT64_MAX, call.batch = INT64_MAX;
    REFUSE(cell, &call, "overflows");
    call.batch = BATCH, call.steps = INT64_C(1) << 31;
    REFUSE(cell, &call, "x ends beyond element 4294967295", "sub-buffer");
    release_all();
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(missing_buffers) {
    oclstm_cell *cell = make_cell(false);
    const oclstm_buffers good = good_call();
    oclstm_buffers call = good;
    call.x.mem = NULL;
    REFUSE(cell, &call, "x is missing");
    call = good;
    call.c.mem = NULL;
    REFUSE(cell, &call, "h and c", "both or neither");
    call = good;
    call.h.mem = NULL;
    REFUSE(cell, &call, "h and c", "both or neither");
    oclstm_cell_destroy(&cell);
    cell = make_cell(true);
    expect_good(cell, &good);
    call.c.mem = NULL;
    REFUSE(cell, &call, "h and c are missing", "state_required");
    release_all();
    oclstm_cell_destroy(&cell);
}
END_TEST

// Each part in a buffer that is an element too small for it, or for it and its offset.
START_TEST(buffers_too_small) {
    oclstm_cell *cell = make_cell(false);
    const oclstm_buffers good = good_call();
    static const char *const names[] = {"x", "h", "c", "y", "h_out", "c_out"};
    static const size_t counts[] = {X_COUNT, STATE_COUNT, STATE_COUNT, Y_COUNT, STATE_COUNT, STATE_COUNT};
    for (int part = 0; part < 6; part++) {
        oclstm_buffers call = good;
        oclstm_buffer *const parts[] = {&call.x, &call.h, &call.c, &call.y, &call.h_out, &call.c_out};
        char buffer_text[64], bytes_text[64], needed_text[64];
        snprintf(buffer_text, sizeof buffer_text, "buffer for %s has", names[part]);
        snprintf(bytes_text, sizeof bytes_text, "%zu bytes", counts[part] * sizeof(float));
        snprintf(needed_text, sizeof needed_text, "from element 1 on need %zu", (counts[part] + 1) * sizeof(float));
        parts[part]->offset = 1;
        REFUSE(cell, &call, buffer_text, bytes_text, needed_text);
        parts[part]->offset = SIZE_MAX;
        REFUSE(cell, &call, names[part], "cannot index");
        parts[part]->offset = 0;
        parts[part]->mem = make_buffer(counts[part] - 1);
        REFUSE(cell, &call, buffer_text);
    }
    release_all();
    oclstm_cell_destroy(&cell);
}
END_TEST

START_TEST(foreign_and_broken_buffers) {
    oclstm_cell *cell = make_cell(false);
    oclstm_buffers call = good_call();
    cl_device_id id = oclstm_device_get_id(fixture_device());
    cl_int code;
    cl_context context = clCreateContext(NULL, 1, &id, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    call.y.mem = make_buffer_in(context, Y_COUNT);
    REFUSE(cell, &call, "the buffer for y", "another context");
    release_all();
    ck_assert_int_eq(clReleaseContext(context), CL_SUCCESS);
    oclstm_cell_destroy(&cell);
}
END_TEST

// Two parts in one buffer at these places.
static void check_overlap(oclstm_cell *cell, oclstm_buffers *call, oclstm_buffer *a, oclstm_buffer *b, size_t a_offset,
                          size_t b_offset, const char *const *texts) {
    const oclstm_buffers kept = *call;
    a->mem = b->mem = make_buffer(4 * X_COUNT);
    a->offset = a_offset, b->offset = b_offset;
    if (texts != NULL)
        refuse(__LINE__, cell, call, texts);
    else
        expect_good(cell, call);
    clReleaseMemObject(made[--made_count]);
    *call = kept;
}
#define OVERLAP(...)                                                                                                               \
    (const char *const[]) { __VA_ARGS__, NULL }

START_TEST(overlaps) {
    oclstm_cell *cell = make_cell(false);
    oclstm_buffers call = good_call();
    // Side by side is fine, one element of overlap is not, from either end.
    check_overlap(cell, &call, &call.x, &call.y, 0, X_COUNT, NULL);
    check_overlap(cell, &call, &call.x, &call.y, 0, X_COUNT - 1, OVERLAP("y overlaps x"));
    check_overlap(cell, &call, &call.x, &call.y, Y_COUNT, 0, NULL);
    check_overlap(cell, &call, &call.x, &call.y, Y_COUNT - 1, 0, OVERLAP("y overlaps x"));
    check_overlap(cell, &call, &call.x, &call.h_out, 0, 0, OVERLAP("h_out overlaps x"));
    check_overlap(cell, &call, &call.x, &call.c_out, 0, 7, OVERLAP("c_out overlaps x"));
    check_overlap(cell, &call, &call.h, &call.y, 1, 0, OVERLAP("y overlaps h"));
    check_overlap(cell, &call, &call.c, &call.y, 0, 0, OVERLAP("y overlaps c"));
    check_overlap(cell, &call, &call.y, &call.h_out, 0, 3, OVERLAP("h_out overlaps y"));
    check_overlap(cell, &call, &call.y, &call.c_out, 0, Y_COUNT - 1, OVERLAP("c_out overlaps y"));
    check_overlap(cell, &call, &call.h_out, &call.c_out, 0, STATE_COUNT - 1, OVERLAP("c_out overlaps h_out"));
    check_overlap(cell, &call, &call.h_out, &call.c_out, 0, STATE_COUNT, NULL);
    // In place is the very place, not half of it, and not the other's.
    check_overlap(cell, &call, &call.h, &call.h_out, 3, 3, NULL);
    check_overlap(cell, &call, &call.h, &call.h_out, 3, 4, OVERLAP("h_out overlaps h;", "only h_out may be the place of h"));
    check_overlap(cell, &call, &call.c, &call.c_out, 0, 0, NULL);
    check_overlap(cell, &call, &call.c, &call.c_out, 1, 0, OVERLAP("c_out overlaps c;"));
    check_overlap(cell, &call, &call.c, &call.h_out, 0, 0, OVERLAP("h_out overlaps c"));
    check_overlap(cell, &call, &call.h, &call.c_out, 0, 0, OVERLAP("c_out overlaps h"));
    // Inputs may overlap each other.
    check_overlap(cell, &call, &call.h, &call.c, 0, 0, NULL);
    check_overlap(cell, &call, &call.x, &call.h, 0, 5, NULL);
    release_all();
    oclstm_cell_destroy(&cell);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {null_and_wait_list,         sizes,   missing_buffers, buffers_too_small,
                                  foreign_and_broken_buffers, overlaps};
    return run_suite(fixture_suite("cell_enqueue_refuse", tests, sizeof tests / sizeof tests[0]), true);
}
