// SPDX-License-Identifier: Apache-2.0
// `oclstm kernels --list`: the disk cache.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cmd_kernels.h"
#include "json_output.h"
#include "report.h"

static json_t *to_json(const oclstm_kernel_entry *entry) {
    return json_pack("{s:s, s:I, s:I, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", entry->name, "size_bytes",
                     (json_int_t)entry->size_bytes, "used_at", (json_int_t)entry->used_at, "usable", entry->usable, "reason",
                     entry->usable ? json_null() : json_text(entry->reason), "library", json_text(entry->library), "platform",
                     json_text(entry->platform), "device", json_text(entry->device), "driver", json_text(entry->driver), "files",
                     json_text(entry->files), "options", json_text(entry->options));
}

static int print_json(const char *folder, const oclstm_kernel_entry *list, size_t count) {
    json_t *entries = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(entries, to_json(&list[i]));
    return json_print(json_pack("{s:o, s:o}", "folder", json_text(*folder ? folder : NULL), "kernels", entries));
}

static void print_entry(const oclstm_kernel_entry *entry, bool verbose) {
    char when[32] = "?";
    const time_t used = (time_t)entry->used_at;
    struct tm parts;
    if (localtime_r(&used, &parts))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &parts);
    printf("%-22s %8" PRIu64 " KiB  %s  ", entry->name, (entry->size_bytes + 1023) / 1024, when);
    if (entry->usable) {
        print_text(stdout, entry->device);
        printf(" (");
        print_text(stdout, entry->platform);
        printf("): ");
        print_text(stdout, entry->files);
    } else {
        printf("not usable: ");
        print_text(stdout, entry->reason);
    }
    putchar('\n');
    if (verbose && entry->usable) {
        printf("    driver ");
        print_text(stdout, entry->driver);
        printf(", oclstm ");
        print_text(stdout, entry->library);
        printf(", options ");
        print_text(stdout, entry->options);
        putchar('\n');
    }
}

int kernels_list(const cli_options *options) {
    oclstm_error error;
    oclstm_kernel_entry *list = NULL;
    size_t count = 0;
    char folder[1024] = "";
    uint64_t bytes = 0;
    (void)oclstm_kernels_folder(folder, sizeof folder, NULL);
    if (oclstm_kernels_list(&list, &count, &error) != OCLSTM_OK) {
        report_error(&error);
        return EXIT_FAILED;
    }
    int code = EXIT_DONE;
    if (options->json) {
        code = print_json(folder, list, count);
    } else {
        for (size_t i = 0; i < count; i++) {
            print_entry(&list[i], options->verbose);
            bytes += list[i].size_bytes;
        }
        printf("%zu program%s, %" PRIu64 " KiB, in ", count, count == 1 ? "" : "s", (bytes + 1023) / 1024);
        print_text(stdout, *folder ? folder : "no folder: OCLSTM_CACHE_DIR is empty, or there is no home folder");
        putchar('\n');
    }
    oclstm_kernels_list_free(&list);
    return code;
}
