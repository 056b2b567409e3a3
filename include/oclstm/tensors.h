// SPDX-License-Identifier: Apache-2.0
/**
 * @file tensors.h
 * Files of named arrays: .safetensors, .npy and .npz (read and written), PyTorch's .pt and .pth, MindSpore's .ckpt, the LSTM nodes of .onnx (read).
 * Knows nothing of OpenCL.
 *
 * .safetensors and .npy are mapped, not copied: opening costs the same for any size, and only what is read becomes resident. The others are unfolded
 * once into memory of about the file's size. Everything is checked against the file's true size before use. A file must not shrink while it is open.
 *
 * Nothing in a file is executed: the pickle of a .pt file is read as data, and one that names anything but tensors, dictionaries, numbers and strings
 * is refused. Dictionaries in a dictionary become names with points ("model.lstm.weight_ih_l0").
 *
 * An ONNX LSTM node becomes the tensors of a torch.nn.LSTM of its name, gates in PyTorch's order, peepholes [3*hidden] (i, f, o) as
 * "NAME.peephole_l0", an initial state as "NAME.h0", "NAME.c0"; what torch.nn.LSTM has not stands in the metadata (network.h runs it).
 *
 * Formats: safetensors as https://huggingface.co/docs/safetensors describes it; .npy as NumPy's "NEP 1 / numpy.lib.format", versions 1.0, 2.0
 * and 3.0, C and Fortran order, either byte order.
 *
 * Thread-safety: an open file is never changed: several threads may read it at once with any function but oclstm_tensors_close(), also
 * slices of one tensor. It is closed once, when no thread uses it. A writer is used by one thread at a time; different writers are independent.
 * fork(): a child may read and close the files it inherited; a writer is committed or discarded by one process.
 */
#ifndef OCLSTM_TENSORS_H
#define OCLSTM_TENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <oclstm/array.h>
#include <oclstm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** An open file of named arrays. */
typedef struct oclstm_tensors oclstm_tensors;

/** One tensor of a file. Pointers belong to the file and are valid until it is closed. */
typedef struct oclstm_tensor {
    const char *name; /**< UTF-8; "" for the array of an .npy file */
    oclstm_dtype dtype;
    int rank;
    int64_t shape[OCLSTM_MAX_RANK];
    uint64_t size_bytes;
    bool fortran_order; /**< only in .npy files; oclstm_tensor_read() gives C order all the same */
    bool swapped;       /**< stored in the other byte order, likewise */
    const void *data;   /**< the stored bytes, aligned to the element's size; C order and native unless the two above are set */
} oclstm_tensor;

/**
 * Opens a file. Its kind is told by its first bytes, not by its name.
 * @param[out] out  owned by the caller: oclstm_tensors_close(). NULL on failure.
 * @return OK; IO (missing, a directory, unreadable); FORMAT (empty, truncated, oversized, or a header that is malformed, overlapping, duplicate,
 *         misaligned or untrue: the message names the tensor and the fault); OUT_OF_MEMORY.
 */
OCLSTM_API oclstm_status oclstm_tensors_open(oclstm_tensors **out, const char *path, oclstm_error *error);

/** Closes a file and sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_tensors_close(oclstm_tensors **file);

/** Number of tensors. */
OCLSTM_API size_t oclstm_tensors_count(const oclstm_tensors *file);

/** The tensor at a position below the count, in the order of their places in the file; NULL beyond it. */
OCLSTM_API const oclstm_tensor *oclstm_tensors_at(const oclstm_tensors *file, size_t position);

/** The tensor of that name, or NULL. */
OCLSTM_API const oclstm_tensor *oclstm_tensors_find(const oclstm_tensors *file, const char *name);

/** A value of the file's `__metadata__`, or NULL. Valid until the file is closed. */
OCLSTM_API const char *oclstm_tensors_metadata(const oclstm_tensors *file, const char *key);

/** The key of the `__metadata__` that follows `key` in the file (NULL: the first), or NULL after the last. Valid until the file is closed. */
OCLSTM_API const char *oclstm_tensors_metadata_next(const oclstm_tensors *file, const char *key);

/** "safetensors", "npy", "npz", "torch", "mindspore" or "onnx". */
OCLSTM_API const char *oclstm_tensors_format(const oclstm_tensors *file);

/** The path the file was opened by. */
OCLSTM_API const char *oclstm_tensors_path(const oclstm_tensors *file);

/** A cell found in a file: see oclstm_cell_load() for its name. */
typedef struct oclstm_cell_entry {
    char name[256]; /**< what oclstm_cell_load() takes */
    int64_t input_size;
    int64_t hidden_size;
    int64_t proj_size; /**< 0 unless the file has weight_hr: then it is not a plain cell */
    bool bias;
    bool reverse;                                                   /**< the backward direction of a bidirectional torch.nn.LSTM */
    int layer;                                                      /**< -1 for a cell, else the layer of a torch.nn.LSTM */
    oclstm_dtype dtype;                                             /**< of the weights as stored */
    const oclstm_tensor *weight_ih, *weight_hh, *bias_ih, *bias_hh; /**< biases NULL without bias */
} oclstm_cell_entry;

