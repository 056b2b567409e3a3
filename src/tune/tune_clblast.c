// SPDX-License-Identifier: Apache-2.0
// CLBlast's own parameters: its two GEMM kernels, what copies matrices for them, the switch between them, and the matrix-vector kernels.
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "matmul/matmul.h"
#include "tune/clblast_candidates.h"
#include "tune/tune_product.h"
#include "tune/tuner.h"

static const double least_seconds = 0.04;

uint64_t tune_clblast_count(const tune_search *tuner) {
    char why[256];
    return matmul_supported(device_get_limits(tuner->device), tuner->params->dtype, why, sizeof why) ? clblast_candidate_count()
                                                                                                     : 0;
}

// --- what CLBlast has at the moment ---------------------------------------------------------------------------------------

// The kept set of a kernel; NULL where CLBlast still has its own.
static tuned_clblast *find_kernel(tuned_settings *settings, oclstm_dtype dtype, const char *kernel) {
    for (size_t i = 0; i < settings->clblast_count; i++) {
        if (settings->clblast[i].dtype == dtype && strcmp(settings->clblast[i].kernel, kernel) == 0)
            return &settings->clblast[i];
    }
    return NULL;
}

static void put_kernel(tuned_settings *settings, const tuned_clblast *kernel) {
    tuned_clblast *place = find_kernel(settings, kernel->dtype, kernel->kernel);
    if (place == NULL && settings->clblast_count < TUNED_CLBLAST)
        place = &settings->clblast[settings->clblast_count++];
    if (place != NULL)
        *place = *kernel;
}

// Gives CLBlast the kept set of a kernel again; where there is none, what it has for a device that it does not know: it cannot be asked for what it
// had for this one.
static void restore_kernel(tune_search *tuner, const clblast_stage *stage) {
    const oclstm_dtype dtype = tuner->params->dtype;
    const tuned_clblast *kept = find_kernel(tuner->best, dtype, stage->kernel);
    const tuned_clblast usual = clblast_candidate(stage, dtype == OCLSTM_F64 ? CLBLAST_DEFAULT_F64 : CLBLAST_DEFAULT_F32, dtype);
    (void)matmul_override(tuner->device, kept != NULL ? kept : &usual, NULL);
}

static const clblast_stage *switch_stage(void) {
    size_t position = 0;
    while (strcmp(clblast_stage_at(position)->kernel, "GemmRoutine") != 0)
        position++;
    return clblast_stage_at(position);
}

// Lets every product go one way, so that the kernel of a stage is what is timed.
static void force_switch(tune_search *tuner, size_t switch_size) {
    tuned_clblast kernel = clblast_candidate(switch_stage(), 0, tuner->params->dtype);
    kernel.values[0] = switch_size;
    (void)matmul_override(tuner->device, &kernel, NULL);
}

// --- a stage --------------------------------------------------------------------------------------------------------------

// The geometric mean over the stage's products.
static bool time_kernel(tune_search *tuner, const void *subject, const void *candidate, double *seconds) {
    const clblast_stage *stage = subject;
    double sum = 0, part;
    int count = 0;
    oclstm_error *error = &tuner->last_error;
    if (candidate != NULL && matmul_override(tuner->device, candidate, error) != OCLSTM_OK)
        return false;
    if (candidate == NULL && find_kernel(tuner->best, tuner->params->dtype, stage->kernel) != NULL)
        restore_kernel(tuner, stage);
    for (; count < CLBLAST_PRODUCTS && stage->products[count].m > 0; count++) {
        const clblast_product *product = &stage->products[count];
        const matmul_shape shape = {
            .dtype = tuner->params->dtype, .m = product->m, .n = product->n, .k = product->k, .form = product->form};
        if (tune_product_time(tuner->device, &shape, least_seconds, &part, error) != OCLSTM_OK)
            return false;
        sum += log(part);
    }
    *seconds = exp(sum / count);
    tuner->passed++;
    return true;
}

static oclstm_status keep_kernel(tune_search *tuner, const tuned_clblast *kernel, double speedup, oclstm_error *error) {
    char words[240] = "";
    put_kernel(tuner->best, kernel);
    device_set_tuned(tuner->device, tuner->best);
    for (size_t p = 0; p < kernel->count; p++)
        base_append(words, sizeof words, "%s%s=%zu", p > 0 ? " " : "", kernel->names[p], kernel->values[p]);
    return tuner_found(tuner, speedup, error, "%s", words);
}

static oclstm_status tune_kernel(tune_search *tuner, const clblast_stage *stage, oclstm_error *error) {
    const oclstm_dtype dtype = tuner->params->dtype;
    const bool known = find_kernel(tuner->best, dtype, stage->kernel) != NULL || stage == switch_stage();
    tune_contest contest = {.time = time_kernel, .subject = stage, .repeatable = known};
    oclstm_status status = OCLSTM_OK;
    bool touched = false;
    tuner_stage(tuner, "CLBlast %s %s", stage->kernel, oclstm_dtype_name(dtype));
    for (size_t i = 0; i < stage->count && status == OCLSTM_OK && !tuner->stopped; i++) {
        if (!tuner_next(tuner))
            continue;
        if (!touched && stage->switch_size > 0)
            force_switch(tuner, stage->switch_size);
        if (!touched && stage == switch_stage())
            restore_kernel(tuner, stage); // the stages before have turned it
        touched = true;
        const tuned_clblast kernel = clblast_candidate(stage, i, dtype);
        if (tuner_contest(tuner, &contest, &kernel))
            status = keep_kernel(tuner, &kernel, tuner_speedup(&contest), error);
    }
    if (touched) {
        restore_kernel(tuner, stage);
        restore_kernel(tuner, switch_stage());
    }
    tuner_stage_end(tuner);
    return status;
}

oclstm_status tune_clblast(tune_search *tuner, oclstm_error *error) {
    oclstm_status status = OCLSTM_OK;
    if (tune_clblast_count(tuner) == 0)
        return OCLSTM_OK;
    device_set_tuned(tuner->device, tuner->best);
    for (size_t i = 0; i < clblast_stage_count() && status == OCLSTM_OK && !tuner->stopped; i++)
        status = tune_kernel(tuner, clblast_stage_at(i), error);
    return status;
}
