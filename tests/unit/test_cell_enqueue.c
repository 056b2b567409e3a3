// SPDX-License-Identifier: Apache-2.0
// Steps and sequences on the caller's own context, queue and buffers, gated by the caller's events.
#include <oclstm/opencl.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cell/plan.h"
#include "cell_fixture.h"

// What a caller has: everything made by plain OpenCL calls.
typedef struct caller {
    cl_context context;
    cl_device_id id;
    cl_command_queue queue; // the one to read and write with
    oclstm_device *device;
} caller;

static cl_command_queue make_queue(cl_context context, cl_device_id id) {
    cl_int code;
    cl_command_queue queue = clCreateCommandQueue(context, id, 0, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    return queue;
}

// own_queue: the library uses the caller's queue; otherwise it makes its own.
static caller caller_open(bool own_queue) {
    caller out = {.id = oclstm_device_get_id(fixture_device())};
    cl_int code;
    oclstm_error error = {0};
    out.context = clCreateContext(NULL, 1, &out.id, NULL, NULL, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    out.queue = make_queue(out.context, out.id);
    expect_ok(oclstm_device_wrap(&out.device, out.context, out.id, own_queue ? out.queue : NULL, &error), &error);
    ck_assert_ptr_eq(oclstm_device_get_context(out.device), out.context);
    ck_assert_ptr_eq(oclstm_device_get_id(out.device), out.id);
    ck_assert_int_eq(oclstm_device_get_queue(out.device) == out.queue, own_queue);
    return out;
}

static void caller_close(caller *own) {
    oclstm_device_close(&own->device);
    ck_assert_int_eq(clReleaseCommandQueue(own->queue), CL_SUCCESS);
    ck_assert_int_eq(clReleaseContext(own->context), CL_SUCCESS);
}

// --- buffers --------------------------------------------------------------------------------------------------------------------

enum { X, H, C, Y, H_OUT, C_OUT, PARTS };
enum { GUARD = 16 }; // as many elements behind each part as the fixture keeps

typedef struct buffer_set {
    cl_mem mem[PARTS];
    size_t offset[PARTS];
} buffer_set;

static cell_values *part_of(cell_problem *problem, int part) {
    cell_values *const parts[] = {&problem->x, &problem->h, &problem->c, &problem->y, &problem->h_out, &problem->c_out};
    return parts[part];
}

static bool is_asked_for(const cell_case *shape, int part) {
    const bool absent[] = {false, shape->no_state, shape->no_state, shape->without_y, shape->without_h_out, shape->without_c_out};
    return !absent[part] && !(shape->in_place && part >= H_OUT);
}

// A buffer for each part of the call: `offset` elements that stay, the part, GUARD elements that stay.
static buffer_set make_buffers(const caller *own, cell_problem *problem, const size_t *offsets) {
    buffer_set out = {{NULL}, {0}};
    for (int part = 0; part < PARTS; part++) {
        const cell_values *values = part_of(problem, part);
        const size_t size = oclstm_dtype_size_bytes(values->dtype), count = (size_t)values->count + GUARD;
        if (!is_asked_for(&problem->shape, part))
            continue;
        cl_int code;
        out.offset[part] = offsets[part];
        out.mem[part] = clCreateBuffer(own->context, CL_MEM_READ_WRITE, (offsets[part] + count) * size, NULL, &code);
        ck_assert_int_eq(code, CL_SUCCESS);
        unsigned char *front = fixture_alloc(offsets[part] + 1, size);
        memset(front, 0xA5, (offsets[part] + 1) * size);
        if (offsets[part] > 0)
            ck_assert_int_eq(
                clEnqueueWriteBuffer(own->queue, out.mem[part], CL_TRUE, 0, offsets[part] * size, front, 0, NULL, NULL),
                CL_SUCCESS);
        free(front);
        ck_assert_int_eq(clEnqueueWriteBuffer(own->queue, out.mem[part], CL_TRUE, offsets[part] * size, count * size, values->data,
                                              0, NULL, NULL),
                         CL_SUCCESS);
    }
    return out;
}

// Reads every part, guards and all, to where the problem compares it, and looks at what lies in front of it.
static void read_buffers(const caller *own, cell_problem *problem, const buffer_set *buffers) {
    for (int part = 0; part < PARTS; part++) {
        cell_values *values = part_of(problem, part);
        const size_t size = oclstm_dtype_size_bytes(values->dtype), count = (size_t)values->count + GUARD;
        if (buffers->mem[part] == NULL)
            continue;
        const size_t front_bytes = buffers->offset[part] * size;
        unsigned char *front = fixture_alloc(front_bytes + 1, 1);
        if (front_bytes > 0)
            ck_assert_int_eq(clEnqueueReadBuffer(own->queue, buffers->mem[part], CL_TRUE, 0, front_bytes, front, 0, NULL, NULL),
                             CL_SUCCESS);
        for (size_t i = 0; i < front_bytes; i++)
            ck_assert_msg(front[i] == 0xA5, "part %d was written in front of its offset", part);
        free(front);
        ck_assert_int_eq(
            clEnqueueReadBuffer(own->queue, buffers->mem[part], CL_TRUE, front_bytes, count * size, values->data, 0, NULL, NULL),
            CL_SUCCESS);
    }
}

static void release_buffers(buffer_set *buffers) {
    for (int part = 0; part < PARTS; part++) {
        if (buffers->mem[part] != NULL)
            clReleaseMemObject(buffers->mem[part]);
        buffers->mem[part] = NULL;
    }
}

static oclstm_buffers call_of(const cell_case *shape, const buffer_set *set) {
    oclstm_buffer places[PARTS];
    for (int part = 0; part < PARTS; part++)
        places[part] = (oclstm_buffer){set->mem[part], set->offset[part]};
    if (shape->in_place)
        places[H_OUT] = places[H], places[C_OUT] = places[C];
    return (oclstm_buffers){.batch = shape->batch,
                            .steps = shape->steps,
                            .batch_first = shape->batch_first,
                            .x = places[X],
                            .h = places[H],
                            .c = places[C],
                            .y = places[Y],
                            .h_out = places[H_OUT],
                            .c_out = places[C_OUT]};
}

static const size_t no_offsets[PARTS] = {0}, some_offsets[PARTS] = {5, 1, 64, 3, 17, 2};

// The inputs must not change, except where results were asked for in their place.
static void expect_inputs_unchanged(cell_problem *problem) {
    for (int part = X; part <= C; part++) {
        const cell_values *values = part_of(problem, part);
        if (problem->shape.in_place && part != X)
            continue;
        for (int64_t i = 0; i < values->count; i++)
            ck_assert_msg(cell_values_get(values, i) == values->wide[i], "part %d was changed at %d", part, (int)i);
    }
}

// Enqueues the case, waits for its event, compares.
static void check_enqueued(const caller *own, const cell_case *shape, const size_t *offsets) {
    cell_problem *problem = problem_create(shape);
    oclstm_cell *cell = problem_cell(problem, own->device);
    buffer_set set = make_buffers(own, problem, offsets);
    const oclstm_buffers call = call_of(shape, &set);
    cl_event event = NULL;
    oclstm_error error = {0};
    problem_solve(problem);
    expect_ok(oclstm_cell_enqueue(cell, &call, 0, NULL, &event, &error), &error);
    ck_assert_ptr_nonnull(event);
    ck_assert_int_eq(clWaitForEvents(1, &event), CL_SUCCESS);
    ck_assert_int_eq(clReleaseEvent(event), CL_SUCCESS);
    read_buffers(own, problem, &set);
    problem->shape.steps = shape->steps > 0 ? shape->steps : 1; // so that y is compared
    problem_compare(problem, cell);
    if (shape->engine != OCLSTM_ENGINE_AUTO)
        ck_assert_int_eq(oclstm_cell_last_engine(cell), shape->engine);
    expect_inputs_unchanged(problem);
    release_buffers(&set);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}

// For both kinds of device, each dtype and engine: the case with and without offsets, in both orders.
static void check_everywhere(cell_case shape) {
    for (int own_queue = 0; own_queue < 2; own_queue++) {
        caller own = caller_open(own_queue == 1);
        for (int dtype = OCLSTM_F32; dtype <= (fixture_has_fp64() ? OCLSTM_F64 : OCLSTM_F32); dtype++) {
            for (const oclstm_engine *engine = fixture_engines((oclstm_dtype)dtype); *engine != OCLSTM_ENGINE_AUTO; engine++) {
                shape.dtype = (oclstm_dtype)dtype;
                shape.engine = *engine;
                for (int variant = 0; variant < 4; variant++) {
                    shape.batch_first = variant % 2 == 1;
                    check_enqueued(&own, &shape, variant < 2 ? no_offsets : some_offsets);
                }
            }
        }
        caller_close(&own);
    }
}

START_TEST(a_step) {
    check_everywhere((cell_case){.input = 10, .hidden = 33, .batch = 5});
    check_everywhere((cell_case){.input = 10, .hidden = 33, .batch = 1, .steps = 1});
}
END_TEST

START_TEST(a_sequence) { check_everywhere((cell_case){.input = 10, .hidden = 33, .batch = 5, .steps = 7}); }
END_TEST

START_TEST(a_sequence_in_slices) {
    const size_t kept = plan_slice_bytes;
    plan_slice_bytes = 3 * 5 * 4 * 33 * sizeof(float); // 3 steps of float32, 1 of float64
    check_everywhere((cell_case){.input = 10, .hidden = 33, .batch = 5, .steps = 7});
    check_everywhere((cell_case){.input = 10, .hidden = 33, .batch = 5, .steps = 7, .in_place = true});
    plan_slice_bytes = kept;
}
END_TEST

START_TEST(results_in_the_place_of_h_and_c) {
    check_everywhere((cell_case){.input = 4, .hidden = 9, .batch = 3, .in_place = true});
    check_everywhere((cell_case){.input = 4, .hidden = 9, .batch = 3, .steps = 4, .in_place = true});
    check_everywhere((cell_case){.input = 4, .hidden = 9, .batch = 3, .steps = 1, .in_place = true, .without_y = true});
}
END_TEST

START_TEST(absent_buffers) {
    caller own = caller_open(true);
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int mask = 0; mask < 16; mask++) {
            for (int64_t steps = 0; steps < 6; steps += 5) {
                const cell_case shape = {.input = 4,
                                         .hidden = 9,
                                         .batch = 3,
                                         .steps = steps,
                                         .engine = *engine,
                                         .without_y = (mask & 1) != 0,
                                         .without_h_out = (mask & 2) != 0,
                                         .without_c_out = (mask & 4) != 0,
                                         .no_state = (mask & 8) != 0};
                check_enqueued(&own, &shape, some_offsets);
            }
        }
    }
    caller_close(&own);
}
END_TEST

