// SPDX-License-Identifier: Apache-2.0
// What a training says of itself: memory before it is taken, a summary, how to go on.
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "duration_text.h"
#include "json_output.h"
#include "network_job.h"
#include "report.h"
#include "run_job.h"
#include "train_job.h"

double train_seconds(const train_job *job) { return job->seconds_before + (job->begin > 0.0 ? run_clock() - job->begin : 0.0); }

// A word as a shell reads it back.
static size_t quote(char *text, size_t room, const char *word) {
    size_t used = 0;
    bool plain = *word != '\0';
    for (const char *at = word; *at; at++)
        plain = plain && (isalnum((unsigned char)*at) || strchr("-_./:,=+@%", *at));
    if (!plain && room > 1)
        text[used++] = '\'';
    for (const char *at = word; *at && used + 5 < room; at++) {
        if (*at == '\'') {
            memcpy(text + used, "'\\''", 4);
            used += 4;
        } else {
            text[used++] = *at;
        }
    }
    if (!plain && used + 1 < room)
        text[used++] = '\'';
    text[used] = '\0';
    return used;
}

void train_say_resume(const train_job *job) {
    char text[3800];
    size_t used = (size_t)snprintf(text, sizeof text, "oclstm");
    const cli_options *options = job->options;
    for (int i = 0; i < options->word_count && used + 8 < sizeof text; i++) {
        if (strcmp(options->words[i], "--restart") == 0 || strcmp(options->words[i], "--resume") == 0)
            continue;
        text[used++] = ' ';
        used += quote(text + used, sizeof text - used, options->words[i]);
    }
    report("to go on: %s --resume", text);
}

static uint64_t parameter_count(const train_job *job) {
    size_t count;
    uint64_t sum = 0;
    const oclstm_layer *layers = oclstm_trainer_layers(job->trainer, &count);
    for (size_t i = 0; i < count; i++)
        sum += layers[i].parameters;
    return sum;
}

void train_say_memory(const train_job *job) {
    char text[1024];
    size_t count;
    if (!job->options->verbose)
        return;
    const oclstm_layer *layers = oclstm_trainer_layers(job->trainer, &count);
    const train_plan *plan = &job->plan;
    const uint64_t device = oclstm_trainer_bytes(job->trainer, plan->batch, plan->bptt);
    network_text(text, sizeof text, layers, count);
    report("layers: %s; %" PRIu64 " parameters", text, parameter_count(job));
    report("engine: %s, %s", oclstm_engine_name(oclstm_trainer_engine(job->trainer)),
           oclstm_dtype_name(oclstm_trainer_dtype(job->trainer)));
    report("data: %" PRId64 " %s of %" PRId64 " steps to learn from, %" PRId64 " to measure on; a step takes %" PRId64
           " of them and %" PRId64 " steps, an epoch %" PRId64,
           job->data.training.sequences, job->options->training.text ? "rows" : "sequences", job->data.training.steps,
           job->data.validation.sequences, plan->batch, plan->bptt, plan->per_epoch);
    if (device)
        report("memory: %.1f MiB on the device for a step, in all", (double)device / (1024.0 * 1024.0));
    report("memory: %.1f MiB on the host for the data",
           ((double)job->data.owned_bytes +
            (double)plan->batch * (double)plan->bptt * (double)(job->data.x_bytes + job->data.target_bytes)) /
               (1024.0 * 1024.0));
}

void train_summarise(const train_job *job) {
    char total[32], losses[128] = "";
    const oclstm_device_info *info = oclstm_device_get_info(job->device);
    const int64_t done = job->plan.total > job->began ? job->plan.total - job->began : 0;
    const double seconds = fmax(run_clock() - job->begin, 1e-9);
    if (job->options->quiet)
        return;
    if (job->has_loss)
        snprintf(losses, sizeof losses, "; loss of the last step %.6g", job->last_loss);
    if (job->has_validation)
        snprintf(losses + strlen(losses), sizeof losses - strlen(losses), ", validation %.6g", job->last_validation);
    report("%s (%s), engine %s, %" PRId64 " step%s in %s, %.3g steps/s%s", info->name, info->platform_name,
           oclstm_engine_name(oclstm_trainer_engine(job->trainer)), done, done == 1 ? "" : "s", duration_text(total, seconds),
           (double)done / seconds, losses);
    report("%s is written: %" PRIu64 " parameters after %" PRId64 " steps", job->options->output, parameter_count(job),
           oclstm_trainer_steps(job->trainer));
}

int train_print_json(const train_job *job) {
    const oclstm_device_info *info = oclstm_device_get_info(job->device);
    if (!job->options->json)
        return EXIT_DONE;
    json_t *out = json_object();
    json_object_set_new(out, "output", json_text(job->options->output));
    json_object_set_new(out, "checkpoint", json_text(job->checkpoint));
    json_object_set_new(out, "device", json_text(info->name));
    json_object_set_new(out, "engine", json_text(oclstm_engine_name(oclstm_trainer_engine(job->trainer))));
    json_object_set_new(out, "dtype", json_text(oclstm_dtype_name(oclstm_trainer_dtype(job->trainer))));
    json_object_set_new(out, "parameters", json_integer((json_int_t)parameter_count(job)));
    json_object_set_new(out, "steps", json_integer(oclstm_trainer_steps(job->trainer)));
    json_object_set_new(out, "steps_per_epoch", json_integer(job->plan.per_epoch));
    json_object_set_new(out, "seconds", json_number(train_seconds(job)));
    json_object_set_new(out, "loss", job->has_loss ? json_number(job->last_loss) : json_null());
    json_object_set_new(out, "validation_loss", job->has_validation ? json_number(job->last_validation) : json_null());
    return json_print(out);
}
