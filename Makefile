# davidnet: `make run` trains a network in your terminal, `make test` proves that it works.
#
#   make                  ./davidnet, optimised            make deps      install what is missing, and only that
#   make run [ARGS=...]   install, build, start            make test      install, build, run every test
#   make test-NAME        build and run one test           make lint      formatting, clang-tidy, layers
#   make format           clang-format in place            make install   to DESTDIR + PREFIX (/usr/local)
#   make screenshots      remake screenshots/              make clean     remove everything that was built
#   make gpu-check        what only a GPU can show: parity, compute-sanitizer, times (ARGS=: see tests/gpu_check)
#   make take-along       what a bare GPU host needs for HEADLESS=1, into build-along, to be copied there
#   make ladder           train every rung that is not measured yet (ARGS=--table: only README's table of them)
#
#   CC=clang   DEBUG=1   SANITIZE=address,undefined   SANITIZE=thread   PARALLEL=gomp|pthread   CUDA=auto|0|1
#   CUDA_ARCHS=default|native|all (make install: all)   NVCC, CUDA_HOME, CUDNN_HOME: where kernels/cuda/find.sh does not look
#   DNNL_PREFIX=/opt/onednn (another oneDNN than the system's)   BUILD=folder   V=1 (show the commands)
#   HEADLESS=1: for bare GPU hosts; needs a C compiler, inih and cJSON (or build-along, from make take-along elsewhere)

PREFIX ?= /usr/local
CUDA ?= auto
HEADLESS ?= 0
PARALLEL ?= $(if $(findstring thread,$(SANITIZE))$(filter 1,$(HEADLESS)),pthread,gomp)

ifeq ($(filter $(CUDA),auto 0 1),)
$(error CUDA=$(CUDA): must be auto, 0 or 1)
endif
ifeq ($(filter $(PARALLEL),gomp pthread),)
$(error PARALLEL=$(PARALLEL): must be gomp or pthread)
endif
ifeq ($(filter $(HEADLESS),0 1),)
$(error HEADLESS=$(HEADLESS): must be 0 or 1)
endif
ifneq ($(and $(findstring thread,$(SANITIZE)),$(filter gomp,$(PARALLEL))),)
$(error SANITIZE=thread does not understand libgomp; leave PARALLEL out or say PARALLEL=pthread)
endif

# One folder of objects per flavour; only the plain one leaves its program at ./davidnet.
comma := ,
space := $(subst ,, )
FLAVOUR := $(strip $(if $(filter 1,$(DEBUG)),debug) $(subst $(comma),-,$(SANITIZE)) \
	$(if $(filter 1,$(HEADLESS)),headless,$(if $(SANITIZE),,$(filter pthread,$(PARALLEL)))))
BUILD ?= build$(if $(FLAVOUR),/$(subst $(space),-,$(FLAVOUR)))
BIN := $(if $(filter build,$(BUILD)),davidnet,$(BUILD)/davidnet)
LIB := $(BUILD)/libdavidnet.a

# Results must not depend on what a compiler may contract or reorder: no -ffast-math, no contraction.
OPT_kernels = $(if $(filter 1,$(DEBUG)),-O0,$(if $(SANITIZE),-O1,-O3)) -g
OPT_rest = $(if $(filter 1,$(DEBUG)),-O0,$(if $(SANITIZE),-O1,-O2)) -g
CFLAGS ?= $(if $(filter kernels/%,$*),$(OPT_kernels),$(OPT_rest))
SANITIZE_FLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# Warnings are errors; WERROR= for a compiler that has others than ours.
WERROR ?= -Werror
WARNINGS := -Wall -Wextra $(WERROR) -Wmissing-prototypes -Wstrict-prototypes
FP_FLAGS := -fno-math-errno -fno-trapping-math -ffp-contract=off
BASE_FLAGS := -std=c11 -D_GNU_SOURCE -I. $(WARNINGS) $(FP_FLAGS) -fPIE $(SANITIZE_FLAGS)

