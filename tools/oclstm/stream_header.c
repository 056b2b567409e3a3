// SPDX-License-Identifier: Apache-2.0
// The headers of --format npy: one read from standard input, one written to standard output. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "run_job.h"
#include "stream_job.h"

enum { HEADER_MOST = 65536, WRITTEN_BYTES = 128 };

static const uint16_t one = 1;
static char native_order(void) { return *(const unsigned char *)&one ? '<' : '>'; }

static int fail(const char *text) {
    report("stream: standard input: %s", text);
    return EXIT_FAILED;
}

static int read_part(void *dst, size_t bytes) {
    size_t got;
    switch (stream_read(dst, bytes, &got)) {
    case STREAM_WHOLE:
    case STREAM_READER:
        return got == bytes ? EXIT_DONE : EXIT_FAILED;
    case STREAM_INPUT:
        return fail("it ends within the .npy header; without --format npy, frames are bare numbers");
    case STREAM_SIGNAL:
        return EXIT_SIGNAL + run_signal();
    case STREAM_FAILED:
        break;
    }
    return EXIT_FAILED;
}

// What stands behind 'KEY': in the header's dictionary; NULL where the key is not there.
static const char *value_of(const char *text, const char *key) {
    const size_t length = strlen(key);
    for (const char *at = strstr(text, key); at; at = strstr(at + 1, key)) {
        const char *behind = at + length;
        if (at == text || (at[-1] != '\'' && at[-1] != '"') || *behind != at[-1])
            continue;
        behind += 1 + strspn(behind + 1, " ");
        if (*behind == ':')
            return behind + 1 + strspn(behind + 1, " ");
    }
    return NULL;
}

static bool parse_dtype(const char *value, oclstm_dtype *out) {
    static const struct {
        const char *code;
        oclstm_dtype dtype;
    } known[] = {{"f4", OCLSTM_F32}, {"f8", OCLSTM_F64}, {"i4", OCLSTM_I32}, {"i8", OCLSTM_I64}};
    if (!value || (value[0] != '\'' && value[0] != '"') || (value[1] != native_order() && value[1] != '='))
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        *out = known[i].dtype;
        if (strncmp(value + 2, known[i].code, 2) == 0 && value[4] == value[0])
            return true;
    }
    return false;
}

static bool parse_shape(const char *value, stream_header *out) {
    out->rank = 0;
    if (!value || *value != '(')
        return false;
    for (value++;; value++) {
        value += strspn(value, " ");
        if (*value == ')')
            return true;
        char *end;
        errno = 0;
        const long long extent = strtoll(value, &end, 10);
        if (end == value || errno || extent < 0 || out->rank == 3)
            return false;
        out->shape[out->rank++] = extent;
        value = end + strspn(end, " ");
        if (*value == ')')
            return true;
        if (*value != ',')
            return false;
    }
}

// [steps] and [steps][batch] of integers, or with the features behind.
static int check(stream_job *job) {
    const stream_header *header = &job->header;
    const int least = job->tokens ? 1 : 2;
    const bool integers = header->dtype == OCLSTM_I32 || header->dtype == OCLSTM_I64;
    const int64_t batch = header->rank == least + 1 ? header->shape[1] : 1;
    if (integers != job->tokens) {
        report("stream: the .npy on standard input is of %s; the network begins with '%s' and takes %s",
               oclstm_dtype_name(header->dtype), oclstm_layer_kind_name(job->layers[0].kind),
               job->tokens ? "tokens: int32 or int64" : "features: float32 or float64");
        return EXIT_FAILED;
    }
    if (header->rank != least && header->rank != least + 1)
        return fail(job->tokens ? "the .npy must be [steps] or [steps][batch]"
                                : "the .npy must be [steps][features] or [steps][batch][features]");
    if (!job->tokens && header->shape[header->rank - 1] != job->inputs) {
        report("stream: the .npy on standard input has %" PRId64 " features; the first layer, '%s', takes %" PRId64,
               header->shape[header->rank - 1], job->layers[0].name, job->inputs);
        return EXIT_FAILED;
    }
    if (batch < 1 || batch > INT32_MAX || (job->options->batch && job->options->batch != batch)) {
        report("stream: the .npy on standard input has batch %" PRId64 "%s", batch,
               job->options->batch ? "; --batch says another" : "; expected 1 to 2147483647");
        return EXIT_FAILED;
    }
    job->batch = batch;
    return EXIT_DONE;
}

