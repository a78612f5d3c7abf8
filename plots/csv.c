/*
 * See csv.h.
 *
 * A real is scaled by a power of ten to a 9-digit integer, whose digits are then written two at a
 * time. Between 1e-13 and 1e9 the power is exact, so there is one rounding before the digits are
 * fixed; outside, a few. Both are far below half a unit of the ninth digit, so the text is right to
 * 9 digits except for ties, and what is read back scales to the same integer: formatting is stable.
 * Whole numbers below 1e15 are written in full, larger ones and those below 1e-5 with an exponent.
 *
 * The reader works in place: it keeps the file's text and ends each cell with a NUL.
 */
#include "plots/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/core/bug.h"
#include "sim/core/mem.h"

#define BUFFER       ((size_t)64 << 10)
#define NUMBER_SIZE  32
#define DIGITS       9
#define WHOLE_LIMIT  1e15
#define WHOLE_DIGITS 15
#define FIXED_LOWEST 1e-5
#define FIXED_ZEROS  5

struct csv {
	int fd;    /* -1: a part, whose rows stay in its buffer */
	int error; /* negative errno of the first failure; writing stops there */
	size_t ncols, col;
	size_t used, cap;
	char *buf;
	char *path, *tmp;
	char *header; /* as written, with its newline; complete once header_len > 0 */
	size_t header_len;
};

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

