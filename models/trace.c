/*
 * See trace.h and trace_list.h: choosing a reader, and what the readers share except the grid
 * (trace_grid.c). Files are read whole with read(2): every reader needs all of it, and positions of
 * errors are then plain pointers. Numbers are scanned by hand, because strtod() obeys the locale.
 */
#include "models/trace_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/core/bug.h"
#include "sim/core/control.h"

#define FNV_BASIS 14695981039346656037u
#define FNV_PRIME 1099511628211u
#define MAX_NOTES 32
#define MAX_CELLS ((uint64_t)1 << 31)

#define ENTRY(name) &trace_reader_##name,
static const struct trace_ops *const readers[] = {TRACE_LIST(ENTRY)};
#undef ENTRY
#define NREADERS (sizeof(readers) / sizeof(readers[0]))

static const struct plugin *trace_at(size_t i)
{
	return i < NREADERS ? &readers[i]->plugin : NULL;
}

const struct plugin_kind trace_kind = {
	.what = "trace format",
	.ops_size = sizeof(struct trace_ops),
	.at = trace_at,
};

/* ---- files ---- */

int trace_file_read(struct trace_file *file, const char *path, struct err *err)
{
	struct stat st;
	int ret = 0;

	file->path = path;
	file->len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_input(err, "%s: cannot be opened: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		ret = err_input(err, "%s: not a regular file", path);
		goto out;
	}
	size_t need = (size_t)st.st_size + 2;
	for (;;) {
		if (mem_grow(&file->text, &file->cap, need, 1) < 0) {
			ret = err_nomem(err);
			goto out;
		}
		ssize_t got = read(fd, file->text + file->len, file->cap - file->len - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int e = errno;
			ret = err_run(err, -e, "%s: reading failed: %s", path, strerror(e));
			goto out;
		}
		if (got == 0)
			break;
		file->len += (size_t)got;
		if (file->len == (size_t)st.st_size)
			break;
		need = file->len + 2;
	}
	file->text[file->len] = '\0';
out:
	close(fd);
	return ret;
}

void trace_file_fini(struct trace_file *file)
{
	mem_free(file->text);
	*file = (struct trace_file){0};
}

void trace_hash(struct trace *trace, const char *name, const struct trace_file *file)
{
	uint64_t h = trace->hash ? trace->hash : FNV_BASIS;

	for (size_t i = 0; i <= strlen(name); i++)
		h = (h ^ (unsigned char)name[i]) * FNV_PRIME;
	for (size_t i = 0; i <= file->len; i++)
		h = (h ^ (unsigned char)file->text[i]) * FNV_PRIME;
	trace->hash = h;
}

char *trace_base_name(struct arena *arena, const char *path)
{
	size_t end = strlen(path);

	while (end > 1 && path[end - 1] == '/')
		end--;
	size_t start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	return arena_printf(arena, "%.*s", (int)(end - start), path + start);
}

/* ---- directories ---- */

enum entry_type { ENTRY_FILE, ENTRY_DIR, ENTRY_OTHER };

static enum entry_type entry_type(DIR *d, const struct dirent *ent)
{
	struct stat st;

	if (ent->d_type == DT_REG)
		return ENTRY_FILE;
	if (ent->d_type == DT_DIR)
		return ENTRY_DIR;
	if (fstatat(dirfd(d), ent->d_name, &st, 0) < 0)
		return ENTRY_OTHER;
	return S_ISREG(st.st_mode) ? ENTRY_FILE : S_ISDIR(st.st_mode) ? ENTRY_DIR : ENTRY_OTHER;
}

