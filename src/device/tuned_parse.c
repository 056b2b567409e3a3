// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "device/tuned.h"

// A line being read: its words are taken one after the other.
typedef struct line_reader {
    char text[1024];
    char *next;
} line_reader;

static char *take_word(line_reader *line) {
    char *word = line->next + strspn(line->next, " \t");
    if (*word == '\0')
        return NULL;
    char *end = word + strcspn(word, " \t");
    line->next = end;
    if (*end != '\0') {
        *end = '\0';
        line->next = end + 1;
    }
    return word;
}

static bool read_number(const char *text, uint64_t most, uint64_t *value) {
    char *end = NULL;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *value <= most;
}

static bool read_name(const char *text, char name[TUNED_NAME]) {
    size_t length = strlen(text);
    if (length == 0 || length >= TUNED_NAME)
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    memcpy(name, text, length + 1);
    return true;
}

static bool read_dtype(const char *word, oclstm_dtype *dtype) {
    *dtype = OCLSTM_F32;
    if (word != NULL && strcmp(word, oclstm_dtype_name(OCLSTM_F64)) == 0)
        *dtype = OCLSTM_F64;
    return word != NULL && strcmp(word, oclstm_dtype_name(*dtype)) == 0;
}

// "KEY=VALUE" cut in two; NULL when it is not one.
static char *cut_pair(char *word) {
    char *sign = strchr(word, '=');
    if (sign == NULL)
        return NULL;
    *sign = '\0';
    return sign + 1;
}

static bool parse_clblast(tuned_settings *settings, line_reader *line) {
    tuned_clblast entry = {0};
    const char *kernel;
    if (settings->clblast_count == TUNED_CLBLAST || !read_dtype(take_word(line), &entry.dtype) ||
        (kernel = take_word(line)) == NULL || !read_name(kernel, entry.kernel))
        return false;
    for (char *word = take_word(line); word != NULL; word = take_word(line)) {
        char *value = cut_pair(word);
        uint64_t number;
        // A routine's switch between kernels is a matrix size; everything else is a tile, a group or a flag.
        uint64_t most = strstr(entry.kernel, "Routine") != NULL ? INT32_MAX : 1024;
        if (value == NULL || entry.count == TUNED_PARAMETERS || !read_name(word, entry.names[entry.count]) ||
            !read_number(value, most, &number))
            return false;
        entry.values[entry.count++] = (size_t)number;
    }
    if (entry.count == 0)
        return false;
    settings->clblast[settings->clblast_count++] = entry;
    return true;
}

static bool parse_fused(tuned_settings *settings, line_reader *line) {
    oclstm_dtype dtype;
    uint64_t width = 0, tile = 0;
    if (!read_dtype(take_word(line), &dtype))
        return false;
    for (char *word = take_word(line); word != NULL; word = take_word(line)) {
        char *value = cut_pair(word);
        uint64_t *number = strcmp(word, "width") == 0 ? &width : strcmp(word, "tile") == 0 ? &tile : NULL;
        if (value == NULL || number == NULL || !read_number(value, 16, number))
            return false;
    }
    if ((width != 4 && width != 8 && width != 16) || tile < 1 || tile > 8)
        return false;
    settings->fused[dtype == OCLSTM_F64] = (tuned_fused){(size_t)width, (size_t)tile};
    return true;
}

static bool set_shape_number(tuned_shape *shape, const char *key, uint64_t number) {
    const struct {
        const char *key;
        size_t *place;
        uint64_t least, most;
    } sizes[] = {{"batch", &shape->batch, 1, UINT32_MAX},
                 {"input", &shape->input, 1, UINT32_MAX},
                 {"hidden", &shape->hidden, 1, UINT32_MAX},
                 {"groups", &shape->groups, 1, 4096},
                 {"chunk", &shape->chunk, 0, 4096}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (strcmp(key, sizes[i].key) == 0) {
            *sizes[i].place = (size_t)number;
            return number >= sizes[i].least && number <= sizes[i].most;
        }
    }
    shape->nanoseconds = number;
    return strcmp(key, "ns") == 0;
}

static bool parse_shape(tuned_settings *settings, line_reader *line) {
    tuned_shape shape = {.groups = 1};
    if (settings->shape_count == TUNED_SHAPES || !read_dtype(take_word(line), &shape.dtype))
        return false;
    for (char *word = take_word(line); word != NULL; word = take_word(line)) {
        char *value = cut_pair(word);
        uint64_t number;
        if (value == NULL)
            return false;
        char *name = strcmp(word, "engine") == 0 ? shape.engine : strcmp(word, "form") == 0 ? shape.form : NULL;
        if (name != NULL ? !read_name(value, name)
                         : !read_number(value, UINT64_MAX, &number) || !set_shape_number(&shape, word, number))
            return false;
    }
    if (shape.batch == 0 || shape.input == 0 || shape.hidden == 0 || shape.engine[0] == '\0')
        return false;
    settings->shapes[settings->shape_count++] = shape;
    return true;
}