static const double ten_to[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The digits of @v right-aligned before @end; returns the first. */
static char *digits_before(char *end, uint64_t v)
{
	while (v >= 100) {
		end -= 2;
		memcpy(end, pairs + v % 100 * 2, 2);
		v /= 100;
	}
	if (v >= 10) {
		end -= 2;
		memcpy(end, pairs + v * 2, 2);
	} else {
		*--end = (char)('0' + v);
	}
	return end;
}

static size_t put_whole(char *out, uint64_t v)
{
	char tmp[24];
	char *end = tmp + sizeof(tmp);
	char *from = digits_before(end, v);

	memcpy(out, from, (size_t)(end - from));
	return (size_t)(end - from);
}

/* Exactly 9 digits, with zeros in front: straight code, as most numbers of a file come here. */
static void nine_at(char *out, uint32_t v)
{
	uint32_t high = v / 10000, low = v % 10000; /* 5 and 4 digits */
	uint32_t middle = high % 10000;

	out[0] = (char)('0' + high / 10000);
	memcpy(out + 1, pairs + middle / 100 * 2, 2);
	memcpy(out + 3, pairs + middle % 100 * 2, 2);
	memcpy(out + 5, pairs + low / 100 * 2, 2);
	memcpy(out + 7, pairs + low % 100 * 2, 2);
}

/* @v * 10^@power in steps that neither overflow nor lose more than an ulp each. */
static double scaled(double v, int power)
{
	for (; power > 22; power -= 22)
		v *= ten_to[22];
	for (; power < -22; power += 22)
		v /= ten_to[22];
	return power >= 0 ? v * ten_to[power] : v / ten_to[-power];
}

/* The 9-digit integer of @v > 0 and the decimal exponent of its first digit. */
static uint64_t nine_digits(double v, int *exponent)
{
	int e = 0;

	if (v >= 1e9 || v < FIXED_LOWEST) {
		e = (int)floor(log10(v));
	} else if (v >= 1) {
		while (v >= ten_to[e + 1])
			e++;
	} else {
		e = -1;
		while (v * ten_to[-e] < 1)
			e--;
	}
	double m = scaled(v, DIGITS - 1 - e);
	/* log10() of a number next to a power of ten may fall on either side of it. */
	if (m < 1e8 - 0.5) {
		m = scaled(v, DIGITS - 1 - --e);
	} else if (m >= 1e9) {
		m = scaled(v, DIGITS - 1 - ++e);
	}
	uint64_t digits = (uint64_t)(m + 0.5);
	if (digits >= 1000000000) {
		digits = 100000000;
		e++;
	}
	*exponent = e;
	return digits;
}

/* @text holds DIGITS digits; returns how many are left without the zeros at the end. */
static size_t significant(const char *text)
{
	size_t n = DIGITS;

	while (n > 1 && text[n - 1] == '0')
		n--;
	return n;
}

static size_t put_exponent(char *out, const char *digits, size_t n, int e)
{
	size_t len = 0;

	out[len++] = digits[0];
	if (n > 1) {
		out[len++] = '.';
		memcpy(out + len, digits + 1, n - 1);
		len += n - 1;
	}
	out[len++] = 'e';
	if (e < 0)
		out[len++] = '-';
	return len + put_whole(out + len, (uint64_t)abs(e));
}

static size_t put_fraction(char *out, double v)
{
	char digits[DIGITS];
	int e;
	uint64_t m = nine_digits(v, &e);

	nine_at(digits, (uint32_t)m);
	size_t n = significant(digits);
	if (e >= WHOLE_DIGITS || e < -FIXED_ZEROS)
		return put_exponent(out, digits, n, e);
	if (e < 0) {
		size_t zeros = (size_t)(-e - 1);
		memcpy(out, "0.00000", 2 + zeros);
		memcpy(out + 2 + zeros, digits, n);
		return 2 + zeros + n;
	}
	size_t whole = (size_t)e + 1;
	if (whole >= DIGITS) /* rounded up to 1e9 */
		return put_whole(out, (uint64_t)(v + 0.5));
	memcpy(out, digits, whole);
	if (n <= whole)
		return whole;
	out[whole] = '.';
	memcpy(out + whole + 1, digits + whole, n - whole);
	return n + 1;
}

size_t csv_format(double value, char *buf)
{
	size_t len = 0;

	if (value != value)
		return 0;
	if (value < 0) {
		buf[len++] = '-';
		value = -value;
	}
	if (value > 1.7976931348623157e308) {
		memcpy(buf + len, "inf", 3);
		return len + 3;
	}
	if (value < WHOLE_LIMIT) {
		uint64_t whole = (uint64_t)value;
		if ((double)whole == value)
			return len + put_whole(buf + len, whole);
		if (value >= 1e9 && value + 0.5 < WHOLE_LIMIT)
			return len + put_whole(buf + len, (uint64_t)(value + 0.5));
	}
	return len + put_fraction(buf + len, value);
}

static void write_out(struct csv *csv, const char *p, size_t n)
{
	while (n > 0 && !csv->error) {
		ssize_t done = write(csv->fd, p, n);
		if (done < 0) {
			if (errno != EINTR)
				csv->error = -errno;
			continue;
		}
		p += done;
		n -= (size_t)done;
	}
}

static void flush(struct csv *csv)
{
	write_out(csv, csv->buf, csv->used);
	csv->used = 0;
}

/* Room for @n bytes, which a file makes by writing what it has, a part by growing. False: there is none, and
 * the error sticks. There is always some for a number. */
static bool make_room(struct csv *csv, size_t n)
{
	if (n <= csv->cap - csv->used)
		return true;
	if (csv->fd >= 0)
		flush(csv);
	int rc = mem_grow(&csv->buf, &csv->cap, csv->used + n, 1);
	if (rc < 0) {
		csv->error = csv->error ? csv->error : rc;
		csv->used = 0;
	}
	return rc == 0;
}

static void put(struct csv *csv, const char *p, size_t n)
{
	if (csv->fd >= 0 && n > csv->cap) {
		flush(csv);
		write_out(csv, p, n);
	} else if (make_room(csv, n)) {
		memcpy(csv->buf + csv->used, p, n);
		csv->used += n;
	}
}

/* Room for a separator and a number; the caller advances csv->used. */
static char *field_start(struct csv *csv)
{
	(void)make_room(csv, NUMBER_SIZE + 1);
	if (csv->col++ > 0)
		csv->buf[csv->used++] = ',';
	return csv->buf + csv->used;
}

static void put_quoted(struct csv *csv, const char *text)
{
	put(csv, "\"", 1);
	for (const char *quote; (quote = strchr(text, '"')); text = quote + 1) {
		put(csv, text, (size_t)(quote - text));
		put(csv, "\"\"", 2);
	}
	put(csv, text, strlen(text));
	put(csv, "\"", 1);
}

void csv_text(struct csv *csv, const char *text)
{
	field_start(csv);
	/* A '#' at the start of a line would read as a comment; an empty line as no row. */
	if (text[strcspn(text, ",\"\r\n")] != '\0' || text[0] == '#' ||
	    (text[0] == '\0' && csv->ncols == 1))
		put_quoted(csv, text);
	else
		put(csv, text, strlen(text));
}

void csv_real(struct csv *csv, double value)
{
	char *at = field_start(csv);

	csv->used += csv_format(value, at);
	if (csv->ncols == 1 && value != value)
		put(csv, "\"\"", 2);
}

void csv_int(struct csv *csv, int64_t value)
{
	char *at = field_start(csv);

	if (value < 0) {
		*at++ = '-';
		csv->used++;
	}
	csv->used += put_whole(at, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void csv_time(struct csv *csv, int64_t ns)
{
	char *at = field_start(csv), *start = at;
	uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t part = v % 1000000000;

	if (ns < 0)
		*at++ = '-';
	at += put_whole(at, v / 1000000000);
	if (part > 0) {
		*at++ = '.';
		nine_at(at, (uint32_t)part);
		at += significant(at);
	}
	csv->used += (size_t)(at - start);
}

void csv_end_row(struct csv *csv)
{
	BUG_ON(csv->col != csv->ncols);
	csv->col = 0;
	put(csv, "\n", 1);
}

static void put_comment(struct csv *csv, const char *comment)
{
	if (comment[0] != '#')
		put(csv, "# ", 2);
	for (const char *p = comment; *p; p++)
		put(csv, *p == '\n' || *p == '\r' ? " " : p, 1);
	put(csv, "\n", 1);
}

static int put_header(struct csv *csv, const char *const *names)
{
	size_t start = csv->used;

	for (size_t i = 0; i < csv->ncols; i++)
		csv_text(csv, names[i]);
	csv_end_row(csv);
	BUG_ON(csv->used <= start);
	csv->header_len = csv->used - start;
	csv->header = mem_alloc(csv->header_len, 1);
	if (!csv->header)
		return -ENOMEM;
	memcpy(csv->header, csv->buf + start, csv->header_len);
	return 0;
}

static void csv_free(struct csv *csv)
{
	if (csv->fd >= 0)
		close(csv->fd);
	mem_free(csv->buf);
	mem_free(csv->header);
	mem_free(csv->path);
	mem_free(csv->tmp);
	mem_free(csv);
}

struct csv *csv_part(size_t ncols)
{
	struct csv *csv = mem_alloc(1, sizeof(*csv));

	if (!csv)
		return NULL;
	csv->fd = -1;
	csv->ncols = ncols;
	if (mem_grow(&csv->buf, &csv->cap, BUFFER, 1) < 0) {
		csv_free(csv);
		return NULL;
	}
	return csv;
}

void csv_add_part(struct csv *csv, struct csv *part)
{
	BUG_ON(csv->col != 0 || part->col != 0 || csv->ncols != part->ncols);
	put(csv, part->buf, part->used);
	part->used = 0;
	if (!csv->error)
		csv->error = part->error;
}

static struct csv *csv_new(const char *path, size_t ncols)
{
	size_t n = strlen(path);
	struct csv *csv = csv_part(ncols);

	if (!csv)
		return NULL;
	csv->path = mem_alloc(n + 1, 1);
	csv->tmp = mem_alloc(n + sizeof(".tmp"), 1);
	if (!csv->path || !csv->tmp) {
		csv_free(csv);
		return NULL;
	}
	memcpy(csv->path, path, n);
	memcpy(csv->tmp, path, n);
	memcpy(csv->tmp + n, ".tmp", 4);
	return csv;
}

/* -EBUSY. File systems without locks are taken as they are. */
static int lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? -EBUSY : 0;
}

static bool is_at(int fd, const char *name)
{
	struct stat mine, named;

	return fstat(fd, &mine) == 0 && stat(name, &named) == 0 && mine.st_dev == named.st_dev &&
	       mine.st_ino == named.st_ino;
}

/* What is no file, as a terminal, has nothing in it. */
static int make_empty(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0 ? -errno : 0;
}

/* A temporary file that nobody else is writing: whoever writes holds a lock, which ends with him. What one left
 * that was killed is written over. -errno; -EBUSY. */
static int create(const char *tmp)
{
	for (;;) {
		int fd = open(tmp, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0)
			return -errno;
		int rc = lock(fd);
		bool here = is_at(fd, tmp);
		if (rc == 0 && here)
			rc = make_empty(fd);
		if (rc == 0 && here)
			return fd;
		close(fd);
		if (here)
			return rc;
		/* Before it was locked its writer was done with it. */
	}
}

int csv_open(struct csv **csv, const char *path, const char *comment, const char *const *names,
	     size_t ncols, struct err *err)
{
	*csv = NULL;
	BUG_ON(ncols == 0);
	struct csv *c = csv_new(path, ncols);
	if (!c)
		return err_nomem(err);
	c->fd = create(c->tmp);
	if (c->fd < 0) {
		int rc = c->fd;
		err_run(err, rc, "%s: cannot create: %s", c->tmp,
			rc == -EBUSY ? "another program that runs is writing it (another name)"
				     : strerror(-rc));
		csv_free(c);
		return rc;
	}
	if (comment) {
		put_comment(c, comment);
		flush(c);
	}
	if (put_header(c, names) < 0) {
		csv_abandon(c);
		return err_nomem(err);
	}
	*csv = c;
	return 0;
}

void csv_abandon(struct csv *csv)
{
	if (!csv)
		return;
	if (csv->tmp)
		unlink(csv->tmp);
	csv_free(csv);
}

/* Makes the rename last through a power failure where the file system can. */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');

	if (slash && (size_t)(slash - path) + 2 <= sizeof(folder)) {
		size_t n = (size_t)(slash - path) + 1;
		memcpy(folder, path, n);
		folder[n] = '\0';
	}
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

int csv_flush(struct csv *csv, struct err *err)
{
	flush(csv);
	if (!csv->error)
		return 0;
	return err_run(err, csv->error, "%s: cannot write: %s", csv->path, strerror(-csv->error));
}

int csv_close(struct csv *csv, struct err *err)
{
	BUG_ON(csv->col != 0);
	flush(csv);
	/* EINVAL: something that cannot be synced, such as a pipe. */
	if (!csv->error && fsync(csv->fd) < 0 && errno != EINVAL)
		csv->error = -errno;
	if (close(csv->fd) < 0 && !csv->error)
		csv->error = -errno;
	csv->fd = -1;
	if (!csv->error && rename(csv->tmp, csv->path) < 0)
		csv->error = -errno;
	int e = csv->error;
	if (e) {
		err_run(err, e, "%s: cannot write: %s", csv->path, strerror(-e));
		csv_abandon(csv);
		return e;
	}
	sync_folder(csv->path);
	csv_free(csv);
	return 0;
}

/* Whole file with a NUL after it, or NULL with *code set. Refuses folders and NULs inside. */
static char *read_whole(const char *path, size_t *len, int *code)
{
	size_t cap = 0, n = 0;
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*code = fd < 0 ? -errno : 0;
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < SSIZE_MAX - 2)
		*code = mem_grow(&text, &cap, (size_t)st.st_size + 2, 1);
	while (*code == 0) {
		*code = mem_grow(&text, &cap, n + 2, 1);
		if (*code < 0)
			break;
		ssize_t got = read(fd, text + n, cap - n - 1);
		if (got < 0 && errno != EINTR)
			*code = -errno;
		if (got == 0)
			break;
		if (got > 0)
			n += (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	if (*code < 0) {
		mem_free(text);
		return NULL;
	}
	text[n] = '\0';
	*len = n;
	return text;
}

static int read_failed(struct err *err, const char *path, int code)
{
	if (code == -ENOMEM)
		return err_nomem(err);
	if (code == -ENOENT || code == -ENOTDIR || code == -EISDIR)
		return err_input(err, "%s: cannot read: %s", path, strerror(-code));
	return err_run(err, code, "%s: cannot read: %s", path, strerror(-code));
}

static const char *skip_comments(const char *p)
{
	while (*p == '#') {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return p;
}

int csv_append_file(struct csv *csv, const char *path, struct err *err)
{
	size_t len;
	int code;
	char *text = read_whole(path, &len, &code);

	BUG_ON(csv->col != 0);
	if (!text)
		return read_failed(err, path, code);
	const char *p = skip_comments(text);
	if (strncmp(p, csv->header, csv->header_len) != 0) {
		mem_free(text);
		return err_input(err, "%s: the columns differ from those of %s", path, csv->path);
	}
	p += csv->header_len;
	size_t n = len - (size_t)(p - text);
	if (n > 0) {
		put(csv, p, n);
		if (p[n - 1] != '\n')
			put(csv, "\n", 1);
	}
	mem_free(text);
	return 0;
}

/* Where the reader is: cells are collected row after row, whatever their number. */
struct reader {
	const char *path;
	char *p;
	size_t line;
	const char **cell;
	size_t ncells, cap;
	struct err *err;
};

/* Ends a quoted cell at *p in place and returns its text; NULL if the quotes are wrong. */
static char *quoted_cell(struct reader *r)
{
	char *start = r->p + 1, *to = start, *from = start;

	for (;; from++) {
		if (*from == '\0')
			return NULL;
		if (*from == '"' && *++from != '"')
			break;
		r->line += *from == '\n';
		*to++ = *from;
	}
	if (*from != '\0' && *from != ',' && *from != '\n' && strncmp(from, "\r\n", 2) != 0)
		return NULL;
	r->p = from;
	/* The byte at @from still says how the cell ends, and @to is before it. */
	*to = '\0';
	return start;
}

/* Reads one line's cells; returns their number, or 0 with r->err set. */
static size_t read_line(struct reader *r)
{
	size_t before = r->ncells, line = r->line;

	for (;;) {
		char *start = r->p;
		if (*start == '"') {
			start = quoted_cell(r);
			if (!start) {
				err_input(r->err, "%s:%zu: a quote is not closed or misplaced",
					  r->path, line);
				return 0;
			}
		} else {
			r->p += strcspn(r->p, ",\n");
		}
		if (mem_grow(&r->cell, &r->cap, r->ncells + 1, sizeof(*r->cell)) < 0) {
			err_nomem(r->err);
			return 0;
		}
		r->cell[r->ncells++] = start;
		char end = *r->p;
		if (end == '\n' && r->p > start && r->p[-1] == '\r')
			r->p[-1] = '\0';
		if (end == '\r') { /* after a closing quote */
			r->p++;
			end = *r->p;
		}
		*r->p = '\0';
		r->p += end != '\0';
		if (end == ',')
			continue;
		r->line++;
		return r->ncells - before;
	}
}

static int read_rows(struct reader *r, struct csv_table *table)
{
	int result = 0;

	while (*r->p) {
		size_t line = r->line, before = r->ncells;
		if (*r->p == '\n') {
			r->p++;
			r->line++;
			continue;
		}
		size_t n = read_line(r);
		if (n == 0)
			return r->err->code;
		if (n != table->ncols) {
			result = err_input(r->err, "%s:%zu: %zu fields where the header has %zu",
					   r->path, line, n, table->ncols);
			r->ncells = before;
			if (r->err->count >= ERR_MAX_LINES)
				return result;
			continue;
		}
		table->nrows++;
	}
	return result;
}

static int read_table(struct csv_table *table, struct reader *r, size_t len)
{
	if (strlen(table->text) != len)
		return err_input(r->err, "%s: not a CSV file: a NUL byte at offset %zu", r->path,
				 strlen(table->text));
	r->line = 1;
	r->p = table->text;
	while (*r->p == '#') {
		r->p += strcspn(r->p, "\n");
		r->p += *r->p == '\n';
		r->line++;
	}
	if (*r->p == '\0' || *r->p == '\n')
		return err_input(r->err, "%s:%zu: no header row", r->path, r->line);
	table->ncols = read_line(r);
	if (table->ncols == 0)
		return r->err->code;
	return read_rows(r, table);
}

int csv_read(struct csv_table *table, const char *path, struct err *err)
{
	struct reader r = {.path = path, .err = err};
	size_t len;
	int code;

	memset(table, 0, sizeof(*table));
	table->text = read_whole(path, &len, &code);
	if (!table->text)
		return read_failed(err, path, code);
	code = read_table(table, &r, len);
	table->name = r.cell;
	table->cell = r.cell ? r.cell + table->ncols : NULL;
	if (code < 0)
		csv_table_free(table);
	return code;
}

void csv_table_free(struct csv_table *table)
{
	mem_free(table->name);
	mem_free(table->text);
	memset(table, 0, sizeof(*table));
}

size_t csv_column(const struct csv_table *table, const char *name)
{
	for (size_t i = 0; i < table->ncols; i++) {
		if (strcmp(table->name[i], name) == 0)
			return i;
	}
	return SIZE_MAX;
}

double csv_number(const struct csv_table *table, size_t row, size_t col)
{
	const char *text = table->cell[row * table->ncols + col];
	char *end;

	if (*text == '\0')
		return NAN;
	double v = strtod(text, &end);
	return *end == '\0' ? v : NAN;
}