static int entry_order(const void *a, const void *b)
{
	const struct trace_entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int dir_add(struct trace_dir *dir, struct arena *arena, const char *name, bool is_dir)
{
	if (mem_grow(&dir->entry, &dir->cap, dir->n + 1, sizeof(*dir->entry)) < 0)
		return -ENOMEM;
	const char *copy = arena_strdup(arena, name);
	if (!copy)
		return -ENOMEM;
	dir->entry[dir->n++] = (struct trace_entry){.name = copy, .is_dir = is_dir};
	return 0;
}

int trace_dir_read(struct trace_dir *dir, const char *path, struct arena *arena, struct err *err)
{
	DIR *d = opendir(path);
	int ret = 0;

	if (!d)
		return err_input(err, "%s: cannot be opened: %s", path, strerror(errno));
	while (ret == 0) {
		errno = 0;
		struct dirent *ent = readdir(d);
		if (!ent) {
			int e = errno;
			if (e)
				ret = err_run(err, -e, "%s: reading failed: %s", path, strerror(e));
			break;
		}
		enum entry_type type = entry_type(d, ent);
		if (strcmp(ent->d_name, ".") == 0 || strcmp(ent->d_name, "..") == 0)
			continue;
		if (ent->d_name[0] == '.')
			dir->hidden++;
		else if (type == ENTRY_OTHER)
			dir->other++;
		else if (dir_add(dir, arena, ent->d_name, type == ENTRY_DIR) < 0)
			ret = err_nomem(err);
	}
	closedir(d);
	if (dir->n > 0)
		qsort(dir->entry, dir->n, sizeof(*dir->entry), entry_order);
	return ret;
}

void trace_dir_fini(struct trace_dir *dir)
{
	mem_free(dir->entry);
	*dir = (struct trace_dir){0};
}

static int64_t head_read(const char *path, char head[TRACE_HEAD])
{
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, head, TRACE_HEAD);
	close(fd);
	return n;
}

/* The bytewise first visible file and sub-directory; "" = none. */
static bool first_names(const char *path, char file[256], char dir[256])
{
	DIR *d = opendir(path);

	file[0] = dir[0] = '\0';
	if (!d)
		return false;
	for (struct dirent *ent; (ent = readdir(d)) != NULL;) {
		if (ent->d_name[0] == '.')
			continue;
		enum entry_type type = entry_type(d, ent);
		char *best = type == ENTRY_FILE ? file : dir;
		if (type != ENTRY_OTHER && (!best[0] || strcmp(ent->d_name, best) < 0))
			snprintf(best, 256, "%s", ent->d_name);
	}
	closedir(d);
	return true;
}

