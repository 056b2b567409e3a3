// SPDX-License-Identifier: Apache-2.0
#include <oclstm/array.h>
#include <oclstm/status.h>

const char *oclstm_status_name(oclstm_status status) {
    switch (status) {
#define NAME_CASE(name, sentence)                                                                                                  \
    case OCLSTM_##name:                                                                                                            \
        return #name;
        OCLSTM_STATUS_MAP(NAME_CASE)
#undef NAME_CASE
    }
    return "UNKNOWN";
}

const char *oclstm_status_string(oclstm_status status) {
    switch (status) {
#define SENTENCE_CASE(name, sentence)                                                                                              \
    case OCLSTM_##name:                                                                                                            \
        return sentence;
        OCLSTM_STATUS_MAP(SENTENCE_CASE)
#undef SENTENCE_CASE
    }
    return "unknown status";
}

const char *oclstm_version(void) { return OCLSTM_VERSION; }

const char *oclstm_dtype_name(oclstm_dtype dtype) {
    switch (dtype) {
#define WORD_CASE(name, size_bytes, word)                                                                                          \
    case OCLSTM_##name:                                                                                                            \
        return word;
        OCLSTM_DTYPE_MAP(WORD_CASE)
#undef WORD_CASE
    }
    return "unknown";
}

size_t oclstm_dtype_size_bytes(oclstm_dtype dtype) {
    switch (dtype) {
#define SIZE_CASE(name, size_bytes, word)                                                                                          \
    case OCLSTM_##name:                                                                                                            \
        return size_bytes;
        OCLSTM_DTYPE_MAP(SIZE_CASE)
#undef SIZE_CASE
    }
    return 0;
}
