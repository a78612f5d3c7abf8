/* See procfs.h. */
#include "replay/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/core/mem.h"

/* A file of proc that is longer than this is none that we know. */
#define TEXT_MAX ((size_t)16 << 20)

static int open_path(const char *root, const char *fmt, va_list ap)
{
	char path[PATH_MAX];
	size_t at = strlen(root);

	if (at >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, root, at);
	int n = vsnprintf(path + at, sizeof(path) - at, fmt, ap);
	if (n < 0 || (size_t)n >= sizeof(path) - at)
		return -ENAMETOOLONG;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* As much as there is room for; its length or -errno. */
static ssize_t read_all(int fd, char *buf, size_t n)
{
	size_t len = 0;

	while (len < n) {
		ssize_t got = read(fd, buf + len, n - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

ssize_t procfs_read(const char *root, char *buf, size_t n, const char *fmt, ...)
{
	va_list ap;

	buf[0] = '\0';
	va_start(ap, fmt);
	int fd = open_path(root, fmt, ap);
	va_end(ap);
	if (fd < 0)
		return fd;
	ssize_t len = read_all(fd, buf, n - 1);
	close(fd);
	if (len < 0) {
		buf[0] = '\0';
		return len;
	}
	while (len > 0 && buf[len - 1] == '\n')
		len--;
	buf[len] = '\0';
	return len;
}

bool procfs_number(const char *root, uint64_t *value, const char *fmt, ...)
{
	char buf[32];
	va_list ap;

	va_start(ap, fmt);
	int fd = open_path(root, fmt, ap);
	va_end(ap);
	if (fd < 0)
		return false;
	ssize_t len = read_all(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (len <= 0)
		return false;
	buf[len] = '\0';
	const char *end = procfs_scan(buf, value);
	return end && (*end == '\n' || *end == '\0');
}

char *procfs_text(const char *root, const char *fmt, ...)
{
	char *text = NULL;
	size_t cap = 0, len = 0;
	va_list ap;

	va_start(ap, fmt);
	int fd = open_path(root, fmt, ap);
	va_end(ap);
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	int code = -EFBIG;
	while (len < TEXT_MAX) {
		if (mem_grow(&text, &cap, len + 4096, 1) < 0) {
			code = -ENOMEM;
			break;
		}
		ssize_t got = read_all(fd, text + len, cap - len - 1);
		if (got <= 0) {
			code = (int)got;
			break;
		}
		len += (size_t)got;
	}
	close(fd);
	if (code == 0) {
		text[len] = '\0';
		return text;
	}
	mem_free(text);
	errno = -code;
	return NULL;
}

const char *procfs_scan(const char *p, uint64_t *value)
{
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return NULL;
	*value = v;
	return p;
}

bool procfs_key(const char *text, const char *key, uint64_t *value)
{
	size_t len = strlen(key);

	for (const char *p = text; (p = strstr(p, key)); p += len) {
		const char *after = p + len;
		if (p > text && p[-1] != '\n' && p[-1] != ' ')
			continue;
		if (*after != ' ' && *after != '\t' && *after != '=')
			continue;
		after += *after == '=' ? 1 : strspn(after, " \t");
		if (procfs_scan(after, value))
			return true;
	}
	return false;
}

bool procfs_stat(const char *root, pid_t pid, struct procfs_stat *stat)
{
	char buf[1024];

	if (procfs_read(root, buf, sizeof(buf), "/proc/%d/stat", (int)pid) <= 0)
		return false;
	/* The name may hold anything, brackets and blanks as well: it ends at the last bracket. */
	const char *open = strchr(buf, '('), *close = strrchr(buf, ')');
	if (!open || !close || close < open || close[1] != ' ')
		return false;
	size_t len = (size_t)(close - open - 1);
	if (len >= sizeof(stat->comm))
		len = sizeof(stat->comm) - 1;
	memcpy(stat->comm, open + 1, len);
	stat->comm[len] = '\0';
	stat->state = close[2];
	const char *p = close + 2; /* field 3 */
	uint64_t ticks = 0;
	stat->ticks = 0;
	for (int field = 3; field < 22; field++) {
		if ((field == 14 || field == 15) && procfs_scan(p, &ticks))
			stat->ticks += ticks;
		p = strchr(p, ' ');
		if (!p)
			return false;
		p++;
	}
	return procfs_scan(p, &stat->start) != NULL;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int list_numbers(DIR *dir, uint64_t **number, size_t *n)
{
	const struct dirent *entry;
	size_t cap = 0;
	uint64_t value;

	while ((entry = readdir(dir))) {
		const char *end = procfs_scan(entry->d_name, &value);
		if (!end || *end)
			continue;
		if (mem_grow(number, &cap, *n + 1, sizeof(**number)) < 0)
			return -ENOMEM;
		(*number)[(*n)++] = value;
	}
	if (*n > 0)
		qsort(*number, *n, sizeof(**number), by_value);
	return 0;
}

int procfs_numbers(const char *root, const char *folder, int (*f)(void *arg, uint64_t number),
		   void *arg)
{
	char path[PATH_MAX];
	uint64_t *number = NULL;
	size_t n = 0;

	if (snprintf(path, sizeof(path), "%s%s", root, folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	DIR *dir = opendir(path);
	if (!dir)
		return -errno;
	int ret = list_numbers(dir, &number, &n);
	closedir(dir);
	for (size_t i = 0; i < n && ret == 0; i++)
		ret = f(arg, number[i]);
	mem_free(number);
	return ret;
}

/* \040 and the like are what blanks are written as. */
static void unescape(const char *from, char *to)
{
	while (*from) {
		bool octal = from[0] == '\\';
		for (int i = 1; octal && i <= 3; i++)
			octal = from[i] >= '0' && from[i] <= '7';
		if (octal) {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 +
				       (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /root /point options optional... - type source super-options" */
static bool parse_mount(struct procfs_mount *mount)
{
	char *save = NULL, *field[6] = {0}, *word = mount->line;

	for (int i = 0; i < 6; i++, word = NULL) {
		field[i] = strtok_r(word, " ", &save);
		if (!field[i])
			return false;
	}
	if (sscanf(field[2], "%u:%u", &mount->major, &mount->minor) != 2)
		return false;
	if (strlen(field[3]) >= PATH_MAX || strlen(field[4]) >= PATH_MAX)
		return false;
	unescape(field[3], mount->root);
	unescape(field[4], mount->point);
	do {
		word = strtok_r(NULL, " ", &save);
	} while (word && strcmp(word, "-") != 0);
	mount->type = word ? strtok_r(NULL, " ", &save) : NULL;
	mount->source = mount->type ? strtok_r(NULL, " ", &save) : NULL;
	mount->options = mount->source ? strtok_r(NULL, " ", &save) : NULL;
	return mount->options != NULL;
}

bool procfs_mount(const char **text, struct procfs_mount *mount)
{
	while (**text) {
		size_t len = strcspn(*text, "\n");
		const char *line = *text;
		*text += len + (line[len] == '\n');
		if (len >= sizeof(mount->line))
			continue;
		memcpy(mount->line, line, len);
		mount->line[len] = '\0';
		if (parse_mount(mount))
			return true;
	}
	return false;
}

bool procfs_has_word(const char *list, const char *word, char sep)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += len)
		if ((p == list || p[-1] == sep) && (p[len] == sep || p[len] == '\0'))
			return true;
	return false;
}
