// SPDX-License-Identifier: Apache-2.0
// How many steps there are, and what each of them is made of.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "train_job.h"

enum { TEXT_CHUNK = 64, DEFAULT_EPOCHS = 10 };

int train_plan_decide(train_job *job) {
    const cli_training *training = &job->options->training;
    const train_part *part = &job->data.training;
    train_plan *plan = &job->plan;
    int code = train_parts_decide(&job->data, job->options, &plan->batch);
    if (code != EXIT_DONE)
        return code;
    plan->bptt = training->bptt ? training->bptt : training->text ? TEXT_CHUNK : part->steps;
    plan->bptt = plan->bptt < part->steps ? plan->bptt : part->steps;
    if (part->lengths && plan->bptt < part->steps)
        return train_misfit("--lengths with --bptt %" PRId64 ": sequences of unequal lengths are learnt whole, %" PRId64
                            " steps; leave out --bptt",
                            plan->bptt, part->steps);
    plan->batches = training->text ? 1 : (part->sequences - 1) / plan->batch + 1;
    plan->chunks = (part->steps - 1) / plan->bptt + 1;
    plan->total = training->steps;
    if (__builtin_mul_overflow(plan->batches, plan->chunks, &plan->per_epoch) ||
        (!plan->total &&
         __builtin_mul_overflow(plan->per_epoch, training->epochs ? training->epochs : DEFAULT_EPOCHS, &plan->total)))
        return train_misfit("these epochs have more steps than can be counted");
    return EXIT_DONE;
}

int train_memory_create(train_job *job) {
    const train_data *data = &job->data;
    size_t cells, x_bytes, target_bytes;
    if (__builtin_mul_overflow((size_t)job->plan.batch, (size_t)job->plan.bptt, &cells) ||
        __builtin_mul_overflow(cells, data->x_bytes, &x_bytes) || __builtin_mul_overflow(cells, data->target_bytes, &target_bytes))
        return train_no_memory(UINT64_MAX);
    job->memory.x = malloc(x_bytes);
    job->memory.target = malloc(target_bytes);
    job->memory.lengths = calloc((size_t)job->plan.batch, sizeof *job->memory.lengths);
    job->order = calloc((size_t)data->training.sequences, sizeof *job->order);
    job->ordered_epoch = -1;
    if (job->memory.x && job->memory.target && job->memory.lengths && job->order)
        return EXIT_DONE;
    return train_no_memory((uint64_t)x_bytes + target_bytes);
}

// [steps][rows] of elements, time-major, from wherever each step of each sequence lies.
static void copy_chunk(char *to, const char *from, const int64_t *rows, int64_t row_count, int64_t first, int64_t steps,
                       size_t bytes, size_t step_bytes, size_t sequence_bytes) {
    for (int64_t t = first; t < first + steps; t++)
        for (int64_t b = 0; b < row_count; b++, to += bytes)
            memcpy(to, from + (size_t)t * step_bytes + (size_t)rows[b] * sequence_bytes, bytes);
}

static oclstm_const_array array(const void *data, oclstm_dtype dtype, bool plain, int64_t steps, int64_t rows, int64_t width) {
    return plain ? oclstm_in_2d(data, dtype, steps, rows) : oclstm_in_3d(data, dtype, steps, rows, width);
}

// The order of an epoch; that of the file where nothing is shuffled, and of a text, whose rows are one batch.
static void order_epoch(train_job *job, int64_t epoch) {
    const bool kept = job->options->training.no_shuffle || job->options->training.text;
    if (job->ordered_epoch == epoch)
        return;
    if (!kept)
        train_order(job->order, job->data.training.sequences, job->options->seed, epoch);
    for (int64_t i = 0; kept && i < job->data.training.sequences; i++)
        job->order[i] = i;
    job->ordered_epoch = epoch;
}

int train_chunk(train_job *job, train_place place, bool validation, oclstm_train_batch *out) {
    const train_data *data = &job->data;
    const train_part *part = validation ? &data->validation : &data->training;
    const int64_t first_row = place.batch * job->plan.batch, first = place.chunk * job->plan.bptt;
    const int64_t rows = part->sequences - first_row < job->plan.batch ? part->sequences - first_row : job->plan.batch;
    const int64_t steps = part->steps - first < job->plan.bptt ? part->steps - first : job->plan.bptt;
    int64_t *picked = calloc((size_t)rows, sizeof *picked);
    if (!picked)
        return train_no_memory((uint64_t)rows * sizeof *picked);
    if (!validation)
        order_epoch(job, place.epoch);
    for (int64_t b = 0; b < rows; b++) {
        picked[b] = validation ? first_row + b : job->order[first_row + b];
        job->memory.lengths[b] = part->lengths ? part->lengths[picked[b]] : part->steps;
    }
    copy_chunk(job->memory.x, part->x, picked, rows, first, steps, data->x_bytes, data->x_step, part->x_sequence);
    copy_chunk(job->memory.target, part->target, picked, rows, first, steps, data->target_bytes, data->target_step,
               part->target_sequence);
    free(picked);
    *out = (oclstm_train_batch){.carry_state = place.chunk > 0};
    *(data->tokens ? &out->tokens : &out->x) = array(job->memory.x, data->x_dtype, data->tokens, steps, rows, data->features);
    out->target = array(job->memory.target, data->target_dtype, data->classes, steps, rows, data->outputs);
    if (part->lengths)
        out->lengths = oclstm_in_1d(job->memory.lengths, OCLSTM_I64, rows);
    return EXIT_DONE;
}
