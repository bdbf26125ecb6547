# Tests: what is built for them and how they are run. Included by the Makefile; tests/run does the running and counting.
#
#	tests/unit/check_<directory>_<module>.c	linked with that directory of src/ and what lies below it
#	tests/kernel/check_*.c			linked with everything up to src/kernel; needs root
#	tests/fuzz/fuzz_<name>.c		libFuzzer, with the corpus tests/fuzz/corpus/<name>
#	tests/mail/*.py				whole messages, beside other programs; *.c: programs for them, linked with src/mail
#	tests/netns/*.sh, *.py			scripts, in the order of their names; need root; *.c: programs that some of them run
#	tests/netns/preload/*.c			libraries that they load in front of the C library of a program under test
#	tests/kernels/*.c			what `make check-kernels` asks of this machine
#	tests/bench/*.c				programs of `make bench` and valgrind.sh, linked with everything up to src/kernel
#	tests/bench/netlink/*.c			what the load bench is measured by
#	tests/bench/mail/*.c			the mail bench: ours; peers/*.c, what it is compared with, is built by `make bench` alone
#	tests/lint/*				what must not be in the source
# Other .c files in tests/unit (tests/kernel) are helpers: linked to each test from src/ruleset upward (of the kernel).

test_programs = $(patsubst %.c,build/asan/%,$(wildcard tests/$(1)/check_*.c))
helpers = $(patsubst %.c,build/asan/%.o,$(filter-out tests/$(1)/check_%,$(wildcard tests/$(1)/*.c)))
tested_directory = $(word 2,$(subst _, ,$(notdir $(1))))

UNIT_TESTS = $(call test_programs,unit)
KERNEL_TESTS = $(call test_programs,kernel)
FUZZERS = $(patsubst %.c,build/clang/%,$(wildcard tests/fuzz/fuzz_*.c))
NETNS_PROGRAMS = $(patsubst %.c,build/%,$(wildcard tests/netns/*.c))
KERNELS_PROGRAMS = $(patsubst %.c,build/%,$(wildcard tests/kernels/*.c))
NETNS_LIBRARIES = $(patsubst %.c,build/%.so,$(wildcard tests/netns/preload/*.c))
MAIL_PROGRAMS = $(patsubst %.c,build/%,$(wildcard tests/mail/*.c))
BENCH_PROGRAMS = $(patsubst %.c,build/%,$(wildcard tests/bench/*.c))
MAIL_BENCH = build/tests/bench/mail/ours
MAIL_PEERS = $(patsubst %.c,build/%,$(wildcard tests/bench/mail/peers/*.c))

# $(call test_program,PROGRAM,DIRECTORY OF src/,HELPERS)
define test_program
$(1): $(1).o $(3) $(call archives,build/asan,$(2))
	$$(call say,LINK,$$@)
	$$(quiet)$$(COMPILER_build/asan) $$(LINKING) -o $$@ $$^ $(call libraries,$(2)) $$(CHECK_LIBS)
endef

upper_helpers = $(if $(filter $(1),$(FLOOR_3) $(FLOOR_4) $(FLOOR_5)),$(call helpers,unit))
unit_test = $(call test_program,$(1),$(2),$(call upper_helpers,$(2)))
kernel_test = $(call test_program,$(1),kernel,$(call helpers,unit) $(call helpers,kernel))

$(foreach t,$(UNIT_TESTS),$(if $(filter $(call tested_directory,$(t)),$(FLOORS)),,$(error $(t): no directory src/$(call tested_directory,$(t)))))
$(foreach t,$(UNIT_TESTS),$(eval $(call unit_test,$(t),$(call tested_directory,$(t)))))
$(foreach t,$(KERNEL_TESTS),$(eval $(call kernel_test,$(t))))

# Each is linked with one of the programs: that of sekishod, or the command, which includes its headers; else the relay.
SEKISHOD_FUZZERS = $(patsubst %.c,build/clang/%,$(shell grep -l '"sekishod/' tests/fuzz/fuzz_*.c))
COMMAND_FUZZERS = $(patsubst %.c,build/clang/%,$(shell grep -l '"sekisho/' tests/fuzz/fuzz_*.c))

# $(call fuzzers,PROGRAMS,DIRECTORY OF src/)
define fuzzers
$(1): build/clang/tests/fuzz/%: build/clang/tests/fuzz/%.o $(call archives,build/clang,$(2))
	$$(call say,LINK,$$@)
	$$(quiet)$$(COMPILER_build/clang) -fsanitize=fuzzer $$(LINKING) -o $$@ $$^ $(call libraries,$(2))
endef

$(eval $(call fuzzers,$(SEKISHOD_FUZZERS),sekishod))
$(eval $(call fuzzers,$(COMMAND_FUZZERS),sekisho))
$(eval $(call fuzzers,$(filter-out $(SEKISHOD_FUZZERS) $(COMMAND_FUZZERS),$(FUZZERS)),relay))

$(MAIL_PROGRAMS): build/%: build/%.o $(call archives,build,mail)
	$(call say,LINK,$@)
	$(quiet)$(COMPILER_build) $(LINKING) -o $@ $^ $(call libraries,mail)

$(NETNS_PROGRAMS) $(KERNELS_PROGRAMS): build/%: build/%.o
	$(call say,LINK,$@)
	$(quiet)$(COMPILER_build) $(LINKING) -o $@ $^

# The next version, for a test of taking over the rules of another one.
NEXT_VERSION = build/next/build/sekishod
$(NEXT_VERSION): build/sekishod tests/netns/next_version
	$(call say,NEXT,$@)
	$(quiet)tests/netns/next_version >build/next.log 2>&1 || { tail -n 20 build/next.log; exit 1; }

$(NETNS_LIBRARIES): build/%.so: %.c Makefile config.mk
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(COMPILER_build) $(LANGUAGE) -U_FORTIFY_SOURCE $(WARNINGS) -fPIC -shared -o $@ $< -ldl

$(BENCH_PROGRAMS): build/%: build/%.o $(call archives,build,kernel)
	$(call say,LINK,$@)
	$(quiet)$(COMPILER_build) $(LINKING) -o $@ $^ $(call libraries,kernel)

build/tests/bench/load: build/tests/bench/netlink/objects.o

$(MAIL_BENCH): build/%: build/%.o build/tests/bench/mail/inputs.o $(call archives,build,mail)
	$(call say,LINK,$@)
	$(quiet)$(COMPILER_build) $(LINKING) -o $@ $^ $(call libraries,mail)

# Libraries that nothing but this bench links. Dovecot's comes out of its package, which is not installed: it would start a mail server.
DOVECOT = build/tests/bench/mail/dovecot-package
PEER_gmime = $$(pkg-config --cflags --libs gmime-3.0 | sed 's/-I/-isystem /g')
PEER_libxml2 = $$(pkg-config --cflags --libs libxml-2.0 | sed 's/-I/-isystem /g')
PEER_dovecot = -DHAVE_CONFIG_H -isystem $(DOVECOT)/usr/include/dovecot -L$(DOVECOT)/usr/lib/dovecot -ldovecot \
	-Wl,-rpath,$(CURDIR)/$(DOVECOT)/usr/lib/dovecot
build/tests/bench/mail/peers/dovecot: | $(DOVECOT)

$(DOVECOT):
	@mkdir -p $@.deb $@.new
	cd $@.deb && apt-get download -qq dovecot-core dovecot-dev
	for package in $@.deb/*.deb; do dpkg -x $$package $@.deb/root || exit 1; done
	mv $@.deb/root/usr $@.new
	rm -rf $@.deb
	mv $@.new $@

$(MAIL_PEERS): build/%: tests/bench/mail/inputs.h %.c build/tests/bench/mail/inputs.o $(call archives,build,mail)
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(quiet)$(COMPILER_build) $(LANGUAGE) -Itests $(WARNINGS) $(LINKING) -o $@ $(filter-out %.h,$^) $(PEER_$(@F)) $(call libraries,mail)

bench-programs: programs $(NETNS_PROGRAMS) $(NETNS_LIBRARIES) $(BENCH_PROGRAMS) $(MAIL_BENCH)
bench-peers: $(MAIL_PEERS)

test-programs: $(call flavour_of,build) $(call flavour_of,build/asan) $(call flavour_of,build/clang) $(UNIT_TESTS) $(KERNEL_TESTS) $(FUZZERS) \
	$(MAIL_PROGRAMS) $(NETNS_PROGRAMS) $(NETNS_LIBRARIES) $(BENCH_PROGRAMS) $(MAIL_BENCH) $(NEXT_VERSION)

# The floors and compilers as the lint steps need them: one word per floor, lowest first.
export SEKISHO_FLOORS = $(foreach n,0 1 2 3 4 5,$(subst $() ,$(comma),$(strip $(FLOOR_$(n)))))
export SEKISHO_PURE = $(PURE)
comma = ,
# The same for a shell: tests/run asks when it was not started by make.
lint-settings:
	@echo "export SEKISHO_FLOORS='$(SEKISHO_FLOORS)' SEKISHO_PURE='$(SEKISHO_PURE)'"

JOBS = $(shell nproc)
check:
	@tests/deps/install build check
	@$(MAKE) -j$(JOBS) test-programs
	@tests/run $(TESTS)

# make fuzz T=settings SECONDS=60: new inputs stay in build/fuzz/<name>; a crash leaves its input there and fails.
SECONDS = 60
fuzz: build/clang/tests/fuzz/fuzz_$(T)
	mkdir -p build/fuzz/$(T)
	build/clang/tests/fuzz/fuzz_$(T) -max_total_time=$(SECONDS) -timeout=10 -artifact_prefix=build/fuzz/$(T)/ \
		build/fuzz/$(T) $(wildcard tests/fuzz/corpus/$(T))

# make coverage: the unit tests of the pure floors, and the corpora of the fuzz targets without libFuzzer.
covered = $(patsubst tests/%.c,build/coverage/tests/%,$(wildcard tests/$(1)))
COVERED_TESTS = $(foreach d,$(PURE),$(call covered,unit/check_$(d)_*.c))
COVERED_FUZZERS = $(call covered,fuzz/fuzz_*.c)

# $(call covered_program,PROGRAM,DIRECTORY OF src/,HELPERS)
define covered_program
$(1): $(1).o $(patsubst build/asan/%,build/coverage/%,$(3)) $(call archives,build/coverage,$(2))
	$$(call say,LINK,$$@)
	$$(quiet)$$(COMPILER_build/coverage) $$(LINKING) -o $$@ $$^ $(call libraries,$(2)) $$(CHECK_LIBS)
endef

$(foreach t,$(COVERED_TESTS),$(eval $(call covered_program,$(t),$(call tested_directory,$(t)),$(call upper_helpers,$(call tested_directory,$(t))))))
$(foreach t,$(COVERED_FUZZERS),$(eval $(call covered_program,$(t),\
	$(if $(filter %/$(notdir $(t)),$(SEKISHOD_FUZZERS)),sekishod,relay),build/coverage/tests/fuzz/driver.o)))

coverage: $(COVERED_TESTS) $(COVERED_FUZZERS)
	@tests/coverage/run "$(COVERED_TESTS)" "$(COVERED_FUZZERS)" "$(wildcard $(patsubst %,src/%/*.c,$(PURE)))"

# make reload-traffic RELOADS=1000: the long form of tests/netns/reload_traffic.py
RELOADS = 1000
reload-traffic: bench-programs
	@SEKISHO_RELOADS=$(RELOADS) tests/run netns/reload_traffic.py
	@grep ' reloads in ' build/log/netns-reload_traffic.py.log

# make soak MAILS=100000 SEED=7: the long form of tests/netns/relay_soak.py
MAILS = 10000
SEED = 1
SOAK_SECONDS = 7200
soak: programs $(NETNS_PROGRAMS)
	@tests/deps/install check
	@SEKISHO_MAILS=$(MAILS) SEKISHO_SEED=$(SEED) SEKISHO_TIME_LIMIT=$(SOAK_SECONDS) tests/run netns/relay_soak.py
	@grep ' sent, \|^ok\|duplicates' build/log/netns-relay_soak.py.log

# make leak EVENTS=20000 PROBES=100000000 SEED=7: the long form of tests/netns/leak.py
EVENTS = 20000
PROBES = 100000000
LEAK_SECONDS = 28800
leak: bench-programs
	@SEKISHO_EVENTS=$(EVENTS) SEKISHO_PROBES=$(PROBES) SEKISHO_SEED=$(SEED) SEKISHO_TIME_LIMIT=$(LEAK_SECONDS) nice tests/run netns/leak.py
	@tail -n 2 build/log/netns-leak.py.log

# Debian's own kernels under qemu. KERNELS=bookworm: one of them; SEKISHO_KERNEL_TESTS="netns/vlan_trunk.py": other tests.
KERNELS = bookworm bookworm-backports
check-kernels: test-programs $(KERNELS_PROGRAMS)
	@tests/deps/install check clean-root kernels
	tests/kernels/check $(KERNELS)

check-clean-root:
	@tests/deps/install clean-root
	tests/install/clean_root.sh

.PHONY: test-programs bench-programs bench-peers reload-traffic soak leak lint-settings check fuzz coverage check-clean-root check-kernels
