// SPDX-License-Identifier: Apache-2.0
// A product as one launch of cl/train_tile_product.cl: the blocks by a stated rule, from measurements on PoCL 3.1 (two AVX-512 cores).
#include "cl/lstm_shared.h"
#include "cl/train_shared.h"
#include "train/train_fused.h"

// Depth of a block: a panel of 16 floats x 4 then streams from a core's second cache, and C's tiles are loaded and stored seldom.
static const size_t depth_most = 256;
// Of a block in the forms whose A is read as it lies: one panel's columns, so that B is packed once. In TN A is packed as well: about as many rows as
// columns, within the second cache.
static const size_t rows_most = 2048, turned_rows = 256, turned_panels = 8;
// Columns, in panels, up to which packing A for TN costs more than its rows' distance.
static const size_t direct_panels = 2;

typedef struct blocks {
    size_t m, n, k;
    size_t items;
    size_t item_elements; // of scratch memory
    bool is_direct;       // TN: A is read as it lies
} blocks;

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t ceil_div(size_t a, size_t b) { return (a + b - 1) / b; }

static blocks choose(const train_fused_data *data, const train_product *product) {
    const size_t panel = LSTM_GATES * data->tile.width, tile = data->tile.rows;
    blocks out = {.k = smaller(product->k, depth_most)};
    if (product->form == TRAIN_TN) {
        out.n = turned_panels * panel;
        out.m = ceil_div(turned_rows, tile) * tile;
    } else {
        out.n = panel;
        out.m = ceil_div(smaller(product->m, rows_most), tile) * tile;
    }
    if (ceil_div(product->n, panel) * panel < out.n)
        out.n = ceil_div(product->n, panel) * panel;
    // Smaller blocks until every core has a few.
    while (ceil_div(product->m, out.m) * ceil_div(product->n, out.n) < 4 * data->cores && (out.m > 8 * tile || out.n > panel)) {
        if (out.n > panel && out.n >= out.m)
            out.n = ceil_div(out.n / panel, 2) * panel;
        else if (out.m > 8 * tile)
            out.m = ceil_div(out.m / tile, 2) * tile;
        else
            out.n = ceil_div(out.n / panel, 2) * panel;
    }
    const size_t count = ceil_div(product->m, out.m) * ceil_div(product->n, out.n);
    out.items = smaller(count, 8 * data->cores);
    const size_t strip_more = tile > 4 ? 8 : 4;
    out.is_direct = product->n <= direct_panels * panel;
    const size_t strips = product->form == TRAIN_TN ? (out.is_direct ? 1 : out.m / tile) * (out.k * tile + strip_more) : 0;
    out.item_elements = out.n * out.k + ceil_div(strips, panel) * panel + tile * panel + panel;
    return out;
}

size_t train_fused_product_scratch(const train_machine *machine, const train_product *product) {
    const blocks chosen = choose(machine->data, product);
    return chosen.items * chosen.item_elements;
}

oclstm_status train_fused_product(train_machine *machine, const train_product *product, cl_mem scratch, oclstm_error *error) {
    static const int forms[] = {[TRAIN_NT] = TRAIN_FORM_NT, [TRAIN_NN] = TRAIN_FORM_NN, [TRAIN_TN] = TRAIN_FORM_TN};
    const train_fused_data *data = machine->data;
    const blocks chosen = choose(data, product);
    const train_tile_call call = {.a = product->a.offset,
                                  .b = product->b.offset,
                                  .c = product->c.offset,
                                  .init = product->init.offset,
                                  .m = (cl_int)product->m,
                                  .n = (cl_int)product->n,
                                  .k = (cl_int)product->k,
                                  .lda = (cl_int)product->lda,
                                  .ldb = (cl_int)product->ldb,
                                  .ldc = (cl_int)product->ldc,
                                  .form = forms[product->form],
                                  .accumulate = product->accumulate,
                                  .has_init = product->init.mem != NULL,
                                  .block_m = (cl_int)chosen.m,
                                  .block_n = (cl_int)chosen.n,
                                  .block_k = (cl_int)chosen.k,
                                  .is_direct = chosen.is_direct};
    const cl_mem init = product->init.mem != NULL ? product->init.mem : product->b.mem; // not looked at
    const device_grid grid = {1, {chosen.items, 1, 1}, {1, 1, 1}};
    oclstm_status status =
        device_set_args(machine->device, data->product, 0, error, DEVICE_ARG(product->a.mem), DEVICE_ARG(product->b.mem),
                        DEVICE_ARG(product->c.mem), DEVICE_ARG(init), DEVICE_ARG(scratch), DEVICE_ARG(call), (size_t)0);
    return status == OCLSTM_OK ? device_launch(machine->device, data->product, &grid, error) : status;
}
