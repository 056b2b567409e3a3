// SPDX-License-Identifier: Apache-2.0
// All steps, one after the other: from the data to the optimizer, into log, curves and checkpoints.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report.h"
#include "run_job.h"
#include "train_job.h"

enum { CHECKPOINT_SECONDS = 300 }; // by default

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

// Elements that count in a chunk's loss; the mean over all of them is that over all chunks.
static double counted(const train_job *job, const train_part *part, train_place place, const oclstm_train_batch *chunk) {
    const oclstm_const_array *target = &chunk->target;
    const int64_t steps = target->shape[0], rows = target->shape[1];
    const cli_training *training = &job->options->training;
    double count = 0.0;
    if (!part->lengths && !training->ignore_index_given)
        return (double)steps * (double)rows;
    for (int64_t t = 0; t < steps; t++) {
        for (int64_t b = 0; b < rows; b++) {
            const int64_t at = t * rows + b;
            if (part->lengths && part->lengths[place.batch * job->plan.batch + b] <= t)
                continue;
            if (training->ignore_index_given &&
                (target->dtype == OCLSTM_I64 ? ((const int64_t *)target->data)[at] : ((const int32_t *)target->data)[at]) ==
                    training->ignore_index)
                continue;
            count += 1.0;
        }
    }
    return count;
}

int train_evaluate(train_job *job, double *loss) {
    const train_part *part = &job->data.validation;
    const int64_t batches = (part->sequences - 1) / job->plan.batch + 1, chunks = (part->steps - 1) / job->plan.bptt + 1;
    double sum = 0.0, all = 0.0;
    for (int64_t i = 0; i < batches * chunks; i++) {
        const train_place place = {.batch = i / chunks, .chunk = i % chunks};
        oclstm_train_batch chunk;
        oclstm_error error;
        double mean;
        const int code = train_chunk(job, place, true, &chunk);
        if (code != EXIT_DONE)
            return code;
        if (oclstm_trainer_evaluate(job->trainer, &chunk, &mean, &error) != OCLSTM_OK)
            return fail(&error);
        const double count = counted(job, part, place, &chunk);
        sum += mean * count;
        all += count;
    }
    *loss = sum / all;
    return EXIT_DONE;
}

static void say_progress(train_job *job, int64_t done) {
    const double now = run_clock(), elapsed = now - job->bar.started;
    int used = snprintf(job->note, sizeof job->note, " loss %.4g", job->last_loss);
    if (job->has_validation)
        used += snprintf(job->note + used, sizeof job->note - (size_t)used, ", validation %.4g", job->last_validation);
    snprintf(job->note + used, sizeof job->note - (size_t)used, ", %.3g steps/s",
             (double)(done - job->began) / (elapsed > 1e-9 ? elapsed : 1e-9));
    job->bar.note = job->note;
    progress_update(&job->bar, done, job->plan.total, now);
}

// After an epoch, or every so many steps; and after the last.
static bool evaluation_due(const train_job *job, int64_t done) {
    const int64_t every = job->options->training.evaluate_every ? job->options->training.evaluate_every : job->plan.per_epoch;
    return job->data.validation.sequences > 0 && (done % every == 0 || done == job->plan.total);
}

static bool checkpoint_due(const train_job *job, int64_t done, double last) {
    const cli_training *training = &job->options->training;
    if (training->checkpoint_steps)
        return done % training->checkpoint_steps == 0;
    return run_clock() - last >= (training->checkpoint_seconds > 0.0 ? training->checkpoint_seconds : CHECKPOINT_SECONDS);
}

// Is a number of the batch itself none?
static bool data_is_finite(const oclstm_const_array *array) {
    int64_t count = array->data ? 1 : 0;
    for (int axis = 0; axis < array->rank; axis++)
        count *= array->shape[axis];
    for (int64_t i = 0; i < count; i++)
        if ((array->dtype == OCLSTM_F32 && !isfinite(((const float *)array->data)[i])) ||
            (array->dtype == OCLSTM_F64 && !isfinite(((const double *)array->data)[i])))
            return false;
    return true;
}

