// SPDX-License-Identifier: Apache-2.0
// Ctrl-C stops a run between two slices, so that unfinished results are removed; a second one ends the program at once.
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "run_job.h"

static volatile sig_atomic_t caught_signal;

static const char *announcement;
static size_t announcement_bytes;

static void on_signal(int number) {
    caught_signal = number;
    const int kept = errno;
    if (announcement && write(STDERR_FILENO, announcement, announcement_bytes) < 0)
        announcement = NULL;
    errno = kept;
}

void run_announce_stop(const char *text) {
    announcement_bytes = strlen(text);
    announcement = text;
}

void run_catch_signals(void) {
    struct sigaction action = {.sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    // A reader of standard output that goes away is a failed write, after which the other files are still put right.
    action = (struct sigaction){.sa_flags = 0};
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

int run_signal(void) { return caught_signal; }
