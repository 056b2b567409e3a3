// SPDX-License-Identifier: Apache-2.0
// The log: a line of CSV a step. A training that goes on takes off what was written behind its checkpoint.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "train_job.h"

static const char header[] = "step,epoch,loss,gradient_norm,lr,seconds,validation_loss\n";

static int fail(const train_job *job) {
    return train_misfit("--log %s: %s", job->options->training.log, errno ? strerror(errno) : "not everything could be written");
}

// Where the lines of steps up to `last` end; -1 where the file is no such log.
static long end_of_steps(FILE *log, int64_t last) {
    char line[512];
    if (!fgets(line, sizeof line, log))
        return 0; // empty
    if (strcmp(line, header) != 0)
        return -1;
    long end = ftell(log);
    while (fgets(line, sizeof line, log)) {
        char *after = NULL;
        const int64_t step = strtoll(line, &after, 10);
        if (after == line || *after != ',' || step < 1 || step > last || !strchr(line, '\n'))
            break;
        end = ftell(log);
    }
    return end;
}

static int continue_log(train_job *job) {
    const char *path = job->options->training.log;
    errno = 0;
    job->log = fopen(path, "r+e");
    if (!job->log && errno == ENOENT)
        job->log = fopen(path, "w+e");
    if (!job->log)
        return fail(job);
    const long end = end_of_steps(job->log, job->began);
    if (end < 0)
        return train_misfit("--log %s: it is not the log of a training: its first line is not %.*s", path, (int)strlen(header) - 1,
                            header);
    if (fseek(job->log, end, SEEK_SET) != 0 || ftruncate(fileno(job->log), end) != 0 ||
        (end == 0 && fputs(header, job->log) == EOF) || fflush(job->log) != 0)
        return fail(job);
    return EXIT_DONE;
}

int train_log_open(train_job *job) {
    const cli_options *options = job->options;
    if (!options->training.log)
        return EXIT_DONE;
    if (options->training.resume && !job->started_anew)
        return continue_log(job);
    errno = 0;
    job->log = fopen(options->training.log, "we");
    return job->log && fputs(header, job->log) != EOF && fflush(job->log) == 0 ? EXIT_DONE : fail(job);
}

int train_log_step(train_job *job, const oclstm_train_result *result, int64_t epoch, const double *validation) {
    if (!job->log)
        return EXIT_DONE;
    const int digits = oclstm_trainer_dtype(job->trainer) == OCLSTM_F64 ? 17 : 9; // they read back as they were
    errno = 0;
    fprintf(job->log, "%" PRId64 ",%" PRId64 ",%.*g,%.*g,%.*g,%.3f,", result->step, epoch + 1, digits, result->loss, digits,
            result->gradient_norm, digits, result->lr, train_seconds(job));
    if (validation)
        fprintf(job->log, "%.*g", digits, *validation);
    fputc('\n', job->log);
    return fflush(job->log) == 0 && !ferror(job->log) ? EXIT_DONE : fail(job);
}

int train_log_close(train_job *job) {
    if (!job->log)
        return EXIT_DONE;
    errno = 0;
    const int result = fclose(job->log);
    job->log = NULL;
    return result == 0 ? EXIT_DONE : fail(job);
}
