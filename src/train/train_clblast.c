// SPDX-License-Identifier: Apache-2.0
// The clblast engine of training: every product, those of each step included, by CLBlast; one or two elementwise kernels a step.
#include "train/train_clblast.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

static const size_t wanted_local = 64;

static const device_needs *needs(const device_limits *limits) {
    (void)limits;
    return &matmul_needs;
}

// --- life -------------------------------------------------------------------------------------------------------------

static void destroy(train_machine *machine) {
    train_clblast *data = machine->data;
    for (int i = 0; data != NULL && i < CLBLAST_KERNELS; i++)
        device_kernel_release(&data->kernels[i]);
    free(data);
    machine->data = NULL;
}

static oclstm_status make_kernels(train_machine *machine, oclstm_error *error) {
    static const char *const names[CLBLAST_KERNELS] = {
        [CLBLAST_FILL_ROW] = "train_fill_row", [CLBLAST_FORWARD] = "train_gates_forward",   [CLBLAST_KEEP] = "train_gates_keep",
        [CLBLAST_JOIN] = "train_gates_join",   [CLBLAST_BACKWARD] = "train_gates_backward",
    };
    train_clblast *data = machine->data;
    cl_program program = NULL;
    oclstm_status status = device_program_get(&program, machine->device, "train_gates.cl",
                                              device_dtype_options(machine->device, machine->dtype), error);
    for (int i = 0; i < CLBLAST_KERNELS && status == OCLSTM_OK; i++)
        status = device_kernel_create(&data->kernels[i], machine->device, program, names[i], &data->max_group[i], error);
    return status;
}

// CLBlast compiles at the first use of GEMM, and of GEMV for products with one row.
static oclstm_status use_once(train_machine *machine, size_t m, oclstm_error *error) {
    size_t temporary_bytes;
    const matmul_shape tiny = {.dtype = machine->dtype, .m = m, .n = 2, .k = 2, .lda = 2, .ldb = 2, .ldc = 2};
    return matmul_prepare(machine->device, &tiny, &temporary_bytes, error);
}

static oclstm_status create(train_machine *machine, oclstm_error *error) {
    machine->data = base_alloc(1, sizeof(train_clblast));
    if (machine->data == NULL)
        return base_fail_memory(error, sizeof(train_clblast), "the clblast engine");
    oclstm_status status = make_kernels(machine, error);
    if (status == OCLSTM_OK)
        status = use_once(machine, 2, error);
    if (status == OCLSTM_OK)
        status = use_once(machine, 1, error);
    return status;
}

oclstm_status train_clblast_launch(train_machine *machine, clblast_kernel kernel, size_t columns, size_t rows,
                                   oclstm_error *error) {
    const train_clblast *data = machine->data;
    const device_grid grid = device_grid_make(machine->device, data->max_group[kernel], wanted_local, columns, rows, 1);
    return device_launch(machine->device, data->kernels[kernel], &grid, error);
}

// --- products ---------------------------------------------------------------------------------------------------------

size_t train_clblast_temporary(const train_machine *machine, matmul_shape shape) {
    size_t bytes = 0;
    shape.dtype = machine->dtype;
    shape.lda = shape.form == MATMUL_TN ? shape.m : shape.k;
    shape.ldb = shape.form == MATMUL_NT ? shape.k : shape.n;
    shape.ldc = shape.n;
    // A shape that CLBlast cannot do is refused when it is enqueued.
    if (matmul_prepare(machine->device, &shape, &bytes, NULL) != OCLSTM_OK)
        return matmul_most_temporary(&shape);
    return bytes / machine->element_bytes;
}

static matmul_shape shape_of(const train_machine *machine, const train_product *product) {
    static const matmul_form forms[] = {[TRAIN_NT] = MATMUL_NT, [TRAIN_NN] = MATMUL_NN, [TRAIN_TN] = MATMUL_TN};
    return (matmul_shape){.dtype = machine->dtype,
                          .m = product->m,
                          .n = product->n,
                          .k = product->k,
                          .lda = product->lda,
                          .ldb = product->ldb,
                          .ldc = product->ldc,
                          .form = forms[product->form],
                          .overwrite = !product->accumulate && product->init.mem == NULL};
}

static size_t product_scratch(const train_machine *machine, const train_product *product) {
    return train_clblast_temporary(machine, shape_of(machine, product)); // a block of it needs no more
}

static oclstm_status prepare(train_machine *machine, const train_product *product, oclstm_error *error) {
    size_t temporary_bytes;
    const matmul_shape shape = shape_of(machine, product);
    return matmul_prepare(machine->device, &shape, &temporary_bytes, error);
}

static oclstm_status fill_row(train_machine *machine, const train_product *product, oclstm_error *error) {
    const train_clblast *data = machine->data;
    const cl_uint init_offset = (cl_uint)product->init.offset, c_offset = (cl_uint)product->c.offset, ldc = (cl_uint)product->ldc;
    const cl_uint rows = (cl_uint)product->m, columns = (cl_uint)product->n;
    oclstm_status status = device_set_args(machine->device, data->kernels[CLBLAST_FILL_ROW], 0, error,
                                           DEVICE_ARG(product->init.mem), DEVICE_ARG(init_offset), DEVICE_ARG(product->c.mem),
                                           DEVICE_ARG(c_offset), DEVICE_ARG(ldc), DEVICE_ARG(rows), DEVICE_ARG(columns), (size_t)0);
    if (status == OCLSTM_OK)
        status = train_clblast_launch(machine, CLBLAST_FILL_ROW, product->n, product->m, error);
    return status;
}

// CLBlast adds up an element's terms one after the other. A gradient of weights has as many as there are rows of data: it is made in blocks of rows,
// each added to C, so that its error does not grow with them.
static size_t block_of(const train_product *product) {
    static const size_t sum_block = 512;
    return product->form == TRAIN_TN && product->k > sum_block ? sum_block : product->k;
}

static oclstm_status product(train_machine *machine, const train_product *product, cl_mem scratch, oclstm_error *error) {
    matmul_shape shape = shape_of(machine, product);
    const size_t block = block_of(product);
    matmul_operand a = {product->a.mem, product->a.offset}, b = {product->b.mem, product->b.offset};
    const matmul_operand c = {product->c.mem, product->c.offset};
    oclstm_status status = matmul_check(&shape, a.offset, b.offset, c.offset, error);
    if (status == OCLSTM_OK && !product->accumulate && product->init.mem != NULL)
        status = fill_row(machine, product, error);
    for (size_t done = 0; done < product->k && status == OCLSTM_OK; done += shape.k) {
        shape.k = product->k - done < block ? product->k - done : block;
        a.offset = product->a.offset + done * product->lda; // of form TN
        b.offset = product->b.offset + done * product->ldb;
        status = matmul_enqueue(machine->device, &shape, a, b, c, scratch, error);
        shape.overwrite = false;
    }
    return status;
}

const train_engine train_engine_clblast = {
    .id = OCLSTM_ENGINE_CLBLAST,
    .name = "clblast",
    .needs = needs,
    .has_projection = true,
    .create = create,
    .destroy = destroy,
    .product_scratch = product_scratch,
    .recurrence_scratch = train_clblast_recurrence_scratch,
    .prepare = prepare,
    .product = product,
    .forward = train_clblast_forward,
    .backward = train_clblast_backward,
};
