// SPDX-License-Identifier: Apache-2.0
// Ctrl-C stops a run between two slices, so that unfinished results are removed; a second one ends the program at once.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "run_job.h"

static volatile sig_atomic_t caught_signal;

static const char *announcement;
static size_t announcement_bytes;

static int wake[2] = {-1, -1}; // a pipe: its reading end becomes readable when a signal comes

static void on_signal(int number) {
    caught_signal = number;
    const int kept = errno;
    if (wake[1] >= 0 && write(wake[1], "", 1) < 0)
        wake[1] = -1;
    if (announcement && write(STDERR_FILENO, announcement, announcement_bytes) < 0)
        announcement = NULL;
    errno = kept;
}

void run_announce_stop(const char *text) {
    announcement_bytes = strlen(text);
    announcement = text;
}

int run_signal_descriptor(void) {
    int made[2];
    if (wake[0] < 0 && pipe(made) == 0) {
        for (int i = 0; i < 2; i++)
            fcntl(made[i], F_SETFD, FD_CLOEXEC);
        fcntl(made[1], F_SETFL, O_NONBLOCK);
        wake[1] = made[1];
        wake[0] = made[0];
    }
    return wake[0];
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
