# sekisho: build, check, install. Written by hand; new source files need no change here.
#
#	make			build/sekishod, build/sekisho-relay and build/sekisho (as root it installs missing compilers and libraries first)
#	make check		everything this machine can test; prints one line per test and how many passed
#	make check TESTS=unit	one group, or one test: TESTS=unit/check_base_netaddr
#	make demo		three zones in network namespaces
#	make bench		speed, as ratios measured side by side
#	make bench BENCH=mail	one part of it: forward, load, apply, mail, relay or holds
#	make fuzz T=settings SECONDS=60
#	make coverage		lines and branches of the pure floors that their unit tests and the fuzzers' corpora take
#	make check-clean-root	`make demo` and `make check` in a new Debian
#	make check-kernels	what depends on the kernel, on Debian's 6.1 and 6.12 under qemu
#	make install, uninstall	DESTDIR, prefix and sysconfdir as usual
#	make clean, distclean
#
# V=1 shows the commands. CFLAGS, LDFLAGS, CC as usual; WERROR= lets warnings of another compiler pass.
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL = /bin/sh
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDEXPANSION:

all: programs

# ---- the floors: a directory of src/ uses only what lies on a lower floor, and is linked with nothing else ----
FLOOR_0 = base
FLOOR_1 = config wire
FLOOR_2 = policy mail wiring
FLOOR_3 = ruleset
FLOOR_4 = kernel daemon events
FLOOR_5 = sekishod relay sekisho
PURE = policy mail wiring ruleset
# A program has the name of its directory, but for the relay.
PROGRAMS = sekishod sekisho-relay sekisho
DAEMONS = sekishod sekisho-relay
program_directory = $(patsubst sekisho-relay,relay,$(1))

existing = $(foreach d,$(1),$(if $(wildcard src/$(d)/*.c),$(d)))

BELOW_1 = $(FLOOR_0)
BELOW_2 = $(FLOOR_1) $(BELOW_1)
BELOW_3 = $(FLOOR_2) $(BELOW_2)
BELOW_4 = $(FLOOR_3) $(BELOW_3)
BELOW_5 = $(FLOOR_4) $(BELOW_4)
below = $(foreach n,1 2 3 4 5,$(if $(filter $(1),$(FLOOR_$(n))),$(BELOW_$(n))))
FLOORS = $(FLOOR_5) $(BELOW_5)

# What each floor may link besides the C library.
LIBS_base = $(LIBSECCOMP_LIBS) $(LIBCAP_NG_LIBS) $(NETTLE_LIBS)
LIBS_config = $(LIBCONFIG_LIBS)
LIBS_wire = $(JANSSON_LIBS)
LIBS_kernel = $(LIBNFTNL_LIBS) $(LIBNL_ROUTE_LIBS) $(LIBNL_LIBS) $(LIBMNL_LIBS)
LIBS_daemon = $(LIBEVENT_LIBS)
LIBS_events = $(SQLITE_LIBS)
LIBS_sekisho = $(LIBARCHIVE_LIBS)

# $(call archives,FLAVOUR,DIRECTORY): the directory's archive and those below it, the lowest last; so for libraries.
archives = $(patsubst %,$(1)/lib%.a,$(call existing,$(2) $(call below,$(2))))
libraries = $(foreach d,$(1) $(call below,$(1)),$(LIBS_$(d)))

# ---- what ./configure found; made by itself unless only cleaning is asked for ----
ifneq ($(filter-out clean distclean,$(or $(MAKECMDGOALS),all)),)
include config.mk
endif

configure: configure.ac tests/deps/packages
	tests/deps/install build
	autoconf
	rm -rf autom4te.cache

config.mk: configure src/config.mk.in src/config.h.in
	if test -x config.status; then ./config.status --recheck --quiet && ./config.status --quiet; else ./configure --quiet; fi
	@touch $@

src/config.h: config.mk ;

# ---- compiling: the same rules for each flavour ----
WERROR = -Werror
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wvla $(WERROR)
LANGUAGE = -std=gnu17 -D_GNU_SOURCE -Isrc $(LIBRARY_CFLAGS) $(CPPFLAGS)
HARDENING = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
# Lets tests/lint/pure_floors see what a single function reaches.
SECTIONS = -ffunction-sections
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINKING = -Wl,--as-needed -pie -Wl,-z,relro,-z,now $(LDFLAGS)

say = @printf '  %-5s %s\n' $(1) $(2);
quiet = $(if $(V),,@)

objects = $(patsubst %.c,$(1)/%.o,$(wildcard src/$(2)/*.c))

# $(call flavour,DIRECTORY,COMPILER,FLAGS): objects in DIRECTORY/src and DIRECTORY/tests, archives and programs in DIRECTORY.
define flavour
COMPILER_$(1) = $(2) $(3)

$(1)/%.o: %.c Makefile config.mk
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(quiet)$(2) $$(LANGUAGE) $$(if $$(filter tests/%,$$*),-Itests -Itests/unit $$(CHECK_CFLAGS)) $$(WARNINGS) $(3) -MMD -MP -c -o $$@ $$<

$$(patsubst %,$(1)/lib%.a,$$(call existing,$$(FLOORS))): $(1)/lib%.a: $$$$(call objects,$(1),$$$$*) Makefile
	$$(call say,AR,$$@)
	@rm -f $$@
	$$(quiet)$$(AR) rcs $$@ $$(filter %.o,$$^)

$$(addprefix $(1)/,$$(PROGRAMS)): $(1)/%: $$$$(call archives,$(1),$$$$(call program_directory,$$$$*))
	$$(call say,LINK,$$@)
	$$(quiet)$(2) $(3) $$(LINKING) -o $$@ $$^ $$(call libraries,$$(call program_directory,$$*))
endef

# build: what is installed. build/asan: what the tests run. build/clang: the second opinion, and what is fuzzed. build/coverage: for `make coverage` alone.
CLANG = clang
$(eval $(call flavour,build,$$(CC),$$(CFLAGS) $$(HARDENING) $$(SECTIONS)))
$(eval $(call flavour,build/asan,$$(CC),-g -O1 $$(SANITIZERS) -fPIE))
$(eval $(call flavour,build/coverage,$$(CC),-g -O0 --coverage -fPIE))
$(eval $(call flavour,build/clang,$$(CLANG),-g -O1 $$(SANITIZERS) -fsanitize=fuzzer-no-link -fPIE))
-include $(shell test -d build && find build \( -path build/kernels -o -path build/systemd-root -o -path build/next \) -prune -o -name '*.d' -type f -print)

flavour_of = $(patsubst %,$(1)/lib%.a,$(call existing,$(FLOORS))) $(addprefix $(1)/,$(PROGRAMS))
programs: $(call flavour_of,build)

include tests/tests.mk

# ---- demonstration and speed ----
demo:
	@tests/deps/install build demo
	@$(MAKE) programs
	tests/demo/demo.py

BENCH = forward load apply mail
bench:
	@tests/deps/install build check $(patsubst %,bench-%,$(filter forward mail relay,$(BENCH)))
	@$(MAKE) bench-programs
	$(if $(filter mail,$(BENCH)),-@$(MAKE) -k bench-peers)
	tests/bench/run $(BENCH)

# ---- installing ----
INSTALL = install
unitdir = $(prefix)/lib/systemd/system
USERS_FILE = $(DESTDIR)$(prefix)/lib/sysusers.d/sekisho.conf
PLACES_FILE = $(DESTDIR)$(prefix)/lib/tmpfiles.d/sekisho.conf
UNITS = $(wildcard systemd/*.service)
MANUALS = $(wildcard man/*.[1-8] man/*/*.[1-8])
CONFIG_FILE = $(DESTDIR)$(sysconfdir)/sekisho/sekisho.conf

# man/sekishod.8 and man/ja/sekishod.8 -> man8/sekishod.8 and ja/man8/sekishod.8
installed_manual = $(DESTDIR)$(mandir)/$(patsubst man/%,%,$(dir $(1)))man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1))
installed_program = $(DESTDIR)$(if $(filter $(1),$(DAEMONS)),$(sbindir),$(bindir))/$(1)
installed_unit = $(DESTDIR)$(unitdir)/$(notdir $(1))

