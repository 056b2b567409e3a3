// SPDX-License-Identifier: Apache-2.0
#include "json_output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

json_t *json_text(const char *text) {
    if (!text)
        return json_null();
    json_t *string = json_string(text);
    if (string)
        return string;
    const size_t length = strlen(text);
    char *plain = malloc(length + 1);
    if (!plain)
        return NULL;
    for (size_t i = 0; i <= length; i++)
        plain[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    string = json_string(plain);
    free(plain);
    return string;
}

json_t *json_number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *json_shape(const int64_t *shape, int rank) {
    json_t *array = json_array();
    for (int axis = 0; axis < rank; axis++)
        json_array_append_new(array, json_integer(shape[axis]));
    return array;
}

static int print(json_t *document, size_t flags) {
    char *text = document ? json_dumps(document, flags) : NULL;
    json_decref(document);
    if (!text) {
        report("the JSON document could not be made: host memory is exhausted");
        return EXIT_FAILED;
    }
    puts(text);
    free(text);
    return EXIT_DONE;
}

int json_print(json_t *document) { return print(document, JSON_INDENT(2)); }

int json_print_line(json_t *document) { return print(document, JSON_COMPACT); }
