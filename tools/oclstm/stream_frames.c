// SPDX-License-Identifier: Apache-2.0
// Frame after frame: read, computed, written. Nothing is allocated here.
#include <inttypes.h>
#include <stdio.h>

#include "array_view.h"
#include "report.h"
#include "run_job.h"
#include "stream_job.h"

// x from the frame in the dtype computed in.
static void convert(const stream_job *job) {
    const int64_t count = job->batch * job->inputs;
    if (job->x == job->frame)
        return;
    for (int64_t i = 0; i < count; i++) {
        if (job->dtype == OCLSTM_F64)
            ((double *)job->x)[i] = ((const float *)job->frame)[i];
        else
            ((float *)job->x)[i] = (float)((const double *)job->frame)[i];
    }
}

static int compute(const stream_job *job) {
    oclstm_error error;
    const oclstm_const_array x = job->tokens ? oclstm_in_2d(job->x, job->frame_dtype, 1, job->batch)
                                             : oclstm_in_3d(job->x, job->dtype, 1, job->batch, job->inputs);
    const oclstm_array y = oclstm_out_3d(job->y, job->dtype, 1, job->batch, job->outputs);
    convert(job);
    if (oclstm_stream_feed(job->stream, &x, &y, &error) == OCLSTM_OK)
        return EXIT_DONE;
    report("stream: frame %" PRIu64 " (from 0) has no result:", job->done);
    report_error(&error);
    return exit_code_of(error.status);
}

// A line of numbers that read back as what they were. 25 characters each at most.
static size_t put_line(const stream_job *job) {
    const int64_t count = job->batch * job->outputs;
    char *at = job->text;
    for (int64_t i = 0; i < count; i++) {
        if (job->dtype == OCLSTM_F64)
            at += sprintf(at, "%.17g", ((const double *)job->y)[i]);
        else
            at += sprintf(at, "%.9g", (double)((const float *)job->y)[i]);
        *at++ = i + 1 < count ? ' ' : '\n';
    }
    return (size_t)(at - job->text);
}

static stream_end write_result(const stream_job *job) {
    return job->options->text ? stream_write(job->text, put_line(job)) : stream_write(job->y, job->y_bytes);
}

static int fail_partial(const stream_job *job, size_t got) {
    report("stream: the input ends within frame %" PRIu64 " (from 0): expected %zu bytes (%" PRId64 " %s), found %zu", job->done,
           job->frame_bytes, job->batch * job->inputs, oclstm_dtype_name(job->frame_dtype), got);
    return EXIT_FAILED;
}

static int fail_early(const stream_job *job) {
    report("stream: the input ends after %" PRIu64 " frames, its .npy header announces %" PRId64, job->done, job->header.shape[0]);
    return EXIT_FAILED;
}

static int end_code(const stream_job *job, stream_end end, size_t got) {
    switch (end) {
    case STREAM_WHOLE:
    case STREAM_READER:
        return EXIT_DONE;
    case STREAM_INPUT:
        return got > 0 ? fail_partial(job, got) : job->options->npy ? fail_early(job) : EXIT_DONE;
    case STREAM_SIGNAL:
        return EXIT_SIGNAL + run_signal();
    case STREAM_FAILED:
        break;
    }
    return EXIT_FAILED;
}

int stream_frames(stream_job *job) {
    size_t got = 0;
    stream_end end = job->options->npy && !job->options->text ? stream_header_write(job) : STREAM_WHOLE;
    while (end == STREAM_WHOLE && !(job->options->npy && job->done == (uint64_t)job->header.shape[0])) {
        end = stream_read(job->frame, job->frame_bytes, &got);
        if (end != STREAM_WHOLE)
            break;
        const double begin = run_clock();
        const int code = compute(job);
        if (code != EXIT_DONE)
            return code;
        end = write_result(job);
        if (end != STREAM_WHOLE)
            break;
        job->end = run_clock();
        if (job->done++ == 0)
            job->begin = begin;
        latency_add(&job->latency, job->end - begin);
    }
    return end_code(job, end, got);
}
