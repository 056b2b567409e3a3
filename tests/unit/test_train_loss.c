// SPDX-License-Identifier: Apache-2.0
// Losses and their gradients against torch's on fixed numbers, and against plain C in double precision over shapes around every block edge; what does
// not count; extreme and broken outputs.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "kernel_fixture.h"
#include "runner.h"
#include "train/loss.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KERNELS      "train_sum.cl train_loss.cl"

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

// What a loss is computed from, and what comes out; on the host in double.
typedef struct loss_case {
    oclstm_loss kind;
    size_t steps, batch, outputs;
    double *z, *target; // target: a class for cross-entropy
    const cl_int *lengths;
    double loss, *dz; // expected, or found
    size_t counted;
} loss_case;

static bool counts(const loss_case *c, size_t row) {
    return (c->lengths == NULL || (cl_int)(row / c->batch) < c->lengths[row % c->batch]) &&
           (c->kind != OCLSTM_LOSS_CROSS_ENTROPY || c->target[row] >= 0);
}

// Oclgrind takes its time.
static bool simulated(void) {
    const char *device = test_device();
    return device != NULL && strcmp(device, "oclgrind") == 0;
}

static double *alloc_values(size_t count) {
    double *values = calloc(count > 0 ? count : 1, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

static cl_mem make_ints(const kernel_bench *bench, const cl_int *values, size_t count) {
    cl_mem buffer = NULL;
    ck_assert(device_buffer_create(&buffer, bench->device, CL_MEM_READ_WRITE, count * sizeof *values, "integers", NULL) ==
              OCLSTM_OK);
    ck_assert(device_write(bench->device, buffer, 0, values, count * sizeof *values, "integers", NULL) == OCLSTM_OK);
    return buffer;
}

static cl_mem make_target(const kernel_bench *bench, const loss_case *c) {
    const size_t rows = c->steps * c->batch;
    if (c->kind != OCLSTM_LOSS_CROSS_ENTROPY)
        return kernel_buffer(bench, c->target, rows * c->outputs);
    cl_int *classes = calloc(rows, sizeof *classes);
    ck_assert_ptr_nonnull(classes);
    for (size_t row = 0; row < rows; row++)
        classes[row] = (cl_int)c->target[row];
    cl_mem buffer = make_ints(bench, classes, rows);
    free(classes);
    return buffer;
}

static void read_values(const kernel_bench *bench, double *out, cl_mem buffer, size_t offset, size_t count) {
    const size_t element = oclstm_dtype_size_bytes(bench->dtype);
    char *host = calloc(count, element);
    ck_assert_ptr_nonnull(host);
    ck_assert(device_read(bench->device, host, buffer, offset * element, count * element, "test data", NULL) == OCLSTM_OK);
    reference_widen(out, host, bench->dtype, (int64_t)count);
    free(host);
}

static void expect_poison(const kernel_bench *bench, cl_mem buffer, size_t offset, size_t count) {
    double *values = alloc_values(count);
    read_values(bench, values, buffer, offset, count);
    for (size_t i = 0; i < count; i++)
        if (values[i] != KERNEL_POISON)
            ck_abort_msg("element %zu was written: %.17g", offset + i, values[i]);
    free(values);
}

// Runs a case on the device with offsets before z and dz and a guard behind everything; fills found->loss and found->dz (NULL: the loss alone).
static void run_loss(const kernel_bench *bench, const loss_case *c, loss_case *found) {
    enum { Z_OFFSET = 3, DZ_OFFSET = 5, LOSS_OFFSET = 2 };
    const size_t count = c->steps * c->batch * c->outputs;
    train_losses *losses = NULL;
    oclstm_error error;
    ck_assert_msg(train_losses_create(&losses, bench->device, bench->dtype, &error) == OCLSTM_OK, "%s", error.message);
    double *z = alloc_values(Z_OFFSET + count);
    for (size_t i = 0; i < count; i++)
        z[Z_OFFSET + i] = c->z[i];
    const size_t scratch_count = train_loss_scratch(losses, c->steps * c->batch, c->outputs);
    cl_mem z_dev = kernel_buffer(bench, z, Z_OFFSET + count), dz = kernel_buffer(bench, NULL, DZ_OFFSET + count),
           scratch = kernel_buffer(bench, NULL, scratch_count), loss = kernel_buffer(bench, NULL, LOSS_OFFSET + 1),
           lengths = c->lengths != NULL ? make_ints(bench, c->lengths, c->batch) : NULL, target = make_target(bench, c);
    const train_loss_call call = {
        c->kind, c->steps, c->batch,   c->outputs,         {z_dev, Z_OFFSET}, {found->dz != NULL ? dz : NULL, DZ_OFFSET},
        target,  lengths,  c->counted, {loss, LOSS_OFFSET}};
    ck_assert_msg(train_loss_enqueue(losses, &call, scratch, &error) == OCLSTM_OK, "%s", error.message);
    ck_assert(device_finish(bench->device, NULL) == OCLSTM_OK);
    read_values(bench, &found->loss, loss, LOSS_OFFSET, 1);
    if (found->dz != NULL)
        read_values(bench, found->dz, dz, DZ_OFFSET, count);
    // Outside its matrix, or all over, dz is as it was.
    expect_poison(bench, dz, 0, DZ_OFFSET);
    expect_poison(bench, dz, DZ_OFFSET + (found->dz != NULL ? count : 0), KERNEL_GUARD + (found->dz != NULL ? 0 : count));
    expect_poison(bench, scratch, scratch_count, KERNEL_GUARD);
    expect_poison(bench, loss, 0, LOSS_OFFSET);
    expect_poison(bench, loss, LOSS_OFFSET + 1, KERNEL_GUARD);
    cl_mem *const buffers[] = {&z_dev, &dz, &scratch, &loss, &lengths, &target};
    for (size_t i = 0; i < COUNT(buffers); i++)
        device_buffer_release(bench->device, buffers[i]);
    train_losses_destroy(&losses);
    free(z);
}

static void expect_close(const kernel_bench *bench, double got, double want, double scale, const char *what, size_t index) {
    const double allowed = (bench->dtype == OCLSTM_F64 ? 2e-15 : 5e-7) * (fabs(want) + scale);
    const bool right = isnan(want) ? isnan(got) : fabs(got - want) <= allowed;
    if (!right) // Check notes every assertion, which takes longer than all else here
        ck_abort_msg("%s, element %zu: %.17g, expected %.17g; %s", what, index, got, want, oclstm_dtype_name(bench->dtype));
}

// --- torch ------------------------------------------------------------------------------------------------------------
// torch 2, float64; z[i] = ((37 i) mod 41 - 20) / 8, target t[i] = ((23 i) mod 17) / 16, classes c, x = z with x[0][1] = 1e4, x[1][0] = -1e4, x[1][1] = 88,
// x[2][3] = -104, x[3][4] = -1e4:
//     l = F.mse_loss(z, t)    F.binary_cross_entropy_with_logits(z, t)    F.cross_entropy(z, c, ignore_index=-1); l.backward(); print(l, z.grad)
enum { ROWS = 4, OUTPUTS = 5, VALUES = ROWS * OUTPUTS };
static const double classes[ROWS] = {2, -1, 0, 4};
static const struct torch_loss {
    const char *name;
    oclstm_loss kind;
    bool extreme;
    double loss, dz[VALUES];
} torch_losses[] = {
    {"mse",
     OCLSTM_LOSS_MSE,
     false,
     2.328125,
     {-0.25,
      0.17500000000000002,
      0.087500000000000008,
      0.10625000000000001,
      0.018750000000000003,
      -0.068750000000000006,
      -0.050000000000000003,
      -0.13750000000000001,
      -0.22500000000000001,
      -0.20625000000000002,
      -0.29375000000000001,
      0.13125000000000001,
      0.15000000000000002,
      0.0625,
      -0.025000000000000001,
      -0.0062500000000000003,
      -0.09375,
      -0.075000000000000011,
      -0.16250000000000001,
      -0.25}},
    {"bce", OCLSTM_LOSS_BCE, false, 0.82392864462950099, {0.0037929090010621774,  0.025915470302717437,  0.0042741768551718459,
                                                          0.034620749343381413,   0.01069274323330271,   -0.014064531331312186,
                                                          0.014116670002296513,   -0.010289251391850562, -0.033659338886981062,
                                                          -0.0027267879901085369, -0.023870047749648987, -0.0016424732449554723,
                                                          0.030097640098415528,   0.0076149930587345541, -0.016041065041230353,
                                                          0.012483825044289904,   -0.012483825044289904, 0.016041065041230353,
                                                          -0.0076149930587345576, -0.030097640098415524}},
    {"bce extreme", OCLSTM_LOSS_BCE, true, 1101.4309093791289, {0.0037929090010621774,  0.03125,
                                                                0.0042741768551718459,  0.034620749343381413,
                                                                0.01069274323330271,    -0.040625000000000001,
                                                                0.043749999999999997,   -0.010289251391850562,
                                                                -0.033659338886981062,  -0.0027267879901085369,
                                                                -0.023870047749648987,  -0.0016424732449554723,
                                                                0.030097640098415528,   -0.03125,
                                                                -0.016041065041230353,  0.012483825044289904,
                                                                -0.012483825044289904,  0.016041065041230353,
                                                                -0.0076149930587345576, -0.037499999999999999}},
    {"cross-entropy",
     OCLSTM_LOSS_CROSS_ENTROPY,
     false,
     3.185227178473959,
     {0.0014804602890161743,
      0.15101105491846478,
      -0.24174049856973615,
      0.055553862494114821,
      0.033695120868140388,
      0,
      0,
      0,
      0,
      0,
      -0.33185287304431715,
      0.15101105491846478,
      0.09159283476359717,
      0.055553862494114821,
      0.033695120868140388,
      0.14288517625905564,
      0.086664240219560928,
      0.05256451879386443,
      0.031881992261519713,
      -0.31399592753400069}},
    {"cross-entropy extreme",
     OCLSTM_LOSS_CROSS_ENTROPY,
     true,
     6668.2156043849018,
     {0,
      0.33333333333333331,
      -0.33333333333333331,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      -0.33155679181457209,
      0.18121216141019464,
      0.10991073180807759,
      1.3013635495539783e-47,
      0.040433898596299839,
      0.15168474464113707,
      0.092001448235531205,
      0.05580169909281444,
      0.033845441363850599,
      -0.33333333333333331}},
};

static double example(size_t i, bool extreme) {
    const double usual = ((double)((i * 37) % 41) - 20) / 8;
    return !extreme ? usual : i == 1 ? 1e4 : i == 5 || i == 19 ? -1e4 : i == 6 ? 88 : i == 13 ? -104 : usual;
}

START_TEST(as_torch) {
    const struct torch_loss *want = &torch_losses[(size_t)_i / 2];
    kernel_bench bench;
    if (!kernel_bench_open(&bench, KERNELS, dtypes[_i % 2]))
        return;
    const bool cross = want->kind == OCLSTM_LOSS_CROSS_ENTROPY;
    double z[VALUES], target[VALUES], dz[VALUES];
    for (size_t i = 0; i < VALUES; i++) {
        z[i] = example(i, want->extreme);
        target[i] = cross ? classes[i % ROWS] : (double)((i * 23) % 17) / 16;
    }
    const loss_case c = {want->kind, 2, 2, OUTPUTS, z, target, NULL, 0, NULL, cross ? 3 : VALUES};
    loss_case found = {.dz = dz};
    run_loss(&bench, &c, &found);
    expect_close(&bench, found.loss, want->loss, 0, want->name, 0);
    for (size_t i = 0; i < VALUES; i++)
        expect_close(&bench, dz[i], want->dz[i], 0.05, want->name, i);
    kernel_bench_close(&bench);
}
END_TEST

// --- plain C ----------------------------------------------------------------------------------------------------------

static double cross_row(const loss_case *c, size_t row) {
    double most = -INFINITY, sum = 0;
    const double *z = c->z + row * c->outputs;
    for (size_t j = 0; j < c->outputs; j++)
        most = z[j] > most ? z[j] : most;
    for (size_t j = 0; j < c->outputs; j++)
        sum += exp(z[j] - most);
    for (size_t j = 0; j < c->outputs; j++)
        c->dz[row * c->outputs + j] = (exp(z[j] - most) / sum - ((double)j == c->target[row] ? 1 : 0)) / (double)c->counted;
    return log(sum) + most - z[(size_t)c->target[row]];
}

static void reference_loss(loss_case *c) {
    const size_t rows = c->steps * c->batch;
    long double sum = 0; // of a million
    c->counted = 0;
    for (size_t row = 0; row < rows; row++)
        c->counted += counts(c, row) ? (c->kind == OCLSTM_LOSS_CROSS_ENTROPY ? 1 : c->outputs) : 0;
    for (size_t row = 0; row < rows; row++) {
        if (!counts(c, row))
            continue;
        if (c->kind == OCLSTM_LOSS_CROSS_ENTROPY) {
            sum += cross_row(c, row);
            continue;
        }
        for (size_t i = row * c->outputs; i < (row + 1) * c->outputs; i++) {
            const double z = c->z[i], t = c->target[i];
            const bool square = c->kind == OCLSTM_LOSS_MSE;
            sum += square ? (z - t) * (z - t) : (z > 0 ? z : 0) - z * t + log1p(exp(-fabs(z)));
            c->dz[i] = (square ? 2 * (z - t) : 1 / (1 + exp(-z)) - t) / (double)c->counted;
        }
    }
    c->loss = (double)(sum / (long double)c->counted);
}

// Lengths where `has_lengths`: the first sequence is whole, the others shorter and shorter. What does not count holds NaN and infinity. peak: added to
// one z of each row, another one from row to row.
static void check_peaks(const kernel_bench *bench, oclstm_loss kind, size_t steps, size_t batch, size_t outputs, bool has_lengths,
                        double peak) {
    const size_t rows = steps * batch, count = rows * outputs;
    const bool cross = kind == OCLSTM_LOSS_CROSS_ENTROPY;
    cl_int *lengths = calloc(batch, sizeof *lengths);
    ck_assert_ptr_nonnull(lengths);
    for (size_t b = 0; b < batch; b++)
        lengths[b] = (cl_int)(steps - b % steps);
    loss_case c = {
        kind, steps, batch, outputs, alloc_values(count), alloc_values(count), has_lengths ? lengths : NULL, 0, alloc_values(count),
        0};
    loss_case found = {.dz = alloc_values(count)}, alone = {.dz = NULL};
    uint64_t seed = count;
    kernel_random(bench, c.z, count, &seed);
    kernel_random(bench, c.target, count, &seed);
    for (size_t row = 0; cross && row < rows; row++)
        c.target[row] = row % 5 == 3 ? -1 - (double)(row % 2) : (double)((row * 7919) % outputs);
    for (size_t i = 0; i < count; i++) {
        c.z[i] *= 4;
        if (!counts(&c, i / outputs))
            c.z[i] = i % 3 == 0 ? (double)NAN : i % 3 == 1 ? (double)INFINITY : -(double)INFINITY;
    }
    for (size_t row = 0; row < rows; row++)
        c.z[row * outputs + (row * 97) % outputs] += peak;
    reference_loss(&c);
    run_loss(bench, &c, &found);
    run_loss(bench, &c, &alone);
    char what[128];
    snprintf(what, sizeof what, "%s, steps %zu batch %zu outputs %zu%s", oclstm_loss_name(kind), steps, batch, outputs,
             has_lengths ? " lengths" : "");
    expect_close(bench, found.loss, c.loss, 0, what, 0);
    ck_assert_msg(alone.loss == found.loss, "%s: %.17g without the gradient, %.17g with it", what, alone.loss, found.loss);
    for (size_t i = 0; i < count; i++)
        expect_close(bench, found.dz[i], c.dz[i], (counts(&c, i / outputs) ? 1 : 0) / (double)c.counted, what, i);
    double *const arrays[] = {c.z, c.target, c.dz, found.dz};
    for (size_t i = 0; i < COUNT(arrays); i++)
        free(arrays[i]);
    free(lengths);
}

static void check_shape(const kernel_bench *bench, oclstm_loss kind, size_t steps, size_t batch, size_t outputs, bool has_lengths) {
    check_peaks(bench, kind, steps, batch, outputs, has_lengths, 0);
}

START_TEST(shapes) {
    static const size_t steps[] = {1, 3}, batches[] = {1, 67}, outputs[] = {1, 5, 8, 17, 512, 513, 1030};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, KERNELS, dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(steps); i++) {
        for (size_t j = 0; j < COUNT(batches); j++) {
            for (size_t k = 0; k < COUNT(outputs); k++) {
                if (steps[i] * batches[j] * outputs[k] > (simulated() ? 4000 : 120000))
                    continue;
                for (int has_lengths = 0; has_lengths < 2; has_lengths++)
                    check_shape(&bench, (oclstm_loss)(_i / 2), steps[i], batches[j], outputs[k], has_lengths);
            }
        }
    }
    kernel_bench_close(&bench);
}
END_TEST

// The largest is found wherever it stands: without it taken off its exponential is infinite.
START_TEST(peaks) {
    static const size_t outputs[] = {5, 8, 19, 1030};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, KERNELS, dtypes[_i % 2]))
        return;
    for (size_t i = 0; i < COUNT(outputs); i++)
        check_peaks(&bench, OCLSTM_LOSS_CROSS_ENTROPY, 1, 19, outputs[i], false, 1000);
    kernel_bench_close(&bench);
}
END_TEST

