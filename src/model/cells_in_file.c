// SPDX-License-Identifier: Apache-2.0
// Finding LSTM cells among the tensors of a file by their names, and checking that their shapes fit.
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/shape.h"
#include "model/cell_name.h"
#include "model/dtype_convert.h"
#include "model/name_text.h"
#include "model/tensors_file.h"

#define GATE_COUNT 4
#define LIST_BYTES 700 // of names in a message

_Static_assert(sizeof((oclstm_cell_entry *)0)->name == CELL_NAME_CAPACITY, "a cell's name fits its entry");

typedef struct cell_files {
    const oclstm_tensors *file;
    cell_name name;
    const oclstm_tensor *weight_hr;
} cell_files;

static const oclstm_tensor *find_role(const cell_files *cell, const char *role) {
    return oclstm_tensors_find(cell->file, model_cell_tensor_name(&cell->name, role).text);
}

static oclstm_status fail_missing(const cell_files *cell, const char *missing, const char *present, oclstm_error *error) {
    return base_fail(error, OCLSTM_FORMAT, "'%s' has the tensor '%s' but not '%s', which belongs to the same cell",
                     cell->file->path, name_to_text(model_cell_tensor_name(&cell->name, present).text).text,
                     name_to_text(model_cell_tensor_name(&cell->name, missing).text).text);
}

// Rank and every extent; an expected extent of 0 accepts any but 0.
static oclstm_status check_shape(const cell_files *cell, const oclstm_tensor *tensor, int rank, int64_t rows, int64_t columns,
                                 const char *expected, oclstm_error *error) {
    name_text name = name_to_text(tensor->name);
    shape_text found = shape_to_text(tensor->shape, tensor->rank);
    if (tensor->rank != rank)
        return base_fail(error, OCLSTM_FORMAT, "'%s': tensor '%s' has shape %s, expected %d dimensions: %s", cell->file->path,
                         name.text, found.text, rank, expected);
    const int64_t wanted[2] = {rows, columns};
    for (int axis = 0; axis < rank; axis++) {
        if (tensor->shape[axis] == 0)
            return base_fail(error, OCLSTM_FORMAT, "'%s': tensor '%s' has shape %s; dimension %d is 0, expected at least 1: %s",
                             cell->file->path, name.text, found.text, axis, expected);
        if (wanted[axis] != 0 && tensor->shape[axis] != wanted[axis])
            return base_fail(error, OCLSTM_FORMAT,
                             "'%s': tensor '%s' has shape %s; dimension %d is %" PRId64 ", expected %" PRId64 ": %s",
                             cell->file->path, name.text, found.text, axis, tensor->shape[axis], wanted[axis], expected);
    }
    return OCLSTM_OK;
}

static oclstm_status check_dtypes(const cell_files *cell, const oclstm_cell_entry *entry, oclstm_error *error) {
    const oclstm_tensor *parts[] = {entry->weight_ih, entry->weight_hh, entry->bias_ih, entry->bias_hh, cell->weight_hr};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i] == NULL)
            continue;
        if (!model_dtype_is_float(parts[i]->dtype))
            return base_fail(error, OCLSTM_FORMAT, "'%s': tensor '%s' is %s; expected float32, float64, float16 or bfloat16",
                             cell->file->path, name_to_text(parts[i]->name).text, oclstm_dtype_name(parts[i]->dtype));
        if (parts[i]->dtype != entry->weight_ih->dtype)
            return base_fail(error, OCLSTM_FORMAT, "'%s': tensor '%s' is %s; expected %s as '%s' is", cell->file->path,
                             name_to_text(parts[i]->name).text, oclstm_dtype_name(parts[i]->dtype),
                             oclstm_dtype_name(entry->weight_ih->dtype), name_to_text(entry->weight_ih->name).text);
    }
    return OCLSTM_OK;
}

static oclstm_status check_shapes(const cell_files *cell, oclstm_cell_entry *entry, oclstm_error *error) {
    oclstm_status status = check_shape(cell, entry->weight_ih, 2, 0, 0, "[4*hidden][input]", error);
    if (status != OCLSTM_OK)
        return status;
    int64_t rows = entry->weight_ih->shape[0];
    if (rows % GATE_COUNT != 0)
        return base_fail(error, OCLSTM_FORMAT,
                         "'%s': tensor '%s' has %" PRId64
                         " rows, expected a multiple of 4, one block for each gate: [4*hidden][input]",
                         cell->file->path, name_to_text(entry->weight_ih->name).text, rows);
    entry->input_size = entry->weight_ih->shape[1];
    entry->hidden_size = rows / GATE_COUNT;
    if (cell->weight_hr != NULL) {
        status = check_shape(cell, cell->weight_hr, 2, 0, entry->hidden_size, "[projection][hidden]", error);
        if (status != OCLSTM_OK)
            return status;
        entry->proj_size = cell->weight_hr->shape[0];
        status = check_shape(cell, entry->weight_hh, 2, rows, entry->proj_size, "[4*hidden][projection]", error);
    } else {
        status = check_shape(cell, entry->weight_hh, 2, rows, entry->hidden_size, "[4*hidden][hidden]", error);
    }
    if (status == OCLSTM_OK && entry->bias)
        status = check_shape(cell, entry->bias_ih, 1, rows, 0, "[4*hidden]", error);
    if (status == OCLSTM_OK && entry->bias)
        status = check_shape(cell, entry->bias_hh, 1, rows, 0, "[4*hidden]", error);
    return status;
}

