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
    base_copy_string(settings->tried_key, sizeof settings->tried_key, name);
    return read_number(number, INT32_MAX, &settings->tried);
}

enum { FACTS = 4, ALL_FACTS = (1 << FACTS) - 1 };

// Which of the lines that name what the file is for this is: 0 to FACTS - 1, or FACTS. *right: it names this device, or any will do.
static int find_fact(const char *text, const device_limits *limits, bool *right) {
    const struct {
        const char *key, *expected;
    } facts[FACTS] = {{"library", OCLSTM_VERSION},
                      {"platform", limits != NULL ? limits->platform_name : NULL},
                      {"device", limits != NULL ? limits->name : NULL},
                      {"driver", limits != NULL ? limits->driver_version : NULL}};
    int place = 0;
    for (; place < FACTS; place++) {
        const size_t length = strlen(facts[place].key);
        if (strncmp(text, facts[place].key, length) == 0 && text[length] == ' ') {
            *right = facts[place].expected == NULL || strcmp(text + length + 1, facts[place].expected) == 0;
            break;
        }
    }
    return place;
}

typedef enum line_result { LINE_OK, LINE_END, LINE_FOREIGN, LINE_BAD } line_result;

// seen: bits of the facts so far.
static line_result parse_line(tuned_settings *settings, line_reader *line, const device_limits *limits, unsigned *seen) {
    bool right = true;
    const int fact = find_fact(line->text, limits, &right);
    if (fact < FACTS) {
        *seen |= 1U << fact;
        return right ? LINE_OK : LINE_FOREIGN;
    }
    line->text[strcspn(line->text, "#")] = '\0';
    const char *key = take_word(line);
    if (key == NULL)
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

// Reads the next line, without its end, and moves *text behind it; false when it is too long.
static bool take_line(line_reader *line, const char **text) {
    const size_t length = strcspn(*text, "\n");
    if (length >= sizeof line->text)
        return false;
    memcpy(line->text, *text, length);
    line->text[length] = '\0';
    line->text[strcspn(line->text, "\r")] = '\0';
    line->next = line->text;
    *text += length + ((*text)[length] == '\n');
    return true;
}

// What is right with the lines up to `end`; and nothing follows it, all facts were there.
static bool is_whole(const char *rest, const device_limits *limits, unsigned seen, char *why, size_t capacity) {
    if (rest[strspn(rest, " \t\r\n")] != '\0')
        base_append(why, capacity, "there is more after the line \"end\"");
    else if (limits != NULL && seen != ALL_FACTS)
        base_append(why, capacity, "it does not name the library, platform, device and driver that it is for");
    else
        return true;
    return false;
}

bool tuned_parse(tuned_settings *settings, const char *text, const device_limits *limits, char *why, size_t capacity) {
    static const char first_line[] = "oclstm-tuned 1";
    unsigned seen = 0;
    memset(settings, 0, sizeof *settings);
    if (capacity > 0)
        why[0] = '\0';
    for (int number = 1; *text != '\0'; number++) {
        line_reader line;
        if (!take_line(&line, &text)) {
            base_append(why, capacity, "line %d is longer than %zu bytes", number, sizeof line.text - 1);
            return false;
        }
        if (number == 1) {
            if (strcmp(line.text, first_line) == 0)
                continue;
            base_append(why, capacity, "it does not begin with \"%s\"", first_line);
            return false;
        }
        switch (parse_line(settings, &line, limits, &seen)) {
        case LINE_OK:
            break;
        case LINE_END:
            return is_whole(text, limits, seen, why, capacity);
        case LINE_FOREIGN:
            base_append(why, capacity, "it is for another library version, platform, device or driver (line %d: %.100s)", number,
                        line.text);
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
