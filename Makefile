# cotenant: `make deps demo` and `make deps check` are all that a fresh Debian machine needs.
#
#   all          the program, ./cotenant            check        every test (needs: make deps)
#   deps         install what is missing            golden       rewrite tests/golden (review the diff)
#   demo         run the demo scenario, show it     bench        speed, medians of several runs
#   asan release the tests in another build mode    fuzz T=yaml SECS=60
#   tsan         runs of several threads, watched
#   layers hdr-check purity unit fuzz-replay        tidy format format-check
#   cli golden-check      the parts of check        plots        pictures of the last demo run
#   install      program, manual, examples       ci           gcc and clang, all modes, all checks
#   validate     simulated against real guests      V=1          show the commands
#   check-svm    real guests under AMD-V and cgroup v2, emulated (needs: qemu-system-x86)
#   clean        remove build/ and ./cotenant
#
# Nothing here runs a compiler while make reads this file: `deps` must work where there is none.

MODE    ?= debug
PREFIX  ?= /usr/local
BUILD   ?= build/$(MODE)
VERSION := 0.1.0
SHELL   := /bin/sh

# gcc only recommends libc6-dev, which brings linux-libc-dev; gnuplot-nox brings its fonts.
PACKAGES := gcc libc6-dev make libgsl-dev libyaml-dev libcmocka-dev gnuplot-nox linux-libc-dev

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wvla -Wconversion -Wno-psabi -Werror
SANITIZE      := address,undefined -fno-sanitize-recover=all
FLAGS_debug   := -O2 -g
FLAGS_release := -O3 -g
FLAGS_asan    := -Og -g1 -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -DARENA_BLOCK=256 -DPOOL_LEAST=1
FLAGS_tsan    := -O1 -g -fsanitize=thread -Wno-tsan -DPOOL_LEAST=1
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,$(SANITIZE)

# += on variables that the user may have set in the environment: theirs come first.
CPPFLAGS += -I. -D_GNU_SOURCE -DCOTENANT_VERSION='"$(VERSION)"'
CFLAGS   += -std=gnu11 -pthread $(WARN) -ffp-contract=off $(FLAGS_$(MODE))
LDFLAGS  += $(FLAGS_$(MODE)) -rdynamic -pthread
LDLIBS   += -lyaml -lgsl -lgslcblas -ldl -lm
# Test programs are compiled once and run once: what they test is optimized, they are not.
TEST_FLAGS := -Og

DIRS     := sim/core models policies scenarios plots replay sim
SRC      := $(filter-out sim/main.c,$(foreach d,$(DIRS),$(wildcard $(d)/*.c)))
ASM      := $(wildcard replay/*.S)
OBJ      := $(SRC:%.c=$(BUILD)/%.o) $(ASM:%.S=$(BUILD)/%.o)
LIB      := $(BUILD)/libcotenant.a
BIN      := $(BUILD)/cotenant
TESTS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
# What takes longest begins first, or one core would wait for it at the end.
LONG     := $(patsubst %,$(BUILD)/tests/unit/test_%,oracles_population oracles_queueing alloc guest policy_memory plot)
TESTS    := $(LONG) $(filter-out $(LONG),$(TESTS))
FUZZERS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
ALL_C    := $(SRC) sim/main.c $(wildcard tests/unit/*.c tests/fuzz/*.c tests/bench/*.c)
ALL_H    := $(wildcard $(DIRS:%=%/*.h) tests/*.h tests/*/*.h)

Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)";)
# For recipes: as many jobs as cores, unless make was itself started with -j.
SUBMAKE = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
# The parts of check: those that take the processors that are left, and in how many modes, and that of real
# guests, whose clock is the wall's.
PARTS   := layers hdr-check purity fuzz-replay cli golden-check

# `make -j8 deps check`: one goal after the other, and jobs only below them.
ifneq ($(filter deps clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

.PHONY: all
all: cotenant

cotenant: $(BIN) FORCE
	$(Q)cmp -s $< $@ || { cp -f $< $@.tmp && mv -f $@.tmp $@; }

$(BIN): $(BUILD)/sim/main.o $(LIB) $(BUILD)/flags
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< -Wl,--whole-archive $(LIB) -Wl,--no-whole-archive $(LDLIBS)

$(LIB): $(OBJ) $(BUILD)/objects
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $(OBJ)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) -MMD -MP $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.S $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,AS,$<)$(CC) -c -o $@ $<

$(BUILD)/tests/unit/%.o $(BUILD)/tests/fuzz/%.o: private CFLAGS += $(TEST_FLAGS)

# The templates of the plots are in the program (.incbin), which the compiler does not tell.
$(BUILD)/plots/plot.o: $(wildcard plots/*.gp)

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS) -lcmocka

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)

# libFuzzer has a main() of its own; every other mode replays the corpus.
FUZZ_MAIN := $(if $(filter fuzz,$(MODE)),,$(BUILD)/tests/fuzz/replay.o)
$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) -o $@ \
		$< $(FUZZ_MAIN) $(LIB) $(LDLIBS)

# Stamps with text that is rewritten only when it has changed: what was built with other flags or
# from another list of files is out of date.
keep = @mkdir -p $(BUILD); printf '%s\n' $(1) | cmp -s - $@ || printf '%s\n' $(1) >$@
squote = '$(subst ','\'',$(1))'
$(BUILD)/flags: FORCE
	$(call keep,$(call squote,$(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_FLAGS) $(LDFLAGS) $(LDLIBS)))
$(BUILD)/objects: FORCE
	$(call keep,$(call squote,$(OBJ)))
.PHONY: FORCE
FORCE:

.SECONDARY:
-include $(wildcard $(addsuffix /*.d,$(addprefix $(BUILD)/,$(DIRS) tests/unit tests/fuzz tests/bench)))

# ---- getting started ----

.PHONY: deps demo plots install clean
deps:
	$(Q)want=; for p in $(PACKAGES); do \
		dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null | grep -q '^installed' || \
			want="$$want $$p"; done; \
	[ -n "$$want" ] || exit 0; \
	fail() { echo "make deps: $$1; these packages are needed:$$want" >&2; exit 1; }; \
	command -v apt-get >/dev/null || fail "there is no apt-get"; \
	root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	[ -z "$$root" ] || command -v sudo >/dev/null || fail "not root, and there is no sudo"; \
	export DEBIAN_FRONTEND=noninteractive; \
	install="$$root apt-get install -q -y --no-install-recommends"; \
	apt-get -qq -s install $$want >/dev/null 2>&1 || $$root apt-get -q update || \
		fail "apt-get update failed"; \
	$$install $$want || { $$root apt-get -q update && $$install $$want; } || \
		fail "apt-get could not install them"

demo:
	$(Q)$(SUBMAKE) cotenant
	./cotenant run scenarios/08-trace-day.yaml -o demo-out
	./cotenant plot demo-out

plots: cotenant
	$(Q)./cotenant plot demo-out

install: cotenant
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 cotenant $(DESTDIR)$(PREFIX)/bin/
	install -m 644 sim/cotenant.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	find scenarios -type f '(' -name '*.yaml' -o -path 'scenarios/traces/*' ')' \
		-exec install -D -m 644 '{}' '$(DESTDIR)$(PREFIX)/share/cotenant/{}' ';'
	for f in policies/*.h models/*.h sim/core/*.h; do \
		install -D -m 644 $$f $(DESTDIR)$(PREFIX)/include/cotenant/$$f || exit 1; done
	install -D -m 644 policies/README.md $(DESTDIR)$(PREFIX)/share/doc/cotenant/policies.md

clean:
	rm -rf build cotenant

# ---- tests ----

.PHONY: check check-parts asan release tsan build-tests unit unit-runs $(PARTS) replay golden validate check-svm
build-tests: $(BIN) $(TESTS) $(FUZZERS)

# Every part runs, whatever became of the ones before; the unit tests and the fuzz corpus run a second time
# under ASan and UBSan. Real guests sleep most of the time: they go first where they want a core, and
# what is compiled or tested beside them is nice and fills the rest. What they said comes at the end.
check:
	$(Q)$(SUBMAKE) -k all
	$(Q)failed=; \
	{ $(MAKE) --no-print-directory replay; echo $$? >build/replay.status; } >build/replay.log 2>&1 & \
	nice $(SUBMAKE) -k -Otarget check-parts check-asan || failed=" some of $(PARTS) unit asan"; \
	wait; cat build/replay.log; \
	[ "$$(cat build/replay.status)" = 0 ] || failed="$$failed replay"; \
	[ -z "$$failed" ] || { echo "check: FAILED:$$failed"; exit 1; }; \
	echo "check: all parts passed"

.PHONY: check-asan
check-parts: unit $(PARTS)
check-asan:
	$(Q)$(MAKE) --no-print-directory MODE=asan unit fuzz-replay

asan release:
	$(Q)$(SUBMAKE) -k MODE=$@ build-tests
	$(Q)failed=; for part in unit fuzz-replay cli golden-check; do \
		$(MAKE) --no-print-directory MODE=$@ $$part || failed="$$failed $$part"; done; \
	[ -z "$$failed" ] || { echo "$@: FAILED:$$failed"; exit 1; }; \
	echo "$@: all parts passed"

# Threads work only in a pool, inside a run, and only in what these tests run.
TSAN_TESTS := build/tsan/tests/unit/test_pool build/tsan/tests/unit/test_tick
tsan:
	$(Q)$(SUBMAKE) MODE=tsan $(TSAN_TESTS:%=%.status)
	$(Q)sh tests/unit.sh tsan $(TSAN_TESTS)

layers:
	$(Q)sh tests/layers.sh

hdr-check:
	$(Q)CC='$(CC)' FLAGS='-I. -D_GNU_SOURCE -std=gnu11 $(WARN)' sh tests/hdr-check.sh $(ALL_H)

purity: $(LIB)
	$(Q)sh tests/purity.sh $(filter $(BUILD)/policies/% $(BUILD)/models/%,$(OBJ))

# Each program as soon as it is there; then what became of all.
unit: $(LIB)
	$(Q)rm -f $(TESTS:%=%.status) $(TESTS:%=%.log)
	+$(Q)$(SUBMAKE) -k -Otarget unit-runs; sh tests/unit.sh $(MODE) $(TESTS)
unit-runs: $(TESTS:%=%.status)
$(BUILD)/tests/unit/%.status: $(BUILD)/tests/unit/% FORCE
	$(Q)sh tests/unit.sh --one $<

fuzz-replay: $(FUZZERS)
	$(Q)sh tests/fuzz/replay.sh $(MODE) $(FUZZERS)

cli: $(BIN)
	$(Q)COTENANT=$(BIN) sh tests/cli.sh

golden-check: $(BIN)
	$(Q)COTENANT=$(BIN) sh tests/golden.sh

# They need /dev/kvm, and say so where it is missing.
replay: $(BIN)
	$(Q)failed=; for part in replay safety; do \
		COTENANT=$(BIN) sh tests/$$part.sh || failed=1; done; [ -z "$$failed" ]

validate: $(BIN)
	$(Q)COTENANT=$(BIN) sh tests/validate.sh

# Optional: qemu-system-x86 and e2fsprogs are to be installed; the packages linux-image-cloud-amd64 and
# busybox-static are downloaded into build/svm and only unpacked there.
SVM_TESTS := $(addprefix $(BUILD)/tests/unit/,test_guest test_driver_kvm test_cgroup)
check-svm: $(BIN) $(SVM_TESTS)
	$(Q)sh tests/svm.sh $(BIN) $(SVM_TESTS)

golden: $(BIN)
	$(Q)COTENANT=$(BIN) sh tests/golden.sh --rewrite

# ---- more ----

.PHONY: bench run-bench fuzz tidy format format-check ci
bench:
	$(Q)$(SUBMAKE) MODE=release run-bench
run-bench: $(BENCHES) $(BIN)
	$(Q)for b in $(BENCHES); do echo "$$b"; COTENANT=$(BIN) $$b || exit 1; done

T    ?= yaml
SECS ?= 60
fuzz:
	$(Q)$(SUBMAKE) MODE=fuzz CC=clang build/fuzz/tests/fuzz/fuzz_$(T)
	@mkdir -p build/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)
	build/fuzz/tests/fuzz/fuzz_$(T) -max_total_time=$(SECS) -timeout=20 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/$(T)- build/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)

skip_without = command -v $(1) >/dev/null || { echo "$@: SKIPPED: $(1) is not installed"; exit 0; }
tidy:
	$(Q)$(call skip_without,clang-tidy); \
	printf '%s\n' $(SRC) sim/main.c | xargs -P $$(nproc) -n 4 sh -c \
		'clang-tidy --quiet "$$@" -- -I. -D_GNU_SOURCE -std=gnu11 \
		-DCOTENANT_VERSION="\"$(VERSION)\"" 2>/dev/null' -

format:
	$(Q)clang-format -i $(ALL_C) $(ALL_H)

format-check:
	$(Q)$(call skip_without,clang-format); \
	clang-format --dry-run -Werror $(ALL_C) $(ALL_H)

ci:
	$(Q)failed=; $(MAKE) --no-print-directory check || failed=" check"; \
	for part in format-check tidy; do \
		$(MAKE) --no-print-directory $$part || failed="$$failed $$part"; done; \
	for cc in gcc clang; do \
		command -v $$cc >/dev/null || { echo "ci: SKIPPED: $$cc is not installed"; continue; }; \
		for mode in debug release asan; do \
			echo "ci: $$cc $$mode"; \
			set -- MODE=$$mode CC=$$cc BUILD=build/$$cc-$$mode; \
			$(SUBMAKE) "$$@" build-tests && \
			for part in unit fuzz-replay cli golden-check; do \
				$(MAKE) --no-print-directory "$$@" $$part || exit 1; done || \
				failed="$$failed $$cc-$$mode"; \
		done; done; \
	[ -z "$$failed" ] || { echo "ci: FAILED:$$failed"; exit 1; }; \
	echo "ci: all passed"
