// SPDX-License-Identifier: Apache-2.0
// Tuned settings as text and as a file under the cache folder.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "device/cache_folder.h"
#include "device/device_private.h"
#include "device/tuned.h"

static void format_shape(const tuned_shape *shape, char *text, size_t capacity) {
    base_append(text, capacity, "shape %s batch=%zu input=%zu hidden=%zu engine=%s", oclstm_dtype_name(shape->dtype), shape->batch,
                shape->input, shape->hidden, shape->engine);
    if (shape->form[0] != '\0')
        base_append(text, capacity, " form=%s groups=%zu chunk=%zu", shape->form, shape->groups, shape->chunk);
    base_append(text, capacity, " ns=%" PRIu64 "\n", shape->nanoseconds);
}

bool tuned_format(const tuned_settings *settings, const device_limits *limits, char *text, size_t capacity) {
    if (capacity == 0)
        return false;
    text[0] = '\0';
    base_append(text, capacity, "oclstm-tuned 1\nlibrary %s\nplatform %s\ndevice %s\ndriver %s\n", OCLSTM_VERSION,
                limits->platform_name, limits->name, limits->driver_version);
    for (size_t i = 0; i < settings->clblast_count; i++) {
        const tuned_clblast *kernel = &settings->clblast[i];
        base_append(text, capacity, "clblast %s %s", oclstm_dtype_name(kernel->dtype), kernel->kernel);
        for (size_t p = 0; p < kernel->count; p++)
            base_append(text, capacity, " %s=%zu", kernel->names[p], kernel->values[p]);
        base_append(text, capacity, "\n");
    }
    for (int i = 0; i < 2; i++) {
        if (settings->fused[i].width > 0)
            base_append(text, capacity, "fused %s width=%zu tile=%zu\n", oclstm_dtype_name(i == 0 ? OCLSTM_F32 : OCLSTM_F64),
                        settings->fused[i].width, settings->fused[i].tile);
    }
    for (size_t i = 0; i < settings->shape_count; i++)
        format_shape(&settings->shapes[i], text, capacity);
    if (settings->tried_key[0] != '\0')
        base_append(text, capacity, "tried %s %" PRIu64 "\n", settings->tried_key, settings->tried);
    base_append(text, capacity, "end\n");
    size_t length = strlen(text);
    return length + 1 < capacity && strcmp(text + length - 4, "end\n") == 0;
}

// FNV-1a over what the settings depend on.
static uint64_t key_of(const device_limits *limits) {
    const char *const parts[] = {OCLSTM_VERSION, limits->platform_name, limits->name, limits->driver_version};
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (const char *c = parts[i];; c++) {
            hash = (hash ^ (unsigned char)*c) * 0x100000001B3u;
            if (*c == '\0')
                break;
        }
    }
    return hash;
}

bool tuned_path(const device_limits *limits, char *path, size_t capacity) {
    if (!cache_folder_path(path, capacity))
        return false;
    size_t folder = strlen(path);
    base_append(path, capacity, "/tuned-%016" PRIx64 ".txt", key_of(limits));
    return strlen(path) == folder + strlen("/tuned-0123456789abcdef.txt");
}

// Writes all of it and closes the file; errno says why not.
static bool write_text(int file, const char *text) {
    size_t left = strlen(text);
    bool written = fchmod(file, 0644) == 0;
    while (written && left > 0) {
        const ssize_t count = write(file, text, left);
        if (count < 0 && errno == EINTR)
            continue;
        written = count > 0;
        if (written) {
            text += count;
            left -= (size_t)count;
        }
    }
    const int reason = errno;
    const bool closed = close(file) == 0;
    if (!written)
        errno = reason;
    return written && closed;
}

