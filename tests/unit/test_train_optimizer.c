// SPDX-License-Identifier: Apache-2.0
// Optimizers against torch's over five steps, and against plain C in double precision over a larger network; the norm; clipping; steps that are left out;
// settings that are refused.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../tools/oclstm/reference.h"
#include "kernel_fixture.h"
#include "runner.h"
#include "train/optimizer.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define KERNELS      "train_sum.cl train_optimizer.cl"

static const oclstm_dtype dtypes[] = {OCLSTM_F32, OCLSTM_F64};

// Oclgrind takes its time.
static bool simulated(void) {
    const char *device = test_device();
    return device != NULL && strcmp(device, "oclgrind") == 0;
}

// --- a network of one flat buffer -------------------------------------------------------------------------------------

enum { LOSS_PLACE = 1, NORM_PLACE = 3, RESULTS = 4 };

typedef struct flat_network {
    kernel_bench bench;
    size_t flat;
    train_optimizer *optimizer;
    cl_mem weights, gradients, results;
} flat_network;

static bool network_open(flat_network *n, oclstm_dtype dtype, const oclstm_optimizer_params *params, size_t flat,
                         const double *weights) {
    oclstm_error error;
    if (!kernel_bench_open(&n->bench, KERNELS, dtype))
        return false;
    n->flat = flat;
    const uint64_t before = oclstm_device_get_held_bytes(n->bench.device);
    ck_assert_msg(train_optimizer_create(&n->optimizer, n->bench.device, dtype, params->kind, params->momentum > 0, flat, &error) ==
                      OCLSTM_OK,
                  "%s", error.message);
    ck_assert(oclstm_device_get_held_bytes(n->bench.device) - before ==
              train_optimizer_bytes(dtype, params->kind, params->momentum > 0, flat));
    n->weights = kernel_buffer(&n->bench, weights, flat);
    n->gradients = kernel_buffer(&n->bench, NULL, flat);
    n->results = kernel_buffer(&n->bench, NULL, RESULTS);
    return true;
}

static void network_close(flat_network *n) {
    device_buffer_release(n->bench.device, &n->weights);
    device_buffer_release(n->bench.device, &n->gradients);
    device_buffer_release(n->bench.device, &n->results);
    train_optimizer_destroy(&n->optimizer);
    ck_assert_ptr_null(n->optimizer);
    kernel_bench_close(&n->bench);
}

static void write_values(const flat_network *n, cl_mem buffer, size_t offset, const double *values, size_t count) {
    const size_t element = oclstm_dtype_size_bytes(n->bench.dtype);
    char *host = calloc(count, element);
    ck_assert_ptr_nonnull(host);
    reference_narrow(host, values, n->bench.dtype, (int64_t)count);
    ck_assert(device_write(n->bench.device, buffer, offset * element, host, count * element, "test data", NULL) == OCLSTM_OK);
    free(host);
}

static void read_values(const flat_network *n, double *values, cl_mem buffer, size_t offset, size_t count) {
    const size_t element = oclstm_dtype_size_bytes(n->bench.dtype);
    char *host = calloc(count, element);
    ck_assert_ptr_nonnull(host);
    ck_assert(device_read(n->bench.device, host, buffer, offset * element, count * element, "test data", NULL) == OCLSTM_OK);
    reference_widen(values, host, n->bench.dtype, (int64_t)count);
    free(host);
}

static double *alloc_values(size_t count) {
    double *values = calloc(count, sizeof *values);
    ck_assert_ptr_nonnull(values);
    return values;
}