static int say_not_finite(train_job *job, const oclstm_train_result *result, int64_t step, int64_t epoch,
                          const oclstm_train_batch *batch) {
    const bool x = data_is_finite(&batch->x), target = data_is_finite(&batch->target);
    report("train: the %s is %g in step %" PRId64 " (epoch %" PRId64 ", learning rate %g)%s; stopped, and %s is not written",
           isfinite(result->loss) ? "gradients' norm" : "loss", isfinite(result->loss) ? result->gradient_norm : result->loss, step,
           epoch + 1, result->lr,
           !x        ? ": X holds numbers that are not finite"
           : !target ? ": TARGET holds numbers that are not finite"
                     : ": a smaller --lr, or --clip, may help",
           job->options->output);
    report("train: the last good checkpoint is %s, of step %" PRId64, job->checkpoint, job->saved);
    return EXIT_FAILED;
}

// What belongs to a step behind the step itself.
static int after_step(train_job *job, const oclstm_train_result *result, int64_t epoch) {
    job->last_loss = result->loss;
    job->has_loss = true;
    train_curve_take(&job->training, result->step, result->loss);
    const bool due = evaluation_due(job, result->step);
    int code = due ? train_evaluate(job, &job->last_validation) : EXIT_DONE;
    if (code != EXIT_DONE)
        return code;
    if (due) {
        job->has_validation = true;
        train_curve_take(&job->validation, result->step, job->last_validation);
    }
    if (job->options->verbose && (due || result->step % job->plan.per_epoch == 0)) {
        char validation[48] = "";
        if (due)
            snprintf(validation, sizeof validation, ", validation %.6g", job->last_validation);
        progress_end(&job->bar);
        report("step %" PRId64 ", epoch %" PRId64 ": loss %.6g%s", result->step, epoch + 1, result->loss, validation);
    }
    return train_log_step(job, result, epoch, due ? &job->last_validation : NULL);
}

// One step. *finite: may it go on?
static int take_step(train_job *job, int64_t step) {
    const train_place place = train_place_of(&job->plan, step);
    oclstm_train_batch batch;
    oclstm_train_result result;
    oclstm_error error;
    int code = train_chunk(job, place, false, &batch);
    if (code != EXIT_DONE)
        return code;
    if (oclstm_trainer_step(job->trainer, &batch, &result, &error) != OCLSTM_OK) {
        progress_end(&job->bar);
        return fail(&error);
    }
    if (result.finite)
        return after_step(job, &result, place.epoch);
    progress_end(&job->bar);
    return say_not_finite(job, &result, step + 1, place.epoch, &batch);
}

// The weights on disk before the first step already: where that fails, no time is lost.
static int save_first(train_job *job) { return job->saved < 0 ? train_checkpoint_save(job, false) : EXIT_DONE; }

static int stop_by_signal(train_job *job, int64_t done) {
    progress_end(&job->bar);
    int code = job->saved == done ? EXIT_DONE : train_checkpoint_save(job, false);
    if (code == EXIT_DONE)
        report("train: stopped by a signal after step %" PRId64 " of %" PRId64 "; it is in %s", done, job->plan.total,
               job->checkpoint);
    return code == EXIT_DONE ? EXIT_SIGNAL + run_signal() : code;
}

int train_loop(train_job *job) {
    int code = save_first(job);
    double last = job->begin = run_clock();
    progress_begin(&job->bar, job->options->quiet, job->begin);
    job->bar.before = job->began;
    for (int64_t done = job->began; done < job->plan.total && code == EXIT_DONE;) {
        if (run_signal()) {
            code = stop_by_signal(job, done);
            break;
        }
        code = take_step(job, done);
        if (code != EXIT_DONE)
            break;
        say_progress(job, ++done);
        if (done < job->plan.total && !run_signal() && checkpoint_due(job, done, last)) {
            code = train_checkpoint_save(job, false);
            last = run_clock();
        }
    }
    progress_end(&job->bar);
    if (code == EXIT_DONE && job->began < job->plan.total)
        code = train_checkpoint_save(job, true);
    return code;
}
