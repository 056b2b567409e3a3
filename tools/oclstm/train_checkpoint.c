// SPDX-License-Identifier: Apache-2.0
// Checkpoints: the library's, with what the program has to know to go on: the place in the data, what must agree, the curves.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "run_job.h"
#include "train_job.h"

#define VERSION "1"

enum { MOST_ENTRIES = 20, VALUE_CHARACTERS = 64 };

// What a training that goes on must have in common with the one before; the option that says it.
typedef struct agreement {
    const char *key, *option;
    char value[VALUE_CHARACTERS];
} agreement;

enum { AGREEMENTS = 7 };

static void agree_on(const train_job *job, agreement out[AGREEMENTS]) {
    const cli_options *options = job->options;
    static const char *const names[AGREEMENTS][2] = {
        {"train.source", "the kind of data"},     {"train.batch", "--batch"}, {"train.bptt", "--bptt"},
        {"train.order", "the order of the data"}, {"train.seed", "--seed"},   {"train.validation", "--validation"},
        {"train.data", "the data's checksum"}};
    for (int i = 0; i < AGREEMENTS; i++) {
        out[i].key = names[i][0];
        out[i].option = names[i][1];
    }
    strcpy(out[0].value, options->training.text ? "text" : "arrays");
    snprintf(out[1].value, VALUE_CHARACTERS, "%" PRId64, job->plan.batch);
    snprintf(out[2].value, VALUE_CHARACTERS, "%" PRId64, job->plan.bptt);
    strcpy(out[3].value, options->training.no_shuffle ? "as it is" : "shuffled");
    snprintf(out[4].value, VALUE_CHARACTERS, "%" PRIu64, options->seed);
    snprintf(out[5].value, VALUE_CHARACTERS, "%.17g", options->training.validation.value);
    snprintf(out[6].value, VALUE_CHARACTERS, "%016" PRIx64, job->checksum);
}

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

