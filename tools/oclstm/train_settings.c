// SPDX-License-Identifier: Apache-2.0
// The options of `oclstm train` among themselves, and what the trainer is made with.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "report.h"
#include "train_job.h"

static const char ending[] = ".safetensors";

static int misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int misuse(const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report("train: %s", text);
    fputs("Try 'oclstm train --help'.\n", stderr);
    return EXIT_MISUSE;
}

static bool ends_well(const char *path) {
    const char *folder = strrchr(path, '/');
    const char *name = folder ? folder + 1 : path;
    const size_t length = strlen(name), tail = strlen(ending);
    return length > tail && strcmp(name + length - tail, ending) == 0;
}

// The same name, or two names of one file.
static bool same_file(const char *a, const char *b) {
    struct stat first, second;
    if (!a || !b)
        return false;
    return strcmp(a, b) == 0 ||
           (stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino);
}

// What is written must be neither another thing that is written nor read.
static int check_files(const train_job *job) {
    const cli_options *options = job->options;
    const struct {
        const char *name, *path;
    } written[] = {{"-o", options->output},
                   {"--checkpoint", job->checkpoint},
                   {"--log", options->training.log},
                   {"--plot", options->plot}},
      read[] = {{"-x", options->input},
                {"-t", options->training.target},
                {"--text", options->training.text},
                {"--lengths", options->lengths}};
    for (int i = 0; i < 4; i++) {
        for (int other = 0; other < 4; other++) {
            if (other < i && same_file(written[i].path, written[other].path))
                return misuse("%s and %s must name different files", written[other].name, written[i].name);
            if (same_file(written[i].path, read[other].path))
                return misuse("%s and %s must name different files", read[other].name, written[i].name);
        }
    }
    if (same_file(job->checkpoint, job->operand) || same_file(options->training.log, job->operand))
        return misuse("MODEL must not be the checkpoint or the log: name it with -o to replace it when all is done");
    return EXIT_DONE;
}

static int name_checkpoint(train_job *job) {
    const cli_options *options = job->options;
    const char *asked = options->training.checkpoint;
    int used;
    if (asked)
        used = snprintf(job->checkpoint, sizeof job->checkpoint, "%s", asked);
    else
        used = snprintf(job->checkpoint, sizeof job->checkpoint, "%.*s.checkpoint%s",
                        (int)(strlen(options->output) - strlen(ending)), options->output, ending);
    return (size_t)used < sizeof job->checkpoint ? EXIT_DONE : misuse("the name of the checkpoint is too long");
}

static int check_sources(const train_job *job) {
    const cli_options *options = job->options;
    const cli_training *training = &options->training;
    if (job->operand && training->fresh)
        return misuse("MODEL and --new: give one of them");
    if (!job->operand && !training->fresh && !training->text)
        return misuse("MODEL is missing: a file with weights, or --new with layers to start fresh from");
    if (options->layers && !job->operand)
        return misuse("--layers says the order of the layers in MODEL, which is missing");
    if (training->text && (options->input || training->target))
        return misuse("--text and %s: a text is input and target at once", options->input ? "-x" : "-t");
    if (!training->text && !options->input)
        return misuse("-x X is missing: what to learn from; or --text FILE");
    if (!training->text && !training->target)
        return misuse("-t TARGET is missing: what is wanted of X");
    if (training->text && (options->lengths || options->batch_first))
        return misuse("%s is not for --text", options->lengths ? "--lengths" : "--batch-first");
    if (training->text && training->loss_given && training->loss != OCLSTM_LOSS_CROSS_ENTROPY)
        return misuse("--text: the next character is a class, and its loss cross-entropy");
    if (training->text && training->ignore_index_given)
        return misuse("--ignore-index is not for --text: all characters count");
    return EXIT_DONE;
}

