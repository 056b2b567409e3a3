// SPDX-License-Identifier: Apache-2.0
// The results of a run: reserved before the work, seen under their names only after it.
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "run_job.h"

// A terminal gets no binary data; a plot may be all that is wanted.
const char *run_y_path(const cli_options *options) {
    if (options->output && strcmp(options->output, "-") != 0)
        return options->output;
    return !options->output && (options->plot || isatty(STDOUT_FILENO)) ? NULL : "/dev/stdout";
}

int run_output_create(oclstm_npy_writer **out, const char *path, oclstm_dtype dtype, int rank, const int64_t *shape) {
    oclstm_error error;
    if (!path || oclstm_npy_writer_create(out, path, dtype, rank, shape, &error) == OCLSTM_OK)
        return EXIT_DONE;
    report_error(&error);
    return EXIT_FAILED;
}

int run_outputs_create(run_job *job) {
    const run_shape *shape = &job->shape;
    const int64_t y_shapes[3][3] = {
        {shape->hidden},
        {shape->steps, shape->hidden},
        {shape->batch_first ? shape->batch : shape->steps, shape->batch_first ? shape->steps : shape->batch, shape->hidden}};
    const int64_t batched_state[2] = {shape->batch, shape->hidden};
    const int state_rank = shape->x_rank == 3 ? 2 : 1;
    const int64_t *state_shape = batched_state + (2 - state_rank);
    int code =
        run_output_create(&job->outputs.y, run_y_path(job->options), shape->io_dtype, shape->x_rank, y_shapes[shape->x_rank - 1]);
    if (code == EXIT_DONE)
        code = run_output_create(&job->outputs.hn, job->options->hn, shape->io_dtype, state_rank, state_shape);
    if (code == EXIT_DONE)
        code = run_output_create(&job->outputs.cn, job->options->cn, shape->io_dtype, state_rank, state_shape);
    return code;
}

int run_outputs_commit(run_outputs *outputs) {
    // y first: standard output, which a reader may have left, is the one that can still fail; then no file has appeared.
    oclstm_npy_writer **writers[] = {&outputs->y, &outputs->hn, &outputs->cn};
    oclstm_error error;
    for (int i = 0; i < 3; i++) {
        if (*writers[i] && oclstm_npy_writer_commit(writers[i], &error) != OCLSTM_OK) {
            report_error(&error);
            return EXIT_FAILED;
        }
    }
    return EXIT_DONE;
}

void run_outputs_discard(run_outputs *outputs) {
    oclstm_npy_writer_discard(&outputs->y);
    oclstm_npy_writer_discard(&outputs->hn);
    oclstm_npy_writer_discard(&outputs->cn);
}
