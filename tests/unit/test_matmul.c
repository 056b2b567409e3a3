// SPDX-License-Identifier: Apache-2.0
// C += A * B^T against a reference in double: around tile edges, with offsets and wide rows, one row, NaN and infinity; first
// use by several threads at once.
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/memory.h"
#include "matmul/matmul.h"
#include "runner.h"

#include <clblast_c.h>

static oclstm_device *device;

static void make_device(void) {
    oclstm_error error = {0};
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
}

static void close_device(void) { oclstm_device_close(&device); }

// --- one product ------------------------------------------------------------------------------------------------------

// A matrix in host memory as doubles, with rows `stride` apart from `offset` on; what lies between is filler.
typedef struct matrix {
    size_t rows, columns, stride, offset, elements;
    double *values;
} matrix;

#define FILLER 1e30

static double next_random(uint64_t *seed) {
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (double)(*seed >> 40) / (1 << 24) * 2 - 1; // exact in float32
}

static matrix make_matrix(size_t rows, size_t columns, size_t extra, size_t offset, uint64_t *seed) {
    matrix m = {rows, columns, columns + extra, offset, offset + rows * (columns + extra) + 5, NULL};
    m.values = base_alloc(m.elements, sizeof(double));
    ck_assert_ptr_nonnull(m.values);
    for (size_t at = 0; at < m.elements; at++)
        m.values[at] = (double)(float)FILLER;
    for (size_t row = 0; row < rows; row++) {
        for (size_t column = 0; column < columns; column++)
            m.values[offset + row * m.stride + column] = next_random(seed);
    }
    return m;
}

static double *at(const matrix *m, size_t row, size_t column) { return &m->values[m->offset + row * m->stride + column]; }

static cl_mem upload(oclstm_device *on, oclstm_dtype dtype, const matrix *m) {
    oclstm_error error = {0};
    cl_mem mem;
    size_t size_bytes = m->elements * oclstm_dtype_size_bytes(dtype);
    float *singles = base_alloc(m->elements, sizeof(float));
    ck_assert_ptr_nonnull(singles);
    for (size_t i = 0; i < m->elements; i++)
        singles[i] = (float)m->values[i];
    ck_assert_int_eq(device_buffer_create(&mem, on, CL_MEM_READ_WRITE, size_bytes, "a matrix", &error), OCLSTM_OK);
    const void *host = dtype == OCLSTM_F64 ? (const void *)m->values : (const void *)singles;
    ck_assert_int_eq(device_write(on, mem, 0, host, size_bytes, "a matrix", &error), OCLSTM_OK);
    free(singles);
    return mem;
}

static void download(oclstm_device *on, oclstm_dtype dtype, cl_mem mem, double *values, size_t elements) {
    oclstm_error error = {0};
    if (dtype == OCLSTM_F64) {
        ck_assert_int_eq(device_read(on, values, mem, 0, elements * sizeof(double), "a matrix", &error), OCLSTM_OK);
        return;
    }
    float *singles = base_alloc(elements, sizeof(float));
    ck_assert_ptr_nonnull(singles);
    ck_assert_int_eq(device_read(on, singles, mem, 0, elements * sizeof(float), "a matrix", &error), OCLSTM_OK);
    for (size_t i = 0; i < elements; i++)
        values[i] = (double)singles[i];
    free(singles);
}

// NaN and infinity must be at the same places; the rest within a tolerance that grows with the k terms summed.
static bool is_close(double found, double expected, double tolerance) {
    if (isnan(expected) || isinf(expected))
        return isnan(expected) ? isnan(found) : found == expected;
    return fabs(found - expected) <= tolerance * (1 + fabs(expected));
}

typedef struct product {
    oclstm_dtype dtype;
    size_t m, n, k;
    size_t extra; // elements between rows
    size_t offset;
    bool prepared;    // matmul_prepare() came first
    double a_special; // != 0: stands in A's first element
    double b_special; // != 0: stands in B's last element
} product;