oclstm_status tuned_save(const tuned_settings *settings, const device_limits *limits, const char *path, oclstm_error *error) {
    char temporary[1100] = "";
    char *text = base_alloc(TUNED_FILE_BYTES, 1);
    if (text == NULL)
        return base_fail_memory(error, TUNED_FILE_BYTES, "the tuned settings");
    if (!tuned_format(settings, limits, text, TUNED_FILE_BYTES)) {
        free(text);
        return base_fail(error, OCLSTM_IO, "the tuned settings are too many for the file \"%s\"", path);
    }
    cache_folder_make(path);
    base_append(temporary, sizeof temporary, "%s.XXXXXX", path);
    const char *failed = NULL; // the call that did
    int file = mkstemp(temporary), reason = errno;
    if (file < 0)
        failed = "mkstemp";
    else if (!write_text(file, text)) {
        failed = "write";
        reason = errno;
    }
    if (failed == NULL && rename(temporary, path) != 0) {
        failed = "rename";
        reason = errno;
    }
    if (failed != NULL && file >= 0)
        (void)unlink(temporary);
    free(text);
    return failed == NULL ? OCLSTM_OK
                          : base_fail_errno(error, OCLSTM_IO, failed, reason, "cannot write the tuned settings \"%s\"", path);
}

// At most TUNED_FILE_BYTES of a file; NULL when it cannot be read or has more.
static char *read_bytes(int file) {
    char *text = base_alloc(TUNED_FILE_BYTES + 1, 1);
    size_t length = 0;
    ssize_t count = text != NULL ? 1 : -1;
    while (count > 0 && length <= TUNED_FILE_BYTES) {
        count = read(file, text + length, TUNED_FILE_BYTES + 1 - length);
        if (count < 0 && errno == EINTR)
            count = 1;
        else if (count > 0)
            length += (size_t)count;
    }
    if (count == 0) { // the end, and so within the bound: there is room for the closing zero
        text[length] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

// The file's text; NULL, with *missing when there is no file. What is no regular file, such as a pipe, is never waited for.
static char *read_text(const char *path, bool *missing, char *why, size_t capacity) {
    struct stat facts;
    const int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    *missing = file < 0 && (errno == ENOENT || errno == ENOTDIR);
    if (file < 0) {
        base_append(why, capacity, "it cannot be opened");
        return NULL;
    }
    char *text = NULL;
    if (fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode))
        base_append(why, capacity, "it is no file");
    else if ((text = read_bytes(file)) == NULL)
        base_append(why, capacity, "it cannot be read, or has more than %d bytes", TUNED_FILE_BYTES);
    close(file);
    return text;
}

void tuned_load(tuned_settings *settings, const device_limits *limits, char *note, size_t capacity) {
    char path[1024], why[160] = "";
    bool missing = true, used = false;
    note[0] = '\0';
    if (tuned_path(limits, path, sizeof path)) {
        char *text = read_text(path, &missing, why, sizeof why);
        used = text != NULL && tuned_parse(settings, text, limits, why, sizeof why);
        free(text);
    }
    if (used) {
        base_append(note, capacity, "settings tuned here, from \"%s\"", path);
        return;
    }
    if (!missing)
        base_append(note, capacity,
                    "warning: the tuned settings \"%s\" are not used: %s; run oclstm tune again, or remove the file; ", path, why);
    const char *preset = tuned_preset(limits);
    if (preset != NULL && tuned_parse(settings, preset, NULL, why, sizeof why)) {
        base_append(note, capacity, "settings that come with the library for this kind of device");
        return;
    }
    memset(settings, 0, sizeof *settings);
    base_append(note, capacity, "no tuned settings; oclstm tune makes them");
}

const char *oclstm_device_get_tuning(const oclstm_device *device) { return device != NULL ? device->tuning_note : ""; }

void device_note_tuned(oclstm_device *device, const char *path) {
    device->tuning_note[0] = '\0';
    base_append(device->tuning_note, sizeof device->tuning_note, "settings tuned here, kept in \"%s\"", path);
}

const tuned_settings *device_get_tuned(const oclstm_device *device) { return device->tuned; }

void device_set_tuned(oclstm_device *device, const tuned_settings *settings) { *device->tuned = *settings; }
