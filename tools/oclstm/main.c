// SPDX-License-Identifier: Apache-2.0
// The program's entry: which command, and whether everything written to standard output arrived.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "report.h"

static const cli_command commands[] = {
    {.name = "devices",
     .bit = IN_DEVICES,
     .operands = "",
     .summary = "list the OpenCL devices and how to select each",
     .description = "Lists every OpenCL device of every platform, usable or not, with the reason where it is not.\n"
                    "The one that 'auto' picks is marked with '*'. Exit code 3 when none is usable.\n",
     .example = "oclstm devices -v",
     .run = cmd_devices},
    {.name = "run",
     .bit = IN_RUN,
     .operands = "MODEL -i X [-o Y]",
     .summary = "run a model over a sequence",
     .description =
         "Applies the LSTM cell or the layers of MODEL (.safetensors, .pt, .pth, .ckpt, .onnx) to every step of X and writes the\n"
         "result of every step. X is [steps][batch][input], [steps][input], or [input] for a single step of a cell; tokens,\n"
         "[steps][batch] or [steps], where the model begins with an embedding. Input larger than memory goes through in\n"
         "time slices. Output files appear only when they are complete.\n",
     .example = "oclstm run model.safetensors -i features.npy -o hidden.npy --cell lstm_cell",
     .operands_min = 1,
     .operands_max = 1,
     .run = cmd_run},
    {.name = "stream",
     .bit = IN_STREAM,
     .operands = "MODEL",
     .summary = "run frames as they arrive on standard input",
     .description =
         "Reads frames from standard input, one step each, and writes the result of each to standard output at once; the state\n"
         "stays on the device. Frames and results are bare float32 (int32 for tokens) in native byte order; float64 where\n"
         "the model is. Ends with the input, Ctrl-C or the reader of its results; then says the latency's percentiles.\n",
     .example = "oclstm stream model.safetensors --layers lstm,head,sigmoid --text < features.raw",
     .operands_min = 1,
     .operands_max = 1,
     .run = cmd_stream},
    {.name = "train",
     .bit = IN_TRAIN,
     .operands = "[MODEL] -x X -t TARGET -o OUT",
     .summary = "train a network on sequences or on a text",
     .description =
         "Trains MODEL, or a network that --new describes, until OUT.safetensors can be written: on X and TARGET, or with --text\n"
         "to tell the next character. A step of the optimizer is one batch of sequences over --bptt steps. Checkpoints are\n"
         "written on the way; after Ctrl-C, kill or a full disk the same command with --resume goes on from the last one and\n"
         "ends with the very weights it would have ended with. A loss that is not finite stops the training.\n",
     .example = "oclstm train --text book.txt --new \"embed 65 32, lstm 128, linear 65\" --validation 0.1 -o book.safetensors",
     .operands_max = 1,
     .run = cmd_train},
    {.name = "generate",
     .bit = IN_GENERATE,
     .operands = "MODEL",
     .summary = "let a character model write a text",
     .description =
         "Writes --prompt and what MODEL, trained with 'oclstm train --text', continues it with, to standard output as it comes.\n"
         "The same seed, device and engine give the same text.\n",
     .example = "oclstm generate book.safetensors --prompt \"Once\" --temperature 0.7",
     .operands_min = 1,
     .operands_max = 1,
     .run = cmd_generate},
    {.name = "info",
     .bit = IN_INFO,
     .operands = "FILE",
     .summary = "show what a model file holds",
     .description =
         "Lists the tensors of FILE, any model or data file that is read, and the cells and layers in it. Needs no device.\n",
     .example = "oclstm info model.safetensors",
     .operands_min = 1,
     .operands_max = 1,
     .run = cmd_info},
    {.name = "convert",
     .bit = IN_CONVERT,
     .operands = "IN OUT",
     .summary = "convert a model file",
     .description =
         "Writes every tensor of IN, and its metadata, to OUT: NAME.safetensors or NAME.npz. IN may be a .safetensors, .pt, .pth,\n"
         ".ckpt, .onnx, .npz or .npy file. An ONNX LSTM node becomes the tensors of a torch.nn.LSTM. Needs no device.\n",
     .example = "oclstm convert tagger.pt tagger.safetensors --layers embed,lstm,head",
     .operands_min = 2,
     .operands_max = 2,
     .run = cmd_convert},
    {.name = "check",
     .bit = IN_CHECK,
     .operands = "FILE...",
     .summary = "recompute reference files and compare",
     .description =
         "Each FILE holds weights, inputs and a framework's answers. Recomputes the answers on the device and prints the\n"
         "largest |a-b|/(1+|b|); NaN and infinity must stand at the same places. Gradients in the file (grad_NAME) are\n"
         "compared too: |a-b|/max|b|. Exit code 1 on any difference beyond the tolerance, and when nothing could be compared.\n",
     .example = "oclstm check tests/data/cells/*.safetensors --engine portable",
     .operands_min = 1,
     .operands_max = -1,
     .run = cmd_check},
    {.name = "selftest",
     .bit = IN_SELFTEST,
     .operands = "",
     .summary = "test every engine on a device against a double-precision reference",
     .description =
         "Runs every engine that the device can run, in every dtype it has, on random data of many shapes, and compares\n"
         "with a plain C evaluation in double precision. Prints the worst element of each.\n"
         "--all does so on every device, with sequences and with single steps, and prints the largest error of each result,\n"
         "or why something was skipped.\n",
     .example = "oclstm selftest --all",
     .run = cmd_selftest},
    {.name = "bench",
     .bit = IN_BENCH,
     .operands = "",
     .summary = "measure how fast cells run",
     .description =
         "Times whole sequence calls from and to host arrays after a warm-up: minimum, median and maximum. From the minimum:\n"
         "  GFLOP/s  the two matrix products, 8 H (I + H) operations a row and step; not the gates' nonlinear part\n"
         "  GB/s     the weights once a step, x and y once; more than the copy's where weights stay in a cache\n"
         "beside the device's own peak, fused multiply-adds and copies measured on it. Where no device is named each shape\n"
         "gets the one that suits it. --json prints one object a line for each shape and engine.\n",
     .example = "oclstm bench --shape 1,128,128,100 --shape 64,512,512,20 --engine all",
     .run = cmd_bench},
    {.name = "tune",
     .bit = IN_TUNE,
     .operands = "",
     .summary = "search the fastest settings for a device",
     .description =
         "Tries the engines and their parameters on the shapes given, and CLBlast's, each held to a reference in double\n"
         "precision. What is found is kept in a file in the cache folder and used by every later run on this device.\n"
         "Stops at the budget or at Ctrl-C with what it has, after the candidate under way; CLBlast's may take a minute to\n"
         "compile. The next search of the same shapes goes on where it ended. Without -d the shapes' own devices are tuned.\n",
     .example = "oclstm tune --shape 1,128,128 --shape 64,512,512 --budget 10m",
     .run = cmd_tune},
    {.name = "kernels",
     .bit = IN_KERNELS,
     .operands = "[MODEL]",
     .summary = "list, clear, build ahead and export kernels",
     .description =
         "Kernels that were built are kept in the cache folder, unless the driver keeps its own as PoCL and NVIDIA do.\n"
         "--warm builds those of a model before its first run. --export writes the sources for a device without a compiler, or\n"
         "for any device where none is usable or -d is 'none'; what an offline compiler makes of them is used with\n"
         "--kernel-binary DIR.\n",
     .example = "oclstm kernels --export programs model.safetensors -d npu",
     .operands_max = 1,
     .run = cmd_kernels},
};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static void print_usage(FILE *stream) {
    fprintf(stream, "Usage: oclstm COMMAND [options]\n\nLSTM cells on any OpenCL device.\n\nCommands:\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(stream, "\n'oclstm COMMAND --help' explains a command. 'oclstm --version' prints the version.\n"
                    "Environment: OCLSTM_DEVICE selects the device where --device is not given.\n"
                    "Exit codes: 0 done, 1 failed, 2 misuse, 3 no usable device.\n"
                    "\nExample:\n  oclstm run model.safetensors -i features.npy -o hidden.npy\n");
}

