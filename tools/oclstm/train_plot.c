// SPDX-License-Identifier: Apache-2.0
// `oclstm train --plot`: the loss over the steps, of what is learnt and of what is only measured.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gnuplot.h"
#include "report.h"
#include "train_job.h"

static void put_points(FILE *script, const char *name, const train_curve *curve) {
    fprintf(script, "$%s << EOD\n", name);
    for (int i = 0; i < curve->count; i++) {
        const curve_point *point = &curve->points[i];
        fprintf(script, "%.9g %.9g %.9g %.9g\n", 0.5 * (double)(point->first + point->last), point->sum / (double)point->count,
                point->low, point->high);
    }
    fprintf(script, "EOD\n");
}

// A loss that falls to less than a tenth is seen better by its digits.
static bool wants_digits(const train_curve *curve) {
    double low = INFINITY, high = 0.0;
    for (int i = 0; i < curve->count; i++) {
        low = fmin(low, curve->points[i].low);
        high = fmax(high, curve->points[i].high);
    }
    return low > 0.0 && high > 10.0 * low;
}

static void put_script(FILE *script, const train_job *job) {
    const char *folder = strrchr(job->options->output, '/');
    const bool thinned = job->training.width > 1, validation = job->validation.count > 0;
    char title[512];
    snprintf(title, sizeof title, "%s: %s loss", folder ? folder + 1 : job->options->output, oclstm_loss_name(job->loss));
    fprintf(script, "set terminal %s\nset title ", job->terminal);
    gnuplot_put_string(script, title);
    fprintf(script,
            " font ',13'\nset border 3 linecolor '#606060'\nset tics nomirror out\nset xlabel 'step'\nset ylabel 'loss'\n"
            "set grid linecolor '#e0e0e0' linetype 1\nset key %s\nset xrange [0:%" PRId64 "]\n",
            validation ? "top right samplen 2" : "off", job->plan.total > 1 ? job->plan.total : 2);
    if (job->training.count == 0)
        fprintf(script, "set yrange [0:1]\n");
    else if (wants_digits(&job->training))
        fprintf(script, "set logscale y\nset format y '%%g'\n");
    else
        fprintf(script, "set offsets 0, 0, graph 0.05, graph 0.05\n");
    put_points(script, "training", &job->training);
    put_points(script, "validation", &job->validation);
    fprintf(script, "plot ");
    if (job->training.count == 0)
        fprintf(script, "1/0 notitle");
    if (thinned)
        fprintf(script, "$training using 1:3:4 with filledcurves fillcolor '#c8dff0' notitle, \\\n");
    if (job->training.count > 0)
        fprintf(script, "$training using 1:2 with %s linewidth 1.6 linecolor '#0072b2' title 'training%s'",
                job->training.count < 2 ? "points pointtype 7" : "lines", thinned ? " (mean, range)" : "");
    if (validation)
        fprintf(script,
                ", \\\n$validation using 1:2 with linespoints pointtype 7 pointsize %s linewidth 1.8 linecolor '#d55e00' "
                "title 'validation'",
                job->validation.count > 60 ? "0.01" : "0.6");
    fprintf(script, "\n");
}

int train_plot_draw(train_job *job) {
    const char *path = job->options->plot, *terminal;
    if (!path)
        return EXIT_DONE;
    int code = picture_open(&job->picture, path, (size_t)(picture_ending(path, &terminal) - path), "");
    if (code != EXIT_DONE)
        return code;
    FILE *script = tmpfile();
    if (!script)
        return train_misfit("no temporary file for gnuplot's script: %s", strerror(errno));
    put_script(script, job);
    code = gnuplot_draw(script, job->picture.fd);
    fclose(script);
    return code == EXIT_DONE ? picture_commit(&job->picture) : code;
}