static bool parse_tried(tuned_settings *settings, line_reader *line) {
    char name[TUNED_NAME];
    const char *key = take_word(line), *number = key != NULL ? take_word(line) : NULL;
    if (number == NULL || take_word(line) != NULL || !read_name(key, name) || strlen(key) >= sizeof settings->tried_key)
        return false;
    memcpy(settings->tried_key, name, sizeof settings->tried_key - 1);
    return read_number(number, INT32_MAX, &settings->tried);
}

// A line that names what the file is for; true when that is this device, or when any is right.
static bool is_for(const char *key, const char *value, const device_limits *limits, bool *known) {
    const struct {
        const char *key, *expected;
    } facts[] = {{"library", OCLSTM_VERSION},
                 {"platform", limits != NULL ? limits->platform_name : NULL},
                 {"device", limits != NULL ? limits->name : NULL},
                 {"driver", limits != NULL ? limits->driver_version : NULL}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        if (strcmp(key, facts[i].key) == 0) {
            *known = true;
            return facts[i].expected == NULL || strcmp(value, facts[i].expected) == 0;
        }
    }
    *known = false;
    return true;
}

typedef enum line_result { LINE_OK, LINE_END, LINE_FOREIGN, LINE_BAD } line_result;

static line_result parse_line(tuned_settings *settings, line_reader *line, const device_limits *limits) {
    bool known;
    char *key = take_word(line);
    if (key == NULL)
        return LINE_OK;
    if (!is_for(key, line->next, limits, &known))
        return LINE_FOREIGN;
    if (known)
        return LINE_OK;
    if (strcmp(key, "end") == 0)
        return take_word(line) == NULL ? LINE_END : LINE_BAD;
    if (strcmp(key, "clblast") == 0)
        return parse_clblast(settings, line) ? LINE_OK : LINE_BAD;
    if (strcmp(key, "fused") == 0)
        return parse_fused(settings, line) ? LINE_OK : LINE_BAD;
    if (strcmp(key, "tried") == 0)
        return parse_tried(settings, line) ? LINE_OK : LINE_BAD;
    return strcmp(key, "shape") == 0 && parse_shape(settings, line) ? LINE_OK : LINE_BAD;
}

bool tuned_parse(tuned_settings *settings, const char *text, const device_limits *limits, char *why, size_t capacity) {
    memset(settings, 0, sizeof *settings);
    if (capacity > 0)
        why[0] = '\0';
    for (int number = 1; *text != '\0'; number++) {
        line_reader line = {.next = line.text};
        size_t length = strcspn(text, "\n");
        if (length >= sizeof line.text) {
            base_append(why, capacity, "line %d is longer than %zu bytes", number, sizeof line.text - 1);
            return false;
        }
        memcpy(line.text, text, length);
        line.text[strcspn(line.text, "#\r")] = '\0';
        text += length + (text[length] == '\n');
        if (number == 1) {
            if (strcmp(line.text, "oclstm-tuned 1") == 0)
                continue;
            base_append(why, capacity, "it does not begin with \"oclstm-tuned 1\"");
            return false;
        }
        switch (parse_line(settings, &line, limits)) {
        case LINE_OK:
            break;
        case LINE_END:
            return true;
        case LINE_FOREIGN:
            base_append(why, capacity, "it is for another library version, platform, device or driver (line %d: %.100s)", number,
                        line.next);
            return false;
        case LINE_BAD:
            base_append(why, capacity, "line %d is not understood", number);
            return false;
        }
    }
    base_append(why, capacity, "it is cut off: the last line is not \"end\"");
    return false;
}

static bool is_near(size_t a, size_t b, double *distance) {
    double ratio = a > b ? (double)a / (double)b : (double)b / (double)a;
    *distance += ratio;
    return ratio <= 1.5;
}

const tuned_shape *tuned_find_shape(const tuned_settings *settings, oclstm_dtype dtype, size_t batch, size_t input, size_t hidden) {
    const tuned_shape *best = NULL;
    double best_distance = 0;
    for (size_t i = 0; i < settings->shape_count; i++) {
        const tuned_shape *shape = &settings->shapes[i];
        double distance = 0;
        if (shape->dtype != dtype || !is_near(shape->batch, batch, &distance) || !is_near(shape->input, input, &distance) ||
            !is_near(shape->hidden, hidden, &distance))
            continue;
        if (best == NULL || distance < best_distance) {
            best = shape;
            best_distance = distance;
        }
    }
    return best;
}
