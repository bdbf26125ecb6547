/*
 * inside_role: system calls in the name of another process, or made to fail in it; for tests that ask what a role may do, and what
 * becomes of it when the disk fails. The role knows nothing of it: its filter of system calls judges ours like its own.
 *
 *	inside_role call PID CALL ARG... [-- CALL ARG...]...
 *	inside_role fail PID ERRNO COUNT CALL[,CALL...]
 *	inside_role kill-children PID COUNT
 *	inside_role hold-child PID
 *
 * call: makes the calls one after another, and prints a line for each: "name = result", "name = -ERRNAME", or "name killed SIGNAL", with
 * which it ends. The role goes on as if nothing had been. An ARG is a number; "s:TEXT", a text; "a:ADDRESS:PORT", a struct
 * sockaddr_in; "m:NUMBER", so many bytes of memory; or "r", the result of the first call.
 *
 * fail: the next COUNT of these calls of the process fail with ERRNO (a name). Prints "attached" when it is ready and a line for each,
 * and ends after them, or when the process does.
 *
 * kill-children: the next COUNT processes that this process makes are killed before they do anything. Prints the same.
 *
 * hold-child: the next process that this process makes does nothing until inside_role is ended. Prints "attached", then "holds one".
 */
#include <arpa/inet.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	RED_ZONE_BYTES = 128,	/* below the stack pointer, in use by the function that was interrupted */
	SCRATCH_BYTES = 4096,	/* of the stack below it, for texts and addresses */
	ARGUMENTS_MAX = 6,
	INSTRUCTION_BYTES = 2,	/* "syscall" */
};

static const struct { const char *name; long number; } calls[] = {
	{ "accept4", SYS_accept4 }, { "bind", SYS_bind }, { "clone", SYS_clone }, { "close", SYS_close }, { "connect", SYS_connect },
	{ "execve", SYS_execve }, { "fdatasync", SYS_fdatasync }, { "fork", SYS_fork }, { "fsync", SYS_fsync }, { "getpid", SYS_getpid },
	{ "kill", SYS_kill }, { "linkat", SYS_linkat }, { "mmap", SYS_mmap }, { "open", SYS_open }, { "openat", SYS_openat },
	{ "ptrace", SYS_ptrace }, { "rename", SYS_rename }, { "renameat", SYS_renameat }, { "renameat2", SYS_renameat2 },
	{ "sendto", SYS_sendto }, { "setuid", SYS_setuid }, { "socket", SYS_socket }, { "unlinkat", SYS_unlinkat }, { "write", SYS_write },
	{ "writev", SYS_writev }, { "pwrite64", SYS_pwrite64 }, { "chmod", SYS_chmod }, { "unlink", SYS_unlink },
	{ "process_vm_readv", SYS_process_vm_readv }, { "mprotect", SYS_mprotect }, { "read", SYS_read }, { "ftruncate", SYS_ftruncate },
	{ "dup2", SYS_dup2 }, { "sendmsg", SYS_sendmsg }, { "setsockopt", SYS_setsockopt }, { "fallocate", SYS_fallocate }, { "sendfile", SYS_sendfile }, { "copy_file_range", SYS_copy_file_range }, { "splice", SYS_splice },
};

static const struct { const char *name; int number; } errors[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT } };

/* The process we are in. */
struct target {
	pid_t pid;
	struct user_regs_struct saved;
	uint64_t instruction;	/* where it has a "syscall" */
	uint64_t scratch, scratch_end; /* memory of it that we may write */
};

static void give_up(const char *what)
{
	perror(what);
	exit(2);
}

static long call_number(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	fprintf(stderr, "inside_role: no system call %s in the table\n", name);
	exit(2);
}

static int error_number(const char *name)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	fprintf(stderr, "inside_role: no error %s in the table\n", name);
	exit(2);
}

/* Waits for the target to stop. False: it has ended, and *ret_status says how. */
static bool target_stops(pid_t pid, int *ret_status)
{
	if (waitpid(pid, ret_status, __WALL) != pid)
		give_up("waitpid");
	return WIFSTOPPED(*ret_status);
}

static void registers_read(pid_t pid, struct user_regs_struct *ret_registers)
{
	struct iovec vector = { .iov_base = ret_registers, .iov_len = sizeof(*ret_registers) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector) != 0)
		give_up("PTRACE_GETREGSET");
}

static void registers_write(pid_t pid, struct user_regs_struct *registers)
{
	struct iovec vector = { .iov_base = registers, .iov_len = sizeof(*registers) };

	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vector) != 0)
		give_up("PTRACE_SETREGSET");
}

static void attach(pid_t pid, long options)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, options) != 0)
		give_up("PTRACE_SEIZE");
	if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) != 0)
		give_up("PTRACE_INTERRUPT");
	if (!target_stops(pid, &status))
		give_up("the process ended");
}

/* Memory of the target, which its protection does not keep from us. */
static int memory_open(pid_t pid)
{
	char path[64];
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDWR | O_CLOEXEC);
	if (memory < 0)
		give_up(path);
	return memory;
}

