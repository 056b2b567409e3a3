// SPDX-License-Identifier: Apache-2.0
#include "run_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

// Cuts `path` at the colon between file and tensor. The tensor's name, or NULL when the text names a file alone.
static const char *split(char *path) {
    if (access(path, F_OK) == 0)
        return NULL;
    for (char *colon = strchr(path, ':'); colon; colon = strchr(colon + 1, ':')) {
        *colon = '\0';
        if (access(path, F_OK) == 0)
            return colon + 1;
        *colon = ':';
    }
    return NULL;
}

static void list_names(const oclstm_tensors *file, char *text, size_t capacity) {
    enum { SHOWN = 20 };
    const size_t count = oclstm_tensors_count(file);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && i < SHOWN && used < capacity; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%s", i ? ", " : "", oclstm_tensors_at(file, i)->name);
    if (count > SHOWN && used < capacity)
        snprintf(text + used, capacity - used, " and %zu more", count - SHOWN);
}

static int find_tensor(run_source *out, const char *name) {
    char names[2048];
    const size_t count = oclstm_tensors_count(out->file);
    if (!name && count == 1)
        out->tensor = oclstm_tensors_at(out->file, 0);
    else if (name)
        out->tensor = oclstm_tensors_find(out->file, name);
    if (out->tensor)
        return EXIT_DONE;
    list_names(out->file, names, sizeof names);
    if (count == 0)
        report("%s: the file has no tensors", oclstm_tensors_path(out->file));
    else if (name)
        report("%s: there is no tensor '%s'; there is: %s", oclstm_tensors_path(out->file), name, names);
    else
        report("%s: the file has %zu tensors; name one as %s:TENSOR, of: %s", out->argument, count, out->argument, names);
    return EXIT_FAILED;
}

int run_source_open(run_source *out, const char *argument) {
    *out = (run_source){.argument = argument};
    if (!argument)
        return EXIT_DONE;
    char *path = strdup(argument);
    if (!path) {
        report("%s: no memory for its name", argument);
        return EXIT_FAILED;
    }
    oclstm_error error;
    const char *name = split(path);
    int code = EXIT_FAILED;
    if (oclstm_tensors_open(&out->file, path, &error) != OCLSTM_OK)
        report_error(&error);
    else
        code = find_tensor(out, name);
    free(path);
    return code;
}

void run_source_close(run_source *source) {
    oclstm_tensors_close(&source->file);
    source->tensor = NULL;
}