int stream_header_read(stream_job *job) {
    unsigned char first[12];
    int code = read_part(first, 10);
    if (code != EXIT_DONE)
        return code;
    if (memcmp(first, "\x93NUMPY", 6) != 0 || first[6] < 1 || first[6] > 3)
        return fail("it does not begin as an .npy file of version 1 to 3; without --format npy, frames are bare numbers");
    size_t bytes = first[8] + 256u * first[9];
    if (first[6] > 1) {
        code = read_part(first + 10, 2);
        bytes += 65536u * (first[10] + 256u * (size_t)first[11]);
    }
    if (code != EXIT_DONE)
        return code;
    char *text = bytes <= HEADER_MOST ? calloc(1, bytes + 1) : NULL;
    if (!text)
        return fail("its .npy header is longer than 65536 bytes, or there is no memory for it");
    code = read_part(text, bytes);
    const char *order = value_of(text, "fortran_order");
    if (code == EXIT_DONE && !parse_dtype(value_of(text, "descr"), &job->header.dtype))
        code = fail("its .npy header must say float32, float64, int32 or int64 in native byte order");
    else if (code == EXIT_DONE && (!order || strncmp(order, "False", 5) != 0))
        code = fail("its .npy header must say C order: a stream's steps come one after the other");
    else if (code == EXIT_DONE && !parse_shape(value_of(text, "shape"), &job->header))
        code = fail("its .npy header has no shape of up to three extents");
    free(text);
    return code == EXIT_DONE ? check(job) : code;
}

static void put_header(const stream_job *job, int64_t steps, char out[WRITTEN_BYTES]) {
    char shape[64];
    const bool batched = job->header.rank == (job->tokens ? 2 : 3);
    if (batched)
        snprintf(shape, sizeof shape, "(%" PRId64 ", %" PRId64 ", %" PRId64 ")", steps, job->batch, job->outputs);
    else
        snprintf(shape, sizeof shape, "(%" PRId64 ", %" PRId64 ")", steps, job->outputs);
    memset(out, ' ', WRITTEN_BYTES);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)(WRITTEN_BYTES - 10);
    out[9] = 0;
    const int used = snprintf(out + 10, WRITTEN_BYTES - 10, "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }",
                              native_order(), job->dtype == OCLSTM_F64 ? "f8" : "f4", shape);
    out[10 + used] = ' ';
    out[WRITTEN_BYTES - 1] = '\n';
}

stream_end stream_header_write(stream_job *job) {
    char header[WRITTEN_BYTES];
    struct stat status;
    const int flags = fcntl(STDOUT_FILENO, F_GETFL);
    const bool file = fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode) && flags >= 0 && !(flags & O_APPEND);
    job->header_at = file ? (int64_t)lseek(STDOUT_FILENO, 0, SEEK_CUR) : -1;
    put_header(job, job->header.shape[0], header);
    return stream_write(header, sizeof header);
}

int stream_header_complete(stream_job *job) {
    char header[WRITTEN_BYTES];
    if (job->header_at < 0 || job->done == (uint64_t)job->header.shape[0])
        return EXIT_DONE;
    put_header(job, (int64_t)job->done, header);
    if (pwrite(STDOUT_FILENO, header, sizeof header, (off_t)job->header_at) == (ssize_t)sizeof header)
        return EXIT_DONE;
    report("stream: standard output: its .npy header could not be completed: %s", strerror(errno));
    return EXIT_FAILED;
}
