// SPDX-License-Identifier: Apache-2.0
#include "model/npy_header.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/name_text.h"
#include "model/tensors_file.h"

#define NPY_DTYPES "float16, float32, float64, bool and the integers of 8 to 64 bits are read"

typedef struct literal {
    const char *text;
    size_t text_bytes;
    size_t position;
    const char *path;
    oclstm_error *error;
} literal;

static oclstm_status malformed(const literal *source, const char *expected) {
    return base_fail(source->error, OCLSTM_FORMAT, "'%s': malformed .npy header at its byte %zu: expected %s", source->path,
                     source->position, expected);
}

static char peek(const literal *source) { return source->position < source->text_bytes ? source->text[source->position] : '\0'; }

static void skip_space(literal *source) {
    while (peek(source) == ' ' || peek(source) == '\t' || peek(source) == '\n' || peek(source) == '\r')
        source->position++;
}

// Passes over a token, and space before it; false and nothing passed when something else stands there.
static bool accept(literal *source, const char *token) {
    skip_space(source);
    size_t length = strlen(token);
    if (source->text_bytes - source->position < length || memcmp(source->text + source->position, token, length) != 0)
        return false;
    source->position += length;
    return true;
}

static oclstm_status read_string(literal *source, char *out, size_t capacity) {
    skip_space(source);
    if (peek(source) == 'u' || peek(source) == 'b')
        source->position++;
    char quote = peek(source);
    if (quote != '\'' && quote != '"')
        return malformed(source, "a string");
    source->position++;
    size_t length = 0;
    while (peek(source) != quote) {
        char byte = peek(source);
        if (byte == '\0' || byte == '\\' || byte == '\n' || length + 1 >= capacity)
            return malformed(source, "a short string without escapes");
        out[length++] = byte;
        source->position++;
    }
    out[length] = '\0';
    source->position++;
    return OCLSTM_OK;
}

static oclstm_status read_descr(literal *source, npy_header *out) {
    skip_space(source);
    if (peek(source) == '[' || peek(source) == '(')
        return base_fail(source->error, OCLSTM_FORMAT,
                         "'%s' holds a structured array (records with fields); " NPY_DTYPES ": save one field", source->path);
    char descr[32];
    oclstm_status status = read_string(source, descr, sizeof descr);
    if (status != OCLSTM_OK)
        return status;
    char order = '=';
    const char *word = descr;
    if (*word != '\0' && strchr("<>=|", *word) != NULL)
        order = *word++;
    static const struct {
        const char *word;
        oclstm_dtype dtype;
    } words[] = {{"f4", OCLSTM_F32}, {"f8", OCLSTM_F64}, {"f2", OCLSTM_F16}, {"i1", OCLSTM_I8},
                 {"i2", OCLSTM_I16}, {"i4", OCLSTM_I32}, {"i8", OCLSTM_I64}, {"u1", OCLSTM_U8},
                 {"u2", OCLSTM_U16}, {"u4", OCLSTM_U32}, {"u8", OCLSTM_U64}, {"b1", OCLSTM_BOOL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t element_bytes = oclstm_dtype_size_bytes(words[i].dtype);
        if (strcmp(word, words[i].word) != 0 || (order == '|' && element_bytes > 1))
            continue;
        out->dtype = words[i].dtype;
        out->swapped = element_bytes > 1 && (order == '<' || order == '>') && (order == '>') != model_host_is_big_endian();
        return OCLSTM_OK;
    }
    if (*word == 'O')
        return base_fail(source->error, OCLSTM_FORMAT,
                         "'%s' holds Python objects, which only running a pickle could restore; " NPY_DTYPES
                         ": save array.astype(\"float32\")",
                         source->path);
    return base_fail(source->error, OCLSTM_FORMAT, "'%s': dtype '%s' is not read; " NPY_DTYPES, source->path,
                     name_to_text(descr).text);
}

static oclstm_status read_flag(literal *source, npy_header *out) {
    if (accept(source, "True"))
        out->fortran_order = true;
    else if (accept(source, "False"))
        out->fortran_order = false;
    else
        return malformed(source, "True or False");
    return OCLSTM_OK;
}

static oclstm_status read_extent(literal *source, int64_t *out) {
    skip_space(source);
    if (peek(source) == '-')
        return malformed(source, "an extent of 0 or more, found a negative one");
    if (peek(source) < '0' || peek(source) > '9')
        return malformed(source, "an integer");
    int64_t value = 0;
    while (peek(source) >= '0' && peek(source) <= '9') {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, peek(source) - '0', &value))
            return malformed(source, "an extent that fits 64 bits");
        source->position++;
    }
    if (peek(source) == 'L') // a Python 2 long
        source->position++;
    *out = value;
    return OCLSTM_OK;
}

static oclstm_status read_shape(literal *source, npy_header *out) {
    if (!accept(source, "("))
        return malformed(source, "a tuple as the shape");
    bool comma = true;
    while (!accept(source, ")")) {
        if (!comma)
            return malformed(source, "',' or ')'");
        if (out->rank == OCLSTM_MAX_RANK)
            return base_fail(source->error, OCLSTM_FORMAT, "'%s' has more than %d dimensions, the most that are read", source->path,
                             OCLSTM_MAX_RANK);
        oclstm_status status = read_extent(source, &out->shape[out->rank]);
        if (status != OCLSTM_OK)
            return status;
        out->rank++;
        comma = accept(source, ",");
    }
    if (out->rank == 1 && !comma) // (3) is a number in Python
        return malformed(source, "a comma in a tuple of one");
    return OCLSTM_OK;
}

static const struct {
    const char *key;
    oclstm_status (*read)(literal *source, npy_header *out);
} fields[] = {{"descr", read_descr}, {"fortran_order", read_flag}, {"shape", read_shape}};

#define FIELD_COUNT (sizeof fields / sizeof *fields)

static oclstm_status read_field(literal *source, npy_header *out, bool seen[FIELD_COUNT]) {
    char key[32];
    oclstm_status status = read_string(source, key, sizeof key);
    if (status != OCLSTM_OK)
        return status;
    if (!accept(source, ":"))
        return malformed(source, "':'");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(key, fields[i].key) != 0)
            continue;
        if (seen[i])
            return base_fail(source->error, OCLSTM_FORMAT, "'%s': malformed .npy header: duplicate key '%s'", source->path, key);
        seen[i] = true;
        return fields[i].read(source, out);
    }
    return base_fail(source->error, OCLSTM_FORMAT,
                     "'%s': malformed .npy header: unknown key '%s'; expected descr, fortran_order and shape", source->path,
                     name_to_text(key).text);
}

oclstm_status model_npy_header_parse(npy_header *out, const char *text, size_t text_bytes, const char *path, oclstm_error *error) {
    literal source = {text, text_bytes, 0, path, error};
    bool seen[FIELD_COUNT] = {false};
    *out = (npy_header){0};
    if (!accept(&source, "{"))
        return malformed(&source, "'{'");
    bool comma = true;
    while (!accept(&source, "}")) {
        if (!comma)
            return malformed(&source, "',' or '}'");
        oclstm_status status = read_field(&source, out, seen);
        if (status != OCLSTM_OK)
            return status;
        comma = accept(&source, ",");
    }
    skip_space(&source);
    if (source.position != text_bytes)
        return malformed(&source, "nothing after '}' but spaces");
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (!seen[i])
            return base_fail(error, OCLSTM_FORMAT, "'%s': malformed .npy header: the key '%s' is missing", path, fields[i].key);
    }
    return OCLSTM_OK;
}