# An existing configuration file is the administrator's and stays as it is.
install: programs
	$(foreach p,$(PROGRAMS),$(INSTALL) -D -m 755 build/$(p) $(call installed_program,$(p)) &&) true
	$(foreach m,$(MANUALS),$(INSTALL) -D -m 644 $(m) $(call installed_manual,$(m)) &&) true
	$(foreach u,$(UNITS),$(INSTALL) -D -m 644 $(u) $(call installed_unit,$(u)) && \
		sed -i 's|/usr/sbin/|$(sbindir)/|g; s|/usr/bin/|$(bindir)/|g; s|/etc/sekisho|$(sysconfdir)/sekisho|g' \
			$(call installed_unit,$(u)) &&) true
	$(INSTALL) -D -m 644 systemd/sekisho.sysusers $(USERS_FILE)
	if test -z "$(DESTDIR)" && command -v systemd-sysusers >/dev/null; then systemd-sysusers $(USERS_FILE); fi
	$(INSTALL) -D -m 644 systemd/sekisho.tmpfiles $(PLACES_FILE)
	if test -z "$(DESTDIR)" && command -v systemd-tmpfiles >/dev/null; then systemd-tmpfiles --create $(PLACES_FILE); fi
	if test -e conf/sekisho.conf && ! test -e $(CONFIG_FILE); then $(INSTALL) -D -m 640 conf/sekisho.conf $(CONFIG_FILE); fi

# Configuration and records stay: they are evidence.
uninstall:
	rm -f $(foreach p,$(PROGRAMS),$(call installed_program,$(p))) $(foreach m,$(MANUALS),$(call installed_manual,$(m))) \
		$(foreach u,$(UNITS),$(call installed_unit,$(u))) $(USERS_FILE) $(PLACES_FILE)

clean:
	rm -rf build

distclean: clean
	rm -rf configure configure~ config.mk config.log config.status src/config.h autom4te.cache

.PHONY: all programs demo bench install uninstall clean distclean
