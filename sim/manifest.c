/* See manifest.h. */
#include "sim/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/core/control.h"
#include "sim/run.h"

/* Text as YAML in double quotes: names of files may hold anything. */
static void quoted(FILE *f, const char *text)
{
	fputc('"', f);
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else if (control_is(*p))
			fprintf(f, "\\x%02x", (unsigned)*p);
		else
			fputc(*p, f);
	}
	fputc('"', f);
}

static void key(FILE *f, const char *name, const char *text)
{
	fprintf(f, "%s: ", name);
	quoted(f, text);
	fputc('\n', f);
}

static void file(FILE *f, const char *indent, const char *path, uint64_t hash)
{
	fprintf(f, "%s{path: ", indent);
	quoted(f, path);
	fprintf(f, ", hash: %016" PRIx64, hash);
}

static void inputs(FILE *f, const struct batch *b)
{
	if (b->nsets > 0)
		fputs("set:\n", f);
	for (size_t i = 0; i < b->nsets; i++) {
		fputs("  - {path: ", f);
		quoted(f, b->set[i].path);
		fputs(", value: ", f);
		quoted(f, b->set[i].value);
		fputs("}\n", f);
	}
	if (b->nplugins > 0)
		fputs("plugins:\n", f);
	for (size_t i = 0; i < b->nplugins; i++) {
		file(f, "  - ", b->plugin[i].path, b->plugin[i].hash);
		fputs("}\n", f);
	}
	if (b->traces->outages.hash) {
		file(f, "outages: ", b->scenario->outages, b->traces->outages.hash);
		fputs("}\n", f);
	}
	if (b->traces->carbon.hash) {
		file(f, "carbon: ", b->scenario->facility.carbon_trace, b->traces->carbon.hash);
		fputs("}\n", f);
	}
}

static void traces(FILE *f, const struct trace_set *set)
{
	fputs("traces:\n", f);
	for (size_t i = 0; i < set->n; i++) {
		const struct trace *t = set->use[i].trace;
		file(f, "  - ", t->path, t->hash);
		fprintf(f, ", format: %s, vms: %zu, steps: %zu}\n", t->format, t->n, t->steps);
		for (size_t k = 0; k < t->nnotes; k++)
			fprintf(f, "  # %" PRIu64 " x %s\n", t->note[k].count, t->note[k].text);
	}
}

static void runs(FILE *f, const char *dir, size_t n)
{
	char path[4200], line[512];

	fputs("runs:\n", f);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%.4000s/.parts/%05zu/stats", dir, i);
		FILE *stats = fopen(path, "r");
		if (stats && fgets(line, sizeof(line), stats))
			fprintf(f, "  - %s", line);
		if (stats)
			fclose(stats);
	}
}

int manifest_write(const struct batch *b, size_t nruns, double wall_s, struct err *err)
{
	char path[4200], tmp[4208], host[256] = "";

	snprintf(path, sizeof(path), "%.4000s/manifest.yaml", b->dir);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	FILE *f = fopen(tmp, "w");
	if (!f)
		return err_run(err, -errno, "%s: cannot write: %s", tmp, strerror(errno));
	gethostname(host, sizeof(host) - 1);
	key(f, "cotenant", COTENANT_VERSION);
	key(f, "scenario", b->scenario->path);
	key(f, "name", b->scenario->name);
	fprintf(f, "scenario_hash: %016" PRIx64 "\n", b->scenario->hash);
	inputs(f, b);
	key(f, "host", host);
	if (b->room)
		b->room->manifest(b->room->options, f);
	fprintf(f, "jobs: %u\nwall_s: %.3f\n", b->jobs, wall_s);
	traces(f, b->traces);
	runs(f, b->dir, nruns);
	bool bad = ferror(f) != 0;
	if (fclose(f) == 0 && !bad && rename(tmp, path) == 0)
		return 0;
	int e = errno ? errno : EIO;
	unlink(tmp);
	return err_run(err, -e, "%s: cannot write: %s", path, strerror(e));
}
