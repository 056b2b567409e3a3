// SPDX-License-Identifier: Apache-2.0
#include "device/program_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "device/kernel_entry.h"
#include "device/kernel_text.h"

// Facts that host and kernels share; in front of every kernel file, so that kernels need no include path.
#define SHARED_HEADER "lstm_shared.h"

enum { MAX_FILES = 7, NAME_BYTES = 64 };

typedef struct text_parts {
    kernel_text loaded[MAX_FILES + 1];
    char names[MAX_FILES + 1][NAME_BYTES];
    size_t count;
} text_parts;

static oclstm_status add_file(text_parts *parts, const char *directory, const char *files, const char *file, size_t length,
                              oclstm_error *error) {
    if (length >= NAME_BYTES || parts->count > MAX_FILES)
        return base_fail(error, OCLSTM_IO, "the list of kernel files \"%s\" is too long", files);
    memcpy(parts->names[parts->count], file, length);
    const size_t place = parts->count++;
    return kernel_text_load(&parts->loaded[place], directory, parts->names[place], error);
}

static oclstm_status join(char **out, const text_parts *parts, oclstm_error *error) {
    static const char line[] = "\n#line 1 \"%s\"\n";
    size_t total = 1;
    bool fits = true;
    for (size_t i = 0; i < parts->count; i++)
        fits = fits && checked_add(total, strlen(parts->loaded[i].text) + strlen(parts->names[i]) + sizeof line, &total);
    char *text = fits ? base_alloc(total, 1) : NULL;
    if (text == NULL)
        return base_fail_memory(error, total, "the text of a program");
    for (size_t i = 0, used = 0; i < parts->count; i++) {
        base_append(text + used, total - used, line, parts->names[i]);
        used += strlen(text + used);
        const size_t length = strlen(parts->loaded[i].text);
        memcpy(text + used, parts->loaded[i].text, length);
        used += length;
    }
    *out = text;
    return OCLSTM_OK;
}

oclstm_status program_text_load(char **out, const char *directory, const char *files, oclstm_error *error) {
    text_parts parts = {0};
    *out = NULL;
    oclstm_status status = add_file(&parts, directory, files, SHARED_HEADER, strlen(SHARED_HEADER), error);
    for (const char *file = files; *file != '\0' && status == OCLSTM_OK;) {
        const size_t length = strcspn(file, " ");
        status = add_file(&parts, directory, files, file, length, error);
        file += length + strspn(file + length, " ");
    }
    if (status == OCLSTM_OK)
        status = join(out, &parts, error);
    for (size_t i = 0; i < parts.count; i++)
        free(parts.loaded[i].owned);
    return status;
}

void program_text_name(char name[DEVICE_PROGRAM_NAME], const char *files, const char *options, const char *text) {
    const char *last = strrchr(files, ' ') != NULL ? strrchr(files, ' ') + 1 : files;
    const size_t length = strcspn(last, ".");
    uint64_t hash = kernel_hash(KERNEL_HASH_START, options, strlen(options) + 1);
    hash = kernel_hash(hash, text, strlen(text) + 1);
    name[0] = '\0';
    base_append(name, DEVICE_PROGRAM_NAME, "%.*s-%016" PRIx64, (int)(length < NAME_BYTES ? length : NAME_BYTES), last, hash);
}
