// SPDX-License-Identifier: Apache-2.0
/**
 * @file array.h
 * Element types and host arrays: how data is handed to the library and taken back.
 *
 * An array describes memory that the caller owns: a pointer, an element type, a shape. The elements lie in C order (the
 * last index runs fastest) without gaps, in native byte order, aligned as their type asks. A zeroed array
 * (data == NULL) means "absent" wherever an array is optional. The library keeps no pointer to it after the call.
 */
#ifndef OCLSTM_ARRAY_H
#define OCLSTM_ARRAY_H

#include <stddef.h>
#include <stdint.h>

#include <oclstm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Element types: name, size in bytes, the word used in messages. Cells are of F32, F64, F16 or BF16.
 * The others occur in files and can be listed, but not computed with. */
#define OCLSTM_DTYPE_MAP(X)                                                                                                        \
    X(F32, 4, "float32")                                                                                                           \
    X(F64, 8, "float64")                                                                                                           \
    X(F16, 2, "float16")                                                                                                           \
    X(BF16, 2, "bfloat16")                                                                                                         \
    X(I8, 1, "int8")                                                                                                               \
    X(I16, 2, "int16")                                                                                                             \
    X(I32, 4, "int32")                                                                                                             \
    X(I64, 8, "int64")                                                                                                             \
    X(U8, 1, "uint8")                                                                                                              \
    X(U16, 2, "uint16")                                                                                                            \
    X(U32, 4, "uint32")                                                                                                            \
    X(U64, 8, "uint64")                                                                                                            \
    X(BOOL, 1, "bool")

typedef enum oclstm_dtype {
#define OCLSTM_DTYPE_ENUM(name, size_bytes, word) OCLSTM_##name,
    OCLSTM_DTYPE_MAP(OCLSTM_DTYPE_ENUM)
#undef OCLSTM_DTYPE_ENUM
} oclstm_dtype;

/** The largest rank of an array. */
#define OCLSTM_MAX_RANK 8

/** An array that is only read. */
typedef struct oclstm_const_array {
    const void *data;
    oclstm_dtype dtype;
    int rank;                       /**< number of dimensions, 0 (a scalar) to OCLSTM_MAX_RANK */
    int64_t shape[OCLSTM_MAX_RANK]; /**< extents, slowest first; those beyond rank are ignored */
} oclstm_const_array;

/** An array that is written. Same layout as oclstm_const_array. */
typedef struct oclstm_array {
    void *data;
    oclstm_dtype dtype;
    int rank;
    int64_t shape[OCLSTM_MAX_RANK];
} oclstm_array;

/** "float32" and so on; "unknown" for a number that is no dtype. */
OCLSTM_API const char *oclstm_dtype_name(oclstm_dtype dtype);

/** Bytes of one element; 0 for a number that is no dtype. */
OCLSTM_API size_t oclstm_dtype_size_bytes(oclstm_dtype dtype);

/** Shorthands: describe `data` as an array of one, two or three dimensions, slowest first. */
static inline oclstm_const_array oclstm_in_1d(const void *data, oclstm_dtype dtype, int64_t n0) {
    oclstm_const_array array = {data, dtype, 1, {n0}};
    return array;
}
static inline oclstm_const_array oclstm_in_2d(const void *data, oclstm_dtype dtype, int64_t n0, int64_t n1) {
    oclstm_const_array array = {data, dtype, 2, {n0, n1}};
    return array;
}
static inline oclstm_const_array oclstm_in_3d(const void *data, oclstm_dtype dtype, int64_t n0, int64_t n1, int64_t n2) {
    oclstm_const_array array = {data, dtype, 3, {n0, n1, n2}};
    return array;
}
static inline oclstm_array oclstm_out_1d(void *data, oclstm_dtype dtype, int64_t n0) {
    oclstm_array array = {data, dtype, 1, {n0}};
    return array;
}
static inline oclstm_array oclstm_out_2d(void *data, oclstm_dtype dtype, int64_t n0, int64_t n1) {
    oclstm_array array = {data, dtype, 2, {n0, n1}};
    return array;
}
static inline oclstm_array oclstm_out_3d(void *data, oclstm_dtype dtype, int64_t n0, int64_t n1, int64_t n2) {
    oclstm_array array = {data, dtype, 3, {n0, n1, n2}};
    return array;
}

#ifdef __cplusplus
}
#endif
#endif