int train_checkpoint_save(train_job *job, bool finished) {
    agreement agreed[AGREEMENTS];
    oclstm_metadata entries[MOST_ENTRIES];
    char step[32], epoch[32], position[32], seconds[32];
    oclstm_error error;
    size_t count = 0;
    const int64_t done = oclstm_trainer_steps(job->trainer);
    snprintf(step, sizeof step, "%" PRId64, done);
    snprintf(epoch, sizeof epoch, "%" PRId64, train_place_of(&job->plan, done).epoch);
    snprintf(position, sizeof position, "%" PRId64, done % job->plan.per_epoch);
    snprintf(seconds, sizeof seconds, "%.3f", train_seconds(job));
    agree_on(job, agreed);
    char *training = train_curve_text(&job->training), *validation = train_curve_text(&job->validation);
    if (!training || !validation) {
        free(training);
        free(validation);
        return train_no_memory(sizeof job->training);
    }
    const oclstm_metadata facts[] = {{"train.version", VERSION},
                                     {"train.finished", finished ? "yes" : "no"},
                                     {"train.step", step},
                                     {"train.epoch", epoch},
                                     {"train.position", position},
                                     {"train.seconds", seconds},
                                     {"train.losses", training},
                                     {"train.validation_losses", validation},
                                     {VOCABULARY_CHECKPOINT_KEY, job->data.words.text}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (facts[i].value)
            entries[count++] = facts[i];
    for (int i = 0; i < AGREEMENTS; i++)
        entries[count++] = (oclstm_metadata){agreed[i].key, agreed[i].value};
    const oclstm_status status = oclstm_trainer_save(job->trainer, job->checkpoint, entries, count, &error);
    free(training);
    free(validation);
    if (status != OCLSTM_OK)
        return fail(&error);
    job->saved = done;
    return EXIT_DONE;
}

static int refuse(const oclstm_tensors *file, const char *path) {
    const char *finished = oclstm_tensors_metadata(file, "train.finished"), *step = oclstm_tensors_metadata(file, "train.step");
    if (!oclstm_tensors_metadata(file, "train.version") || !finished || !step)
        return train_misfit("%s is there and no checkpoint of a training, which would replace it: name another one with "
                            "--checkpoint, or replace it with --restart",
                            path);
    if (strcmp(finished, "yes") == 0 || strcmp(step, "0") == 0)
        return EXIT_DONE;
    return train_misfit("%s is of a training that is not finished, with %s steps done: go on with --resume, or begin anew with "
                        "--restart",
                        path, step);
}

int train_checkpoint_look(train_job *job) {
    const cli_options *options = job->options;
    oclstm_tensors *file;
    oclstm_error error;
    job->saved = -1;
    if (access(job->checkpoint, F_OK) != 0 && errno == ENOENT) {
        job->started_anew = options->training.resume;
        if (job->started_anew && !options->quiet)
            report("train: %s is not there: the training begins at its start", job->checkpoint);
        return EXIT_DONE;
    }
    if (options->restart || options->training.resume)
        return EXIT_DONE;
    if (oclstm_tensors_open(&file, job->checkpoint, &error) != OCLSTM_OK) {
        report_error(&error);
        return train_misfit("it stands where this training's checkpoint goes: name another one with --checkpoint, or replace it "
                            "with --restart");
    }
    const int code = refuse(file, job->checkpoint);
    oclstm_tensors_close(&file);
    return code;
}

// Everything but the weights, which the library looks at.
static int check_agreement(const train_job *job, const oclstm_tensors *file) {
    agreement agreed[AGREEMENTS];
    const char *version = oclstm_tensors_metadata(file, "train.version");
    agree_on(job, agreed);
    if (!version)
        return train_misfit("%s is no checkpoint of oclstm train: it does not say where in the data it is", job->checkpoint);
    if (strcmp(version, VERSION) != 0)
        return train_misfit("%s is a checkpoint of version %.40s; this program writes and reads version " VERSION, job->checkpoint,
                            version);
    for (int i = 0; i < AGREEMENTS; i++) {
        const char *found = oclstm_tensors_metadata(file, agreed[i].key);
        if (!found || strcmp(found, agreed[i].value) != 0)
            return train_misfit("%s: %s of its training is %.60s, of this one %s: go on with the data and options that it began "
                                "with",
                                job->checkpoint, agreed[i].option, found ? found : "missing", agreed[i].value);
    }
    return EXIT_DONE;
}

static int restore(train_job *job, const oclstm_tensors *file) {
    oclstm_error error;
    int code = check_agreement(job, file);
    if (code != EXIT_DONE)
        return code;
    const char *training = oclstm_tensors_metadata(file, "train.losses"),
               *validation = oclstm_tensors_metadata(file, "train.validation_losses"),
               *seconds = oclstm_tensors_metadata(file, "train.seconds"), *step = oclstm_tensors_metadata(file, "train.step");
    if (!training || !validation || !seconds || !step || !train_curve_parse(&job->training, training) ||
        !train_curve_parse(&job->validation, validation))
        return train_misfit("%s: its metadata is incomplete: it was not written by this program, or edited", job->checkpoint);
    if (oclstm_trainer_restore(job->trainer, file, &error) != OCLSTM_OK)
        return fail(&error);
    job->began = job->saved = oclstm_trainer_steps(job->trainer);
    if (strtoll(step, NULL, 10) != job->began)
        return train_misfit("%s: it is at step %" PRId64 " of the optimizer, but at step %.40s of the data: it was edited",
                            job->checkpoint, job->began, step);
    job->seconds_before = strtod(seconds, NULL);
    if (!job->options->quiet)
        report("train: going on from %s: %" PRId64 " of %" PRId64 " steps are done", job->checkpoint, job->began, job->plan.total);
    return EXIT_DONE;
}

int train_checkpoint_restore(train_job *job) {
    oclstm_tensors *file;
    oclstm_error error;
    if (!job->options->training.resume || job->started_anew)
        return EXIT_DONE;
    if (oclstm_tensors_open(&file, job->checkpoint, &error) != OCLSTM_OK)
        return fail(&error);
    const int code = restore(job, file);
    oclstm_tensors_close(&file);
    return code;
}
