// SPDX-License-Identifier: Apache-2.0
// CLBlast's own parameters: its two GEMM kernels, the switch between them, and the matrix-vector kernels.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "matmul/matmul.h"
#include "tune/clblast_candidates.h"
#include "tune/tuner.h"

// What the products are tried on: a large one, and the recurrent product of a batch; a single row for the matrix-vector kernels.
typedef struct product {
    size_t m, n, k;
} product;
static const product products[] = {{1024, 1024, 1024}, {64, 2048, 512}};
static const product vector_product = {1, 4096, 1024};

uint64_t tune_clblast_count(const tune_search *tuner) {
    char why[256];
    return matmul_supported(device_get_limits(tuner->device), tuner->params->dtype, why, sizeof why) ? clblast_candidate_count()
                                                                                                     : 0;
}

static void put_kernel(tuned_settings *settings, const tuned_clblast *kernel) {
    size_t place = 0;
    while (place < settings->clblast_count &&
           (settings->clblast[place].dtype != kernel->dtype || strcmp(settings->clblast[place].kernel, kernel->kernel) != 0))
        place++;
    if (place == TUNED_CLBLAST)
        return;
    if (place == settings->clblast_count)
        settings->clblast_count++;
    settings->clblast[place] = *kernel;
}

// Gives CLBlast the kept parameters of every kernel again: a candidate may have left others.
static void restore(tune_search *tuner) {
    for (size_t i = 0; i < tuner->best->clblast_count; i++)
        (void)matmul_override(tuner->device, &tuner->best->clblast[i], NULL);
}

// Which product a kernel is timed with, and the setting of the switch that makes CLBlast use it.
static bool time_kernel(tune_search *tuner, const clblast_stage *stage, double *seconds) {
    double sum = 0, part;
    if (stage->switch_size > 0) {
        tuned_clblast gemm_switch = {
            .dtype = tuner->params->dtype, .kernel = "GemmRoutine", .count = 1, .names = {"XGEMM_MIN_INDIRECT_SIZE"}};
        gemm_switch.values[0] = stage->switch_size;
        if (matmul_override(tuner->device, &gemm_switch, &tuner->last_error) != OCLSTM_OK)
            return false;
    }
    if (stage->is_vector) {
        if (!trial_product(tuner, vector_product.m, vector_product.n, vector_product.k, seconds))
            return false;
        return true;
    }
    for (size_t i = stage->first_product; i < sizeof products / sizeof products[0]; i++) {
        if (!trial_product(tuner, products[i].m, products[i].n, products[i].k, &part))
            return false;
        sum += log(part);
    }
    *seconds = exp(sum / (double)(sizeof products / sizeof products[0] - stage->first_product));
    return true;
}

static oclstm_status tune_kernel(tune_search *tuner, const clblast_stage *stage, oclstm_error *error) {
    double base = INFINITY, best = INFINITY, seconds;
    bool begun = false;
    tuner_stage(tuner, "CLBlast %s %s", stage->kernel, oclstm_dtype_name(tuner->params->dtype));
    oclstm_status status = OCLSTM_OK;
    for (size_t i = 0; i < stage->count && status == OCLSTM_OK && !tuner->stopped; i++) {
        if (!tuner_next(tuner))
            continue;
        if (!begun) {
            if (time_kernel(tuner, stage, &base))
                best = base;
            begun = true;
        }
        tuned_clblast kernel = clblast_candidate(stage, i, tuner->params->dtype);
        if (matmul_override(tuner->device, &kernel, &tuner->last_error) != OCLSTM_OK)
            continue;
        if (!time_kernel(tuner, stage, &seconds) || !(seconds < 0.97 * best)) {
            restore(tuner);
            continue;
        }
        best = seconds;
        put_kernel(tuner->best, &kernel);
        char words[192] = "";
        for (size_t p = 0; p < kernel.count; p++)
            base_append(words, sizeof words, "%s%s=%zu", p > 0 ? " " : "", kernel.names[p], kernel.values[p]);
        status = tuner_found(tuner, base / best, error, "%s", words);
    }
    return status;
}

oclstm_status tune_clblast(tune_search *tuner, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    if (tune_clblast_count(tuner) == 0)
        return OCLSTM_OK;
    device_set_tuned(tuner->device, tuner->best);
    for (size_t i = 0; i < clblast_stage_count() && status == OCLSTM_OK && !tuner->stopped; i++)
        status = tune_kernel(tuner, clblast_stage_at(i), error);
    restore(tuner);
    return status;
}
