// SPDX-License-Identifier: Apache-2.0
#include "run_chart.h"

#include <inttypes.h>
#include <math.h>

#include "gnuplot.h"

// Colours that stay apart for the colour-blind (Okabe & Ito, Color Universal Design, 2008), their yellow darkened.
static const char *const colours[CHART_LINES] = {"0072b2", "d55e00", "009e73", "cc79a7", "e69f00", "56b4e9", "404040", "a89a00"};

// Few enough steps are shown as points on the lines.
enum { SHOWN_POINTS = 80 };

static double step_size(const run_chart *chart) { return chart->step_seconds > 0.0 ? chart->step_seconds : 1.0; }

static void put_frame(FILE *script, const run_chart *chart, double first, double last) {
    fprintf(script, "set title ");
    gnuplot_put_string(script, chart->title);
    fprintf(script,
            " font ',13'\nset border 3 linecolor '#606060'\nset tics nomirror out\nset xlabel '%s'\nset xrange [%.9g:%.9g]\n"
            "set datafile missing 'NaN'\n",
            chart->step_seconds > 0.0 ? "time in s" : "step", first, last);
}

// The middle of a column; its steps have their time where they begin.
static double middle(const run_chart *chart, int64_t column) {
    const int64_t first = chart_first_step(chart, column);
    const int64_t next = column + 1 < chart->columns ? chart_first_step(chart, column + 1) : chart->series.steps;
    return 0.5 * (double)(first + next - 1) * step_size(chart);
}

// One value a column, or the ends of its range: down and up in turn, so that the lines between columns are short.
static void put_line(FILE *script, const run_chart *chart, int64_t row) {
    fprintf(script, "$output%" PRId64 " << EOD\n", row);
    for (int64_t column = 0; column < chart->columns; column++) {
        const chart_cell *cell = &chart->cells[row * chart->columns + column];
        const double x = middle(chart, column);
        if (cell->count == 0)
            fprintf(script, "\n"); // a gap
        else if (cell->low >= cell->high)
            fprintf(script, "%.9g %.9g\n", x, (double)cell->low);
        else
            fprintf(script, "%.9g %.9g\n%.9g %.9g\n", x, (double)(column % 2 ? cell->low : cell->high), x,
                    (double)(column % 2 ? cell->high : cell->low));
    }
    fprintf(script, "EOD\n");
}

// The line of an output; from the last step that was given on, dotted.
static void put_plot(FILE *script, const run_chart *chart, int64_t row, const char *title) {
    // What is thinned is drawn as areas, through which others are seen.
    const bool thinned = chart->columns < chart->series.steps, many = thinned && chart->rows > 1;
    const char *points = chart->series.steps <= SHOWN_POINTS ? "linespoints pointtype 7 pointsize 0.5" : "lines";
    const double end = (double)(chart->series.steps - chart->series.future - 1) * step_size(chart);
    fprintf(script, "$output%" PRId64 " using 1:", row);
    if (chart->series.future > 0)
        fprintf(script, "($1 <= %.9g ? $2 : NaN)", end);
    else
        fprintf(script, "2");
    fprintf(script, " with %s linewidth %s linecolor '#%s%s' title ", points, thinned ? "1" : "1.6", many ? "60" : "",
            colours[row % CHART_LINES]);
    gnuplot_put_string(script, title);
    if (chart->series.future > 0)
        fprintf(script,
                ", \\\n$output%" PRId64
                " using 1:($1 >= %.9g ? $2 : NaN) with lines dashtype '.' linewidth 2.4 linecolor '#%s' notitle",
                row, end, colours[row % CHART_LINES]);
}