PKGS := ncursesw libpng cairo libcjson inih libcurl libarchive libcrypto zlib
PKG_CFLAGS := $(if $(DNNL_PREFIX),-I$(DNNL_PREFIX)/include) $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# libgomp by its file name: whatever the compiler, the runtime is the one that oneDNN uses.
GOMP := $(if $(filter gomp,$(PARALLEL)),-l:libgomp.so.1)
LIBS := -Wl,--as-needed $(if $(DNNL_PREFIX),-L$(DNNL_PREFIX)/lib -Wl$(comma)-rpath$(comma)$(DNNL_PREFIX)/lib) \
	-ldnnl $(shell pkg-config --libs $(PKGS) 2>/dev/null) -l:libgomp.so.1 -lpthread -ldl -lm

# HEADLESS=1: NAME_headless.c stands in for NAME.c, and the CPU engine and its libraries stay out. What bare hosts have
# not as packages is what tests/take_along.sh has put into build-along: headers, sources, libraries.
STAND_INS := $(wildcard kernels/*_headless.c engine/*_headless.c views/*_headless.c tui/*_headless.c)
STANDING_IN := $(if $(filter 1,$(HEADLESS)),kernels/cpu/% $(STAND_INS:%_headless.c=%.c),$(STAND_INS))
ALONG := $(if $(filter 1,$(HEADLESS)),$(wildcard build-along))
ALONG_SRC := $(if $(ALONG),$(wildcard build-along/src/*.c))
CMOCKA := $(if $(filter %/cmocka.c,$(ALONG_SRC)),$(BUILD)/build-along/src/cmocka.o,-lcmocka)
ifeq ($(HEADLESS),1)
PKG_CFLAGS := $(if $(ALONG),-isystem $(ALONG)/include)
LIBS := -Wl,--as-needed $(if $(ALONG),$(wildcard $(ALONG)/lib/*),-lcjson -linih) $(GOMP) -lpthread -ldl -lm
endif

# kernels/NAME_avx2.c and the like are compiled for that instruction set, and left out on other machines.
AVX2_FLAGS := -mavx2 -mfma -mf16c
AVX512_FLAGS := $(AVX2_FLAGS) -mavx512f -mavx512bw -mavx512dq -mavx512vl
ISA_FLAGS = $(if $(filter %_avx2,$*),$(AVX2_FLAGS))$(if $(filter %_avx512,$*),$(AVX512_FLAGS))$(strip \
	)$(if $(filter %_avx512bf16,$*),$(AVX512_FLAGS) -mavx512bf16)$(strip \
	)$(if $(filter %_amx,$*),$(AVX512_FLAGS) -mavx512bf16 -mamx-tile -mamx-bf16 -mamx-int8)
X86_ONLY := %_avx2.c %_avx512.c %_avx512bf16.c %_amx.c
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
LEFT_OUT := $(STANDING_IN) $(if $(filter x86_64%,$(MACHINE)),,$(X86_ONLY)) \
	kernels/parallel_$(if $(filter gomp,$(PARALLEL)),pthread,gomp).c

LIB_SRC := $(filter-out $(LEFT_OUT) kernels/cuda/% tui/main.c,$(wildcard kernels/*.c kernels/*/*.c engine/*.c views/*.c tui/*.c))
ALONG_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/cmocka.c,$(ALONG_SRC)))
LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/engine/recipes.o $(ALONG_OBJ)
RECIPES := $(addsuffix .ini,$(sort $(basename $(wildcard engine/recipes/*.ini))))
TEST_SRC := $(wildcard tests/test_*.c)
HEADLESS_TESTS := $(wildcard tests/test_ref*.c tests/test_cuda_family.c tests/test_cuda_averages.c tests/test_crc.c tests/test_digest.c tests/test_eigen.c \
	tests/test_whiten.c)
TESTS := $(patsubst %.c,$(BUILD)/%,$(if $(filter 1,$(HEADLESS)),$(HEADLESS_TESTS),$(TEST_SRC)))
CHECKS := $(if $(filter 1,$(HEADLESS)),tests/check_headless tests/check_cuda,$(wildcard tests/check_*))
# (figure_checks.c looks at pictures through cairo, which a headless build does without)
TEST_SUPPORT_SRC := $(filter-out $(TEST_SRC) $(if $(filter 1,$(HEADLESS)),tests/figure_checks.c),$(wildcard tests/*.c))
TEST_SUPPORT := $(if $(TEST_SUPPORT_SRC),$(BUILD)/tests/libsupport.a)
ALL_SRC := $(LIB_SRC) $(STAND_INS) $(wildcard tui/main.c tests/*.c)
ALL_C := $(wildcard kernels/*.[ch] kernels/*/*.[ch] engine/*.[ch] views/*.[ch] tui/*.[ch] tests/*.[ch])

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $(2))
JOBS = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))
again = +@$(MAKE) --no-print-directory $(JOBS)

# These goals are made by a second make. Beside them nothing else is made, or both would make the library.
SECOND := all run test run-tests test-% lint screenshots install
ifneq ($(filter $(SECOND),$(MAKECMDGOALS)),)
ifneq ($(words $(MAKECMDGOALS)),1)
.NOTPARALLEL:
endif
endif

all:
	@$(DEPS) --check $(BUILD_DEPS)
	$(again) built

# A stamp holds text; it is touched only when the text differs, and what depends on it is made again.
define stamp
$(BUILD)/$(1): FORCE
	@mkdir -p $$(@D); printf '%s\n' '$$(subst ','\'',$(2))' | cmp -s - $$@ || printf '%s\n' '$$(subst ','\'',$(2))' > $$@
endef
COMPILER := $(shell $(CC) --version 2>/dev/null | head -n 1)

# ---- the CUDA engine: a shared object that the program opens on demand (kernels/cuda_plugin.h) ----

# Sanitizers do not see the GPU: their flavours have the emulated engine only, CUDA=auto being what it is by default.
CUDA_FOUND := $(if $(filter 0,$(CUDA))$(and $(filter auto,$(CUDA)),$(SANITIZE)),,$(shell kernels/cuda/find.sh))
ifeq ($(CUDA)$(CUDA_FOUND),1)
$(error CUDA=1: $(shell kernels/cuda/find.sh why))
endif
$(foreach each,$(CUDA_FOUND),$(eval $(each)))
CUDA_PLUGIN := $(if $(CUDA_FOUND),$(BUILD)/davidnet_cuda.so)

# default: machine code for sm_90, and PTX that the driver compiles for any other GPU when it is first used. native: the
# GPU that is here. all (make install): machine code for every GPU that the toolkit still knows, up to sm_90.
CUDA_ARCHS ?= $(if $(wildcard /dev/nvidiactl),native,default)
CUDA_OLDEST := $(if $(filter 12 11,$(CUDA_MAJOR)),70,75)
CUDA_KNOWN = $(patsubst compute_%,%,$(shell $(NVCC) --list-gpu-arch))
CUDA_ALL = $(filter $(CUDA_KNOWN),70 75 80 86 89 90)
CUDA_TARGETS = $(if $(filter native,$(CUDA_ARCHS)),-arch=native)$(if $(filter default,$(CUDA_ARCHS)),$(strip \
	)-gencode arch=compute_$(CUDA_OLDEST)$(comma)code=compute_$(CUDA_OLDEST) \
	-gencode arch=compute_90$(comma)code=sm_90)$(if $(filter all,$(CUDA_ARCHS)),$(strip \
	)$(foreach a,$(CUDA_ALL),-gencode arch=compute_$(a)$(comma)code=sm_$(a)) \
	-gencode arch=compute_90$(comma)code=compute_90)

# What is installed lies beside its objects: the one for this machine, at BUILD, stays as it was made.
INSTALL_ARCHS := $(if $(filter file,$(origin CUDA_ARCHS)),all,$(CUDA_ARCHS))
INSTALL_PLUGIN := $(BUILD)/cuda/$(INSTALL_ARCHS)/davidnet_cuda.so
INSTALL_NOTICE = 'The program and its documents are in place. Last comes its engine for GPUs, compiled for $(if \
	$(filter all,$(INSTALL_ARCHS)),every GPU from sm_$(firstword $(CUDA_ALL)) to sm_90,CUDA_ARCHS=$(INSTALL_ARCHS)):' \
	'$(words $(CUDA_SRC)) files, in all many minutes. Without a GPU stop it here, or say CUDA=0; CUDA_ARCHS=default is quicker.'

CUDA_SRC := $(wildcard kernels/cuda/*.cu)
CUDA_DEVICE_C := kernels/cuda/conv_cudnn.c kernels/cuda/descriptors.c kernels/cuda/device_cuda.c
CUDA_C := $(filter-out $(CUDA_DEVICE_C),$(wildcard kernels/cuda/*.c)) \
	kernels/augment.c kernels/error.c kernels/plan.c kernels/program.c kernels/shrink.c
CUDA_SHARED := $(CUDA_C:%.c=$(BUILD)/pic/%.o)
CUDA_DEVICE := $(CUDA_SRC:%.cu=$(BUILD)/cuda/$(CUDA_ARCHS)/%.o) $(CUDA_DEVICE_C:%.c=$(BUILD)/pic/%.o)
CUDA_FLAGS = -std=c++17 -O3 -I. -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra$(if $(WERROR),$(comma)-Werror \
	-Werror all-warnings) -lineinfo -Xptxas -v $(CUDA_TARGETS)
CUDA_LINK = -shared -cudart static -Xlinker -z,defs,-rpath,$(CUDNN_LIB) -L$(CUDNN_LIB) -Xlinker -l:libcudnn.so.9
PIC_FLAGS := -std=c11 -D_GNU_SOURCE -I. $(WARNINGS) $(FP_FLAGS) -fPIC -fvisibility=hidden -O2 -g
CUDA_SYSTEM := $(if $(CUDA_FOUND),-isystem $(CUDA_INCLUDE) -isystem $(CUDNN_INCLUDE))

# The emulated engine: the same family and kernels on a CPU, for tests (kernels/cuda/emulator).
EMULATED := $(BUILD)/emulated/davidnet_cuda.so
EMULATED_OBJ := $(CUDA_SRC:%.cu=$(BUILD)/emulated/%.o) $(patsubst %.cc,$(BUILD)/emulated/%.o,$(patsubst \
	%.c,$(BUILD)/pic/%.o,$(wildcard kernels/cuda/emulator/*.c kernels/cuda/emulator/*.cc)))
EMULATED_FLAGS := -std=c++17 -D_GNU_SOURCE -I. -Wall -Wextra $(WERROR) -Wno-unknown-pragmas -ffp-contract=off -fPIC \
	-fvisibility=hidden -O2 -g

$(eval $(call stamp,cuda$(CUDA_ARCHS:default=).flags,$(NVCC) $(CUDA_FLAGS) $(CUDA_LINK) $(CUDA_INCLUDE) $(CUDNN_INCLUDE)))
$(eval $(call stamp,pic.flags,$(COMPILER) $(CC) $(CXX) $(PIC_FLAGS) $(CUDA_SYSTEM) $(EMULATED_FLAGS)))

$(BUILD)/pic/%.o: %.c $(BUILD)/pic.flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(PIC_FLAGS) $(CUDA_SYSTEM) -MMD -MP -c $< -o $@

# What ptxas says of registers and spills is kept beside the object, for tests/check_cuda.
$(BUILD)/cuda/$(CUDA_ARCHS)/%.o: %.cu $(BUILD)/cuda$(CUDA_ARCHS:default=).flags
	@mkdir -p $(@D)
	$(call say,NVCC,$<)
	$(Q)$(NVCC) $(CUDA_FLAGS) -MD -MF $(@:.o=.d) -c $< -o $@ 2> $(@:.o=.ptxas) || { cat $(@:.o=.ptxas) >&2; false; }

$(BUILD)/davidnet_cuda.so $(BUILD)/cuda/$(CUDA_ARCHS)/davidnet_cuda.so: $(CUDA_SHARED) $(CUDA_DEVICE)
	$(call say,LINK,$@)
	$(Q)$(NVCC) $(CUDA_LINK) -o $@ $(filter %.o,$^)

$(BUILD)/emulated/%.o: %.cu $(BUILD)/pic.flags
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(EMULATED_FLAGS) -MMD -MP -x c++ -c $< -o $@

$(BUILD)/emulated/%.o: %.cc $(BUILD)/pic.flags
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(EMULATED_FLAGS) -MMD -MP -c $< -o $@

$(EMULATED): $(CUDA_SHARED) $(EMULATED_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CXX) -shared -Wl,-z,defs -o $@ $(filter %.o,$^) -lm

# ---- objects, the library, the program ----

built: $(if $(wildcard tui/main.c),$(BIN),$(LIB)) $(CUDA_PLUGIN)

GIT_COMMIT := $(shell git describe --always --dirty --abbrev=10 --exclude '*' 2>/dev/null)
GIT_DATE := $(shell git log -1 --format=%cs 2>/dev/null)
$(eval $(call stamp,flags,$(COMPILER) $(CC) $(BASE_FLAGS) $(OPT_kernels) $(OPT_rest) $(value CFLAGS) $(AVX512_FLAGS) $(PKG_CFLAGS) $(LIBS)))
$(eval $(call stamp,objects.list,$(LIB_OBJ)))
$(eval $(call stamp,engine/recipes.list,$(RECIPES)))
$(eval $(call stamp,version,$(GIT_COMMIT) $(GIT_DATE)))

COMPILE = $(CC) $(BASE_FLAGS) $(CFLAGS) $(ISA_FLAGS) $(PKG_CFLAGS) $(EXTRA_FLAGS) -MMD -MP -c $< -o $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE)

$(BUILD)/build-along/%.o: build-along/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -O2 -g -fPIE -D_GNU_SOURCE -DHAVE_SIGNAL_H -DHAVE_UNISTD_H $(PKG_CFLAGS) -c $< -o $@

$(BUILD)/engine/recipes.c: engine/recipes.awk $(RECIPES) $(BUILD)/engine/recipes.list
	$(call say,AWK,$@)
	$(Q)LC_ALL=C awk -f $< $(RECIPES) /dev/null > $@.new && mv $@.new $@

$(BUILD)/engine/recipes.o: $(BUILD)/engine/recipes.c $(BUILD)/flags
	$(call say,CC,$<)
	$(Q)$(COMPILE)

# Only these files know the commit and its date, so that a commit does not rebuild everything.
$(BUILD)/engine/version.o $(BUILD)/tui/version.o: $(BUILD)/version
$(BUILD)/engine/version.o: EXTRA_FLAGS = -DDAVIDNET_COMMIT='"$(GIT_COMMIT)"'
$(BUILD)/tui/version.o: EXTRA_FLAGS = -DDAVIDNET_DATE='"$(GIT_DATE)"' \
	-DDAVIDNET_FLAGS='"$(strip $(OPT_kernels) $(SANITIZE_FLAGS))"' -DDAVIDNET_PARALLEL='"$(PARALLEL)"' \
	-DDAVIDNET_HEADLESS=$(HEADLESS)

$(LIB): $(LIB_OBJ) $(BUILD)/objects.list
	$(call say,AR,$@)
	$(Q)rm -f $@; $(AR) rcs $@ $(LIB_OBJ)

$(BIN): $(BUILD)/tui/main.o $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) -pie $(LDFLAGS) -o $@ $^ $(LIBS)

# ---- what is missing on this machine ----

DEPS = CC='$(CC)' DNNL_PREFIX='$(DNNL_PREFIX)' ALONG='$(ALONG)' tests/deps.sh
BUILD_DEPS := $(if $(filter 1,$(HEADLESS)),headless,build)
TEST_DEPS := $(BUILD_DEPS) $(if $(filter 1,$(HEADLESS)),headless-test,test)

deps:
	@$(DEPS) $(TEST_DEPS)

run:
	@$(DEPS) $(BUILD_DEPS)
	$(again) built
	@if [ -t 0 ] && [ -t 1 ]; then exec '$(abspath $(BIN))' $(ARGS); \
	else exec '$(abspath $(BIN))' train --preset quick $(ARGS); fi

# ---- tests: tests/test_*.c are cmocka programs, tests/check_* scripts; see tests/run.sh for what counts ----

test:
	@$(DEPS) $(TEST_DEPS)
	$(again) run-tests

tests: $(TESTS)

# The headless build of the plain flavour, and what its stand-ins are tested with, for tests/check_headless.
HEADLESS_BUILD := $(if $(FLAVOUR),,$(BUILD)/headless)
HEADLESS_PARTS := crc digest eigen whiten
headless: FORCE
	$(again) HEADLESS=1 BUILD=$(HEADLESS_BUILD) CUDA=0 built $(HEADLESS_PARTS:%=$(HEADLESS_BUILD)/tests/test_%)

run-tests: built $(TESTS) $(EMULATED) $(if $(HEADLESS_BUILD),headless)
	@BUILD='$(BUILD)' DAVIDNET_BIN='$(abspath $(BIN))' SANITIZE='$(SANITIZE)' CC='$(CC)' DNNL_PREFIX='$(DNNL_PREFIX)' \
		tests/run.sh $(BUILD) $(TESTS) $(CHECKS)

$(BUILD)/tests/libsupport.a: $(TEST_SUPPORT_SRC:%.c=$(BUILD)/%.o)
	$(Q)rm -f $@; $(AR) rcs $@ $^

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(TEST_SUPPORT) $(LIB) $(filter %.o,$(CMOCKA))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(SANITIZE_FLAGS) -pie $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(filter-out %.o,$(CMOCKA)) $(LIBS)

# These are else in the CUDA engine's shared object only.
$(BUILD)/tests/test_conv_plans: $(BUILD)/kernels/cuda/conv_plans.o
$(BUILD)/tests/test_device_errors: $(BUILD)/kernels/cuda/device_errors.o

test-%: FORCE
	@$(DEPS) $(TEST_DEPS)
	$(again) built $(patsubst %.c,$(BUILD)/%,$(wildcard tests/test_$*.c)) $(if $(findstring cuda,$*),$(EMULATED))
	@BUILD='$(BUILD)' DAVIDNET_BIN='$(abspath $(BIN))' SANITIZE='$(SANITIZE)' CC='$(CC)' DNNL_PREFIX='$(DNNL_PREFIX)' \
		tests/run.sh --show $(BUILD) $(patsubst tests/test_%.c,$(BUILD)/tests/test_%,$(wildcard tests/test_$*.c)) \
		$(wildcard tests/check_$* tests/check_$*.*)

# Everything that wants a GPU; without one it says so for each operation. Plain folders only: no sanitizers. Where the
# packages of a whole build are missing, with a headless one. A GPU's host has compilers of its own: if their warnings
# stop it, they are none of its business.
GPU_CHECK_PARTS := built $(BUILD)/tests/test_cuda_family $(BUILD)/tests/test_cuda_averages
gpu-check:
	+@export GPU_CHECK_BEGAN=$${GPU_CHECK_BEGAN:-$$(date +%s)}; \
	if [ $(HEADLESS) = 0 ] && ! $(DEPS) --check build >/dev/null 2>&1; then \
		echo "packages of the whole build are missing: make HEADLESS=1 gpu-check"; \
		exec $(MAKE) --no-print-directory HEADLESS=1 gpu-check; \
	fi; \
	$(DEPS) --check $(TEST_DEPS) || { echo "For a host without packages: make take-along elsewhere, and bring build-along"; exit 1; }; \
	make='$(MAKE) --no-print-directory $(JOBS)'; \
	$$make $(GPU_CHECK_PARTS) || { [ -n '$(WERROR)' ] && echo "once more, without -Werror" && \
		$$make WERROR= $(GPU_CHECK_PARTS); } || exit; \
	BUILD='$(BUILD)' DAVIDNET_BIN='$(abspath $(BIN))' tests/gpu_check $(ARGS)

# ---- lint ----

# Formatting differs between versions of clang-format; 14 (Debian 12's) decides, another one only advises.
CLANG_FORMAT ?= $(firstword $(shell command -v clang-format-14) clang-format)
CLANG_TIDY ?= $(firstword $(shell command -v clang-tidy-14) clang-tidy)

# Not in a header means static, for variables too. Unused values come from the analyzer's macro in kernels/error.h.
TIDY_FLAGS := -Wmissing-variable-declarations -Wno-unused-value

lint:
	@$(DEPS) build lint
	@$(CLANG_FORMAT) --version | grep -q 'version 14' && strict=1 || strict=0; \
	if $(CLANG_FORMAT) --dry-run -Werror $(ALL_C); then echo "  format  clean"; \
	elif [ $$strict = 1 ]; then echo "formatting: run 'make format'"; exit 1; \
	else echo "formatting: not version 14 of clang-format, so only advice"; fi
	@tests/check_layers
	$(again) lint-tidy
	@echo "lint: clean"

lint-tidy: $(ALL_SRC:%.c=$(BUILD)/lint/%.tidy)

$(BUILD)/lint/%.tidy: %.c .clang-tidy $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,TIDY,$<)
	$(Q)$(CLANG_TIDY) --quiet --warnings-as-errors='*' $< -- $(BASE_FLAGS) $(TIDY_FLAGS) $(ISA_FLAGS) \
		$(PKG_CFLAGS) 2> $@.err > $@.out || { cat $@.out; grep -v 'warnings* generated' $@.err; false; }
	$(Q)$(CC) $(BASE_FLAGS) $(ISA_FLAGS) $(PKG_CFLAGS) -MM -MP -MT $@ -MF $@.d $< && touch $@

format:
	$(Q)$(CLANG_FORMAT) -i $(ALL_C)

# ---- the rest ----

# For a host that has neither inih and cJSON nor a registry: brings them, and cmocka, into build-along, to be copied there.
take-along:
	@tests/take_along.sh build-along

screenshots: built
	$(Q)$(if $(wildcard tests/screenshots.sh),DAVIDNET_BIN='$(abspath $(BIN))' tests/screenshots.sh screenshots $(ARGS),\
		echo "tests/screenshots.sh is missing" >&2; false)

ladder: built
	$(Q)DAVIDNET_BIN='$(abspath $(BIN))' tests/ladder.sh $(ARGS)

# The CUDA engine comes last: for every architecture it takes long, and stopped there, all else is in its place.
install:
	@$(DEPS) --check $(BUILD_DEPS)
	$(again) $(BIN)
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/doc/davidnet' \
		'$(DESTDIR)$(PREFIX)/share/man/man1' '$(DESTDIR)$(PREFIX)/share/bash-completion/completions'
	install -m 755 '$(BIN)' '$(DESTDIR)$(PREFIX)/bin/davidnet'
	install -m 644 LICENSE '$(DESTDIR)$(PREFIX)/share/doc/davidnet/copyright'
	'$(abspath $(BIN))' help --man > '$(DESTDIR)$(PREFIX)/share/man/man1/davidnet.1'
	'$(abspath $(BIN))' help --completion > '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/davidnet'
	$(if $(CUDA_PLUGIN),@printf '%s\n' $(INSTALL_NOTICE))
	$(if $(CUDA_PLUGIN),$(again) CUDA_ARCHS=$(INSTALL_ARCHS) $(INSTALL_PLUGIN))
	$(if $(CUDA_PLUGIN),install -D -m 755 '$(INSTALL_PLUGIN)' '$(DESTDIR)$(PREFIX)/lib/davidnet/davidnet_cuda.so')

clean:
	rm -rf build davidnet $(filter-out build/% build,$(BUILD))

.PHONY: all built deps run test tests run-tests gpu-check lint lint-tidy format screenshots ladder install clean headless take-along FORCE
.SECONDARY:
.DELETE_ON_ERROR:
-include $(LIB_OBJ:.o=.d) $(CUDA_SHARED:.o=.d) $(EMULATED_OBJ:.o=.d) $(CUDA_DEVICE:.o=.d) $(BUILD)/tui/main.d $(wildcard $(BUILD)/tests/*.d $(BUILD)/lint/*/*.d $(BUILD)/lint/*/*/*.d)