START_TEST(nan_stays_in_its_row) {
    caller own = caller_open(true);
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 6, .hidden = 20, .batch = 4, .steps = 5, .engine = *engine, .batch_first = true};
        cell_problem *problem = problem_create(&shape);
        cell_values_set(&problem->x, 6 * 5 + 6 * 2, (double)NAN); // row 1, step 2
        oclstm_cell *cell = problem_cell(problem, own.device);
        buffer_set set = make_buffers(&own, problem, some_offsets);
        const oclstm_buffers call = call_of(&shape, &set);
        oclstm_error error = {0};
        problem_solve(problem);
        expect_ok(oclstm_cell_enqueue(cell, &call, 0, NULL, NULL, &error), &error); // no event asked for
        ck_assert_int_eq(clFinish(own.queue), CL_SUCCESS);
        read_buffers(&own, problem, &set);
        problem_compare(problem, cell);
        release_buffers(&set);
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
    }
    caller_close(&own);
}
END_TEST

// --- events ---------------------------------------------------------------------------------------------------------------------

// Sets the user event after a long time, so that a call that waits for it makes the test fail, not hang.
typedef struct watchdog {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    cl_event event;
    bool done, fired;
} watchdog;

static void *watch(void *argument) {
    watchdog *own = argument;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    pthread_mutex_lock(&own->lock);
    int code = 0;
    while (!own->done && code == 0)
        code = pthread_cond_timedwait(&own->changed, &own->lock, &until);
    own->fired = !own->done;
    if (own->fired)
        clSetUserEventStatus(own->event, CL_COMPLETE);
    pthread_mutex_unlock(&own->lock);
    return NULL;
}

