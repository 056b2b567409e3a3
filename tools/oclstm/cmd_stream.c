// SPDX-License-Identifier: Apache-2.0
// `oclstm stream`: frames from standard input, results to standard output as each arrives.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "duration_text.h"
#include "report.h"
#include "run_job.h"
#include "stream_job.h"

static int misuse(const char *text) {
    report("stream: %s", text);
    fputs("Try 'oclstm stream --help'.\n", stderr);
    return EXIT_MISUSE;
}

static int check_options(const cli_options *options) {
    if (options->cell && options->layers)
        return misuse("--cell and --layers: give one of them");
    if (isatty(STDIN_FILENO))
        return misuse("standard input is a terminal: pipe the frames in");
    if (isatty(STDOUT_FILENO) && !options->text)
        return misuse("standard output is a terminal: pipe the results on, or write them with --text");
    if (run_signal_descriptor() < 0) {
        report("stream: no pipe for signals: %s", strerror(errno));
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

static void summarise(const stream_job *job) {
    static const double shares[] = {0.5, 0.9, 0.99, 0.999};
    char texts[4][32], longest[32], whole[32];
    if (job->options->quiet)
        return;
    const oclstm_device_info *info = oclstm_device_get_info(job->device);
    const double seconds = job->end - job->begin > 1e-9 ? job->end - job->begin : 1e-9;
    if (job->done == 0) {
        report("%s (%s), no frames", info->name, info->platform_name);
        return;
    }
    for (int i = 0; i < 4; i++)
        duration_text(texts[i], latency_percentile(&job->latency, shares[i]));
    report("%s (%s), %" PRIu64 " frame%s x batch %" PRId64 " in %s, %.0f frames/s, busy %.1f %% of the time", info->name,
           info->platform_name, job->done, job->done == 1 ? "" : "s", job->batch, duration_text(whole, seconds),
           (double)job->done / seconds, job->latency.sum / seconds * 100.0);
    report("latency: median %s, 90 %% %s, 99 %% %s, 99.9 %% %s, maximum %s, from a frame's last byte read to its result written",
           texts[0], texts[1], texts[2], texts[3], duration_text(longest, job->latency.longest));
}

static int stream_in_order(stream_job *job) {
    oclstm_error error;
    int code = check_options(job->options);
    if (code == EXIT_DONE && oclstm_tensors_open(&job->model, job->options->operands[0], &error) != OCLSTM_OK) {
        report_error(&error);
        return exit_code_of(error.status);
    }
    if (code == EXIT_DONE)
        code = stream_choose_layers(job);
    if (code == EXIT_DONE && job->options->npy)
        code = stream_header_read(job);
    if (code == EXIT_DONE)
        code = stream_load(job);
    if (code != EXIT_DONE)
        return code;
    code = stream_frames(job);
    const int completed = stream_header_complete(job);
    summarise(job);
    return code == EXIT_DONE ? completed : code;
}

int cmd_stream(const cli_options *options) {
    stream_job *job = calloc(1, sizeof *job);
    if (!job) {
        report("stream: no memory");
        return EXIT_FAILED;
    }
    job->options = options;
    job->header_at = -1;
    run_catch_signals();
    const int code = stream_in_order(job);
    stream_unload(job);
    oclstm_network_layers_free(&job->layers);
    oclstm_tensors_close(&job->model);
    free(job);
    return code;
}
