// SPDX-License-Identifier: Apache-2.0
#include <oclstm/oclstm.h>
#include <stdio.h>

int main(int argc, char **argv) {
    const char *model = argc > 1 ? argv[1] : "tests/data/silero/silero_vad_16k.safetensors";
    static float x[3][128] = {{1.0f}}, y[3][128];
    const oclstm_sequence sequence = {
        .x = oclstm_in_2d(x, OCLSTM_F32, 3, 128),  // [steps][input]
        .y = oclstm_out_2d(y, OCLSTM_F32, 3, 128), // [steps][hidden]
    };
    oclstm_error error = {0};
    oclstm_device *device = NULL;
    oclstm_tensors *file = NULL;
    oclstm_cell *cell = NULL;
    if (!oclstm_device_open(&device, "auto", &error) && !oclstm_tensors_open(&file, model, &error) &&
        !oclstm_cell_load(&cell, device, file, "lstm_cell", NULL, &error) && !oclstm_cell_sequence(cell, &sequence, &error))
        printf("%s: h[0] of the last step is %.6f\n", oclstm_device_get_info(device)->name, y[2][0]);
    else
        fprintf(stderr, "%s: %s\n", oclstm_status_name(error.status), error.message);
    oclstm_cell_destroy(&cell);
    oclstm_tensors_close(&file);
    oclstm_device_close(&device);
    return (int)error.status;
}
