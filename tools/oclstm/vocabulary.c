// SPDX-License-Identifier: Apache-2.0
#include "vocabulary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { CHARACTERS = 0x110000 }; // of Unicode

size_t utf8_decode(uint32_t *character, const char *text, size_t left) {
    static const struct {
        unsigned char mask, lead;
        uint32_t least; // a longer form than needed is none
    } forms[] = {{0x80, 0x00, 1}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    if (left == 0)
        return 0;
    const unsigned char first = (unsigned char)text[0];
    for (size_t more = 0; more < 4; more++) {
        if ((first & forms[more].mask) != forms[more].lead)
            continue;
        if (more >= left)
            return 0;
        *character = (uint32_t)(first & ~forms[more].mask);
        for (size_t i = 1; i <= more; i++) {
            if (((unsigned char)text[i] & 0xc0) != 0x80)
                return 0;
            *character = *character << 6 | ((unsigned char)text[i] & 0x3f);
        }
        const bool surrogate = *character >= 0xd800 && *character < 0xe000;
        return *character >= forms[more].least && *character < CHARACTERS && !surrogate ? more + 1 : 0;
    }
    return 0;
}

size_t utf8_encode(char out[5], uint32_t character) {
    const size_t bytes = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = bytes - 1; i > 0; i--, character >>= 6)
        out[i] = (char)(0x80 | (character & 0x3f));
    out[0] = (char)(leads[bytes] | character);
    out[bytes] = '\0';
    return bytes;
}

const char *character_name(char text[32], uint32_t character) {
    char bytes[5];
    utf8_encode(bytes, character);
    snprintf(text, 32, "'%s' (U+%04X)", character == '\n' ? "\\n" : bytes, (unsigned)character);
    return text;
}

static int no_memory(size_t bytes) {
    report("no memory for %zu bytes", bytes);
    return EXIT_FAILED;
}

// In the order of the array.
static int fill_text(vocabulary *out) {
    char *at = out->text = malloc(out->count * 4 + 1);
    if (!at)
        return no_memory(out->count * 4 + 1);
    *at = '\0';
    for (size_t i = 0; i < out->count; i++)
        at += utf8_encode(at, out->characters[i]);
    return EXIT_DONE;
}

static int no_text(const char *name, size_t place, const char *text) {
    report("%s: byte %zu is %s: a text in UTF-8 is wanted", name, place, text[place] ? "no UTF-8" : "zero");
    return EXIT_FAILED;
}

int vocabulary_of_text(vocabulary *out, const char *text, size_t bytes, const char *name) {
    *out = (vocabulary){0};
    unsigned char *seen = calloc(CHARACTERS, 1);
    int code = seen ? EXIT_DONE : no_memory(CHARACTERS);
    for (size_t place = 0, length; code == EXIT_DONE && place < bytes; place += length) {
        uint32_t character;
        length = utf8_decode(&character, text + place, bytes - place);
        if (length == 0)
            code = no_text(name, place, text);
        else if (!seen[character]) {
            seen[character] = 1;
            out->count++;
        }
    }
    if (code == EXIT_DONE && !(out->characters = calloc(out->count + 1, sizeof *out->characters)))
        code = no_memory(out->count * sizeof *out->characters);
    size_t found = 0;
    for (uint32_t character = 0; code == EXIT_DONE && character < CHARACTERS; character++)
        if (seen[character])
            out->characters[found++] = character;
    free(seen);
    return code == EXIT_DONE ? fill_text(out) : code;
}

int vocabulary_of_file(vocabulary *out, const oclstm_tensors *file) {
    const char *text = oclstm_tensors_metadata(file, VOCABULARY_KEY);
    const char *path = oclstm_tensors_path(file);
    if (!text)
        text = oclstm_tensors_metadata(file, VOCABULARY_CHECKPOINT_KEY);
    *out = (vocabulary){0};
    if (!text)
        return EXIT_DONE;
    const size_t bytes = strlen(text);
    out->characters = calloc(bytes + 1, sizeof *out->characters);
    unsigned char *seen = calloc(CHARACTERS, 1);
    int code = out->characters && seen ? EXIT_DONE : no_memory(CHARACTERS + bytes * sizeof *out->characters);
    for (size_t place = 0, length; code == EXIT_DONE && place < bytes; place += length) {
        uint32_t character = 0;
        char shown[32];
        length = utf8_decode(&character, text + place, bytes - place);
        if (length == 0) {
            code = no_text(path, place, text);
        } else if (seen[character]) {
            report("%s: the metadata '" VOCABULARY_KEY "' has the character %s twice", path, character_name(shown, character));
            code = EXIT_FAILED;
        } else {
            seen[character] = 1;
            out->characters[out->count++] = character;
        }
    }
    free(seen);
    return code == EXIT_DONE ? fill_text(out) : code;
}

// A table from code points to tokens, -1 for those that are none.
static int32_t *token_table(const vocabulary *words) {
    int32_t *table = malloc(CHARACTERS * sizeof *table);
    if (!table)
        return NULL;
    memset(table, 0xff, CHARACTERS * sizeof *table);
    for (size_t i = 0; i < words->count; i++)
        table[words->characters[i]] = (int32_t)i;
    return table;
}

int vocabulary_tokens(const vocabulary *words, int32_t **tokens, int64_t *count, const char *text, size_t bytes, const char *name) {
    char shown[32];
    int32_t *table = token_table(words);
    int code = EXIT_DONE;
    *count = 0;
    *tokens = malloc((bytes + 1) * sizeof **tokens);
    if (!table || !*tokens)
        code = no_memory((bytes + 1 + CHARACTERS) * sizeof **tokens);
    for (size_t place = 0, length; code == EXIT_DONE && place < bytes; place += length) {
        uint32_t character = 0;
        length = utf8_decode(&character, text + place, bytes - place);
        if (length == 0) {
            code = no_text(name, place, text);
        } else if (table[character] < 0) {
            report("%s: the character %s, at byte %zu, is none of the model's %zu", name, character_name(shown, character), place,
                   words->count);
            code = EXIT_FAILED;
        } else {
            (*tokens)[(*count)++] = table[character];
        }
    }
    free(table);
    return code;
}

void vocabulary_free(vocabulary *words) {
    free(words->characters);
    free(words->text);
    *words = (vocabulary){0};
}
