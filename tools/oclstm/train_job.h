// SPDX-License-Identifier: Apache-2.0
// What `oclstm train` holds while it works: cmd_train.c orders the parts, each other train_*.c does one of them.
#ifndef OCLSTM_TOOL_TRAIN_JOB_H
#define OCLSTM_TOOL_TRAIN_JOB_H

#include <stdio.h>

#include "picture_file.h"
#include "progress.h"
#include "train_curve.h"
#include "train_data.h"

// How the data is walked through: an epoch is every batch once, a batch all its chunks in order, a chunk one step of the optimizer.
typedef struct train_plan {
    int64_t batch, bptt;     // sequences and steps at a time; the last of either may be fewer
    int64_t batches, chunks; // of an epoch; of a sequence
    int64_t per_epoch;       // batches * chunks
    int64_t total;           // steps in all
} train_plan;

// A step's place in the data.
typedef struct train_place {
    int64_t epoch; // from 0
    int64_t batch, chunk;
} train_place;

// What a chunk is copied into: time-major.
typedef struct train_memory {
    void *x, *target;
    int64_t *lengths; // of the batch; NULL without
} train_memory;

typedef struct train_job {
    const cli_options *options;
    const char *operand;   // MODEL, or NULL
    oclstm_tensors *model; // NULL with --new
    char description[256]; // of a text's own fresh model
    char checkpoint[4096]; // its name
    const char *terminal;  // of the plot
    oclstm_loss loss;
    oclstm_trainer_params params;
    train_data data;
    train_plan plan;
    train_memory memory;
    int64_t *order, ordered_epoch; // of the sequences in that epoch
    oclstm_device *device;
    oclstm_trainer *trainer;
    FILE *log;
    uint64_t checksum;    // of the data
    picture_file picture; // of --plot
    train_curve training, validation;
    progress bar;
    char note[160];
    bool started_anew;     // --resume without a checkpoint
    int64_t began;         // steps that were done before
    int64_t saved;         // steps in the checkpoint; -1: there is none of this training
    double seconds_before; // what earlier runs took
    double begin;          // of the clock
    double last_loss, last_validation;
    bool has_loss, has_validation;
} train_job;

// Each returns an exit code and has said on standard error why it is not EXIT_DONE.

int train_settings_check(train_job *job);  // the options among themselves: files' names, losses, schedules
int train_settings_decide(train_job *job); // what the trainer is made with
int train_plan_decide(train_job *job);     // once the data and the trainer are there

// The step number `step`, from 0.
train_place train_place_of(const train_plan *plan, int64_t step);
// Puts the chunk into job->memory and describes it. validation: of that part, in its order.
int train_memory_create(train_job *job);
int train_chunk(train_job *job, train_place place, bool validation, oclstm_train_batch *out);

// The order of the sequences in an epoch, n numbers. seed and epoch decide it.
void train_order(int64_t *order, int64_t n, uint64_t seed, int64_t epoch);

int train_loop(train_job *job);
// The mean loss over the validation part.
int train_evaluate(train_job *job, double *loss);

// Checkpoints: written by step count or clock; resumed from, with everything that must agree.
int train_checkpoint_look(train_job *job); // before the work: may it be overwritten, and is there one to resume from?
int train_checkpoint_restore(train_job *job);
int train_checkpoint_save(train_job *job, bool finished);
// Removes what processes that are no more left behind when they were killed while writing a file of this name.
void train_clear_away(const char *path);
// Says how to go on from it.
void train_say_resume(const train_job *job);

// The log: opened with what lies behind the checkpoint cut off.
int train_log_open(train_job *job);
int train_log_step(train_job *job, const oclstm_train_result *result, int64_t epoch, const double *validation);
int train_log_close(train_job *job);

int train_plot_draw(train_job *job);

void train_say_memory(const train_job *job);
void train_summarise(const train_job *job);
int train_print_json(const train_job *job);
double train_seconds(const train_job *job); // in all, of earlier runs too

#endif
