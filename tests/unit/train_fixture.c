// SPDX-License-Identifier: Apache-2.0
#include "train_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "matmul/matmul.h"
#include "runner.h"

// An array of a case: its values before, the reference's after, and a buffer with a guard in front and behind.
typedef struct bench_array {
    size_t count, offset;
    double *values;
    cl_mem mem;
} bench_array;

static uint64_t random_state = 1;

bool train_bench_open(train_bench *bench, const train_engine *engine, oclstm_dtype dtype) {
    oclstm_error error;
    char why[200];
    *bench = (train_bench){.tolerance = dtype == OCLSTM_F64 ? 1e-13 : 1e-5};
    if (!kernel_bench_open(&bench->bench, "portable.cl", dtype))
        return false;
    oclstm_device *device = bench->bench.device;
    const device_limits *limits = device_get_limits(device);
    if (!device_meets(limits, engine->needs(limits), dtype, why, sizeof why)) {
        kernel_bench_close(&bench->bench);
        return false;
    }
    bench->machine =
        (train_machine){.engine = engine, .device = device, .dtype = dtype, .element_bytes = oclstm_dtype_size_bytes(dtype)};
    ck_assert_msg(engine->create(&bench->machine, &error) == OCLSTM_OK, "%s\n%s", error.message, error.build_log);
    return true;
}

void train_bench_close(train_bench *bench) {
    bench->machine.engine->destroy(&bench->machine);
    kernel_bench_close(&bench->bench);
}

void train_bench_make_copies(const train_bench *bench) {
    const tuned_clblast never_direct = {bench->machine.dtype, "GemmRoutine", 1, {"XGEMM_MIN_INDIRECT_SIZE"}, {0}};
    oclstm_error error;
    ck_assert_msg(matmul_override(bench->machine.device, &never_direct, &error) == OCLSTM_OK, "%s", error.message);
}

// --- arrays -------------------------------------------------------------------------------------------------------------

// Elements of the buffer: the offset, the values, the guard.
static size_t whole(const bench_array *array) { return array->offset + array->count + KERNEL_GUARD; }

static void write_array(const train_bench *bench, const bench_array *array) {
    const size_t element = bench->machine.element_bytes, count = whole(array);
    double *wide = malloc(count * sizeof *wide);
    char *host = malloc(count * element);
    ck_assert(wide && host);
    for (size_t i = 0; i < count; i++)
        wide[i] = i < array->offset || i - array->offset >= array->count ? KERNEL_POISON : array->values[i - array->offset];
    reference_narrow(host, wide, bench->machine.dtype, (int64_t)count);
    oclstm_error error;
    ck_assert_msg(device_write(bench->machine.device, array->mem, 0, host, count * element, "test data", &error) == OCLSTM_OK, "%s",
                  error.message);
    free(wide);
    free(host);
}

// The whole buffer, guards included.
static char *read_array(const train_bench *bench, const bench_array *array) {
    const size_t bytes = whole(array) * bench->machine.element_bytes;
    char *host = malloc(bytes);
    oclstm_error error;
    ck_assert_ptr_nonnull(host);
    ck_assert_msg(device_read(bench->machine.device, host, array->mem, 0, bytes, "test data", &error) == OCLSTM_OK, "%s",
                  error.message);
    return host;
}

// Random values of about `scale`, in a buffer. count 0: absent.
static bench_array make_array(const train_bench *bench, size_t count, size_t offset, double scale) {
    bench_array array = {.count = count, .offset = offset};
    oclstm_error error;
    if (count == 0)
        return array;
    array.values = malloc(count * sizeof *array.values);
    ck_assert_ptr_nonnull(array.values);
    kernel_random(&bench->bench, array.values, count, &random_state);
    for (size_t i = 0; i < count; i++) {
        const double value = array.values[i] * scale;
        array.values[i] = bench->machine.dtype == OCLSTM_F64 ? value : (double)(float)value;
    }
    ck_assert_msg(device_buffer_create(&array.mem, bench->machine.device, CL_MEM_READ_WRITE,
                                       whole(&array) * bench->machine.element_bytes, "a test array", &error) == OCLSTM_OK,
                  "%s", error.message);
    write_array(bench, &array);
    return array;
}

static void free_array(const train_bench *bench, bench_array *array) {
    device_buffer_release(bench->machine.device, &array->mem);
    free(array->values);
}

static train_matrix matrix_of(const bench_array *array) { return (train_matrix){array->mem, array->offset}; }