// The entry of that name; FORMAT when it is not whole or its parts do not fit.
static oclstm_status make_entry(const oclstm_tensors *file, const cell_name *name, oclstm_cell_entry *entry, oclstm_error *error) {
    cell_files cell = {file, *name, NULL};
    *entry = (oclstm_cell_entry){.reverse = name->reverse, .layer = name->layer};
    model_cell_name_to_text(name, entry->name);
    entry->weight_ih = find_role(&cell, "weight_ih");
    entry->weight_hh = find_role(&cell, "weight_hh");
    entry->bias_ih = find_role(&cell, "bias_ih");
    entry->bias_hh = find_role(&cell, "bias_hh");
    cell.weight_hr = find_role(&cell, "weight_hr");
    if (entry->weight_ih == NULL)
        return fail_missing(&cell, "weight_ih", "weight_hh", error);
    if (entry->weight_hh == NULL)
        return fail_missing(&cell, "weight_hh", "weight_ih", error);
    if (entry->bias_ih == NULL && entry->bias_hh != NULL)
        return fail_missing(&cell, "bias_ih", "bias_hh", error);
    if (entry->bias_ih != NULL && entry->bias_hh == NULL)
        return fail_missing(&cell, "bias_hh", "bias_ih", error);
    entry->bias = entry->bias_ih != NULL;
    entry->dtype = entry->weight_ih->dtype;
    oclstm_status status = check_dtypes(&cell, entry, error);
    return status != OCLSTM_OK ? status : check_shapes(&cell, entry, error);
}

static bool is_cell(const oclstm_tensors *file, size_t position, oclstm_cell_entry *entry) {
    cell_name name;
    return model_cell_name_from_tensor(&name, file->tensors[position].name, "weight_ih") &&
           make_entry(file, &name, entry, NULL) == OCLSTM_OK;
}

size_t oclstm_tensors_cells(const oclstm_tensors *file, oclstm_cell_entry *entries, size_t capacity) {
    size_t count = 0;
    for (size_t i = 0; i < oclstm_tensors_count(file); i++) {
        oclstm_cell_entry entry;
        if (!is_cell(file, i, &entry))
            continue;
        if (entries != NULL && count < capacity)
            entries[count] = entry;
        count++;
    }
    return count;
}

// `what`, then the names of the cells, or of the tensors where there are none, as many as a message has room for.
static oclstm_status fail_not_found(const oclstm_tensors *file, const char *what, oclstm_error *error) {
    char list[LIST_BYTES + 160] = "";
    size_t cell_count = oclstm_tensors_cells(file, NULL, 0);
    size_t total = cell_count > 0 ? cell_count : file->count;
    size_t listed = 0;
    if (strcmp(file->format, "npy") == 0)
        return base_fail(error, OCLSTM_NOT_FOUND,
                         "'%.200s' %s: it is an .npy file, one array without a name; weights come from a .safetensors file",
                         file->path, what);
    for (size_t i = 0; i < file->count && strlen(list) < LIST_BYTES; i++) {
        oclstm_cell_entry entry;
        const char *text = file->tensors[i].name;
        if (cell_count > 0) {
            if (!is_cell(file, i, &entry))
                continue;
            text = entry.name;
        }
        base_append(list, sizeof list, "%s'%s'%s", listed > 0 ? ", " : "", name_to_text(text).text,
                    *text == '\0' ? " (without a prefix)" : "");
        listed++;
    }
    if (listed < total)
        base_append(list, sizeof list, " and %zu more", total - listed);
    return base_fail(error, OCLSTM_NOT_FOUND, "'%.200s' %s; %s%s", file->path, what,
                     cell_count > 0
                         ? "its cells are "
                         : (total > 0 ? "a cell is NAME.weight_ih with NAME.weight_hh, its tensors are " : "it has no tensors"),
                     list);
}

// The only cell that is whole. Where none is, the first one's fault is of more use than "not found".
static oclstm_status find_only(const oclstm_tensors *file, oclstm_cell_entry *entry, oclstm_error *error) {
    size_t count = oclstm_tensors_cells(file, entry, 1);
    if (count == 1)
        return OCLSTM_OK;
    if (count > 1)
        return fail_not_found(file, "has several cells, of which one must be named", error);
    for (size_t i = 0; i < file->count; i++) {
        cell_name name;
        if (model_cell_name_from_tensor(&name, file->tensors[i].name, "weight_ih"))
            return make_entry(file, &name, entry, error);
    }
    return fail_not_found(file, "has no cell", error);
}

static bool has_weight(const oclstm_tensors *file, const cell_name *name) {
    const cell_files cell = {file, *name, NULL};
    return find_role(&cell, "weight_ih") != NULL || find_role(&cell, "weight_hh") != NULL;
}

oclstm_status oclstm_tensors_find_cell(const oclstm_tensors *file, const char *name, oclstm_cell_entry *entry,
                                       oclstm_error *error) {
    if (file == NULL || entry == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_tensors_find_cell: %s is NULL", file == NULL ? "file" : "entry");
    *entry = (oclstm_cell_entry){0};
    oclstm_cell_entry found;
    oclstm_status status;
    cell_name parts;
    if (name == NULL) {
        status = find_only(file, &found, error);
    } else if ((model_cell_name_as_cell(&parts, name) && has_weight(file, &parts)) ||
               (model_cell_name_as_layer(&parts, name) && has_weight(file, &parts))) {
        status = make_entry(file, &parts, &found, error);
    } else {
        char what[160];
        snprintf(what, sizeof what, "has no cell '%s'", name_to_text(name).text);
        status = fail_not_found(file, what, error);
    }
    if (status == OCLSTM_OK)
        *entry = found;
    return status;
}
