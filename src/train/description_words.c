// SPDX-License-Identifier: Apache-2.0
#include "train/description_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "model/name_text.h"

#define SPACES " \t\r\n"

static description_word word_at(const char *at) {
    description_word word = {WORD_TEXT, at + strspn(at, SPACES), 1};
    switch (*word.begin) {
    case '\0':
        word.kind = WORD_END;
        word.length = 0;
        break;
    case ',':
        word.kind = WORD_COMMA;
        break;
    case ':':
        word.kind = WORD_COLON;
        break;
    default:
        word.length = strcspn(word.begin, SPACES ",:");
    }
    return word;
}

description_words description_begin(const char *text, oclstm_error *error) {
    return (description_words){.text = text, .word = word_at(text), .layer = 1, .error = error};
}

void description_next(description_words *words) { words->word = word_at(words->word.begin + words->word.length); }

bool description_is(const description_word *word, const char *text) {
    return word->kind == WORD_TEXT && word->length == strlen(text) && memcmp(word->begin, text, word->length) == 0;
}

bool description_is_numeric(const description_word *word) {
    return word->kind == WORD_TEXT && strchr("0123456789+-.", *word->begin) != NULL;
}

oclstm_status description_fail(const description_words *words, const description_word *word, const char *expected, ...) {
    char found[256], wanted[512];
    va_list args;
    va_start(args, expected);
    vsnprintf(wanted, sizeof wanted, expected, args);
    va_end(args);
    snprintf(found, sizeof found, "%.*s", word->length < 200 ? (int)word->length : 200, word->begin);
    const bool quoted = word->kind == WORD_TEXT;
    return base_fail(words->error, OCLSTM_INVALID_ARGUMENT,
                     "the description of the layers: layer %zu, at character %zu: found %s%s%s, expected %s", words->layer,
                     (size_t)(word->begin - words->text) + 1, quoted ? "'" : "",
                     quoted                     ? name_to_text(found).text
                     : word->kind == WORD_END   ? "the end"
                     : word->kind == WORD_COMMA ? "a comma"
                                                : "a colon",
                     quoted ? "'" : "", wanted);
}

oclstm_status description_number(description_words *words, const char *what, int64_t most, int64_t *number) {
    const description_word *word = &words->word;
    int64_t value = 0;
    bool fits = word->kind == WORD_TEXT;
    for (size_t i = 0; fits && i < word->length; i++) {
        const char digit = word->begin[i];
        fits = digit >= '0' && digit <= '9' && value <= (INT64_MAX - 9) / 10;
        if (fits)
            value = value * 10 + (digit - '0');
    }
    if (!fits || value < 1 || value > most)
        return description_fail(words, word, "%s, a whole number from 1 to %" PRId64, what, most);
    *number = value;
    description_next(words);
    return OCLSTM_OK;
}