// Of a large product the reference computes the first and last rows and some between: it takes seconds for all.
static bool is_checked(const product *p, size_t row) {
    return p->m * p->n * p->k < 4000000 || row < 2 || row + 2 >= p->m || row % 97 == 0;
}

static void compare(const product *p, const matrix *c, const double *found, const double *expected) {
    double tolerance = (p->dtype == OCLSTM_F64 ? 2.3e-16 : 1.2e-7) * (double)(p->k + 4);
    for (size_t i = 0; i < c->elements; i++) {
        bool in_rows = i >= c->offset && i < c->offset + c->rows * c->stride;
        size_t row = in_rows ? (i - c->offset) / c->stride : 0, column = in_rows ? (i - c->offset) % c->stride : c->columns;
        if (column < c->columns && !is_checked(p, row))
            continue;
        ck_assert_msg(is_close(found[i], expected[i], tolerance),
                      "%s m %zu n %zu k %zu extra %zu offset %zu: element %zu is %.9g, expected %.9g (%s)",
                      oclstm_dtype_name(p->dtype), p->m, p->n, p->k, p->extra, p->offset, i, found[i], expected[i],
                      device_get_limits(device)->name);
    }
}

static void multiply(oclstm_device *on, const product *p, const matrix *a, const matrix *b, const matrix *c, double *found) {
    oclstm_error error = {0};
    const matmul_shape shape = {p->dtype, p->m, p->n, p->k, a->stride, b->stride, c->stride, MATMUL_NT, false};
    size_t temporary_bytes = 0;
    cl_mem temporary = NULL;
    if (p->prepared)
        ck_assert_msg(matmul_prepare(on, &shape, &temporary_bytes, &error) == OCLSTM_OK, "%s", error.message);
    if (temporary_bytes)
        ck_assert_int_eq(device_buffer_create(&temporary, on, CL_MEM_READ_WRITE, temporary_bytes, "t", &error), OCLSTM_OK);
    cl_mem a_dev = upload(on, p->dtype, a), b_dev = upload(on, p->dtype, b), c_dev = upload(on, p->dtype, c);
    ck_assert_msg(matmul_enqueue(on, &shape, (matmul_operand){a_dev, a->offset}, (matmul_operand){b_dev, b->offset},
                                 (matmul_operand){c_dev, c->offset}, temporary, &error) == OCLSTM_OK,
                  "%s", error.message);
    download(on, p->dtype, c_dev, found, c->elements);
    device_buffer_release(on, &a_dev);
    device_buffer_release(on, &b_dev);
    device_buffer_release(on, &c_dev);
    device_buffer_release(on, &temporary);
}

static void check_product(oclstm_device *on, const product *p) {
    uint64_t seed = p->m * 1000003 + p->n * 1009 + p->k;
    matrix a = make_matrix(p->m, p->k, p->extra, p->offset, &seed), b = make_matrix(p->n, p->k, p->extra, p->offset, &seed);
    matrix c = make_matrix(p->m, p->n, p->extra, p->offset, &seed);
    if (p->a_special != 0)
        *at(&a, 0, 0) = p->a_special;
    if (p->b_special != 0)
        *at(&b, p->n - 1, p->k - 1) = p->b_special;
    double *expected = base_alloc(c.elements, sizeof(double)), *found = base_alloc(c.elements, sizeof(double));
    ck_assert(expected && found);
    memcpy(expected, c.values, c.elements * sizeof(double));
    for (size_t row = 0; row < p->m; row++) {
        for (size_t column = 0; column < p->n && is_checked(p, row); column++) {
            double sum = 0;
            for (size_t i = 0; i < p->k; i++)
                sum += *at(&a, row, i) * *at(&b, column, i);
            expected[c.offset + row * c.stride + column] += sum;
        }
    }
    multiply(on, p, &a, &b, &c, found);
    compare(p, &c, found, expected);
    free(a.values);
    free(b.values);
    free(c.values);
    free(expected);
    free(found);
}

static void check_dtypes(product p) {
    p.dtype = OCLSTM_F32;
    check_product(device, &p);
    p.dtype = OCLSTM_F64;
    if (device_get_limits(device)->has_fp64)
        check_product(device, &p);
}

// --- shapes -----------------------------------------------------------------------------------------------------------

START_TEST(every_side_around_tile_edges) {
    static const size_t edges[] = {1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_dtypes((product){.m = edges[i], .n = 20, .k = 9, .prepared = true});
        check_dtypes((product){.m = 5, .n = edges[i], .k = 9, .prepared = true});
        check_dtypes((product){.m = 5, .n = 20, .k = edges[i], .prepared = true});
        check_dtypes((product){.m = edges[i], .n = edges[i], .k = edges[i], .extra = i % 3, .offset = i % 4, .prepared = true});
    }
}
END_TEST

START_TEST(offsets_and_wide_rows) {
    for (size_t offset = 0; offset < 4; offset++) {
        for (size_t extra = 0; extra < 3; extra++) {
            check_dtypes((product){.m = 4, .n = 40, .k = 10, .extra = extra, .offset = offset, .prepared = true});
            check_dtypes((product){.m = 1, .n = 64, .k = 64, .extra = extra, .offset = offset, .prepared = true});
        }
    }
}
END_TEST

START_TEST(one_row) {
    static const size_t edges[] = {1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 256, 512, 1024};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        check_dtypes((product){.m = 1, .n = edges[i], .k = 33, .prepared = true});
        check_dtypes((product){.m = 1, .n = 129, .k = edges[i], .prepared = true});
        check_dtypes((product){.m = 1, .n = edges[i], .k = edges[i], .prepared = true}); // CLBlast's fast kernel where sizes allow
    }
}
END_TEST

// Beyond 896 (float32) and 1152 (float64) cubed CLBlast's defaults pad and transpose into the temporary buffer.
START_TEST(large_products_use_the_temporary_buffer) {
    oclstm_error error = {0};
    const matmul_shape shape = {OCLSTM_F32, 3000, 2100, 150, 150, 150, 2100, MATMUL_NT, false};
    size_t temporary_bytes = 0;
    ck_assert_int_eq(matmul_prepare(device, &shape, &temporary_bytes, &error), OCLSTM_OK);
    check_product(device, &(product){.dtype = OCLSTM_F32, .m = 3000, .n = 2100, .k = 150, .prepared = true});
    check_product(device,
                  &(product){.dtype = OCLSTM_F32, .m = 3000, .n = 2100, .k = 150, .extra = 1, .offset = 3, .prepared = true});
    if (device_get_limits(device)->has_fp64)
        check_product(device, &(product){.dtype = OCLSTM_F64, .m = 3001, .n = 2500, .k = 205, .prepared = true});
}
END_TEST

START_TEST(nan_and_infinity_stay_in_their_place) {
    const double inf = (double)INFINITY, nan_value = (double)NAN;
    check_dtypes((product){.m = 17, .n = 33, .k = 19, .a_special = nan_value, .prepared = true});
    check_dtypes((product){.m = 17, .n = 33, .k = 19, .a_special = inf, .b_special = -inf, .prepared = true});
    check_dtypes((product){.m = 1, .n = 64, .k = 64, .a_special = inf, .prepared = true});
    check_dtypes((product){.m = 1, .n = 33, .k = 19, .b_special = nan_value, .prepared = true});
    check_product(device, &(product){.dtype = OCLSTM_F32,
                                     .m = 3001,
                                     .n = 2001,
                                     .k = 127,
                                     .a_special = nan_value,
                                     .b_special = inf,
                                     .prepared = true}); // through padded copies
}
END_TEST

START_TEST(without_prepare) {
    check_dtypes((product){.m = 3, .n = 5, .k = 7});
    check_dtypes((product){.m = 1, .n = 5, .k = 7});
}
END_TEST

// --- refusals ---------------------------------------------------------------------------------------------------------

START_TEST(sizes_beyond_the_kernels_index) {
    oclstm_error error = {0};
    size_t temporary_bytes;
    const size_t k = 1024;
    const matmul_shape shape = {OCLSTM_F32, MATMUL_MAX_ELEMENTS / k + 2, 8, k, k, k, 8, MATMUL_NT, false};
    ck_assert_int_eq(matmul_prepare(device, &shape, &temporary_bytes, &error), OCLSTM_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "2147483647"));
    const matmul_shape huge = {OCLSTM_F32, SIZE_MAX, 8, SIZE_MAX, SIZE_MAX, SIZE_MAX, 8, MATMUL_NT, false};
    ck_assert_int_eq(matmul_prepare(device, &huge, &temporary_bytes, &error), OCLSTM_UNSUPPORTED);
    const matmul_shape small = {OCLSTM_F32, 2, 2, 2, 2, 2, 2, MATMUL_NT, false};
    ck_assert_int_eq(matmul_enqueue(device, &small, (matmul_operand){NULL, 0}, (matmul_operand){NULL, 0},
                                    (matmul_operand){NULL, MATMUL_MAX_ELEMENTS}, NULL, &error),
                     OCLSTM_UNSUPPORTED);
}
END_TEST

START_TEST(clblast_codes_have_names) {
    oclstm_error error = {0};
    const matmul_shape shape = {OCLSTM_F32, 4, 4, 4, 4, 4, 4, MATMUL_NT, false};
    size_t temporary_bytes;
    cl_mem mem;
    ck_assert_int_eq(matmul_prepare(device, &shape, &temporary_bytes, &error), OCLSTM_OK);
    ck_assert_int_eq(device_buffer_create(&mem, device, CL_MEM_READ_WRITE, 16 * 4, "too small", &error), OCLSTM_OK);
    const matmul_operand first = {mem, 0}, outside = {mem, 1};
    ck_assert_int_eq(matmul_enqueue(device, &shape, first, first, outside, NULL, &error), OCLSTM_OPENCL);
    ck_assert_str_eq(error.opencl_name, "CLBlastInsufficientMemoryC");
    ck_assert_int_eq(error.opencl_code, CLBlastInsufficientMemoryC);
    ck_assert_str_eq(error.call, "CLBlastSgemmWithTempBuffer");
    ck_assert_str_eq(error.device, device_get_limits(device)->name);
    ck_assert_int_eq(matmul_enqueue(device, &shape, first, first, outside, NULL, NULL), OCLSTM_OPENCL);
    device_buffer_release(device, &mem);
}
END_TEST

// What is counted before CLBlast is asked is never less than what it then asks for.
START_TEST(the_counted_temporary_is_enough) {
    static const size_t sizes[] = {2, 3, 31, 64, 65, 127, 128, 129, 500, 1024};
    if (!matmul_supported(device_get_limits(device), OCLSTM_F32, (char[256]){""}, 256))
        return;
    for (int i = 0; i < 10 * 10 * 10; i += 7) {
        const size_t m = sizes[i % 10], n = sizes[i / 10 % 10], k = sizes[i / 100];
        const matmul_shape shape = {OCLSTM_F32, m, n, k, k + 1, k + 1, n + 1, MATMUL_NT, false};
        size_t asked = 0;
        oclstm_error error = {0};
        ck_assert_int_eq(matmul_prepare(device, &shape, &asked, &error), OCLSTM_OK);
        ck_assert_msg(asked <= matmul_most_temporary(&shape) * sizeof(float), "%zu x %zu x %zu: %zu bytes asked, %zu counted", m, n,
                      k, asked, matmul_most_temporary(&shape) * sizeof(float));
    }
    const matmul_shape row = {.dtype = OCLSTM_F32, .m = 1, .n = 64, .k = 64}, huge = {.m = SIZE_MAX, .n = 2, .k = 2};
    ck_assert_uint_eq(matmul_most_temporary(&row), 0);
    ck_assert_uint_eq(matmul_most_temporary(&huge), SIZE_MAX);
}
END_TEST

START_TEST(what_is_supported) {
    char why[128] = "";
    device_limits limits = *device_get_limits(device);
    limits.has_fp64 = true;
    limits.max_work_group_size = limits.max_work_item_sizes[0] = limits.max_work_item_sizes[1] = 256;
    limits.local_memory_bytes = 16384;
    ck_assert(matmul_supported(&limits, OCLSTM_F32, why, sizeof why) && matmul_supported(&limits, OCLSTM_F64, why, sizeof why));
    ck_assert(!matmul_supported(&limits, OCLSTM_F16, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "float16"));
    limits.local_memory_bytes = 8192;
    ck_assert(matmul_supported(&limits, OCLSTM_F32, why, sizeof why) && !matmul_supported(&limits, OCLSTM_F64, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "16384 bytes of local memory"));
    limits.local_memory_bytes = 16384;
    limits.has_fp64 = false;
    ck_assert(!matmul_supported(&limits, OCLSTM_F64, why, sizeof why));
    limits.max_work_item_sizes[1] = 8;
    ck_assert(!matmul_supported(&limits, OCLSTM_F32, why, sizeof why));
    limits.max_work_item_sizes[1] = 256;
    limits.max_work_group_size = 64;
    ck_assert(!matmul_supported(&limits, OCLSTM_F32, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "work-groups of 256"));
}
END_TEST

// --- threads ----------------------------------------------------------------------------------------------------------

enum { THREADS = 4 };
static pthread_barrier_t start_line;

typedef struct thread_job {
    oclstm_device *own;
    size_t m;
    int failures;
} thread_job;

// CLBlast's calls pass here (--wrap): the first one in each context may not meet the first one in another.
static atomic_int first_calls_in_flight, first_calls_met, seen_count;
static cl_context seen[64];
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static bool is_first_call(cl_command_queue queue) {
    cl_context context = NULL;
    if (clGetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof(cl_context), &context, NULL) != CL_SUCCESS)
        return false;
    pthread_mutex_lock(&seen_lock);
    int found = 0;
    while (found < seen_count && seen[found] != context)
        found++;
    bool first = found == seen_count && found < 64;
    if (first)
        seen[seen_count++] = context;
    pthread_mutex_unlock(&seen_lock);
    return first;
}

static void enter_call(bool first) {
    if (first && atomic_fetch_add(&first_calls_in_flight, 1) > 0)
        first_calls_met++;
    if (first)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
}

static void leave_call(bool first) {
    if (first)
        first_calls_in_flight--;
}

#define GEMM_ARGUMENTS(X)                                                                                                          \
    X(CLBlastLayout, layout), X(CLBlastTranspose, a_transpose), X(CLBlastTranspose, b_transpose), X(size_t, m), X(size_t, n),      \
        X(size_t, k), X(float, alpha), X(cl_mem, a), X(size_t, a_offset), X(size_t, lda), X(cl_mem, b), X(size_t, b_offset),       \
        X(size_t, ldb), X(float, beta), X(cl_mem, c), X(size_t, c_offset), X(size_t, ldc), X(cl_command_queue *, queue),           \
        X(cl_event *, event), X(cl_mem, temporary)
#define GEMV_ARGUMENTS(X)                                                                                                          \
    X(CLBlastLayout, layout), X(CLBlastTranspose, a_transpose), X(size_t, m), X(size_t, n), X(float, alpha), X(cl_mem, a),         \
        X(size_t, a_offset), X(size_t, lda), X(cl_mem, x), X(size_t, x_offset), X(size_t, x_step), X(float, beta), X(cl_mem, y),   \
        X(size_t, y_offset), X(size_t, y_step), X(cl_command_queue *, queue), X(cl_event *, event)
#define DECLARE(type, name) type name
#define PASS(type, name)    name
#define WRAP(function, ARGUMENTS)                                                                                                  \
    CLBlastStatusCode __real_##function(ARGUMENTS(DECLARE));                                                                       \
    CLBlastStatusCode __wrap_##function(ARGUMENTS(DECLARE));                                                                       \
    CLBlastStatusCode __wrap_##function(ARGUMENTS(DECLARE)) {                                                                      \
        bool first = is_first_call(*queue);                                                                                        \
        enter_call(first);                                                                                                         \
        CLBlastStatusCode code = __real_##function(ARGUMENTS(PASS));                                                               \
        leave_call(first);                                                                                                         \
        return code;                                                                                                               \
    }
