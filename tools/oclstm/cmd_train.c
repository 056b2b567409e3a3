// SPDX-License-Identifier: Apache-2.0
// `oclstm train`: everything that can be wrong with files and options first, then the device, then the steps; the trained file last.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "choose_device.h"
#include "commands.h"
#include "gnuplot.h"
#include "report.h"
#include "run_job.h"
#include "train_job.h"

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

static int open_files(train_job *job) {
    oclstm_error error;
    if (job->operand && oclstm_tensors_open(&job->model, job->operand, &error) != OCLSTM_OK)
        return fail(&error);
    return job->options->training.text ? train_text_open(&job->data, job->options, job->model)
                                       : train_arrays_open(&job->data, job->options);
}

// What would only be found out at the end.
static int check_place(const char *option, const char *path) {
    const char *end = path ? strrchr(path, '/') : NULL;
    struct stat status;
    char folder[4096];
    if (!path)
        return EXIT_DONE;
    snprintf(folder, sizeof folder, "%.*s", end ? (int)(end - path) + 1 : 1, end ? path : ".");
    if (access(folder, W_OK | X_OK) != 0)
        return train_misfit("%s %s cannot be written: %s: %s", option, path, folder, strerror(errno));
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return train_misfit("%s %s is a folder", option, path);
    return EXIT_DONE;
}

static int check_places(const train_job *job) {
    const cli_options *options = job->options;
    int code = check_place("-o", options->output);
    if (code == EXIT_DONE)
        code = check_place("--plot", options->plot);
    return code == EXIT_DONE && options->plot ? gnuplot_check() : code;
}

static int make_trainer(train_job *job) {
    oclstm_error error;
    const int code = choose_device(&job->device, job->options);
    if (code != EXIT_DONE)
        return code;
    if (oclstm_trainer_create(&job->trainer, job->device, job->model, &job->params, &error) != OCLSTM_OK)
        return fail(&error);
    return EXIT_DONE;
}

// The data against the layers, all of its values, and where it is learnt from.
static int load_data(train_job *job) {
    size_t count;
    const oclstm_layer *layers = oclstm_trainer_layers(job->trainer, &count);
    const int code = job->options->training.text ? train_text_check(&job->data, layers, count)
                                                 : train_arrays_load(&job->data, job->options, layers, count, job->loss,
                                                                     oclstm_trainer_dtype(job->trainer));
    if (code != EXIT_DONE)
        return code;
    job->checksum = train_data_checksum(&job->data);
    train_say_memory(job);
    return train_memory_create(job);
}

static int write_model(train_job *job) {
    oclstm_error error;
    const oclstm_metadata words = {VOCABULARY_KEY, job->data.words.text};
    if (oclstm_trainer_write(job->trainer, job->options->output, words.value ? &words : NULL, words.value ? 1 : 0, &error) ==
        OCLSTM_OK)
        return EXIT_DONE;
    return fail(&error);
}

static int train_in_order(train_job *job) {
    int code = train_settings_check(job);
    if (code == EXIT_DONE)
        code = open_files(job);
    if (code == EXIT_DONE)
        code = train_plan_decide(job);
    if (code == EXIT_DONE)
        code = train_settings_decide(job);
    if (code == EXIT_DONE)
        code = check_places(job);
    if (code == EXIT_DONE)
        code = train_checkpoint_look(job);
    if (code == EXIT_DONE && (job->options->training.resume || job->options->restart)) {
        train_clear_away(job->checkpoint);
        train_clear_away(job->options->output);
    }
    if (code == EXIT_DONE)
        code = make_trainer(job);
    if (code == EXIT_DONE)
        code = load_data(job);
    if (code == EXIT_DONE)
        code = train_checkpoint_restore(job);
    if (code == EXIT_DONE)
        code = train_log_open(job);
    return code;
}

// From the first step on: whatever happens then, a checkpoint is there to go on from.
static int train_and_write(train_job *job) {
    int code = train_loop(job);
    const int logged = train_log_close(job);
    code = code == EXIT_DONE ? logged : code;
    if (code == EXIT_DONE)
        code = write_model(job);
    if (code == EXIT_DONE)
        code = train_plot_draw(job);
    if (code != EXIT_DONE && job->saved >= 0)
        train_say_resume(job);
    if (code == EXIT_DONE)
        train_summarise(job);
    return code == EXIT_DONE ? train_print_json(job) : code;
}

int cmd_train(const cli_options *options) {
    train_job *job = calloc(1, sizeof *job);
    if (!job) {
        report("train: no memory");
        return EXIT_FAILED;
    }
    job->options = options;
    job->picture.fd = -1;
    run_catch_signals();
    if (!options->quiet)
        run_announce_stop("\noclstm: this step is finished and a checkpoint written; again to stop at once\n");
    int code = train_in_order(job);
    if (code == EXIT_DONE)
        code = train_and_write(job);
    picture_discard(&job->picture);
    if (job->log)
        fclose(job->log);
    oclstm_trainer_destroy(&job->trainer);
    oclstm_device_close(&job->device);
    train_data_close(&job->data);
    oclstm_tensors_close(&job->model);
    free(job->memory.x);
    free(job->memory.target);
    free(job->memory.lengths);
    free(job->order);
    free(job);
    return code;
}
