// SPDX-License-Identifier: Apache-2.0
// Every file of a folder through a fuzzer, without libFuzzer: an ordinary test. corpus_KIND FOLDER
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_body.h"

enum { MOST_BYTES = 1 << 20 };

// Into a block that fits to the byte, so that a sanitizer sees one too far.
static unsigned char *read_whole(const char *path, size_t *size) {
    static unsigned char whole[MOST_BYTES];
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return NULL;
    *size = fread(whole, 1, sizeof whole, stream);
    fclose(stream);
    unsigned char *block = malloc(*size > 0 ? *size : 1);
    if (block != NULL)
        memcpy(block, whole, *size);
    return block;
}

int main(int argc, char **argv) {
    char path[4096];
    int count = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return EXIT_FAILURE;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t size = 0;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        unsigned char *block = read_whole(path, &size);
        if (block == NULL || LLVMFuzzerTestOneInput(block, size) != 0) {
            fprintf(stderr, "%s: it cannot be read, or is not of this fuzzer's format\n", path);
            return EXIT_FAILURE;
        }
        free(block);
        count++;
    }
    closedir(folder);
    printf("%d files\n", count);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