static void watchdog_start(watchdog *own, cl_event event) {
    *own = (watchdog){.event = event};
    pthread_mutex_init(&own->lock, NULL);
    pthread_cond_init(&own->changed, NULL);
    ck_assert_int_eq(pthread_create(&own->thread, NULL, watch, own), 0);
}

// True when the event had to be set for the call to come back.
static bool watchdog_stop(watchdog *own) {
    pthread_mutex_lock(&own->lock);
    own->done = true;
    pthread_cond_signal(&own->changed);
    pthread_mutex_unlock(&own->lock);
    pthread_join(own->thread, NULL);
    pthread_cond_destroy(&own->changed);
    pthread_mutex_destroy(&own->lock);
    return own->fired;
}

static cl_int event_state(cl_event event) {
    cl_int state = -1;
    ck_assert_int_eq(clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL), CL_SUCCESS);
    return state;
}

// Where the caller's user event stands in the way of the call.
typedef enum gate { GATE_WAIT_LIST, GATE_IN_FRONT } gate;

// The first call of a cell, and on its device, must come back although the event is not set; nothing may have run by then; all of it runs
// afterwards.
static void check_gated(oclstm_engine engine, bool own_queue, gate where, bool in_place) {
    const cell_case shape = {
        .input = 4, .hidden = 9, .batch = 3, .steps = 4, .engine = engine, .batch_first = true, .in_place = in_place};
    caller own = caller_open(own_queue);
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, own.device);
    buffer_set set = make_buffers(&own, problem, some_offsets);
    const oclstm_buffers call = call_of(&shape, &set);
    oclstm_error error = {0};
    cl_event event = NULL;
    cl_int code;
    cl_event start = clCreateUserEvent(own.context, &code);
    ck_assert_int_eq(code, CL_SUCCESS);
    problem_solve(problem);
    if (where == GATE_IN_FRONT) { // something of the caller's in the queue already waits for it
        ck_assert_int_eq(clEnqueueBarrierWithWaitList(oclstm_device_get_queue(own.device), 1, &start, NULL), CL_SUCCESS);
    }
    watchdog dog;
    watchdog_start(&dog, start);
    const oclstm_status status = where == GATE_WAIT_LIST ? oclstm_cell_enqueue(cell, &call, 1, &start, &event, &error)
                                                         : oclstm_cell_enqueue(cell, &call, 0, NULL, &event, &error);
    const bool waited = watchdog_stop(&dog);
    expect_ok(status, &error);
    ck_assert_msg(!waited, "engine %s: the call waited for the caller's event", oclstm_engine_name(engine));
    ck_assert_int_gt(event_state(event), CL_COMPLETE); // queued, submitted or running
    // By another queue: the results are as they were.
    caller reader = {.context = own.context, .queue = make_queue(own.context, own.id)};
    read_buffers(&reader, problem, &set);
    expect_inputs_unchanged(problem);
    for (int part = in_place ? H : Y; part <= (in_place ? C : C_OUT); part++) {
        const cell_values *values = part_of(problem, part);
        for (int64_t i = 0; i < values->count; i++)
            ck_assert_msg(cell_values_get(values, i) == (in_place ? values->wide[i] : 776.0), "it ran before its event");
    }
    ck_assert_int_eq(clSetUserEventStatus(start, CL_COMPLETE), CL_SUCCESS);
    ck_assert_int_eq(clWaitForEvents(1, &event), CL_SUCCESS);
    ck_assert_int_eq(event_state(event), CL_COMPLETE);
    read_buffers(&reader, problem, &set);
    problem_compare(problem, cell);
    clReleaseEvent(event);
    clReleaseEvent(start);
    release_buffers(&set);
    clReleaseCommandQueue(reader.queue);
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
    caller_close(&own);
}