/**
 * Finds the cells of a file: every `NAME.weight_ih` with a `NAME.weight_hh` that fits, and every layer and direction of a torch.nn.LSTM.
 * @param[out] entries  up to `capacity` entries, in the order of the file; may be NULL when capacity is 0.
 * @return how many there are in all; may exceed capacity.
 */
OCLSTM_API size_t oclstm_tensors_cells(const oclstm_tensors *file, oclstm_cell_entry *entries, size_t capacity);

/**
 * Finds one cell by name (NULL: the only one).
 * @return OK; NOT_FOUND (the message lists the cells there are); FORMAT (found, but a tensor is missing or its shape does not fit: the message
 *         names the tensor, the dimension, what was expected and found).
 */
OCLSTM_API oclstm_status oclstm_tensors_find_cell(const oclstm_tensors *file, const char *name, oclstm_cell_entry *entry,
                                                  oclstm_error *error);

/**
 * Copies `count` indices of one axis, all of the others, into C order, native byte order and the dtype asked for.
 *
 * With `drop` nothing of the file stays resident in the process, so that a file larger than memory can be read through in slices.
 *
 * @param axis   the axis that is sliced (0 for time-major input, 1 for batch-first); ignored for rank 0.
 * @param first  first index along that axis. @param count  number of indices.
 * @param dtype  F32, F64, F16 or BF16 from any of these; what does not fit is rounded to nearest even. Integers are INVALID_ARGUMENT.
 * @param[out] dst  [..][count][..] elements of dtype, owned by the caller.
 * @return OK; INVALID_ARGUMENT (a slice that does not lie in the shape; a dtype as above); IO (with `drop`: reading failed); OUT_OF_MEMORY
 *         (Fortran order needs half a MiB).
 */
OCLSTM_API oclstm_status oclstm_tensor_read(const oclstm_tensors *file, const oclstm_tensor *tensor, int axis, int64_t first,
                                            int64_t count, oclstm_dtype dtype, void *dst, bool drop, oclstm_error *error);

/** An .npy file being written: version 1.0, C order, native byte order. */
typedef struct oclstm_npy_writer oclstm_npy_writer;

/**
 * Starts writing an array. The data go to a temporary file beside `path` (for a path that is no regular file, such as /dev/stdout or a pipe: to an
 * unnamed temporary file), whose whole size is reserved at once; `path` itself is touched only by oclstm_npy_writer_commit().
 * @param[out] out  owned by the caller until oclstm_npy_writer_commit() or oclstm_npy_writer_discard().
 * @return OK; INVALID_ARGUMENT (not F32, F64 or F16, a shape that is negative or overflows); IO (cannot be created; no room: how much was asked); OUT_OF_MEMORY.
 */
OCLSTM_API oclstm_status oclstm_npy_writer_create(oclstm_npy_writer **out, const char *path, oclstm_dtype dtype, int rank,
                                                  const int64_t *shape, oclstm_error *error);

/** Writes `count` indices of one axis, all of the others, from C order. Every index must be written once before the commit. */
OCLSTM_API oclstm_status oclstm_npy_writer_write(oclstm_npy_writer *writer, int axis, int64_t first, int64_t count, const void *src,
                                                 oclstm_error *error);

/** Makes the file appear under its name, whole, or not at all; destroys the writer in either case and sets the pointer to NULL. */
OCLSTM_API oclstm_status oclstm_npy_writer_commit(oclstm_npy_writer **writer, oclstm_error *error);

/** Removes what was written; sets the pointer to NULL. Accepts NULL and a pointer to NULL. */
OCLSTM_API void oclstm_npy_writer_discard(oclstm_npy_writer **writer);

/** A tensor to be written. The name is UTF-8, not empty, and no other tensor's. */
typedef struct oclstm_named_array {
    const char *name;
    oclstm_const_array array;
} oclstm_named_array;

/** An entry of `__metadata__`. */
typedef struct oclstm_metadata {
    const char *key;
    const char *value;
} oclstm_metadata;

/** Files that oclstm_tensors_write() makes. */
typedef enum oclstm_file_format {
    OCLSTM_SAFETENSORS, /**< any dtype, metadata */
    OCLSTM_NPZ          /**< numpy.savez(): no BF16, no metadata; entries uncompressed */
} oclstm_file_format;

/**
 * Writes a file of tensors. It appears under its name whole, or not at all: the bytes go to a temporary file beside `path` first.
 *
 * @param metadata, metadata_count  NULL and 0 for none; each key once. Left out in a format that has none.
 * @return OK; INVALID_ARGUMENT (a name that is empty or occurs twice, an absent array, a negative extent; BF16 in an .npz file); IO (cannot be created, no
 *         room, a failed write); OUT_OF_MEMORY.
 */
OCLSTM_API oclstm_status oclstm_tensors_write(const char *path, oclstm_file_format format, const oclstm_named_array *arrays,
                                              size_t count, const oclstm_metadata *metadata, size_t metadata_count,
                                              oclstm_error *error);

#ifdef __cplusplus
}
#endif
#endif