// A step with these gradients; loss: NULL, or what the loss is. Returns the norm.
static double network_step(flat_network *n, const oclstm_optimizer_params *params, int64_t step, const double *gradients,
                           const double *loss) {
    oclstm_error error;
    double norm;
    write_values(n, n->gradients, 0, gradients, n->flat);
    if (loss != NULL)
        write_values(n, n->results, LOSS_PLACE, loss, 1);
    const train_matrix loss_matrix = {loss != NULL ? n->results : NULL, LOSS_PLACE}, norm_matrix = {n->results, NORM_PLACE};
    ck_assert_msg(train_optimizer_enqueue(n->optimizer, params, step, n->weights, n->gradients, loss_matrix, norm_matrix, &error) ==
                      OCLSTM_OK,
                  "%s", error.message);
    ck_assert(device_finish(n->bench.device, NULL) == OCLSTM_OK);
    read_values(n, &norm, n->results, NORM_PLACE, 1);
    return norm;
}

// --- torch ------------------------------------------------------------------------------------------------------------
// torch 2, float64; four weights w[k] = ((29 k) mod 31 - 15) / 16, gradient of step n = 1 ... 5 g[k] = ((17 k + 11 n) mod 37 - 18) / 32:
//     o = torch.optim.SGD([w], lr=...)  (Adam, AdamW: foreach=False); w.grad = g; clip_grad_norm_([w], clip); o.step(); print(w)
enum { STEPS = 5, WEIGHTS = 4 };
static const double torch_norms[STEPS] = {0.53945864067600213, 0.76354948267941347, 0.66877920496977172, 0.59457179970126395,
                                          0.69456596159040218};
