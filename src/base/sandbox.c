/* sandbox: a process gives up what it does not need, for good. */
#include "base/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

static bool capability_is_kept(int capability, const int *capabilities, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (capabilities[i] == capability)
			return true;
	return false;
}

/*
 * Leaves in the bounding set only what is kept: no exec gains anything else. Without CAP_SETPCAP it stays as it is, and there is nothing in it that
 * could be gained.
 */
static int bounding_set_drop(const int *capabilities, size_t count)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
		if (capability_is_kept(capability, capabilities, count) || prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
			continue;
		if (errno != EPERM)
			return -errno;
	}
	return 0;
}

/* Keeps what is to be kept, of what this process holds: asking for one it does not hold would make the kernel refuse the whole set. */
static int capability_sets_keep(const int *capabilities, size_t count)
{
	uint64_t held = 0;

	if (capng_get_caps_process() != 0)
		return -EPERM;
	for (size_t i = 0; i < count; i++)
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned int)capabilities[i]))
			held |= UINT64_C(1) << i;
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < count; i++)
		if ((held >> i & 1) && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned int)capabilities[i]) != 0)
			return -EINVAL;
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -EPERM;
}

int sandbox_keep_capabilities(const int *capabilities, size_t count)
{
	int error = bounding_set_drop(capabilities, count);

	return error ? error : capability_sets_keep(capabilities, count);
}

int sandbox_drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) == 0 ? 0 : -errno;
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
	if (call->first_argument_bit)
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
					SCMP_A0(SCMP_CMP_MASKED_EQ, call->first_argument_bit, call->first_argument_bit));
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
	error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!error)
		error = calls_allow(filter, common_calls);
	if (!error)
		error = calls_allow(filter, calls);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

/* The kernel's form of a filter. */
struct sandbox_program {
	struct sock_fprog code;
};

/* libseccomp writes a filter to a descriptor only. */
static int program_export(scmp_filter_ctx filter, struct sandbox_program *program)
{
	int descriptor = memfd_create("filter", MFD_CLOEXEC), error;
	struct stat status;

	if (descriptor < 0)
		return -errno;
	error = seccomp_export_bpf(filter, descriptor);
	if (!error && fstat(descriptor, &status) != 0)
		error = -errno;
	if (!error) {
		program->code.filter = malloc((size_t)status.st_size);
		program->code.len = (unsigned short)((size_t)status.st_size / sizeof(*program->code.filter));
		if (!program->code.filter || pread(descriptor, program->code.filter, (size_t)status.st_size, 0) != status.st_size)
			error = -EIO;
	}
	close(descriptor);
	return error;
}

int sandbox_program_make(const struct sandbox_call *calls, struct sandbox_program **ret_program)
{
	struct sandbox_program *program = calloc(1, sizeof(*program));
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = program && filter ? calls_allow(filter, calls) : -ENOMEM;

	if (!error)
		error = program_export(filter, program);
	seccomp_release(filter);
	if (error) {
		sandbox_program_free(program);
		return error;
	}
	*ret_program = program;
	return 0;
}

int sandbox_program_load(const struct sandbox_program *program)
{
	if (!sandbox_filters())
		return 0;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program->code) == 0 ? 0 : -errno;
}

void sandbox_program_free(struct sandbox_program *program)
{
	if (program)
		free(program->code.filter);
	free(program);
}

enum { PASSWD_LINE_BYTES_MAX = 4096 };

int sandbox_user(const char *name, uint32_t *ret_uid, uint32_t *ret_gid)
{
	FILE *passwd = fopen("/etc/passwd", "re");
	char line[PASSWD_LINE_BYTES_MAX];
	struct passwd entry, *found;
	int error = -ENOENT;

	while (passwd && error && fgetpwent_r(passwd, &entry, line, sizeof(line), &found) == 0) {
		if (strcmp(entry.pw_name, name) != 0)
			continue;
		*ret_uid = entry.pw_uid;
		*ret_gid = entry.pw_gid;
		error = 0;
	}
	if (passwd)
		fclose(passwd);
	return error;
}

/* The number of a line "name:password:number:members" when it is of this name. */
static bool group_line_read(const char *line, const char *name, uint32_t *ret_gid)
{
	size_t length = strlen(name);
	const char *number;
	char *end;
	unsigned long gid;

	if (strncmp(line, name, length) != 0 || line[length] != ':')
		return false;
	number = strchr(line + length + 1, ':');
	if (!number)
		return false;
	gid = strtoul(number + 1, &end, 10);
	if (end == number + 1 || *end != ':' || gid >= UINT32_MAX)
		return false;
	*ret_gid = (uint32_t)gid;
	return true;
}

int sandbox_group(const char *name, uint32_t *ret_gid)
{
	FILE *groups = fopen("/etc/group", "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (groups && !found && getline(&line, &room, groups) > 0)
		found = group_line_read(line, name, ret_gid);
	free(line);
	if (groups)
		fclose(groups);
	return found ? 0 : -ENOENT;
}

int sandbox_become(uint32_t uid, uint32_t gid, const int *capabilities, size_t count)
{
	/* While we may: the change of user takes CAP_SETPCAP out of the effective set. */
	int error = bounding_set_drop(capabilities, count);

	if (error)
		return error;
	/* Without this the change of user takes all capabilities away, also those that are to be kept. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return -errno;
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return -errno;
	return capability_sets_keep(capabilities, count);
}

/* Everything that Landlock's first version knows; what a file may be opened for. */
static const uint64_t landlock_rights = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

static int landlock_allow(int ruleset, const char *directory)
{
	struct landlock_path_beneath_attr below = { .allowed_access = landlock_rights };
	int error;

	below.parent_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (below.parent_fd < 0)
		return -errno;
	error = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) == 0 ? 0 : -errno;
	close(below.parent_fd);
	return error;
}

int sandbox_restrict_files(const char *directory)
{
	const struct landlock_ruleset_attr handled = { .handled_access_fs = landlock_rights };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0), error;

	/* A container may bar what its kernel has. */
	if (ruleset < 0)
		return errno == EPERM ? -EOPNOTSUPP : -errno;
	error = directory ? landlock_allow(ruleset, directory) : 0;
	if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		error = -errno;
	close(ruleset);
	return error;
}

int sandbox_limit(int resource, uint64_t value)
{
	const struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

	return setrlimit((__rlimit_resource_t)resource, &limit) == 0 ? 0 : -errno;
}
