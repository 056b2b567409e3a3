// SPDX-License-Identifier: Apache-2.0
// The characters of a character model: token i is the i-th of them. Kept in a model file as UTF-8 in its metadata.
#ifndef OCLSTM_TOOL_VOCABULARY_H
#define OCLSTM_TOOL_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/tensors.h>

#define VOCABULARY_KEY            "oclstm.vocabulary"
#define VOCABULARY_CHECKPOINT_KEY "train.vocabulary" // a checkpoint keeps other keys for itself

typedef struct vocabulary {
    uint32_t *characters; // code points, in the order of their numbers
    size_t count;
    char *text; // the same in UTF-8
} vocabulary;

// Bytes of the character that begins here; 0 where none does: no UTF-8, or the character zero. left: bytes to the end.
size_t utf8_decode(uint32_t *character, const char *text, size_t left);

// Writes up to 4 bytes and a zero. Their number.
size_t utf8_encode(char out[5], uint32_t character);

// "'e' (U+0065)".
const char *character_name(char text[32], uint32_t character);

// Each of these returns an exit code and has said on standard error why it is not EXIT_DONE.

// The distinct characters of a text, sorted. name: of the text, for messages.
int vocabulary_of_text(vocabulary *out, const char *text, size_t bytes, const char *name);

// That of a model file. Where it has none: EXIT_DONE and no characters.
int vocabulary_of_file(vocabulary *out, const oclstm_tensors *file);

// The tokens of a text, allocated. A character that the vocabulary has not is named with its place.
int vocabulary_tokens(const vocabulary *words, int32_t **tokens, int64_t *count, const char *text, size_t bytes, const char *name);

void vocabulary_free(vocabulary *words);

#endif