// Sums of many numbers: a million elements, 70,000 rows.
START_TEST(large) {
    kernel_bench bench;
    if (simulated() || !kernel_bench_open(&bench, KERNELS, dtypes[_i % 2]))
        return;
    check_shape(&bench, OCLSTM_LOSS_MSE, 4, 250000, 1, false);
    check_shape(&bench, OCLSTM_LOSS_CROSS_ENTROPY, 10, 7000, 3, true);
    kernel_bench_close(&bench);
}
END_TEST

// Numbers that are none make a loss that is none.
START_TEST(not_finite) {
    static const double broken[] = {NAN, INFINITY, -INFINITY};
    kernel_bench bench;
    if (!kernel_bench_open(&bench, KERNELS, dtypes[_i % 2]))
        return;
    const oclstm_loss kind = (oclstm_loss)(_i / 2);
    for (size_t i = 0; i < COUNT(broken); i++) {
        double z[12] = {0}, target[12] = {0}, dz[12];
        z[7] = broken[i];
        target[7] = 0.5; // a binary target at which both infinities cost infinitely much
        target[3] = kind == OCLSTM_LOSS_CROSS_ENTROPY ? 1 : 0;
        const loss_case c = {kind, 2, 2, 3, z, target, NULL, 0, NULL, kind == OCLSTM_LOSS_CROSS_ENTROPY ? 4 : 12};
        loss_case found = {.dz = dz};
        run_loss(&bench, &c, &found);
        // A logit of minus infinity is a class that cannot be.
        const bool fine = kind == OCLSTM_LOSS_CROSS_ENTROPY && broken[i] < 0;
        ck_assert_msg(isfinite(found.loss) == fine, "%s, z %g: loss %g", oclstm_loss_name(kind), broken[i], found.loss);
        ck_assert(kind != OCLSTM_LOSS_MSE || isnan(broken[i]) || isinf(found.loss));
        ck_assert(isfinite(dz[0]));
    }
    kernel_bench_close(&bench);
}
END_TEST