static const struct torch_run {
    const char *name;
    oclstm_optimizer_params params;
    double weights[STEPS][WEIGHTS];
} torch_runs[] = {
    {"sgd",
     {.kind = OCLSTM_OPTIMIZER_SGD, .lr = 0.1},
     {{-0.91562500000000002, 0.84375, 0.78125, 0.60312500000000002},
      {-0.92812499999999998, 0.89375000000000004, 0.77812499999999996, 0.546875},
      {-0.97499999999999998, 0.90937500000000004, 0.74062499999999998, 0.57187500000000002},
      {-0.94062499999999993, 0.890625, 0.78437499999999993, 0.5625},
      {-0.94062499999999993, 0.83750000000000002, 0.79374999999999996, 0.51875000000000004}}},
    {"sgd, decay, clipped",
     {.kind = OCLSTM_OPTIMIZER_SGD, .lr = 0.1, .weight_decay = 0.05, .clip_norm = 0.5},
     {{-0.91253758196110069, 0.84166083137300107, 0.77521416862699899, 0.60160008196110071},
      {-0.91616033842174183, 0.87019430469792247, 0.76929173669125239, 0.56175758188428548},
      {-0.94662468284166457, 0.87752504854511004, 0.73740916111817101, 0.57763953856794747},
      {-0.91298424982863902, 0.85736979988484785, 0.7705132366201658, 0.56686752916633942},
      {-0.90841932857949581, 0.81483969793947608, 0.77340947978046748, 0.53253874791796263}}},
    {"sgd, momentum",
     {.kind = OCLSTM_OPTIMIZER_SGD, .lr = 0.1, .momentum = 0.9},
     {{-0.91562500000000002, 0.84375, 0.78125, 0.60312500000000002},
      {-0.90843750000000001, 0.86562499999999998, 0.80625000000000002, 0.52718750000000003},
      {-0.94884374999999999, 0.90093749999999995, 0.79125000000000001, 0.48384375000000002},
      {-0.95083437500000001, 0.91396875, 0.82150000000000001, 0.43545937500000004},
      {-0.95262593750000002, 0.872571875, 0.85809999999999997, 0.34816343750000006}}},
    {"sgd, Nesterov",
     {.kind = OCLSTM_OPTIMIZER_SGD, .lr = 0.1, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01},
     {{-0.89415624999999999, 0.81396250000000003, 0.80795000000000006, 0.58225000000000005},
      {-0.897729228125, 0.88139472125000007, 0.82518239500000001, 0.45604372500000007},
      {-0.97785646352906253, 0.92582913665462507, 0.77141335894950003, 0.44024061942250009},
      {-0.94142100441732601, 0.91516679040826876, 0.83917320527754602, 0.38527930657834736},
      {-0.93865796212554642, 0.82060260810776153, 0.8776944099058146, 0.2607908108935913}}},
    {"sgd, dampening",
     {.kind = OCLSTM_OPTIMIZER_SGD, .lr = 0.1, .momentum = 0.8, .dampening = 0.3, .weight_decay = 0.1},
     {{-0.90625, 0.83499999999999996, 0.77375000000000005, 0.59687500000000004},
      {-0.88365625000000003, 0.83215499999999998, 0.78514625000000005, 0.530821875},
      {-0.89220815625000005, 0.83499141499999996, 0.76251722625000007, 0.491763621875},
      {-0.86874172415625006, 0.8182906070949999, 0.7697013866662501, 0.45051217402187499},
      {-0.84388738641215633, 0.76201442652133489, 0.77662330529258639, 0.38373243052122186}}},
    {"adam",
     {.kind = OCLSTM_OPTIMIZER_ADAM, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
     {{-0.83750000457142837, 0.77500000319999995, 0.84999999680000005, 0.52500000457142837},
      {-0.81626327255556541, 0.80261130174119377, 0.90926484555603904, 0.43136609190904029},
      {-0.86477637023370313, 0.83961542234296249, 0.88966690361875023, 0.38896083929144526},
      {-0.86660322510352605, 0.85149431862439606, 0.9164676996320068, 0.34631485484300456},
      {-0.86814733403620103, 0.82427438999632985, 0.94661435049177334, 0.28611380322596358}}},
    {"adam, low betas, decay",
     {.kind = OCLSTM_OPTIMIZER_ADAM, .lr = 0.1, .beta1 = 0.4, .beta2 = 0.7, .eps = 1e-3, .weight_decay = 0.1},
     {{-0.83781897926634763, 0.77524937655860349, 0.84958071278825997, 0.52535429583702387},
      {-0.80848420729862092, 0.82049464087815527, 0.84104866957382052, 0.42266456261119623},
      {-0.88350131555470635, 0.85757091710326028, 0.75221850069796181, 0.4092809375165315},
      {-0.83383243576157706, 0.8156768127938927, 0.78323887618618593, 0.37714531189369965},
      {-0.7924617133208095, 0.71975255488602075, 0.80185376665881603, 0.29168697159010049}}},
    {"adam, clipped",
     {.kind = OCLSTM_OPTIMIZER_ADAM, .lr = 0.05, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .clip_norm = 0.25},
     {{-0.88750000493220194, 0.82500000345254143, 0.79999999654745857, 0.57500000493220194},
      {-0.8703704690205627, 0.83068174757271396, 0.83079603059816809, 0.52625171873564736},
      {-0.89047219384330201, 0.84317629591540355, 0.82571545670137425, 0.50480275056879054},
      {-0.88729106676051184, 0.84326849179081065, 0.84222601323598434, 0.48257409131514722},
      {-0.88460228901582361, 0.82629957669811849, 0.85942403649200161, 0.45173680598586063}}},
    {"adamw",
     {.kind = OCLSTM_OPTIMIZER_ADAMW, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.01},
     {{-0.83656250457142833, 0.77412500319999999, 0.84924999680000002, 0.52437500457142838},
      {-0.81448921005099395, 0.80096217673799386, 0.90766559555923898, 0.43021671690446883},
      {-0.86218781851908066, 0.8371653351630246, 0.88715998802639096, 0.38738124756996933},
      {-0.86315248557038449, 0.84820706610929519, 0.91307362405162118, 0.34434788187395865},
      {-0.86383344201748913, 0.82013893041511965, 0.94230720128733614, 0.28380248237504369}}},
    {"adamw, decay, clipped",
     {.kind = OCLSTM_OPTIMIZER_ADAMW, .lr = 0.1, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0.5, .clip_norm = 2.0},
     {{-0.79062500457142837, 0.73125000319999978, 0.81249999679999996, 0.49375000457142837},
      {-0.72985702232699401, 0.72229880158119353, 0.83113984571603894, 0.37542859168046888},
      {-0.74187726888878203, 0.72318798210390256, 0.76998491149294812, 0.3142519094788504},
      {-0.70661026031416585, 0.69890747928014096, 0.75828646193155724, 0.25589332955646715},
      {-0.6728238562311325, 0.63674217668806765, 0.75051878969474584, 0.18289761146160277}}},
};

START_TEST(as_torch) {
    const struct torch_run *want = &torch_runs[(size_t)_i / 2];
    enum { FLAT = 128 };
    double weights[FLAT] = {0}, gradients[FLAT] = {0};
    flat_network n;
    for (int k = 0; k < WEIGHTS; k++)
        weights[k] = (double)((k * 29) % 31 - 15) / 16;
    if (!network_open(&n, dtypes[_i % 2], &want->params, FLAT, weights))
        return;
    const double allowed = n.bench.dtype == OCLSTM_F64 ? 4e-15 : 5e-7;
    for (int step = 1; step <= STEPS; step++) {
        for (int k = 0; k < WEIGHTS; k++)
            gradients[k] = (double)((k * 17 + step * 11) % 37 - 18) / 32;
        const double loss = 1.0, norm = network_step(&n, &want->params, step, gradients, step % 2 == 0 ? &loss : NULL);
        ck_assert_msg(fabs(norm - torch_norms[step - 1]) <= allowed, "%s: norm of step %d is %.17g, torch's %.17g", want->name,
                      step, norm, torch_norms[step - 1]);
        read_values(&n, weights, n.weights, 0, FLAT);
        for (int k = 0; k < FLAT; k++) {
            const double expected = k < WEIGHTS ? want->weights[step - 1][k] : 0;
            ck_assert_msg(fabs(weights[k] - expected) <= allowed, "%s: weight %d after step %d is %.17g, torch's %.17g; %s",
                          want->name, k, step, weights[k], expected, oclstm_dtype_name(n.bench.dtype));
        }
    }
    network_close(&n);
}
END_TEST

// --- plain C ----------------------------------------------------------------------------------------------------------

// The formulas of include/oclstm/train.h as they stand there.
static void plain_step(const oclstm_optimizer_params *p, int64_t step, double scale, double *w, double g, double *m, double *v) {
    const double lr = oclstm_optimizer_rate(p, step), n = (double)step;
    g *= scale;
    if (p->kind == OCLSTM_OPTIMIZER_ADAMW)
        *w -= lr * p->weight_decay * *w;
    else
        g += p->weight_decay * *w;
    if (p->kind == OCLSTM_OPTIMIZER_SGD) {
        *m = step == 1 ? g : p->momentum * *m + (1 - p->dampening) * g;
        *w -= lr * (p->momentum == 0 ? g : p->nesterov ? g + p->momentum * *m : *m);
        return;
    }
    *m = p->beta1 * *m + (1 - p->beta1) * g;
    *v = p->beta2 * *v + (1 - p->beta2) * g * g;
    const double below = sqrt(*v) / sqrt(1 - pow(p->beta2, n)) + p->eps;
    *w -= *m == 0 ? 0 : lr / (1 - pow(p->beta1, n)) * *m / below;
}

// Three steps of random gradients over `flat` weights; every 64th weight and gradient is zero, as what lies between parameters is.
static void check_flat(oclstm_dtype dtype, oclstm_optimizer_params params, size_t flat) {
    double *w = alloc_values(flat), *g = alloc_values(flat), *m = alloc_values(flat), *v = alloc_values(flat),
           *got = alloc_values(flat);
    flat_network n;
    uint64_t seed = flat;
    kernel_bench rounding = {.dtype = dtype};
    kernel_random(&rounding, w, flat, &seed);
    for (size_t i = 0; i < flat; i += 64)
        w[i] = 0;
    if (network_open(&n, dtype, &params, flat, w)) {
        const double allowed = dtype == OCLSTM_F64 ? 1e-14 : 2e-6;
        for (int step = 1; step <= 3; step++) {
            long double squares = 0; // of a quarter million
            kernel_random(&rounding, g, flat, &seed);
            for (size_t i = 0; i < flat; i++) {
                g[i] = i % 64 == 0 ? 0 : g[i];
                squares += (long double)g[i] * g[i];
            }
            const double norm = network_step(&n, &params, step, g, NULL), want = (double)sqrtl(squares),
                         scale = params.clip_norm > 0 && params.clip_norm < want + 1e-6 ? params.clip_norm / (want + 1e-6) : 1;
            ck_assert_msg(fabs(norm - want) <= (dtype == OCLSTM_F64 ? 1e-13 : 1.2e-7) * want,
                          "norm of %zu is %.17g, expected %.17g; %s", flat, norm, want, oclstm_dtype_name(dtype));
            read_values(&n, got, n.weights, 0, flat);
            for (size_t i = 0; i < flat; i++) {
                plain_step(&params, step, scale, &w[i], g[i], &m[i], &v[i]);
                if (!(fabs(got[i] - w[i]) <= allowed * (1 + fabs(w[i])))) // Check notes every assertion, which takes long
                    ck_abort_msg("%s, weight %zu of %zu after step %d is %.17g, expected %.17g; %s",
                                 oclstm_optimizer_name(params.kind), i, flat, step, got[i], w[i], oclstm_dtype_name(dtype));
            }
        }
        kernel_expect(&n.bench, n.weights, got, flat, "weights"); // the guard behind them
        network_close(&n);
    }
    double *const arrays[] = {w, g, m, v, got};
    for (size_t i = 0; i < COUNT(arrays); i++)
        free(arrays[i]);
}

START_TEST(plain) {
    static const size_t flats[] = {64, 448, 64 * 601};
    const oclstm_dtype dtype = dtypes[_i % 2];
    oclstm_optimizer_params params = oclstm_optimizer_defaults((oclstm_optimizer)(_i / 2));
    params.lr = 0.01;
    for (size_t i = 0; i < (simulated() ? 2 : COUNT(flats)); i++) {
        check_flat(dtype, params, flats[i]);
        oclstm_optimizer_params other = params;
        other.weight_decay = 0.1;
        other.momentum = 0.5;
        other.dampening = 0.25;
        other.clip_norm = 0.75;
        other.beta1 = 0.3;
        other.eps = params.eps * 1e4; // sqrt(v) of a gradient near 0 is not right to its last bits in float32
        check_flat(dtype, other, flats[i]);
    }
}
END_TEST

// The norm of millions is right to its last bits, also where all additions round the same way.
START_TEST(norm_of_many) {
    enum { FLAT = 64 * 40000 };
    oclstm_optimizer_params params = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD);
    double *values = alloc_values(FLAT);
    flat_network n;
    if (!simulated() && network_open(&n, dtypes[_i], &params, FLAT, values)) {
        const double value = (double)0.1F;
        for (size_t i = 0; i < FLAT; i++)
            values[i] = value;
        const double norm = network_step(&n, &params, 1, values, NULL), want = value * 1600;
        ck_assert_msg(fabs(norm - want) <= (dtypes[_i] == OCLSTM_F64 ? 1e-14 : 1e-7) * want, "norm %.17g, expected %.17g", norm,
                      want);
        network_close(&n);
    }
    free(values);
}
END_TEST