WRAP(CLBlastSgemmWithTempBuffer, GEMM_ARGUMENTS)
WRAP(CLBlastSgemv, GEMV_ARGUMENTS)

// No Check assertions here: they may not fail in a thread.
static void *first_use_in_thread(void *argument) {
    thread_job *job = argument;
    oclstm_error error = {0};
    const matmul_shape shape = {OCLSTM_F32, job->m, 2, 2, 2, 2, 2, MATMUL_NT, false};
    const float host[12] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0};
    float found[12] = {0};
    cl_mem mem = NULL;
    job->failures += device_buffer_create(&mem, job->own, CL_MEM_READ_WRITE, sizeof host, "x", &error) != OCLSTM_OK;
    job->failures += device_write(job->own, mem, 0, host, sizeof host, "x", &error) != OCLSTM_OK;
    pthread_barrier_wait(&start_line);
    job->failures += matmul_enqueue(job->own, &shape, (matmul_operand){mem, 0}, (matmul_operand){mem, 4}, (matmul_operand){mem, 8},
                                    NULL, &error) != OCLSTM_OK;
    job->failures += device_read(job->own, found, mem, 0, sizeof found, "x", &error) != OCLSTM_OK;
    for (size_t i = 0; i < job->m * 2; i++)
        job->failures += found[8 + i] < 2 || found[8 + i] > 2;
    device_buffer_release(job->own, &mem);
    return NULL;
}

static void meet_at_first_use(size_t m) {
    pthread_t threads[THREADS];
    thread_job jobs[THREADS] = {{0}};
    ck_assert_int_eq(pthread_barrier_init(&start_line, NULL, THREADS), 0);
    seen_count = first_calls_met = 0;
    for (int i = 0; i < THREADS; i++) {
        jobs[i].m = m;
        ck_assert_int_eq(oclstm_device_open(&jobs[i].own, test_device(), NULL), OCLSTM_OK);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, first_use_in_thread, &jobs[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(jobs[i].failures, 0);
        oclstm_device_close(&jobs[i].own);
    }
    pthread_barrier_destroy(&start_line);
    ck_assert_int_eq(seen_count, THREADS);
    ck_assert_int_eq(first_calls_met, 0);
}

// Each round is a first use again: the cache goes with the last device.
START_TEST(threads_meet_at_the_first_use) {
    oclstm_device_close(&device);
    for (int round = 0; round < 3; round++) {
        meet_at_first_use(2);
        meet_at_first_use(1);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("matmul");
    TCase *tests = tcase_create("matmul");
    tcase_add_checked_fixture(tests, make_device, close_device);
    tcase_set_timeout(tests, 600);
    tcase_add_test(tests, threads_meet_at_the_first_use);
    tcase_add_test(tests, every_side_around_tile_edges);
    tcase_add_test(tests, offsets_and_wide_rows);
    tcase_add_test(tests, one_row);
    tcase_add_test(tests, large_products_use_the_temporary_buffer);
    tcase_add_test(tests, nan_and_infinity_stay_in_their_place);
    tcase_add_test(tests, without_prepare);
    tcase_add_test(tests, sizes_beyond_the_kernels_index);
    tcase_add_test(tests, clblast_codes_have_names);
    tcase_add_test(tests, the_counted_temporary_is_enough);
    tcase_add_test(tests, what_is_supported);
    suite_add_tcase(suite, tests);
    return suite;
}

// False on a device that is there and too small.
static bool can_run(char *why, size_t capacity) {
    oclstm_device *opened = NULL;
    if (oclstm_device_open(&opened, test_device(), NULL) != OCLSTM_OK)
        return true; // the runner says what is wrong
    bool can = matmul_supported(device_get_limits(opened), OCLSTM_F32, why, capacity);
    oclstm_device_close(&opened);
    return can;
}

int main(void) {
    char why[128];
    if (can_run(why, sizeof why))
        return run_suite(make_suite(), true);
    printf("1..0 # SKIP %s\n", why);
    return 0;
}
