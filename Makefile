# davidnet: `make run` trains a network, `make test` proves that it works.
CC ?= gcc
BUILD ?= build
CFLAGS ?= -O2 -g
STD = -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I. -MMD -MP
PKGS = ncursesw libpng cairo libcjson inih libcurl libarchive libcrypto
LIBS = $(shell pkg-config --libs $(PKGS)) -ldnnl -l:libgomp.so.1 -lpthread -lm
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))

LIB_SRC = $(wildcard $(filter-out kernels/parallel_pthread.c,$(wildcard kernels/*.c)) kernels/*/*.c engine/*.c views/*.c) $(filter-out tui/main.c,$(wildcard tui/*.c))
LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/engine/recipes.o
RECIPES = $(sort $(wildcard engine/recipes/*.ini))
TESTS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(if $(wildcard tui/main.c),davidnet)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CFLAGS) $(PKG_CFLAGS) -c $< -o $@

# engine/recipes/*.ini become one table; the list is compared so that a removed file counts as a change too.
RECIPE_LIST = $(BUILD)/engine/recipes.list
$(RECIPE_LIST): FORCE
	@mkdir -p $(@D); echo '$(RECIPES)' | cmp -s - $@ || echo '$(RECIPES)' > $@

$(BUILD)/engine/recipes.c: $(RECIPES) $(RECIPE_LIST) engine/recipes.awk
	@LC_ALL=C awk -f engine/recipes.awk $(RECIPES) /dev/null > $@.new && mv $@.new $@

$(BUILD)/engine/recipes.o: $(BUILD)/engine/recipes.c
	$(CC) $(STD) $(CFLAGS) -c $< -o $@

$(BUILD)/libdavidnet.a: $(LIB_OBJ)
	@rm -f $@; ar rcs $@ $^

davidnet: $(BUILD)/tui/main.o $(BUILD)/libdavidnet.a
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(BUILD)/libdavidnet.a
	$(CC) $(CFLAGS) -o $@ $^ -lcmocka $(LIBS)

test: all $(TESTS)
	@set -e; for t in $(TESTS); do $$t; done

clean:
	rm -rf $(BUILD) davidnet

.PHONY: all test clean FORCE
.SECONDARY:
-include $(LIB_OBJ:.o=.d)