// What the engine made of an array, whose values are now the reference's: max |a - b| / max |b|. NaN = not looked at. what: in words.
static void expect_array(const train_bench *bench, const bench_array *array, const char *name, const char *what) {
    const size_t element = bench->machine.element_bytes;
    double largest = 0, worst = 0, got, bad_got = 0;
    size_t bad = 0;
    char *host = array->count ? read_array(bench, array) : NULL;
    for (size_t i = 0; i < array->count; i++)
        largest = fmax(largest, isnan(array->values[i]) ? 0 : fabs(array->values[i]));
    for (size_t i = 0; array->count && i < whole(array); i++) {
        const bool guard = i < array->offset || i - array->offset >= array->count;
        reference_widen(&got, host + i * element, bench->machine.dtype, 1);
        if (guard)
            ck_assert_msg(got == KERNEL_POISON, "%s: %s is written at element %ld of %zu", what, name,
                          (long)i - (long)array->offset, array->count);
        if (guard || isnan(array->values[i - array->offset]))
            continue;
        const double difference = fabs(got - array->values[i - array->offset]);
        if (!(difference <= worst)) {
            worst = isnan(difference) ? (double)INFINITY : difference;
            bad = i - array->offset;
            bad_got = got;
        }
    }
    if (worst > bench->tolerance * largest)
        ck_abort_msg("%s: %s[%zu] of %zu is %.17g, expected %.17g, the largest being %.3g; engine %s, %s", what, name, bad,
                     array->count, bad_got, array->values[bad], largest, bench->machine.engine->name,
                     oclstm_dtype_name(bench->machine.dtype));
    free(host);
}

static cl_mem make_scratch(const train_bench *bench, size_t count) {
    cl_mem mem = NULL;
    oclstm_error error;
    if (count > 0)
        ck_assert_msg(device_buffer_create(&mem, bench->machine.device, CL_MEM_READ_WRITE, count * bench->machine.element_bytes,
                                           "scratch", &error) == OCLSTM_OK,
                      "%s", error.message);
    return mem;
}

static void finish(const train_bench *bench, oclstm_status status, const oclstm_error *error, const char *what) {
    oclstm_error later;
    ck_assert_msg(status == OCLSTM_OK, "%s: %s", what, error->message);
    ck_assert_msg(device_finish(bench->machine.device, &later) == OCLSTM_OK, "%s: %s", what, later.message);
}

// --- products -----------------------------------------------------------------------------------------------------------

// What lies between the rows is NaN in what is read, and must stay as it is in what is written.
static void spoil_gaps(const train_bench *bench, bench_array *array, size_t rows, size_t columns, size_t leading) {
    for (size_t i = 0; i < rows * leading && i < array->count; i++) {
        if (i % leading >= columns)
            array->values[i] = (double)NAN;
    }
    write_array(bench, array);
}

// A result that is not added to must not depend on what was there.
static void spoil_result(const train_bench *bench, bench_array *c, const train_product *product) {
    for (size_t i = 0; i < c->count && !product->accumulate; i++) {
        if (i % product->ldc < product->n)
            c->values[i] = (double)NAN;
    }
    write_array(bench, c);
}

static void say_product(char *text, size_t capacity, const product_case *shape) {
    static const char *const forms[] = {"NT", "NN", "TN"};
    snprintf(text, capacity, "%s %zu x %zu x %zu, gap %zu, offset %zu%s%s", forms[shape->form], shape->m, shape->n, shape->k,
             shape->gap, shape->offset, shape->init ? ", init" : "", shape->accumulate ? ", accumulate" : "");
}

static void run_product(train_bench *bench, const train_product *product, const char *what) {
    const train_engine *engine = bench->machine.engine;
    oclstm_error error = {0};
    cl_mem scratch = make_scratch(bench, engine->product_scratch(&bench->machine, product));
    if (engine->prepare)
        ck_assert_msg(engine->prepare(&bench->machine, product, &error) == OCLSTM_OK, "%s: %s", what, error.message);
    finish(bench, engine->product(&bench->machine, product, scratch, &error), &error, what);
    device_buffer_release(bench->machine.device, &scratch);
}

void check_product(train_bench *bench, const product_case *shape) {
    const size_t m = shape->m, n = shape->n, k = shape->k, gap = shape->gap;
    const bool a_turned = shape->form == TRAIN_TN, b_turned = shape->form == TRAIN_NT;
    const size_t rows_a = a_turned ? k : m, columns_a = a_turned ? m : k, rows_b = b_turned ? n : k, columns_b = b_turned ? k : n;
    char what[160];
    say_product(what, sizeof what, shape);
    bench_array a = make_array(bench, rows_a * (columns_a + gap), shape->offset, 1),
                b = make_array(bench, rows_b * (columns_b + gap), shape->offset, 1),
                c = make_array(bench, m * (n + gap), shape->offset, 1),
                init = make_array(bench, shape->init ? n : 0, shape->offset, 1);
    spoil_gaps(bench, &a, rows_a, columns_a, columns_a + gap);
    spoil_gaps(bench, &b, rows_b, columns_b, columns_b + gap);
    const train_product product = {.form = shape->form,
                                   .m = m,
                                   .n = n,
                                   .k = k,
                                   .lda = columns_a + gap,
                                   .ldb = columns_b + gap,
                                   .ldc = n + gap,
                                   .a = matrix_of(&a),
                                   .b = matrix_of(&b),
                                   .c = matrix_of(&c),
                                   .init = matrix_of(&init),
                                   .accumulate = shape->accumulate};
    spoil_result(bench, &c, &product);
    run_product(bench, &product, what);
    char *once = read_array(bench, &c);
    write_array(bench, &c);
    run_product(bench, &product, what);
    char *again = read_array(bench, &c);
    ck_assert_msg(memcmp(once, again, whole(&c) * bench->machine.element_bytes) == 0, "%s: other bits in another run", what);
    reference_multiply(&(reference_product){.form = shape->form,
                                            .m = m,
                                            .n = n,
                                            .k = k,
                                            .lda = columns_a + gap,
                                            .ldb = columns_b + gap,
                                            .ldc = n + gap,
                                            .a = a.values,
                                            .b = b.values,
                                            .c = c.values,
                                            .init = init.values,
                                            .accumulate = shape->accumulate});
    expect_array(bench, &c, "C", what);
    bench_array *const all[] = {&a, &b, &c, &init};
    for (size_t i = 0; i < 4; i++)
        free_array(bench, all[i]);
    free(once);
    free(again);
}

// --- recurrences ----------------------------------------------------------------------------------------------------------

enum { WEIGHT_HH, WEIGHT_HR, GATES, H, C, RAW, DY, DH, DC, DPROJECTED, ARRAYS };
static const char *const array_names[] = {"weight_hh", "weight_hr", "gates", "h", "c", "raw", "dy", "dh", "dc", "dprojected"};

typedef struct bench_unit {
    bench_array arrays[ARRAYS];
    cl_mem lengths;
    reference_recurrence reference;
    char what[160];
} bench_unit;

static void make_lengths(const train_bench *bench, bench_unit *unit, const recurrence_case *shape) {
    oclstm_error error;
    const size_t bytes = shape->batch * sizeof(cl_int);
    if (!shape->lengths)
        return;
    ck_assert_msg(device_buffer_create(&unit->lengths, bench->machine.device, CL_MEM_READ_WRITE, bytes, "lengths", &error) ==
                      OCLSTM_OK,
                  "%s", error.message);
    ck_assert_msg(device_write(bench->machine.device, unit->lengths, 0, shape->lengths, bytes, "lengths", &error) == OCLSTM_OK,
                  "%s", error.message);
}

// Sets what belongs to rows that stand still, or that do not.
static void set_standing(bench_unit *unit, int which, size_t row_values, double value) {
    const reference_recurrence *r = &unit->reference;
    for (size_t row = 0; row < r->steps * r->batch && unit->arrays[which].count > 0; row++) {
        for (size_t i = 0; i < row_values && reference_stands(r, row / r->batch, row % r->batch); i++)
            unit->arrays[which].values[row * row_values + i] = value;
    }
}

static void make_unit(const train_bench *bench, bench_unit *unit, const recurrence_case *shape) {
    const size_t hidden = shape->hidden, width = shape->proj ? shape->proj : hidden, batch = shape->batch;
    const size_t rows = shape->steps * batch;
    const double weight = 1.5 / sqrt((double)width);
    const size_t counts[ARRAYS] = {4 * hidden * width,
                                   shape->proj * hidden,
                                   rows * 4 * hidden,
                                   (rows + batch) * width,
                                   (rows + batch) * hidden,
                                   shape->proj ? rows * hidden : 0,
                                   shape->without_dy ? 0 : rows * width,
                                   batch * width,
                                   batch * hidden,
                                   rows * shape->proj};
    for (int i = 0; i < ARRAYS; i++)
        unit->arrays[i] = make_array(bench, counts[i], shape->offset, i == WEIGHT_HH ? weight : 1);
    unit->reference = (reference_recurrence){.steps = shape->steps,
                                             .batch = batch,
                                             .hidden = hidden,
                                             .proj = shape->proj,
                                             .first = shape->first,
                                             .lengths = shape->lengths,
                                             .weight_hh = unit->arrays[WEIGHT_HH].values,
                                             .weight_hr = unit->arrays[WEIGHT_HR].values,
                                             .gates = unit->arrays[GATES].values,
                                             .h = unit->arrays[H].values,
                                             .c = unit->arrays[C].values,
                                             .raw = unit->arrays[RAW].values,
                                             .dy = unit->arrays[DY].values,
                                             .dh = unit->arrays[DH].values,
                                             .dc = unit->arrays[DC].values,
                                             .dprojected = unit->arrays[DPROJECTED].values};
    make_lengths(bench, unit, shape);
    set_standing(unit, GATES, 4 * hidden, (double)NAN);
    set_standing(unit, DY, width, (double)NAN);
    snprintf(unit->what, sizeof unit->what, "T%zu B%zu H%zu P%zu%s, first %zu, offset %zu%s", shape->steps, batch, hidden,
             shape->proj, shape->lengths ? ", lengths" : "", shape->first, shape->offset, shape->without_dy ? ", no dy" : "");
}

