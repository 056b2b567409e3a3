// SPDX-License-Identifier: Apache-2.0
// The step of cl/general.cl against plain C in double precision: every activation of ONNX's operator with its alpha and beta, NaN, infinity, large
// and tiny arguments; peepholes, clip, coupled gates, a width other than hidden, offsets, sizes around every block edge.
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../tools/oclstm/reference.h"
#include "cl/lstm_activations.h"
#include "kernel_fixture.h"
#include "runner.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const files = "lstm_activations.h network.cl general.cl";
static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};
enum { ACTIVATIONS = LSTM_ACTIVATION_SOFTPLUS + 1 };

static const char *const names[ACTIVATIONS] = {"sigmoid",          "tanh",        "relu", "hard sigmoid", "affine",  "leaky relu",
                                               "thresholded relu", "scaled tanh", "elu",  "softsign",     "softplus"};

typedef struct activation {
    int function;
    double alpha, beta;
} activation;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// ONNX's formulas; NaN stays NaN.
static double apply(const activation *a, double x) {
    if (isnan(x))
        return x;
    switch (a->function) {
    case LSTM_ACTIVATION_SIGMOID:
        return sigmoid(x);
    case LSTM_ACTIVATION_TANH:
        return tanh(x);
    case LSTM_ACTIVATION_RELU:
        return fmax(0, x);
    case LSTM_ACTIVATION_HARD_SIGMOID:
        return fmin(fmax(a->alpha * x + a->beta, 0), 1);
    case LSTM_ACTIVATION_AFFINE:
        return a->alpha * x + a->beta;
    case LSTM_ACTIVATION_LEAKY_RELU:
        return x >= 0 ? x : a->alpha * x;
    case LSTM_ACTIVATION_THRESHOLDED_RELU:
        return x >= a->alpha ? x : 0;
    case LSTM_ACTIVATION_SCALED_TANH:
        return a->alpha * tanh(a->beta * x);
    case LSTM_ACTIVATION_ELU:
        return x >= 0 ? x : a->alpha * expm1(x);
    case LSTM_ACTIVATION_SOFTSIGN:
        return x / (1 + fabs(x));
    default:
        return x > 40 ? x : log1p(exp(x));
    }
}

// One launch: its sizes, its options, and its data as it goes in and is expected to come out.
typedef struct general_case {
    cl_uint batch, hidden, width, gap;
    bool peepholes, clips, forgets;
    double clip;
    activation f, g, h;
    double *gx, *wt, *h_prev, *c, *peephole, *m; // c and m become the expected results
    size_t gx_count, wt_count, h_count, c_count, m_count;
} general_case;

