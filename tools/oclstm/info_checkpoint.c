// SPDX-License-Identifier: Apache-2.0
#include "info_checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "json_output.h"
#include "report.h"

#define CHECKPOINT_KEY "oclstm.checkpoint"

enum { MOST_TEXT = 512 };

bool is_checkpoint_key(const char *key) { return strcmp(key, CHECKPOINT_KEY) == 0; }

// The line "KEY VALUE" that begins at *at, which goes on to the next; false at the end. The layers are shown elsewhere.
static bool next_line(const char **at, char *key, char *value) {
    while (**at) {
        const size_t length = strcspn(*at, "\n"), key_length = strcspn(*at, " \n");
        const char *rest = *at + (key_length < length ? key_length + 1 : length);
        snprintf(key, MOST_TEXT, "%.*s", (int)(key_length < MOST_TEXT ? key_length : MOST_TEXT - 1), *at);
        const size_t rest_length = (size_t)(*at + length - rest);
        snprintf(value, MOST_TEXT, "%.*s", (int)(rest_length < MOST_TEXT ? rest_length : MOST_TEXT - 1), rest);
        *at += length + ((*at)[length] == '\n');
        if (*key && strcmp(key, "layer") != 0)
            return true;
    }
    return false;
}

void print_checkpoint(const oclstm_tensors *file) {
    char key[MOST_TEXT], value[MOST_TEXT];
    const char *at = oclstm_tensors_metadata(file, CHECKPOINT_KEY), *between = "";
    if (!at)
        return;
    printf("\n  checkpoint  ");
    while (next_line(&at, key, value)) {
        printf("%s", between);
        print_text(stdout, key);
        putchar(' ');
        print_text(stdout, value);
        between = ", ";
    }
    putchar('\n');
}

json_t *checkpoint_to_json(const oclstm_tensors *file) {
    char key[MOST_TEXT], value[MOST_TEXT];
    const char *at = oclstm_tensors_metadata(file, CHECKPOINT_KEY);
    if (!at)
        return json_null();
    json_t *object = json_object();
    while (next_line(&at, key, value)) {
        json_t *number = json_loads(value, JSON_DECODE_ANY, NULL);
        if (!json_is_number(number)) { // a word, or a seed of 64 bits
            json_decref(number);
            number = json_text(value);
        }
        json_object_set_new(object, key, number);
    }
    return object;
}