START_TEST(a_user_event_gates_the_start) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        for (int variant = 0; variant < 4; variant++)
            check_gated(*engine, variant % 2 == 1, GATE_WAIT_LIST, variant >= 2);
    }
}
END_TEST

START_TEST(a_queue_that_is_held_up_does_not_hold_up_the_call) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        check_gated(*engine, true, GATE_IN_FRONT, false);
    }
}
END_TEST

// Two calls in a row without waiting: the second starts from the first one's results, in the same buffers.
START_TEST(calls_follow_each_other) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        const cell_case shape = {.input = 4, .hidden = 9, .batch = 3, .steps = 2, .engine = *engine, .in_place = true};
        caller own = caller_open(false);
        cell_problem *problem = problem_create(&shape);
        oclstm_cell *cell = problem_cell(problem, own.device);
        buffer_set set = make_buffers(&own, problem, no_offsets);
        const oclstm_buffers call = call_of(&shape, &set);
        oclstm_error error = {0};
        cl_event events[2] = {NULL, NULL};
        expect_ok(oclstm_cell_enqueue(cell, &call, 0, NULL, &events[0], &error), &error);
        expect_ok(oclstm_cell_enqueue(cell, &call, 1, events, &events[1], &error), &error);
        ck_assert_int_eq(clWaitForEvents(1, &events[1]), CL_SUCCESS);
        ck_assert_int_eq(event_state(events[0]), CL_COMPLETE);
        read_buffers(&own, problem, &set);
        problem_solve(problem);
        memcpy(problem->h.wide, problem->h_out.wide, (size_t)problem->h.count * sizeof(double));
        memcpy(problem->c.wide, problem->c_out.wide, (size_t)problem->c.count * sizeof(double));
        problem_solve(problem);
        problem_compare(problem, cell);
        clReleaseEvent(events[0]);
        clReleaseEvent(events[1]);
        release_buffers(&set);
        oclstm_cell_destroy(&cell);
        problem_destroy(&problem);
        caller_close(&own);
    }
}
END_TEST