static int check_numbers(const cli_training *training) {
    const bool is_sgd = training->optimizer_given && training->optimizer == OCLSTM_OPTIMIZER_SGD;
    if (training->epochs && training->steps)
        return misuse("--epochs and --steps: give one of them");
    if (!is_sgd && (training->momentum.given || training->dampening.given || training->nesterov))
        return misuse("--momentum, --dampening and --nesterov are for --optimizer sgd");
    if (is_sgd && (training->beta1.given || training->beta2.given || training->eps.given))
        return misuse("--beta1, --beta2 and --eps are for --optimizer adam and adamw");
    if (training->schedule == OCLSTM_SCHEDULE_STEP && !training->schedule_steps)
        return misuse("--schedule step needs --schedule-steps N: after how many steps the rate drops");
    if (training->schedule == OCLSTM_SCHEDULE_CONSTANT && training->schedule_steps)
        return misuse("--schedule-steps is for --schedule step and cosine");
    if (training->gamma.given && training->schedule != OCLSTM_SCHEDULE_STEP)
        return misuse("--gamma is for --schedule step");
    if (training->min_lr.given && training->schedule != OCLSTM_SCHEDULE_COSINE)
        return misuse("--min-lr is for --schedule cosine");
    if (training->evaluate_every && !(training->validation.value > 0.0))
        return misuse("--evaluate-every needs --validation SHARE: what to measure on");
    return EXIT_DONE;
}

int train_settings_check(train_job *job) {
    const cli_options *options = job->options;
    job->operand = options->operand_count > 0 ? options->operands[0] : NULL;
    if (!options->output)
        return misuse("-o OUT is missing: where the trained weights go");
    if (!ends_well(options->output))
        return misuse("-o '%.200s' is not valid: expected a name that ends in %s", options->output, ending);
    if (options->plot && !picture_ending(options->plot, &job->terminal))
        return misuse("--plot '%.200s' is not valid: expected a name that ends in .svg or .png", options->plot);
    if (options->restart && options->training.resume)
        return misuse("--resume and --restart: give one of them");
    int code = check_sources(job);
    if (code == EXIT_DONE)
        code = check_numbers(&options->training);
    if (code == EXIT_DONE)
        code = name_checkpoint(job);
    return code == EXIT_DONE ? check_files(job) : code;
}

static void take(double *to, cli_number number) {
    if (number.given)
        *to = number.value;
}

static void take_optimizer(oclstm_optimizer_params *out, const cli_training *training) {
    *out = oclstm_optimizer_defaults(training->optimizer_given ? training->optimizer : OCLSTM_OPTIMIZER_ADAM);
    take(&out->lr, training->lr);
    take(&out->momentum, training->momentum);
    take(&out->dampening, training->dampening);
    take(&out->beta1, training->beta1);
    take(&out->beta2, training->beta2);
    take(&out->eps, training->eps);
    take(&out->weight_decay, training->weight_decay);
    take(&out->clip_norm, training->clip);
    out->nesterov = training->nesterov;
    out->schedule = training->schedule;
    out->schedule_steps = training->schedule_steps;
    out->gamma = 0.1; // as torch.optim.lr_scheduler.StepLR
    take(&out->gamma, training->gamma);
    take(&out->min_lr, training->min_lr);
    out->warmup_steps = training->warmup_steps;
}

int train_settings_decide(train_job *job) {
    const cli_options *options = job->options;
    const cli_training *training = &options->training;
    oclstm_trainer_params *params = &job->params;
    job->loss = training->loss_given ? training->loss : job->data.classes ? OCLSTM_LOSS_CROSS_ENTROPY : OCLSTM_LOSS_MSE;
    if (training->ignore_index_given && job->loss != OCLSTM_LOSS_CROSS_ENTROPY)
        return misuse("--ignore-index is for --loss cross-entropy");
    *params = (oclstm_trainer_params){.layers = options->layers,
                                      .description = training->fresh,
                                      .dtype_given = options->dtype_given,
                                      .dtype = options->dtype,
                                      .engine = options->engine,
                                      .seed = options->seed,
                                      .dropout = training->dropout.value,
                                      .recompute = training->recompute,
                                      .loss = job->loss,
                                      .has_ignore_index = training->ignore_index_given,
                                      .ignore_index = training->ignore_index};
    take_optimizer(&params->optimizer, training);
    if (training->schedule == OCLSTM_SCHEDULE_COSINE && !training->schedule_steps) {
        const int64_t left = job->plan.total - training->warmup_steps;
        params->optimizer.schedule_steps = left > 1 ? left : 1;
    }
    if (!options->dtype_given && !job->data.tokens) { // as `run` goes by x
        params->dtype_given = true;
        params->dtype = job->data.x_source.tensor->dtype == OCLSTM_F64 ? OCLSTM_F64 : OCLSTM_F32;
    }
    if (!job->model && !training->fresh) {
        snprintf(job->description, sizeof job->description, "embed %zu 32, lstm 128, linear %zu", job->data.words.count,
                 job->data.words.count);
        params->description = job->description;
    }
    return EXIT_DONE;
}
