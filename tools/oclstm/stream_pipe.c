// SPDX-License-Identifier: Apache-2.0
// Reading and writing the standard streams: waiting ends with a signal, and when nobody reads the results any more.
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "run_job.h"
#include "stream_job.h"

// How long a result may wait for its reader once a signal came.
enum { LAST_WORDS_MS = 1000 };

static stream_end fail(const char *what) {
    report("stream: %s: %s", what, strerror(errno));
    return STREAM_FAILED;
}

// Until there is input, or its end.
static stream_end wait_for_input(void) {
    struct pollfd waited[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = run_signal_descriptor(), .events = POLLIN},
                              {.fd = STDOUT_FILENO, .events = 0}};
    while (!run_signal() && poll(waited, 3, -1) < 0)
        if (errno != EINTR)
            return fail("waiting for standard input");
    if (run_signal())
        return STREAM_SIGNAL;
    return waited[2].revents & POLLERR ? STREAM_READER : STREAM_WHOLE;
}

stream_end stream_read(void *dst, size_t bytes, size_t *got) {
    *got = 0;
    while (*got < bytes) {
        const stream_end end = wait_for_input();
        if (end != STREAM_WHOLE)
            return end;
        const ssize_t count = read(STDIN_FILENO, (char *)dst + *got, bytes - *got);
        if (count == 0)
            return STREAM_INPUT;
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return fail("reading standard input");
        *got += count > 0 ? (size_t)count : 0;
    }
    return STREAM_WHOLE;
}

stream_end stream_write(const void *src, size_t bytes) {
    for (size_t done = 0; done < bytes;) {
        const ssize_t count = write(STDOUT_FILENO, (const char *)src + done, bytes - done);
        if (count >= 0) {
            done += (size_t)count;
            continue;
        }
        if (errno == EPIPE)
            return STREAM_READER;
        if (errno != EINTR && errno != EAGAIN)
            return fail("writing standard output");
        struct pollfd waited = {.fd = STDOUT_FILENO, .events = POLLOUT};
        if (poll(&waited, 1, run_signal() ? LAST_WORDS_MS : -1) == 0)
            return STREAM_SIGNAL;
    }
    return STREAM_WHOLE;
}