// Calls that have not run yet keep what they need when the cell's plans give way to others.
START_TEST(plans_give_way_to_calls_that_wait) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++) {
        enum { CALLS = 2 * CELL_PLANS + 1 };
        caller own = caller_open(true);
        cell_case shape = {.input = 4, .hidden = 9, .batch = 1, .steps = 3, .engine = *engine};
        cell_problem *problems[CALLS];
        buffer_set sets[CALLS];
        oclstm_error error = {0};
        for (shape.batch = 1; shape.batch < 3; shape.batch++)
            check_enqueued(&own, &shape, no_offsets); // the first use of what the engine is made of
        for (int i = 0; i < CALLS; i++) {
            shape.batch = 1 + i % (CELL_PLANS + 1);
            shape.steps = 1 + i; // so that plans must grow as well
            problems[i] = problem_create(&shape);
            for (int w = 0; w < 4 && i > 0; w++) // the same cell for all
                memcpy(problems[i]->weights[w].wide, problems[0]->weights[w].wide,
                       (size_t)problems[0]->weights[w].count * sizeof(double));
            sets[i] = make_buffers(&own, problems[i], no_offsets);
            problem_solve(problems[i]);
        }
        oclstm_cell *cell = problem_cell(problems[0], own.device);
        cl_int code;
        cl_event start = clCreateUserEvent(own.context, &code);
        ck_assert_int_eq(code, CL_SUCCESS);
        watchdog dog;
        watchdog_start(&dog, start);
        for (int i = 0; i < CALLS; i++) {
            const oclstm_buffers call = call_of(&problems[i]->shape, &sets[i]);
            expect_ok(oclstm_cell_enqueue(cell, &call, i == 0, i == 0 ? &start : NULL, NULL, &error), &error);
        }
        ck_assert(!watchdog_stop(&dog));
        ck_assert_int_eq(clSetUserEventStatus(start, CL_COMPLETE), CL_SUCCESS);
        ck_assert_int_eq(clFinish(own.queue), CL_SUCCESS);
        for (int i = 0; i < CALLS; i++) {
            read_buffers(&own, problems[i], &sets[i]);
            problem_compare(problems[i], cell);
            release_buffers(&sets[i]);
            problem_destroy(&problems[i]);
        }
        clReleaseEvent(start);
        oclstm_cell_destroy(&cell);
        caller_close(&own);
    }
}
END_TEST

int main(void) {
    const TTest *const tests[] = {a_step,
                                  a_sequence,
                                  a_sequence_in_slices,
                                  results_in_the_place_of_h_and_c,
                                  absent_buffers,
                                  nan_stays_in_its_row,
                                  a_user_event_gates_the_start,
                                  a_queue_that_is_held_up_does_not_hold_up_the_call,
                                  calls_follow_each_other,
                                  plans_give_way_to_calls_that_wait};
    return run_suite(fixture_suite("cell_enqueue", tests, sizeof tests / sizeof tests[0]), true);
}
