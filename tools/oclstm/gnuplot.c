// SPDX-License-Identifier: Apache-2.0
#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

extern char **environ;

// Runs gnuplot with its three standard streams. Its exit code, -1 with errno set where it could not be started, 128 for a signal.
static int run(char *const arguments[], int input, int output, int words) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    pid_t child = 0;
    int status = 0, code = posix_spawn_file_actions_init(&actions);
    if (code)
        return errno = code, -1;
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); // ignored here, which a child would inherit
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    code = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    if (!code)
        code = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (!code)
        code = posix_spawn_file_actions_adddup2(&actions, words, STDERR_FILENO);
    if (!code)
        code = posix_spawnp(&child, "gnuplot", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (code)
        return errno = code, -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_SIGNAL;
}

static int fail_start(int code) {
    if (code == ENOENT)
        report("--plot needs gnuplot, which is not installed: `apt install gnuplot-nox`, or your system's package of that name");
    else
        report("gnuplot could not be started: %s", strerror(code));
    return EXIT_FAILED;
}

int gnuplot_check(void) {
    char name[] = "gnuplot", version[] = "--version";
    char *const arguments[] = {name, version, NULL};
    const int nothing = open("/dev/null", O_RDWR);
    if (nothing < 0)
        return fail_start(errno);
    const int code = run(arguments, nothing, nothing, nothing);
    const int fault = code < 0 ? errno : code == 127 ? ENOENT : 0; // 127: how some systems report a missing program
    close(nothing);
    if (fault)
        return fail_start(fault);
    if (code == 0)
        return EXIT_DONE;
    report("gnuplot is installed but `gnuplot --version` ended with exit code %d", code);
    return EXIT_FAILED;
}

int gnuplot_draw(FILE *script, int picture) {
    char name[] = "gnuplot", no_settings[] = "-d"; // the user's own settings stay out of it
    char *const arguments[] = {name, no_settings, NULL};
    char said[512] = "";
    FILE *words = tmpfile();
    if (!words || fflush(script) != 0 || ferror(script) || lseek(fileno(script), 0, SEEK_SET) != 0) {
        report("gnuplot's script could not be written: %s", strerror(errno));
        if (words)
            fclose(words);
        return EXIT_FAILED;
    }
    const int code = run(arguments, fileno(script), picture, fileno(words));
    const int fault = errno;
    rewind(words);
    said[fread(said, 1, sizeof said - 1, words)] = '\0';
    fclose(words);
    if (code < 0)
        return fail_start(fault);
    if (code == 0)
        return EXIT_DONE;
    report("gnuplot ended with exit code %d: %s", code, said);
    return EXIT_FAILED;
}

void gnuplot_put_string(FILE *script, const char *text) {
    putc('\'', script);
    for (; *text; text++) {
        if (*text == '\'')
            putc('\'', script); // a quote is written twice
        putc((unsigned char)*text < 0x20 || *text == '`' ? '?' : *text, script);
    }
    putc('\'', script);
}
