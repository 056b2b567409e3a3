// SPDX-License-Identifier: Apache-2.0
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oclstm/device.h>

// The process whose exit() in mid-suite is a fault: a library that calls exit(0) must not look like success.
static pid_t running_pid = -1;

static void report_early_exit(void) {
    if (running_pid != getpid())
        return;
    puts("Bail out! exit() was called before the suite ended");
    fflush(stdout);
    _exit(1);
}

// True when the library sees a device it can use; says why not otherwise.
static bool find_device(char *why, size_t capacity) {
    oclstm_device_info *list = NULL;
    size_t count = 0;
    oclstm_error error = {0};
    bool found = false;
    if (oclstm_device_list(&list, &count, &error) != OCLSTM_OK) {
        snprintf(why, capacity, "%s", error.message);
        return false;
    }
    for (size_t i = 0; i < count; i++)
        found = found || list[i].usable;
    snprintf(why, capacity, "none of the %zu OpenCL devices found is usable", count);
    oclstm_device_list_free(&list);
    return found;
}

// A result of Check's TAP, "ok 3 - file.c:case:test: message": only the next number counts, so that no line of a message
// is taken for a result. Returns what follows the number, or NULL.
static const char *match_result(const char *line, int number, bool *passed) {
    *passed = strncmp(line, "ok ", 3) == 0;
    if (!*passed && strncmp(line, "not ok ", 7) != 0)
        return NULL;
    char *rest;
    const long found = strtol(line + (*passed ? 3 : 7), &rest, 10);
    return found == number && strncmp(rest, " - ", 3) == 0 ? rest + 3 : NULL;
}

// "file.c:case:test: message" -> "case test"; TAP knows no '#' in a name.
static void copy_name(char *name, size_t capacity, const char *text) {
    const size_t file = strcspn(text, ":");
    const char *from = text + file + (text[file] == ':');
    const char *end = strstr(from, ": ");
    size_t length = 0;
    for (; from[length] != '\0' && from + length != end && length + 1 < capacity; length++)
        name[length] = strchr(":#\n", from[length]) ? ' ' : from[length];
    name[length] = '\0';
}

// One diagnostic line for each line of the message.
static void print_diagnostic(const char *file, int line, const char *text) {
    while (*text) {
        const size_t length = strcspn(text, "\n");
        printf("# %s:%d: %.*s\n", file, line, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

// Check puts messages, newlines and all, into the result lines of its TAP; meson would read them as results. This
// prints results and messages apart. Returns the number of results.
static int print_results(SRunner *runner, FILE *check_tap) {
    const int count = srunner_ntests_run(runner);
    TestResult **results = srunner_results(runner);
    char line[4096], name[256], last_name[256] = "";
    int done = 0, repeat = 0;
    printf("1..%d\n", count);
    rewind(check_tap);
    while (done < count && fgets(line, sizeof line, check_tap)) {
        bool passed;
        const char *rest = match_result(line, done + 1, &passed);
        if (!rest)
            continue;
        copy_name(name, sizeof name, rest);
        repeat = strcmp(name, last_name) == 0 ? repeat + 1 : 0; // a loop test: Check does not say which round
        strcpy(last_name, name);
        printf("%s %d - %s", passed ? "ok" : "not ok", done + 1, name);
        if (repeat > 0)
            printf(" [%d]", repeat);
        putchar('\n');
        if (!passed)
            print_diagnostic(tr_lfile(results[done]), tr_lno(results[done]), tr_msg(results[done]));
        done++;
    }
    free(results);
    return done;
}

static bool in_ci(void) {
    const char *ci = getenv("CI");
    return ci && *ci;
}

static bool run(SRunner *runner) {
    FILE *check_tap = tmpfile();
    if (!check_tap) {
        puts("Bail out! no temporary file");
        return false;
    }
    char path[64];
    snprintf(path, sizeof path, "/dev/fd/%d", fileno(check_tap));
    srunner_set_tap(runner, path);
    running_pid = getpid();
    atexit(report_early_exit);
    srunner_run_all(runner, CK_SILENT);
    running_pid = -1;
    // A suite that runs nothing has proved nothing.
    const int done = print_results(runner, check_tap);
    fclose(check_tap);
    return done > 0 && done == srunner_ntests_run(runner) && srunner_ntests_failed(runner) == 0;
}

int run_suite(Suite *suite, bool needs_device) {
    SRunner *runner = srunner_create(suite);
    char why[1024];
    bool passed = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!needs_device) {
        passed = run(runner);
    } else if (find_device(why, sizeof why)) {
        srunner_set_fork_status(runner, CK_NOFORK);
        passed = run(runner);
    } else if (in_ci()) {
        printf("Bail out! no OpenCL device, and CI is set: %s\n", why);
        passed = false;
    } else {
        puts("1..0 # SKIP no OpenCL device");
    }
    srunner_free(runner);
    return passed ? 0 : 1;
}

const char *test_device(void) { return getenv("OCLSTM_DEVICE"); }

const char *test_data(const char *name) {
    static char paths[2][4096];
    static int turn = 0;
    const char *directory = getenv("OCLSTM_TEST_DATA");
    turn = 1 - turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", directory ? directory : "tests/data", name);
    return paths[turn];
}

void suite_add_loop(Suite *suite, const char *name, const TTest *test, int count) {
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, test, 0, count);
    suite_add_tcase(suite, tests);
}