int64_t trace_first_head(const char *dir, char name[256], char head[TRACE_HEAD])
{
	char path[8192], sub[256], below[256];
	int n;

	if (!first_names(dir, name, sub))
		return -1;
	if (name[0]) {
		n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	} else if (sub[0]) {
		n = snprintf(path, sizeof(path), "%s/%s", dir, sub);
		if (n < 0 || (size_t)n >= sizeof(path) || !first_names(path, name, below) ||
		    !name[0])
			return -1;
		n = snprintf(path, sizeof(path), "%s/%s/%s", dir, sub, name);
	} else {
		return -1;
	}
	return n < 0 || (size_t)n >= sizeof(path) ? -1 : head_read(path, head);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int trace_natural_order(const char *a, const char *b)
{
	const char *p = a, *q = b;

	while (*p && *q) {
		if (!is_digit(*p) || !is_digit(*q)) {
			if (*p != *q)
				return (unsigned char)*p < (unsigned char)*q ? -1 : 1;
			p++;
			q++;
			continue;
		}
		while (*p == '0')
			p++;
		while (*q == '0')
			q++;
		size_t m = strspn(p, "0123456789"), n = strspn(q, "0123456789");
		int cmp = m != n ? (m < n ? -1 : 1) : strncmp(p, q, n);
		if (cmp)
			return cmp;
		p += m;
		q += n;
	}
	if (*p || *q)
		return *p ? 1 : -1;
	return strcmp(a, b);
}

/* ---- numbers ---- */

static const char *exponent_scan(const char *p, struct trace_num *num)
{
	const char *at = p + 1;
	bool neg = *at == '-';
	int32_t value = 0;

	if (*at == '+' || *at == '-')
		at++;
	if (!is_digit(*at))
		return p;
	for (; is_digit(*at); at++)
		if (value < 100000)
			value = value * 10 + (*at - '0');
	num->exp10 += neg ? -value : value;
	num->e_notation = true;
	return at;
}

const char *trace_num_scan(const char *p, struct trace_num *num)
{
	uint64_t mant = 0;
	int32_t exp10 = 0;
	bool digits = false;

	*num = (struct trace_num){.neg = *p == '-'};
	if (*p == '+' || *p == '-')
		p++;
	for (; is_digit(*p); p++, digits = true) {
		if (mant < 1000000000000000000u)
			mant = mant * 10 + (uint64_t)(*p - '0');
		else if (exp10 < 100000)
			exp10++;
	}
	if (*p == '.') {
		for (p++; is_digit(*p); p++, digits = true) {
			if (mant < 1000000000000000000u && exp10 > -100000) {
				mant = mant * 10 + (uint64_t)(*p - '0');
				exp10--;
			}
		}
	}
	if (!digits)
		return NULL;
	num->mant = mant;
	num->exp10 = exp10;
	return *p == 'e' || *p == 'E' ? exponent_scan(p, num) : p;
}

double trace_num_value(const struct trace_num *num)
{
	static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
				     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
				     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	double v = (double)num->mant;
	int32_t e = num->exp10;

	for (; e > 22 && v > 0 && v < INFINITY; e -= 22)
		v *= 1e22;
	for (; e < -22 && v > 0; e += 22)
		v /= 1e22;
	if (v > 0 && v < INFINITY)
		v = e >= 0 ? v * ten[e] : v / ten[-e];
	return num->neg ? -v : v;
}

bool trace_num_time(const struct trace_num *num, int64_t unit_ns, int64_t *ns)
{
	uint64_t v;
	int32_t e = num->exp10;

	if (num->neg && num->mant > 0)
		return false;
	if (num->mant == 0) {
		*ns = 0;
		return true;
	}
	v = num->mant;
	for (; unit_ns > 1; unit_ns /= 10)
		e++;
	for (; e < 0 && v > 0; e++)
		v /= 10;
	for (; e > 0; e--)
		if (__builtin_mul_overflow(v, 10u, &v))
			return false;
	*ns = (int64_t)v;
	return v <= INT64_MAX;
}

bool trace_num_demand(const struct trace_num *num, double *value)
{
	*value = trace_num_value(num);
	return *value >= 0 && *value < 1e24;
}

/* ---- notes and limits ---- */

char *trace_show(const char *text, size_t len, char buf[48])
{
	size_t n = 0;

	for (; n < len && n < 40; n++) {
		buf[n] = text[n];
		if (buf[n] < ' ' || buf[n] > '~')
			buf[n] = '?';
	}
	memcpy(buf + n, n < len ? "..." : "", n < len ? 4 : 1);
	return buf;
}

int trace_note_add(struct trace *trace, uint64_t count, const char *text, struct err *err)
{
	if (count == 0)
		return 0;
	if (!trace->note) {
		trace->note = arena_alloc(&trace->arena, MAX_NOTES, sizeof(*trace->note));
		if (!trace->note)
			return err_nomem(err);
	}
	BUG_ON(trace->nnotes >= MAX_NOTES);
	struct trace_note *note = (struct trace_note *)trace->note;
	note[trace->nnotes++] = (struct trace_note){.count = count, .text = text};
	return 0;
}

int trace_check_size(const struct trace *trace, uint64_t steps, uint64_t n, uint64_t rows,
		     struct err *err)
{
	uint64_t cells, likely = ((uint64_t)1 << 24) + rows * 1024;

	if (!__builtin_mul_overflow(steps, n, &cells) && cells < MAX_CELLS && cells <= likely)
		return 0;
	return err_input(err,
			 "%s: %llu samples would spread over %llu steps of %llu VMs (times too far "
			 "apart; is one of them wrong?)",
			 trace->path, (unsigned long long)rows, (unsigned long long)steps,
			 (unsigned long long)n);
}

/* ---- loading ---- */

static const struct trace_ops *reader_find(const char *format, struct err *err)
{
	char names[256] = "";

	for (size_t i = 0; i < NREADERS; i++) {
		const char *name = readers[i]->plugin.name;
		if (strcmp(name, format) == 0)
			return readers[i];
		size_t at = strlen(names);
		snprintf(names + at, sizeof(names) - at, "%s%s", at ? ", " : "", name);
	}
	err_input(err, "%s: no such trace format (would be one of %s)", format, names);
	return NULL;
}

static bool is_compressed(const char *head, int64_t n)
{
	return (n > 2 && memcmp(head, "\x1f\x8b", 2) == 0) ||
	       (n > 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0) ||
	       (n > 6 && memcmp(head,
				"\xfd"
				"7zXZ",
				5) == 0) ||
	       (n > 4 && memcmp(head, "PK\3\4", 4) == 0);
}

static const struct trace_ops *reader_sniff(const char *path, struct err *err)
{
	const struct trace_ops *best = NULL;
	char head[TRACE_HEAD + 1];
	struct stat st;
	int best_score = 0;
	int64_t n = 0;

	if (stat(path, &st) < 0) {
		err_input(err, "%s: cannot be opened: %s", path, strerror(errno));
		return NULL;
	}
	bool is_dir = S_ISDIR(st.st_mode);
	if (!is_dir)
		n = head_read(path, head);
	if (n < 0) {
		err_input(err, "%s: not a readable file or directory", path);
		return NULL;
	}
	head[n] = '\0';
	if (is_compressed(head, n)) {
		err_input(err, "%s: is compressed (unpack it first)", path);
		return NULL;
	}
	for (size_t i = 0; i < NREADERS; i++) {
		int score = readers[i]->sniff(path, is_dir ? NULL : head, (size_t)n);
		if (score > best_score) {
			best_score = score;
			best = readers[i];
		}
	}
	if (!best)
		err_input(
			err,
			"%s: not a trace in any known format (a format can be named; see TRACES in "
			"cotenant(1))",
			path);
	return best;
}

/* As in a URL: "%1B" for an escape. Names that were different are so still, unless one has such a text itself. */
static char *printable_name(struct arena *arena, const char *name)
{
	char *copy = arena_room(arena, strlen(name) * 3 + 1, 1), *at = copy;

	for (; copy && *name; name++)
		if (control_is(*name))
			at += snprintf(at, 4, "%%%02X", (unsigned char)*name);
		else
			*at++ = *name;
	if (copy)
		*at = '\0';
	return copy;
}

/* Names of files are names of VMs, and may hold anything. */
static int make_names_printable(struct trace *t, struct err *err)
{
	uint64_t odd = 0;

	for (size_t i = 0; i < t->n; i++)
		odd += control_in(t->vm[i].name);
	if (odd == 0)
		return 0;
	struct trace_vm *vm = arena_room(&t->arena, t->n, sizeof(*vm));
	if (!vm)
		return err_nomem(err);
	memcpy(vm, t->vm, t->n * sizeof(*vm));
	t->vm = vm;
	for (size_t i = 0; i < t->n; i++) {
		if (!control_in(vm[i].name))
			continue;
		vm[i].name = printable_name(&t->arena, vm[i].name);
		if (!vm[i].name)
			return err_nomem(err);
	}
	return trace_note_add(t, odd,
			      "names with control characters: written as %XX, by their codes", err);
}

int trace_load(struct trace **trace, const char *path, const char *format, struct err *err)
{
	*trace = NULL;
	const struct trace_ops *ops = format ? reader_find(format, err) : reader_sniff(path, err);
	if (!ops)
		return -EINVAL;
	struct trace *t = mem_alloc(1, sizeof(*t));
	if (!t)
		return err_nomem(err);
	t->format = ops->plugin.name;
	t->path = arena_strdup(&t->arena, path);
	int ret = t->path ? ops->load(t, t->path, err) : err_nomem(err);
	if (ret == 0)
		ret = make_names_printable(t, err);
	if (ret < 0) {
		trace_free(t);
		return ret;
	}
	*trace = t;
	return 0;
}

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	arena_fini(&trace->arena);
	mem_free(trace);
}