static double *alloc_values(size_t count) {
    double *values = calloc(count, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

// Random data; every matrix begins at an offset of its own.
static void make_data(const kernel_bench *bench, general_case *k) {
    const size_t gates = 4 * (size_t)k->hidden;
    k->gx_count = 3 * (size_t)k->gap + k->batch * gates;
    k->wt_count = k->width * gates;
    k->h_count = 5 * (size_t)k->gap + (size_t)k->batch * k->width;
    k->c_count = k->gap + (size_t)k->batch * k->hidden;
    k->m_count = 7 * (size_t)k->gap + (size_t)k->batch * k->hidden;
    k->gx = alloc_values(k->gx_count);
    k->wt = alloc_values(k->wt_count);
    k->h_prev = alloc_values(k->h_count);
    k->c = alloc_values(k->c_count);
    k->peephole = alloc_values(3 * (size_t)k->hidden);
    k->m = alloc_values(k->m_count);
    uint64_t seed = 31u * k->hidden + 7u * k->width + k->batch;
    kernel_random(bench, k->gx, k->gx_count, &seed);
    kernel_random(bench, k->wt, k->wt_count, &seed);
    kernel_random(bench, k->h_prev, k->h_count, &seed);
    kernel_random(bench, k->c, k->c_count, &seed);
    kernel_random(bench, k->peephole, 3 * (size_t)k->hidden, &seed);
}

static void free_data(general_case *k) {
    double *const arrays[] = {k->gx, k->wt, k->h_prev, k->c, k->peephole, k->m};
    for (size_t i = 0; i < COUNT(arrays); i++)
        free(arrays[i]);
}

static double hold(const general_case *k, double x) { return !k->clips || isnan(x) ? x : fmin(fmax(x, -k->clip), k->clip); }

static void solve_unit(general_case *k, size_t b, size_t unit) {
    enum { I, F, G, O };
    const size_t hidden = k->hidden, gates = 4 * hidden;
    double sum[4];
    for (size_t q = 0; q < 4; q++) {
        sum[q] = k->gx[3 * (size_t)k->gap + b * gates + q * hidden + unit];
        for (size_t j = 0; j < k->width; j++)
            sum[q] += k->h_prev[5 * (size_t)k->gap + b * k->width + j] * k->wt[j * gates + q * hidden + unit];
    }
    double *c = &k->c[k->gap + b * hidden + unit];
    const double before = *c, *p = k->peephole;
    if (k->peepholes) {
        sum[I] += p[unit] * before;
        sum[F] += p[hidden + unit] * before;
    }
    const double i = apply(&k->f, hold(k, sum[I])), f = k->forgets ? 1 - i : apply(&k->f, hold(k, sum[F]));
    *c = f * before + i * apply(&k->g, hold(k, sum[G]));
    if (k->peepholes)
        sum[O] += p[2 * hidden + unit] * *c;
    k->m[7 * (size_t)k->gap + b * hidden + unit] = apply(&k->f, hold(k, sum[O])) * apply(&k->h, *c);
}

static void solve(general_case *k) {
    for (size_t i = 0; i < 7 * (size_t)k->gap; i++)
        k->m[i] = NAN; // not to be written
    for (size_t b = 0; b < k->batch; b++) {
        for (size_t unit = 0; unit < k->hidden; unit++)
            solve_unit(k, b, unit);
    }
}

static void set_number(const kernel_bench *bench, cl_kernel kernel, cl_uint at, double value) {
    const cl_float narrow = (cl_float)value;
    const oclstm_status status = bench->dtype == OCLSTM_F64
                                     ? device_set_args(bench->device, kernel, at, NULL, DEVICE_ARG(value), (size_t)0)
                                     : device_set_args(bench->device, kernel, at, NULL, DEVICE_ARG(narrow), (size_t)0);
    ck_assert(status == OCLSTM_OK);
}

typedef void compare(const kernel_bench *bench, cl_mem buffer, const double *expected, size_t count, const char *what);

// Runs the case's data through the kernel, then through solve(), and compares c and m.
static void check(const kernel_bench *bench, general_case *k, size_t local, compare *expect) {
    const cl_uint gx_offset = 3 * k->gap, h_offset = 5 * k->gap, c_offset = k->gap, m_offset = 7 * k->gap;
    cl_mem gx = kernel_buffer(bench, k->gx, k->gx_count), wt = kernel_buffer(bench, k->wt, k->wt_count),
           h_prev = kernel_buffer(bench, k->h_prev, k->h_count), c = kernel_buffer(bench, k->c, k->c_count),
           m = kernel_buffer(bench, NULL, k->m_count), peephole = kernel_buffer(bench, k->peephole, 3 * (size_t)k->hidden);
    cl_kernel kernel = kernel_make(bench, "lstm_general_step");
    ck_assert(device_set_args(bench->device, kernel, 0, NULL, DEVICE_ARG(gx), DEVICE_ARG(gx_offset), DEVICE_ARG(wt),
                              DEVICE_ARG(h_prev), DEVICE_ARG(h_offset), DEVICE_ARG(c), DEVICE_ARG(c_offset), DEVICE_ARG(m),
                              DEVICE_ARG(m_offset), DEVICE_ARG(peephole), DEVICE_ARG(k->batch), DEVICE_ARG(k->hidden),
                              DEVICE_ARG(k->width), (size_t)0) == OCLSTM_OK);
    const double numbers[] = {k->clip, k->f.alpha, k->f.beta, k->g.alpha, k->g.beta, k->h.alpha, k->h.beta};
    for (cl_uint i = 0; i < COUNT(numbers); i++)
        set_number(bench, kernel, 13 + i, numbers[i]);
    kernel_run(bench, kernel, local, k->hidden, k->batch);
    solve(k);
    char what[200];
    for (int i = 0; i < 2; i++) {
        snprintf(what, sizeof what, "lstm_general_step %s of %s, %s, %s%s%s%s, batch %u hidden %u width %u gap %u, local %zu",
                 i == 0 ? "c'" : "m", names[k->f.function], names[k->g.function], names[k->h.function],
                 k->peepholes ? ", peepholes" : "", k->clips ? ", clip" : "", k->forgets ? ", coupled" : "", k->batch, k->hidden,
                 k->width, k->gap, local);
        expect(bench, i == 0 ? c : m, i == 0 ? k->c : k->m, i == 0 ? k->c_count : k->m_count, what);
    }
    device_kernel_release(&kernel);
    cl_mem *const buffers[] = {&gx, &wt, &h_prev, &c, &m, &peephole};
    for (size_t i = 0; i < COUNT(buffers); i++)
        device_buffer_release(bench->device, buffers[i]);
}

static bool open_bench(kernel_bench *bench, oclstm_dtype dtype, const general_case *k) {
    char options[256];
    snprintf(options, sizeof options, "-D ACT_F=%d -D ACT_G=%d -D ACT_H=%d -D PEEPHOLES=%d -D CLIP=%d -D INPUT_FORGET=%d",
             k->f.function, k->g.function, k->h.function, k->peepholes, k->clips, k->forgets);
    return kernel_bench_open_with(bench, files, dtype, options);
}

// --- the step's structure ---------------------------------------------------------------------------------------------

// Peepholes, clip and coupled gates, none, each and all of them, each with three activations of its own.
START_TEST(structure) {
    static const int variants[] = {0, 1, 2, 4, 7, 7};
    static const cl_uint batches[] = {1, 3}, hiddens[] = {1, 3, 33, 64, 65}, widths[] = {0, 1, 31, 32, 33, 65};
    static const size_t locals[] = {64, 7, 1};
    const int features = variants[_i];
    general_case base = {.peepholes = features & 1,
                         .clips = features & 2,
                         .forgets = features & 4,
                         .clip = 0.75,
                         .f = {_i == 0 ? LSTM_ACTIVATION_SIGMOID : (3 + features) % ACTIVATIONS, 0.3, 0.4},
                         .g = {_i == 0 ? LSTM_ACTIVATION_TANH : (7 + features) % ACTIVATIONS, 0.8, 0.6},
                         .h = {_i == 0 ? LSTM_ACTIVATION_TANH : (1 + features) % ACTIVATIONS, 0.7, 0.9}};
    kernel_bench bench;
    if (!open_bench(&bench, _i < 5 ? OCLSTM_F32 : OCLSTM_F64, &base))
        return;
    for (size_t i = 0; i < COUNT(batches); i++) {
        for (size_t j = 0; j < COUNT(hiddens); j++) {
            for (size_t n = 0; n < COUNT(widths); n++) {
                general_case k = base;
                k.batch = batches[i];
                k.hidden = hiddens[j];
                k.width = widths[n] > 0 ? widths[n] : hiddens[j]; // without a projection: hidden
                k.gap = (cl_uint)(n % 3);
                make_data(&bench, &k);
                check(&bench, &k, locals[_i % 3], kernel_expect);
                free_data(&k);
            }
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

// --- the activations --------------------------------------------------------------------------------------------------

static const double arguments[] = {0.0,   -0.0, NAN,  INFINITY, -INFINITY, 1e-30, -1e-30, 1e-7, -1e-7, 1e-3, -1e-3, 0.25,
                                   -0.25, 0.5,  -0.5, 1.0,      -1.0,      1.5,   -1.5,   2.5,  -2.5,  5,    -5,    9.5,
                                   -9.5,  20,   -20,  80,       -80,       100,   -100,   1e9,  -1e9,  1e30, -1e30};

// To some units in the last place of the result, or of the larger term of a sum: tiny results have all their digits.
static void expect_digits(const kernel_bench *bench, cl_mem buffer, const double *expected, size_t count, const char *what) {
    const size_t element = oclstm_dtype_size_bytes(bench->dtype);
    const double unit = bench->dtype == OCLSTM_F64 ? DBL_EPSILON : (double)FLT_EPSILON;
    char *host = calloc(count, element);
    ck_assert_ptr_nonnull(host);
    ck_assert(device_read(bench->device, host, buffer, 0, count * element, "test data", NULL) == OCLSTM_OK);
    for (size_t i = 0; i < count; i++) {
        double got;
        reference_widen(&got, host + i * element, bench->dtype, 1);
        const double want = expected[i];
        const bool right = isnan(want)   ? isnan(got)
                           : isinf(want) ? got == want
                                         : fabs(got - want) <= 24 * unit * fabs(want) + bench->tolerance + 1e-37;
        if (!right)
            free(host);
        ck_assert_msg(right, "%s: of argument %g it is %.17g, expected %.17g; %s", what,
                      i < COUNT(arguments) ? arguments[i] : (double)NAN, got, want, oclstm_dtype_name(bench->dtype));
    }
    free(host);
}

// F is the constant 1, so that from c = 0 comes c' = G(x), and m = H(c').
START_TEST(activations) {
    static const struct { double alpha, beta; } numbers[] = {{0.2, 0.5}, {1.0, 1.0}, {-0.75, 0.25}};
    const int function = _i % ACTIVATIONS;
    general_case base = {.batch = 1,
                         .hidden = COUNT(arguments),
                         .width = 1,
                         .f = {LSTM_ACTIVATION_AFFINE, 0, 1},
                         .g = {function, 0, 0},
                         .h = {LSTM_ACTIVATION_AFFINE, 1, 0}};
    kernel_bench bench;
    if (!open_bench(&bench, dtypes[_i / ACTIVATIONS], &base))
        return;
    for (size_t n = 0; n < COUNT(numbers); n++) {
        general_case k = base;
        make_data(&bench, &k);
        k.g.alpha = bench.dtype == OCLSTM_F32 ? (double)(float)numbers[n].alpha : numbers[n].alpha;
        k.g.beta = bench.dtype == OCLSTM_F32 ? (double)(float)numbers[n].beta : numbers[n].beta;
        // Products with alpha cancel in a sum with beta; elsewhere nothing is lost.
        const bool sums = function == LSTM_ACTIVATION_AFFINE || function == LSTM_ACTIVATION_HARD_SIGMOID;
        bench.tolerance = sums ? 4 * (bench.dtype == OCLSTM_F64 ? DBL_EPSILON : (double)FLT_EPSILON) : 0;
        for (size_t i = 0; i < k.gx_count; i++) {
            const double x = arguments[i % COUNT(arguments)];
            k.gx[i] = i / COUNT(arguments) != 2 ? 0 : bench.dtype == OCLSTM_F32 ? (double)(float)x : x;
        }
        for (size_t i = 0; i < k.wt_count; i++)
            k.wt[i] = 0;
        for (size_t i = 0; i < k.c_count; i++)
            k.c[i] = 0;
        check(&bench, &k, 64, expect_digits);
        free_data(&k);
    }
    kernel_bench_close(&bench);
}
END_TEST

// The clip holds infinite sums too, and not NaN.
START_TEST(clip_holds_infinity) {
    general_case k = {.batch = 1,
                      .hidden = COUNT(arguments),
                      .width = 1,
                      .clips = true,
                      .clip = 1.25,
                      .f = {LSTM_ACTIVATION_AFFINE, 0, 1},
                      .g = {LSTM_ACTIVATION_AFFINE, 1, 0},
                      .h = {LSTM_ACTIVATION_AFFINE, 1, 0}};
    kernel_bench bench;
    if (!open_bench(&bench, dtypes[_i], &k))
        return;
    make_data(&bench, &k);
    for (size_t i = 0; i < k.gx_count; i++)
        k.gx[i] = i / COUNT(arguments) != 2 ? 0
                  : _i == 0                 ? (double)(float)arguments[i % COUNT(arguments)]
                                            : arguments[i % COUNT(arguments)];
    for (size_t i = 0; i < k.c_count; i++)
        k.c[i] = 0;
    for (size_t i = 0; i < k.wt_count; i++)
        k.wt[i] = 0;
    bench.tolerance = 0;
    check(&bench, &k, 64, expect_digits);
    free_data(&k);
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernels_general");
    TCase *steps = tcase_create("steps"), *functions = tcase_create("functions");
    tcase_set_timeout(steps, 0);
    tcase_set_timeout(functions, 0);
    tcase_add_loop_test(steps, structure, 0, 6);
    tcase_add_loop_test(steps, clip_holds_infinity, 0, 2);
    tcase_add_loop_test(functions, activations, 0, 2 * ACTIVATIONS);
    suite_add_tcase(suite, steps);
    suite_add_tcase(suite, functions);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