// Where eps is 0 weights without a gradient stay.
START_TEST(no_gradient) {
    oclstm_optimizer_params params = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM);
    double w[64], g[64] = {0};
    flat_network n;
    params.eps = 0;
    for (size_t i = 0; i < 64; i++)
        w[i] = (double)i;
    if (!network_open(&n, dtypes[_i], &params, 64, w))
        return;
    g[3] = 0.5;
    ck_assert(network_step(&n, &params, 1, g, NULL) == 0.5);
    w[3] -= params.lr;
    kernel_expect(&n.bench, n.weights, w, 64, "weights");
    network_close(&n);
}
END_TEST

// Neither weights nor moments change where the loss or the norm is not finite; the step after goes on from them.
START_TEST(left_out) {
    const oclstm_dtype dtype = dtypes[_i % 2];
    oclstm_optimizer_params params = oclstm_optimizer_defaults((oclstm_optimizer)(_i / 2));
    params.momentum = 0.9;
    params.clip_norm = 1;
    double w[64], g[64], bad[64], after[2][64];
    for (size_t i = 0; i < 64; i++) {
        w[i] = (double)i / 64;
        g[i] = (double)i / 32 - 1;
        bad[i] = g[i];
    }
    for (int disturbed = 0; disturbed < 2; disturbed++) {
        flat_network n;
        if (!network_open(&n, dtype, &params, 64, w))
            return;
        const double fine = 2, losses[] = {NAN, INFINITY, -INFINITY};
        network_step(&n, &params, 1, g, &fine);
        for (size_t i = 0; disturbed && i < COUNT(losses); i++) {
            ck_assert(isfinite(network_step(&n, &params, 2, g, &losses[i])));
            bad[37] = losses[i];
            ck_assert(!isfinite(network_step(&n, &params, 2, bad, &fine)));
            ck_assert(isnan(losses[i]) || isinf(network_step(&n, &params, 2, bad, NULL)));
        }
        network_step(&n, &params, 2, g, &fine);
        read_values(&n, after[disturbed], n.weights, 0, 64);
        network_close(&n);
    }
    ck_assert(memcmp(after[0], after[1], sizeof after[0]) == 0);
    ck_assert(after[0][40] != w[40]);
}
END_TEST

