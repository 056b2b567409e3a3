// SPDX-License-Identifier: Apache-2.0
// The kernels of cl/roofs.cl against plain C: every operation that is counted is done, every byte is copied.
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "kernel_fixture.h"
#include "runner.h"

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

typedef struct roof_form {
    size_t width, chains;
    int contiguous;
} roof_form;

static const roof_form forms[] = {{1, 8, 0}, {2, 3, 1}, {4, 8, 0}, {8, 12, 1}, {16, 16, 1}};
enum { FORMS = sizeof forms / sizeof forms[0] };

// The kernel of a form, in bench->program.
static cl_kernel make(kernel_bench *bench, const roof_form *form, const char *name) {
    oclstm_error error;
    cl_kernel kernel = NULL;
    char options[160] = "";
    base_append(options, sizeof options, "%s -D VW=%zu -D CHAINS=%zu -D CONTIGUOUS=%d",
                device_dtype_options(bench->device, bench->dtype), form->width, form->chains, form->contiguous);
    ck_assert_msg(device_program_get(&bench->program, bench->device, "roofs.cl", options, &error) == OCLSTM_OK, "%s\n%s",
                  error.message, error.build_log);
    ck_assert_msg(device_kernel_create(&kernel, bench->device, bench->program, name, NULL, &error) == OCLSTM_OK, "%s",
                  error.message);
    return kernel;
}

static void set_real(kernel_bench *bench, cl_kernel kernel, cl_uint index, double value) {
    const float value_f = (float)value;
    ck_assert(bench->dtype == OCLSTM_F64
                  ? device_set_args(bench->device, kernel, index, NULL, DEVICE_ARG(value), (size_t)0) == OCLSTM_OK
                  : device_set_args(bench->device, kernel, index, NULL, DEVICE_ARG(value_f), (size_t)0) == OCLSTM_OK);
}

static void check_fma(kernel_bench *bench, const roof_form *form, size_t local, cl_uint rounds) {
    const size_t items = 3 * local, count = items * form->chains * form->width;
    const double factor = 0.75, addend = 0.5;
    double *values = calloc(count, sizeof *values);
    uint64_t seed = 7 * rounds + form->width;
    kernel_random(bench, values, count, &seed);
    cl_mem state = kernel_buffer(bench, values, count);
    cl_kernel kernel = make(bench, form, "roof_fma");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(state), (size_t)0) == OCLSTM_OK);
    set_real(bench, kernel, 1, factor);
    set_real(bench, kernel, 2, addend);
    ck_assert(device_set_args(bench->device, kernel, 3, NULL, DEVICE_ARG(rounds), (size_t)0) == OCLSTM_OK);
    kernel_run(bench, kernel, local, items, 1);
    for (size_t i = 0; i < count; i++)
        for (cl_uint round = 0; round < rounds; round++)
            values[i] = values[i] * factor + addend;
    char what[96];
    snprintf(what, sizeof what, "roof_fma width %zu chains %zu rounds %u local %zu", form->width, form->chains, rounds, local);
    kernel_expect(bench, state, values, count, what);
    device_kernel_release(&kernel);
    device_buffer_release(bench->device, &state);
    free(values);
}

static void check_copy(kernel_bench *bench, const roof_form *form, size_t local, cl_uint vectors) {
    const size_t count = vectors * form->width;
    double *values = calloc(count, sizeof *values);
    uint64_t seed = 11 * vectors + form->width;
    kernel_random(bench, values, count, &seed);
    cl_mem from = kernel_buffer(bench, values, count), to = kernel_buffer(bench, NULL, count);
    cl_kernel kernel = make(bench, form, "roof_copy");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(from), DEVICE_ARG(to), DEVICE_ARG(vectors), (size_t)0) ==
              OCLSTM_OK);
    kernel_run(bench, kernel, local, 5 * local, 1);
    char what[96];
    snprintf(what, sizeof what, "roof_copy width %zu vectors %u local %zu contiguous %d", form->width, vectors, local,
             form->contiguous);
    kernel_expect(bench, to, values, count, what);
    kernel_expect(bench, from, values, count, what);
    device_kernel_release(&kernel);
    device_buffer_release(bench->device, &from);
    device_buffer_release(bench->device, &to);
    free(values);
}

// _i is the dtype, then the form.
START_TEST(fma_does_every_round) {
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "roofs.cl", dtypes[_i / FORMS]))
        return;
    static const cl_uint rounds[] = {0, 1, 2, 13};
    for (size_t i = 0; i < sizeof rounds / sizeof rounds[0]; i++)
        for (size_t local = 1; local <= 16; local *= 16)
            check_fma(&bench, &forms[_i % FORMS], local, rounds[i]);
    kernel_bench_close(&bench);
}
END_TEST

START_TEST(copy_copies_everything) {
    kernel_bench bench;
    if (!kernel_bench_open(&bench, "roofs.cl", dtypes[_i / FORMS]))
        return;
    static const cl_uint vectors[] = {1, 4, 5, 6, 80, 81, 1000};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        for (size_t local = 1; local <= 16; local *= 16)
            check_copy(&bench, &forms[_i % FORMS], local, vectors[i]);
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_roofs");
    TCase *tests = tcase_create("roofs");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, fma_does_every_round, 0, 2 * FORMS);
    tcase_add_loop_test(tests, copy_copies_everything, 0, 2 * FORMS);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
