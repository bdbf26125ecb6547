/* sandbox: a process gives up what it does not need, for good. */
#include "base/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_RELAXED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_RELAXED 1
#endif
#endif

#ifndef SANDBOX_RELAXED
#define SANDBOX_RELAXED 0
#endif

/* What glibc and any event loop need; nothing here opens a file, makes a socket or starts a program. */
static const struct sandbox_call common_calls[] = {
	{ .name = "brk" }, { .name = "mmap" }, { .name = "munmap" }, { .name = "mremap" }, { .name = "mprotect" }, { .name = "madvise" },
	{ .name = "read" }, { .name = "readv" }, { .name = "pread64" }, { .name = "write" }, { .name = "writev" }, { .name = "pwrite64" },
	{ .name = "lseek" }, { .name = "close" }, { .name = "fstat" }, { .name = "newfstatat" }, { .name = "fcntl" },
	{ .name = "sendto" }, { .name = "sendmsg" }, { .name = "recvfrom" }, { .name = "recvmsg" }, { .name = "recvmmsg" }, { .name = "shutdown" },
	{ .name = "getsockopt" }, { .name = "setsockopt" }, { .name = "getsockname" },
	{ .name = "poll" }, { .name = "ppoll" }, { .name = "epoll_wait" }, { .name = "epoll_pwait" }, { .name = "epoll_pwait2" }, { .name = "epoll_ctl" },
	{ .name = "timerfd_settime" }, { .name = "clock_gettime" }, { .name = "clock_nanosleep" }, { .name = "gettimeofday" }, { .name = "time" },
	{ .name = "nanosleep" }, { .name = "futex" }, { .name = "getrandom" }, { .name = "memfd_create" }, { .name = "ftruncate" },
	{ .name = "rt_sigaction" }, { .name = "rt_sigprocmask" }, { .name = "rt_sigreturn" }, { .name = "sigaltstack" }, { .name = "restart_syscall" },
	{ .name = "getpid" }, { .name = "gettid" }, { .name = "getppid" }, { .name = "geteuid" }, { .name = "getuid" }, { .name = "tgkill" },
	{ .name = "sysinfo" }, { .name = "uname" }, { .name = "prlimit64" }, { .name = "sched_yield" }, { .name = "rseq" }, { .name = "exit" }, { .name = "exit_group" },
	{ .name = NULL }
};

int sandbox_keep_capabilities(const int *capabilities, size_t count)
{
	uint64_t held = 0;

	if (capng_get_caps_process() != 0)
		return -EPERM;
	for (size_t i = 0; i < count; i++)
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned int)capabilities[i]))
			held |= UINT64_C(1) << i;
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < count; i++) {
		/* Asking for one we do not hold would make the kernel refuse the whole set. */
		if (!(held >> i & 1))
			continue;
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, (unsigned int)capabilities[i]) != 0)
			return -EINVAL;
	}
	/*
	 * Without CAP_SETPCAP the bounding set stays as it is; there is then nothing in it that could be
	 * gained.
	 */
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0 && errno != EPERM)
		return -EPERM;
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -EPERM;
}

int sandbox_renounce(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	/* A sanitizer looks for leaks by ptrace. */
	if (!SANDBOX_RELAXED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	return 0;
}

static int call_allow(scmp_filter_ctx filter, const struct sandbox_call *call)
{
	int number = seccomp_syscall_resolve_name(call->name);

	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	if (call->first_argument_only)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)call->first_argument, 0));
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

static int calls_allow(scmp_filter_ctx filter, const struct sandbox_call *calls)
{
	int error = 0;

	for (; calls->name && !error; calls++)
		error = call_allow(filter, calls);
	return error;
}

bool sandbox_filters(void)
{
	return !SANDBOX_RELAXED;
}

int sandbox_filter_calls(const struct sandbox_call *calls)
{
	scmp_filter_ctx filter;
	int error;

	if (!sandbox_filters())
		return 0;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return -ENOMEM;
	error = calls_allow(filter, common_calls);
	if (!error)
		error = calls_allow(filter, calls);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