static const cli_command *find_command(const char *name) {
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    report("unknown %s '%s'", name[0] == '-' ? "option" : "command", name);
    fputs("Commands:", stderr);
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(stderr, " %s", commands[i].name);
    fputs("\nTry 'oclstm --help'.\n", stderr);
    return NULL;
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_MISUSE;
    }
    const char *word = argv[1];
    const bool help = strcmp(word, "help") == 0;
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("oclstm %s\n", oclstm_version());
        return EXIT_DONE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (help && argc == 2)) {
        print_usage(stdout);
        return EXIT_DONE;
    }
    const cli_command *command = find_command(help ? argv[2] : word);
    if (!command)
        return EXIT_MISUSE;
    cli_options options = {.command = command, .help = help};
    if (!help) {
        const int code = options_parse(&options, command, argc - 1, argv + 1);
        if (code != EXIT_DONE)
            return code;
    }
    if (options.help) {
        options_print_help(command);
        return EXIT_DONE;
    }
    oclstm_error error;
    if (options.kernel_binary && oclstm_kernels_set_binary_dir(options.kernel_binary, &error) != OCLSTM_OK) {
        report_error(&error);
        return EXIT_FAILED;
    }
    return command->run(&options);
}

// A file opened later must not become standard output or error by taking a free descriptor. The stand-ins are opened the
// wrong way round, so that writing to a closed standard output is still an error.
static void hold_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EXIT_FAILED);
}

// PoCL shows its device that runs in the calling thread, the fastest for small cells, only where this names it. Read by PoCL at
// the first OpenCL call; nothing is changed where the user has set it.
static void show_every_pocl_cpu(void) { setenv("POCL_DEVICES", "pthread basic cpu-tbb", 0); }

int main(int argc, char **argv) {
    hold_standard_streams();
    show_every_pocl_cpu();
    const int code = dispatch(argc, argv);
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    report("standard output: not everything could be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
    return code == EXIT_DONE ? EXIT_FAILED : code;
}
