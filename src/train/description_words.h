// SPDX-License-Identifier: Apache-2.0
// The words of a description of layers, one after the other, and what is wrong with one.
#ifndef OCLSTM_TRAIN_DESCRIPTION_WORDS_H
#define OCLSTM_TRAIN_DESCRIPTION_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/status.h>

typedef enum word_kind { WORD_TEXT, WORD_COMMA, WORD_COLON, WORD_END } word_kind;

typedef struct description_word {
    word_kind kind;
    const char *begin; // in the description; not closed by a zero byte
    size_t length;
} description_word;

typedef struct description_words {
    const char *text;
    description_word word; // the one at hand
    size_t layer;          // that it belongs to, from 1
    oclstm_error *error;
} description_words;

// Stands at the first word.
description_words description_begin(const char *text, oclstm_error *error);

// Goes on to the next word; stays at the end.
void description_next(description_words *words);

bool description_is(const description_word *word, const char *text);

// Does it look as if a number was meant?
bool description_is_numeric(const description_word *word);

// INVALID_ARGUMENT: the word, the layer and the character where it stands, and what was expected (printf style).
oclstm_status description_fail(const description_words *words, const description_word *word, const char *expected, ...)
    __attribute__((format(printf, 3, 4)));

// The word at hand as a whole number from 1 to `most`, and on to the next. `what` says what it means ("the hidden size").
oclstm_status description_number(description_words *words, const char *what, int64_t most, int64_t *number);

#endif