static void run_unit(train_bench *bench, const bench_unit *unit, bool back) {
    const bench_array *a = unit->arrays;
    const reference_recurrence *r = &unit->reference;
    const train_recurrence recurrence = {.steps = r->steps,
                                         .batch = r->batch,
                                         .hidden = r->hidden,
                                         .proj = r->proj,
                                         .first = r->first,
                                         .weight_hh = matrix_of(&a[WEIGHT_HH]),
                                         .weight_hr = matrix_of(&a[WEIGHT_HR]),
                                         .lengths = unit->lengths,
                                         .gates = matrix_of(&a[GATES]),
                                         .h = matrix_of(&a[H]),
                                         .c = matrix_of(&a[C]),
                                         .raw = matrix_of(&a[RAW]),
                                         .dy = matrix_of(&a[DY]),
                                         .dh = matrix_of(&a[DH]),
                                         .dc = matrix_of(&a[DC]),
                                         .dprojected = matrix_of(&a[DPROJECTED])};
    const train_engine *engine = bench->machine.engine;
    oclstm_error error = {0};
    cl_mem scratch = make_scratch(bench, engine->recurrence_scratch(&bench->machine, &recurrence));
    finish(bench, (back ? engine->backward : engine->forward)(&bench->machine, &recurrence, scratch, &error), &error, unit->what);
    device_buffer_release(bench->machine.device, &scratch);
}

// Writes all arrays, runs, and takes what came of them; twice, for equal bits.
static void run_twice(train_bench *bench, bench_unit *unit, bool back) {
    char *once[ARRAYS] = {NULL};
    for (int time = 0; time < 2; time++) {
        for (int i = 0; i < ARRAYS; i++) {
            if (unit->arrays[i].count > 0)
                write_array(bench, &unit->arrays[i]);
        }
        run_unit(bench, unit, back);
        for (int i = 0; i < ARRAYS; i++) {
            char *bits = unit->arrays[i].count > 0 ? read_array(bench, &unit->arrays[i]) : NULL;
            if (time == 0)
                once[i] = bits;
            else if (bits)
                ck_assert_msg(memcmp(once[i], bits, whole(&unit->arrays[i]) * bench->machine.element_bytes) == 0,
                              "%s: other bits in %s in another run", unit->what, array_names[i]);
            if (time == 1) {
                free(bits);
                free(once[i]);
            }
        }
    }
}

void check_recurrence(train_bench *bench, const recurrence_case *shape) {
    static const int after_forward[] = {WEIGHT_HH, WEIGHT_HR, GATES, H, C, RAW, DH, DC},
                     after_backward[] = {WEIGHT_HH, WEIGHT_HR, GATES, H, C, RAW, DH, DC, DPROJECTED};
    bench_unit unit = {0};
    ck_assert_msg(shape->proj == 0 || bench->machine.engine->has_projection, "an engine without projection");
    make_unit(bench, &unit, shape);
    run_twice(bench, &unit, false);
    ck_assert(reference_forward(&unit.reference));
    for (size_t i = 0; i < sizeof after_forward / sizeof after_forward[0]; i++)
        expect_array(bench, &unit.arrays[after_forward[i]], array_names[after_forward[i]], unit.what);
    run_twice(bench, &unit, true); // from the reference's gates, h and c
    ck_assert(reference_backward(&unit.reference));
    for (size_t i = 0; i < sizeof after_backward / sizeof after_backward[0]; i++)
        expect_array(bench, &unit.arrays[after_backward[i]], array_names[after_backward[i]], unit.what);
    for (int i = 0; i < ARRAYS; i++)
        free_array(bench, &unit.arrays[i]);
    device_buffer_release(bench->machine.device, &unit.lengths);
}