/* A "syscall" instruction between two addresses; 0: none. */
static uint64_t instruction_between(int memory, uint64_t begin, uint64_t end)
{
	static uint8_t page[4096];

	for (uint64_t at = begin; at < end; at += sizeof(page)) {
		if (pread(memory, page, sizeof(page), (off_t)at) != (ssize_t)sizeof(page))
			return 0;
		for (size_t i = 0; i + INSTRUCTION_BYTES <= sizeof(page); i++)
			if (page[i] == 0x0f && page[i + 1] == 0x05)
				return at + i;
	}
	return 0;
}

static uint64_t instruction_find(pid_t pid)
{
	char path[64], line[512], permissions[5];
	uint64_t begin, end, found = 0;
	int memory = memory_open(pid);
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		give_up(path);
	while (found == 0 && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %4s", &begin, &end, permissions) == 3 && permissions[2] == 'x' && !strstr(line, "[vsyscall]"))
			found = instruction_between(memory, begin, end);
	fclose(maps);
	close(memory);
	if (found == 0)
		give_up("no system call in it");
	return found;
}

static void target_begin(struct target *target, pid_t pid)
{
	*target = (struct target){ .pid = pid };
	attach(pid, 0);
	registers_read(pid, &target->saved);
	target->instruction = instruction_find(pid);
	target->scratch_end = target->saved.rsp - RED_ZONE_BYTES;
	target->scratch = (target->scratch_end - SCRATCH_BYTES) & ~(uint64_t)15;
}

static void target_end(struct target *target)
{
	registers_write(target->pid, &target->saved);
	if (ptrace(PTRACE_DETACH, target->pid, 0, 0) != 0)
		give_up("PTRACE_DETACH");
}

/* Room in the target's memory, filled with bytes (zeros if NULL); returns its address there. */
static uint64_t target_store(struct target *target, const void *bytes, size_t length)
{
	static const char zeros[SCRATCH_BYTES];
	uint64_t address = target->scratch;
	int memory = memory_open(target->pid);

	if (length > target->scratch_end - address)
		give_up("no room");
	if (pwrite(memory, bytes ? bytes : zeros, length, (off_t)address) != (ssize_t)length)
		give_up("writing into the process");
	close(memory);
	target->scratch = (address + length + 15) & ~(uint64_t)15;
	return address;
}

static uint64_t target_store_address(struct target *target, const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	const char *colon = strchr(text, ':');
	char host[INET_ADDRSTRLEN];

	if (!colon)
		give_up(text);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	address.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		give_up(text);
	return target_store(target, &address, sizeof(address));
}

static uint64_t argument_value(struct target *target, const char *text, uint64_t first_result)
{
	if (strncmp(text, "s:", 2) == 0)
		return target_store(target, text + 2, strlen(text + 2) + 1);
	if (strncmp(text, "a:", 2) == 0)
		return target_store_address(target, text + 2);
	if (strncmp(text, "m:", 2) == 0)
		return target_store(target, NULL, (size_t)atoi(text + 2));
	if (strcmp(text, "r") == 0)
		return first_result;
	return (uint64_t)strtoll(text, NULL, 0);
}

/* Makes one call in the target. False: it did not survive, and *ret_status says why. */
static bool target_call(struct target *target, long number, const uint64_t arguments[static ARGUMENTS_MAX], int64_t *ret_result, int *ret_status)
{
	struct user_regs_struct registers = target->saved;

	registers.rip = target->instruction;
	registers.rax = (unsigned long long)number;
	registers.orig_rax = (unsigned long long)-1; /* the call that was interrupted is not to be made again yet */
	registers.rsp = target->saved.rsp - RED_ZONE_BYTES - SCRATCH_BYTES;
	registers.rdi = arguments[0];
	registers.rsi = arguments[1];
	registers.rdx = arguments[2];
	registers.r10 = arguments[3];
	registers.r8 = arguments[4];
	registers.r9 = arguments[5];
	registers_write(target->pid, &registers);
	/* It may stop for something else before it has made the step. */
	do {
		if (ptrace(PTRACE_SINGLESTEP, target->pid, 0, 0) != 0)
			give_up("PTRACE_SINGLESTEP");
		if (!target_stops(target->pid, ret_status))
			return false;
		registers_read(target->pid, &registers);
	} while (registers.rip == target->instruction);
	*ret_result = (int64_t)registers.rax;
	return true;
}

static void print_result(const char *name, int64_t result)
{
	if (result < 0 && result > -4096)
		printf("%s = -%s\n", name, strerrorname_np((int)-result));
	else
		printf("%s = %ld\n", name, result);
}

/* One call as the command line has it, up to "--" or its end; returns how many words it is. 0: the target has ended. */
static int call_once(struct target *target, char **words, int64_t *result, bool first)
{
	uint64_t arguments[ARGUMENTS_MAX] = { 0 };
	int64_t got = 0;
	int count = 1, status = 0;

	for (; words[count] && strcmp(words[count], "--") != 0; count++)
		if (count <= ARGUMENTS_MAX)
			arguments[count - 1] = argument_value(target, words[count], (uint64_t)*result);
	if (!target_call(target, call_number(words[0]), arguments, &got, &status)) {
		printf("%s killed %s\n", words[0], WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : "exit");
		return 0;
	}
	print_result(words[0], got);
	if (first)
		*result = got;
	return count;
}

static int run_call(pid_t pid, char **words)
{
	struct target target;
	int64_t result = 0;
	bool first = true;
	int used;

	target_begin(&target, pid);
	while (*words) {
		used = call_once(&target, words, &result, first);
		if (used == 0)
			return 0;
		words += used;
		words += *words != NULL;
		first = false;
	}
	target_end(&target);
	return 0;
}

/* Is a number one of the names in a list with commas? */
static bool call_is_listed(long number, const char *list)
{
	char copy[256], *rest = NULL;

	snprintf(copy, sizeof(copy), "%s", list);
	for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
		if (call_number(name) == number)
			return true;
	return false;
}

/* Lets the target go on to its next stop. False: it has ended. A signal that stopped it is delivered. */
static bool target_continue(pid_t pid, int *status)
{
	int signal = WIFSTOPPED(*status) && *status >> 16 == 0 && WSTOPSIG(*status) != (SIGTRAP | 0x80) ? WSTOPSIG(*status) : 0;

	if (ptrace(PTRACE_SYSCALL, pid, 0, signal) != 0)
		return false;
	return target_stops(pid, status);
}

/* At the entry of a call: nothing it is given can be used, so the kernel does nothing; what it says is replaced at the exit. */
static bool call_spoil(pid_t pid, int error, int *status)
{
	struct user_regs_struct registers;

	registers_read(pid, &registers);
	registers.rdi = registers.rsi = registers.r10 = (unsigned long long)-1;
	registers_write(pid, &registers);
	if (!target_continue(pid, status))
		return false;
	registers_read(pid, &registers);
	registers.rax = (unsigned long long)-error;
	registers_write(pid, &registers);
	return true;
}

static int run_fail(pid_t pid, int error, int count, const char *list)
{
	struct __ptrace_syscall_info information;
	int status = 0;

	attach(pid, PTRACE_O_TRACESYSGOOD);
	puts("attached");
	fflush(stdout);
	while (count > 0 && target_continue(pid, &status)) {
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(information), &information) < 0)
			break;
		if (information.op != PTRACE_SYSCALL_INFO_ENTRY || !call_is_listed((long)information.entry.nr, list))
			continue;
		if (!call_spoil(pid, error, &status))
			break;
		puts("failed one");
		fflush(stdout);
		count--;
	}
	(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}

