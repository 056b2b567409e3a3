// SPDX-License-Identifier: Apache-2.0
#include <oclstm/oclstm.h>
#include <stdio.h>

enum { STEPS = 5, BATCH = 3, INPUT = 10, HIDDEN = 16 };

static void fill_ones(float *array, int count) {
    for (int i = 0; i < count; i++)
        array[i] = 1.0f;
}

int main(void) {
    static float input[STEPS][BATCH][INPUT], h[BATCH][HIDDEN], c[BATCH][HIDDEN];
    static float torch_output[STEPS][BATCH][HIDDEN], mindspore_h[STEPS][BATCH][HIDDEN], mindspore_c[STEPS][BATCH][HIDDEN];
    oclstm_error error = {0};
    oclstm_device *device = NULL;
    oclstm_cell *rnn = NULL, *net = NULL;
    fill_ones(&input[0][0][0], STEPS * BATCH * INPUT);
    fill_ones(&h[0][0], BATCH * HIDDEN);
    fill_ones(&c[0][0], BATCH * HIDDEN);
    oclstm_const_array h0 = oclstm_in_2d(h, OCLSTM_F32, BATCH, HIDDEN), c0 = oclstm_in_2d(c, OCLSTM_F32, BATCH, HIDDEN);

    // torch:      rnn = torch.nn.LSTMCell(10, 16)            bias=False:     .no_bias = true
    // mindspore:  net = mindspore.nn.LSTMCell(10, 16)        has_bias=False: .no_bias = true
    if (oclstm_device_open(&device, "auto", &error) ||
        oclstm_cell_create(&rnn, device, OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN, .seed = 1), &error) ||
        oclstm_cell_create(&net, device, OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN, .seed = 1, .state_required = true),
                           &error))
        goto done;

    // mindspore:  for i in range(5): hx = net(x[i], (h, c)); output.append(hx)             always the first (h, c)
    for (int i = 0; i < STEPS && !error.status; i++)
        oclstm_cell_step(net,
                         &(oclstm_step){.x = oclstm_in_2d(input[i], OCLSTM_F32, BATCH, INPUT),
                                        .h = h0,
                                        .c = c0,
                                        .h_out = oclstm_out_2d(mindspore_h[i], OCLSTM_F32, BATCH, HIDDEN),
                                        .c_out = oclstm_out_2d(mindspore_c[i], OCLSTM_F32, BATCH, HIDDEN)},
                         &error);

    // torch:      for i in range(5): hx, cx = rnn(input[i], (hx, cx)); output.append(hx)   (h, c) fed back: one sequence
    if (!error.status)
        oclstm_cell_sequence(rnn,
                             &(oclstm_sequence){.x = oclstm_in_3d(input, OCLSTM_F32, STEPS, BATCH, INPUT),
                                                .h = h0,
                                                .c = c0,
                                                .y = oclstm_out_3d(torch_output, OCLSTM_F32, STEPS, BATCH, HIDDEN)},
                             &error);
    for (int i = 0; i < STEPS && !error.status; i++)
        printf("step %d: torch %.6f, mindspore %.6f\n", i, torch_output[i][0][0], mindspore_h[i][0][0]);
done:
    if (error.status)
        fprintf(stderr, "%s: %s\n", oclstm_status_name(error.status), error.message);
    oclstm_cell_destroy(&net);
    oclstm_cell_destroy(&rnn);
    oclstm_device_close(&device);
    return (int)error.status;
}
