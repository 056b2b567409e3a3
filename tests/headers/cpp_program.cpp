// SPDX-License-Identifier: Apache-2.0
// A C++ program against the public headers: names have C linkage, structs start at zero, nothing needs a cast.
#include <oclstm/oclstm.h>
#include <oclstm/opencl.h>

#include <cstdio>
#include <cstring>
#include <vector>

static bool expect(bool good, const char *what) {
    std::printf("%s - %s\n", good ? "ok" : "not ok", what);
    return good;
}

int main() {
    std::puts("1..5");
    bool good = expect(std::strcmp(oclstm_version(), OCLSTM_VERSION) == 0, "the library has the version of the headers");

    oclstm_error error = oclstm_error();
    oclstm_device_info *list = nullptr;
    std::size_t count = 0;
    good &= expect(oclstm_device_list(&list, &count, &error) == OCLSTM_OK, "devices are listed");
    oclstm_device_list_free(&list);
    good &= expect(list == nullptr, "the list is freed and nulled");

    oclstm_cell *cell = nullptr;
    oclstm_cell_params params = oclstm_cell_params();
    params.input_size = 10;
    params.hidden_size = 16;
    good &= expect(oclstm_cell_create(&cell, nullptr, &params, &error) == OCLSTM_INVALID_ARGUMENT && error.message[0] != '\0',
                   "a cell without a device is an error with a message");

    const std::vector<float> x(30);
    const oclstm_const_array array = oclstm_in_2d(x.data(), OCLSTM_F32, 3, 10);
    good &= expect(array.rank == 2 && array.shape[1] == 10, "arrays are described in one call");
    return good ? 0 : 1;
}