void run_chart_lines(FILE *script, const run_chart *chart) {
    const double last = (double)(chart->series.steps - 1) * step_size(chart), margin = chart->series.steps > 1 ? 0.0 : 0.5;
    char title[160];
    put_frame(script, chart, -margin, last + margin);
    fprintf(script, "set grid linecolor '#e0e0e0' linetype 1\nset offsets 0, 0, graph 0.03, graph 0.03\nset ylabel ");
    gnuplot_put_string(script, chart->label);
    fprintf(script, "\nset key %s\n", chart->series.outputs > 1 ? "outside top center horizontal samplen 2" : "off");
    int64_t finite = 0;
    for (int64_t at = 0; at < chart->rows * chart->columns; at++)
        finite += chart->cells[at].count;
    if (chart->series.probability || finite == 0) // gnuplot finds no range where there is nothing
        fprintf(script, "set yrange [-0.02:1.02]\nset offsets 0, 0, 0, 0\n");
    for (int64_t row = 0; row < chart->rows; row++)
        put_line(script, chart, row);
    fprintf(script, "plot ");
    for (int64_t row = 0; row < chart->rows; row++) {
        snprintf(title, sizeof title, "%s %" PRId64, chart->series.rows ? "row" : chart->label, row);
        put_plot(script, chart, row, title);
        fprintf(script, "%s", row + 1 < chart->rows ? ", \\\n" : "\n");
    }
}

// Blue below zero, white, red above (Brewer's RdBu), as far to either side as the values go; without negative values from dark to light (viridis).
static void put_palette(FILE *script, const run_chart *chart) {
    double low = INFINITY, high = -INFINITY;
    for (int64_t at = 0; at < chart->rows * chart->columns; at++) {
        const chart_cell *cell = &chart->cells[at];
        low = cell->count ? fmin(low, cell->sum / (double)cell->count) : low;
        high = cell->count ? fmax(high, cell->sum / (double)cell->count) : high;
    }
    if (!(low <= high))
        low = high = 0.0;
    if (chart->series.probability) {
        low = 0.0;
        high = 1.0;
    }
    if (low < 0.0) {
        high = fmax(high, -low);
        fprintf(script,
                "set palette defined (0 '#053061', 1 '#2166ac', 2 '#4393c3', 3 '#92c5de', 4 '#d1e5f0', 5 '#f7f7f7', 6 '#fddbc7', "
                "7 '#f4a582', 8 '#d6604d', 9 '#b2182b', 10 '#67001f')\nset cbrange [%.9g:%.9g]\n",
                -high, high);
        return;
    }
    fprintf(script,
            "set palette defined (0 '#440154', 1 '#472c7a', 2 '#3b518b', 3 '#2c718e', 4 '#21908d', 5 '#27ad81', 6 '#5cc863', "
            "7 '#aadc32', 8 '#fde725')\nset cbrange [0:%.9g]\n",
            high > 0.0 ? high : 1.0);
}

void run_chart_map(FILE *script, const run_chart *chart) {
    const double size = step_size(chart), width = (double)chart->series.steps / (double)chart->columns,
                 height = (double)chart->series.outputs / (double)chart->rows;
    put_frame(script, chart, -0.5 * size, ((double)chart->series.steps - 0.5) * size);
    put_palette(script, chart);
    fprintf(script, "set yrange [-0.5:%.9g]\nset ylabel 'output'\nset key off\nset cblabel ", (double)chart->series.outputs - 0.5);
    gnuplot_put_string(script, chart->label);
    fprintf(script, "\n$values << EOD\n");
    for (int64_t row = 0; row < chart->rows; row++) {
        for (int64_t column = 0; column < chart->columns; column++) {
            const chart_cell *cell = &chart->cells[row * chart->columns + column];
            if (cell->count)
                fprintf(script, "%.6g ", cell->sum / (double)cell->count);
            else
                fprintf(script, "NaN ");
        }
        fprintf(script, "\n");
    }
    if (chart->series.future > 0) // where the outputs begin to be the inputs
        fprintf(script, "EOD\nset arrow from %.9g, graph 0 to %.9g, graph 1 nohead front dashtype '.' linewidth 2\n",
                ((double)(chart->series.steps - chart->series.future) - 0.5) * size,
                ((double)(chart->series.steps - chart->series.future) - 0.5) * size);
    else
        fprintf(script, "EOD\n");
    fprintf(script, "plot $values matrix using ((($1 + 0.5) * %.9g - 0.5) * %.9g):(($2 + 0.5) * %.9g - 0.5):3 with image\n", width,
            size, height);
}