START_TEST(names) {
    ck_assert_str_eq(oclstm_loss_name(OCLSTM_LOSS_MSE), "mse");
    ck_assert_str_eq(oclstm_loss_name(OCLSTM_LOSS_CROSS_ENTROPY), "cross-entropy");
    ck_assert_str_eq(oclstm_loss_name(OCLSTM_LOSS_BCE), "bce");
    ck_assert_str_eq(oclstm_loss_name((oclstm_loss)3), "unknown");
    ck_assert_str_eq(oclstm_loss_name((oclstm_loss)-1), "unknown");
    train_losses_destroy(NULL);
}
END_TEST

START_TEST(too_large) {
    kernel_bench bench;
    ck_assert(kernel_bench_open(&bench, KERNELS, OCLSTM_F32));
    train_losses *losses = NULL;
    oclstm_error error;
    ck_assert(train_losses_create(&losses, bench.device, OCLSTM_F32, &error) == OCLSTM_OK);
    const train_loss_call call = {.steps = 1000, .batch = 1000, .outputs = 100000, .counted = 1};
    ck_assert(train_loss_enqueue(losses, &call, NULL, &error) == OCLSTM_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.message, "100000 outputs"));
    train_losses_destroy(&losses);
    kernel_bench_close(&bench);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_loss");
    suite_add_loop(suite, "torch", as_torch, 2 * (int)COUNT(torch_losses));
    suite_add_loop(suite, "shapes", shapes, 6);
    suite_add_loop(suite, "peaks", peaks, 2);
    suite_add_loop(suite, "large", large, 2);
    suite_add_loop(suite, "broken", not_finite, 6);
    suite_add_loop(suite, "names", names, 1);
    suite_add_loop(suite, "too large", too_large, 1);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