START_TEST(moments) {
    flat_network n;
    const double w[64] = {0};
    for (int kind = 0; kind < 3; kind++) {
        for (int momentum = 0; momentum < 2; momentum++) {
            oclstm_optimizer_params params = oclstm_optimizer_defaults((oclstm_optimizer)kind);
            params.momentum = momentum;
            ck_assert(network_open(&n, OCLSTM_F32, &params, 64, w));
            const bool sgd = kind == OCLSTM_OPTIMIZER_SGD;
            ck_assert((train_optimizer_first(n.optimizer) != NULL) == (!sgd || momentum));
            ck_assert((train_optimizer_second(n.optimizer) != NULL) == !sgd);
            if (!sgd) {
                double values[64];
                read_values(&n, values, train_optimizer_second(n.optimizer), 0, 64);
                ck_assert(memcmp(values, w, sizeof w) == 0);
            }
            network_close(&n);
        }
    }
    train_optimizer_destroy(NULL);
    oclstm_device *device = NULL;
    oclstm_error error;
    train_optimizer *optimizer = NULL;
    ck_assert(oclstm_device_open(&device, test_device(), NULL) == OCLSTM_OK);
    ck_assert(train_optimizer_create(&optimizer, device, OCLSTM_F32, OCLSTM_OPTIMIZER_SGD, false, (size_t)1 << 40, &error) ==
              OCLSTM_UNSUPPORTED);
    ck_assert_ptr_null(optimizer);
    oclstm_device_close(&device);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_optimizer");
    suite_add_loop(suite, "torch", as_torch, 2 * (int)COUNT(torch_runs));
    suite_add_loop(suite, "plain", plain, 6);
    suite_add_loop(suite, "norm", norm_of_many, 2);
    suite_add_loop(suite, "no gradient", no_gradient, 2);
    suite_add_loop(suite, "left out", left_out, 6);
    suite_add_loop(suite, "moments", moments, 1);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }
