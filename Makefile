# cotenant: `make deps demo` and `make deps check` are all that a fresh Debian machine needs.
#
#   all          the program, ./cotenant            check        every test (needs: make deps)
#   demo         run the demo scenario, show it     golden       rewrite tests/golden (review the diff)
#   asan release the tests in another build mode    bench        speed, medians of several runs
#   layers hdr-check purity                         fuzz T=yaml SECS=60
#   tidy format format-check                        plots        pictures of the last demo run
#   install      program, man page, scenarios       ci           gcc and clang, all modes, all checks

MODE    ?= debug
CC      ?= cc
PREFIX  ?= /usr/local
BUILD   := build/$(MODE)
VERSION := 0.1.0

PACKAGES := gcc make pkg-config libgsl-dev libyaml-dev libcmocka-dev gnuplot-nox linux-libc-dev

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
	-Wvla -Wconversion -Werror
FLAGS_debug   := -O2 -g
FLAGS_release := -O2 -g
FLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
		 -fno-omit-frame-pointer -DARENA_BLOCK=256
FLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

CPPFLAGS += -I. -D_GNU_SOURCE -DCOTENANT_VERSION='"$(VERSION)"' -MMD -MP
CFLAGS   += -std=gnu11 $(WARN) -ffp-contract=off $(FLAGS_$(MODE))
LDFLAGS  += $(FLAGS_$(MODE)) -rdynamic
LDLIBS   += -lyaml -lgsl -lgslcblas -ldl -lm

DIRS     := sim/core models policies scenarios plots replay sim
SRC      := $(filter-out sim/main.c,$(foreach d,$(DIRS),$(wildcard $(d)/*.c)))
OBJ      := $(SRC:%.c=$(BUILD)/%.o)
LIB      := $(BUILD)/libcotenant.a
BIN      := $(BUILD)/cotenant
TESTS    := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))

Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$(2)";)

.PHONY: all
all: cotenant

cotenant: $(BIN)
	$(Q)cp -f $< $@.tmp && mv -f $@.tmp $@

$(BIN): $(BUILD)/sim/main.o $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< -Wl,--whole-archive $(LIB) -Wl,--no-whole-archive $(LDLIBS)

$(LIB): $(OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $(OBJ)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/tests/unit/%: $(BUILD)/tests/unit/%.o $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS) -lcmocka

$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $< $(LIB) $(LDLIBS)

.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