/* A child that has just been made is attached as well, and has not run yet. */
static void child_kill(pid_t pid)
{
	unsigned long child = 0;
	int status;

	if (ptrace(PTRACE_GETEVENTMSG, pid, 0, &child) != 0 || kill((pid_t)child, SIGKILL) != 0)
		give_up("killing a child");
	while (target_stops((pid_t)child, &status))
		(void)ptrace(PTRACE_CONT, (pid_t)child, 0, 0);
}

static bool status_is_fork(int status)
{
	int event = status >> 16;

	return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
}

/* Lets the process go on until it has made a child, which has not run yet. False: it has ended. */
static bool target_forks(pid_t pid)
{
	int status = 0, signal = 0;

	while (ptrace(PTRACE_CONT, pid, 0, signal) == 0 && target_stops(pid, &status)) {
		if (status_is_fork(status))
			return true;
		signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;
	}
	return false;
}

static void attach_to_forks(pid_t pid)
{
	attach(pid, PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE);
	puts("attached");
	fflush(stdout);
}

static int run_kill_children(pid_t pid, int count)
{
	attach_to_forks(pid);
	while (count > 0 && target_forks(pid)) {
		child_kill(pid);
		puts("killed one");
		fflush(stdout);
		count--;
	}
	(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	return 0;
}

static int run_hold_child(pid_t pid)
{
	attach_to_forks(pid);
	if (!target_forks(pid))
		return 1;
	/* Before it is said: a process that is killed while we trace it is ours to wait for, and its parent does not hear of it. */
	(void)ptrace(PTRACE_DETACH, pid, 0, 0);
	puts("holds one");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "call") == 0)
		return run_call(atoi(argv[2]), argv + 3);
	if (argc == 6 && strcmp(argv[1], "fail") == 0)
		return run_fail(atoi(argv[2]), error_number(argv[3]), atoi(argv[4]), argv[5]);
	if (argc == 4 && strcmp(argv[1], "kill-children") == 0)
		return run_kill_children(atoi(argv[2]), atoi(argv[3]));
	if (argc == 3 && strcmp(argv[1], "hold-child") == 0)
		return run_hold_child(atoi(argv[2]));
	fprintf(stderr, "usage: inside_role call PID CALL ARG... | fail PID ERRNO COUNT CALLS | kill-children PID COUNT | hold-child PID\n");
	return 2;
}
