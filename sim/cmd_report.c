/*
 * See cmd_report.h. The figures become data: images, because gnuplot's SVG files use the same ids,
 * which would clash if several stood in one document.
 */
#include "sim/cmd_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plots/plot.h"
#include "sim/cmd_compare.h"

#define PATH_LENGTH 4200

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n<title>cotenant report</title>\n"
	"<style>\nbody { font: 16px/1.5 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 "
	"1em; "
	"color: #222; }\npre { font: 13px/1.45 monospace; overflow-x: auto; background: #f6f6f6; "
	"padding: 1em; }\nfigure { margin: 2em 0; }\nimg { width: 100%; }\n"
	"figcaption { color: #555; }\n</style>\n</head>\n<body>\n<h1>cotenant report</h1>\n";

static void put_html(FILE *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (text[i]) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		default:
			putc(text[i], out);
		}
	}
}

static void put_base64(FILE *out, const unsigned char *p, size_t n)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; n > 0; p += 3) {
		unsigned v = (unsigned)p[0] << 16;
		if (n > 1)
			v |= (unsigned)p[1] << 8;
		if (n > 2)
			v |= p[2];
		putc(digits[v >> 18], out);
		putc(digits[v >> 12 & 63], out);
		putc(n > 1 ? digits[v >> 6 & 63] : '=', out);
		putc(n > 2 ? digits[v & 63] : '=', out);
		n -= n < 3 ? n : 3;
	}
}

/* Hands the file on in pieces of a multiple of 3 bytes; false if there is none. */
static bool put_file(FILE *out, const char *path, bool base64)
{
	static const size_t piece = 3 << 12;
	char buf[3 << 12];
	FILE *in = fopen(path, "re");
	size_t n;

	if (!in)
		return false;
	do {
		n = fread(buf, 1, piece, in);
		if (base64)
			put_base64(out, (const unsigned char *)buf, n);
		else
			put_html(out, buf, n);
	} while (n == piece);
	fclose(in);
	return true;
}

static int put_comparison(FILE *out, const char *dir, struct err *err)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return err_nomem(err);
	int code = compare_print(dir, NULL, f, false, err);
	if (fclose(f) != 0 && code == 0)
		code = err_nomem(err);
	if (code == 0) {
		fputs("<h2>Policies</h2>\n<pre>", out);
		put_html(out, text, n);
		fputs("</pre>\n", out);
	}
	free(text);
	return code;
}

static void put_figures(FILE *out, const char *dir)
{
	char path[PATH_LENGTH];

	fputs("<h2>Figures</h2>\n", out);
	for (size_t i = 0; plot_name(i); i++) {
		snprintf(path, sizeof(path), "%s/plots/%s.svg", dir, plot_name(i));
		if (access(path, R_OK) < 0)
			continue;
		fprintf(out, "<figure>\n<img alt=\"%s\" src=\"data:image/svg+xml;base64,",
			plot_name(i));
		put_file(out, path, true);
		fprintf(out, "\">\n<figcaption>%s</figcaption>\n</figure>\n", plot_caption(i));
	}
}

static void put_manifest(FILE *out, const char *dir)
{
	char path[PATH_LENGTH];

	snprintf(path, sizeof(path), "%s/manifest.yaml", dir);
	if (access(path, R_OK) < 0)
		return;
	fputs("<h2>Manifest</h2>\n<pre>", out);
	put_file(out, path, false);
	fputs("</pre>\n", out);
}

int report_write(const char *dir, struct err *err)
{
	char path[PATH_LENGTH], tmp[PATH_LENGTH + 8];

	if (snprintf(path, sizeof(path), "%s/report.html", dir) >= (int)sizeof(path))
		return err_input(err, "%s: the path is too long", dir);
	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	int code = plot_dir(dir, "both", err);
	if (code < 0)
		return code;
	FILE *out = fopen(tmp, "we");
	if (!out) {
		int e = errno;
		return err_run(err, -e, "%s: cannot create: %s", tmp, strerror(e));
	}
	fputs(head, out);
	code = put_comparison(out, dir, err);
	if (code == 0) {
		put_figures(out, dir);
		put_manifest(out, dir);
		fputs("</body>\n</html>\n", out);
	}
	errno = 0;
	bool bad = ferror(out) != 0;
	bad |= fclose(out) != 0;
	if (code == 0 && (bad || rename(tmp, path) < 0)) {
		int e = errno ? errno : EIO;
		code = err_run(err, -e, "%s: cannot write: %s", path, strerror(e));
	}
	if (code < 0)
		unlink(tmp);
	return code;
}

const char cmd_report_usage[] = "usage: cotenant report DIR";

int cmd_report(int argc, char **argv, struct err *err)
{
	if (argc != 2 || argv[1][0] == '-')
		return err_input(err, "report: a folder is wanted (%s)", cmd_report_usage);
	int code = report_write(argv[1], err);
	if (code == 0)
		printf("%s/report.html\n", argv[1]);
	return code;
}
