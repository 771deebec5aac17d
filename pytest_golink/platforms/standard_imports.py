"""
The symbols that Go's standard library imports from shared libraries without cgo, by system.

Collected from the `//go:cgo_import_dynamic` directives of Go 1.19 to 1.27, outside cmd/ and testdata/; on other systems
the standard library imports none. A newer Go may import more: `allow` names them until they are here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_AIX = """
_Errno __mod_init __n_pthreads __pth_init _exit accept acct bind chdir chmod chown chroot clock_gettime close
connect dup dup2 execve exit faccessat fchdir fchmod fchmodat fchown fchownat fcntl fork fpathconf fstat fstatat
fstatfs fsync_range ftruncate getcwd getdirent getegid geteuid getgid getgroups getkerninfo getpeername getpid
getppid getpriority getrlimit getrusage getsockname getsockopt getsystemcfg gettimeofday getuid ioctl kill lchown
link linkat listen lseek lstat madvise malloc mkdir mkdirat mknodat mmap mprotect munmap nrecvmsg nsendmsg open
openat pipe poll pread pthread_attr_destroy pthread_attr_getstacksize pthread_attr_init pthread_attr_setdetachstate
pthread_attr_setstackaddr pthread_attr_setstacksize pthread_create pthread_kill pthread_self ptrace64 pwrite raise
read readlink readlinkat reboot recvfrom rename renameat rmdir sched_yield sem_init sem_post sem_timedwait sem_wait
sendto setegid seteuid setgid setgroups setitimer setpgid setpriority setregid setreuid setrlimit setsid setsockopt
setuid shutdown sigaction sigaltstack sigthreadmask socket socketpair stat statfs symlink symlinkat sysconf truncate
umask uname unlink unlinkat usleep utimensat utimes wait4 write writev
"""

_DARWIN = """
CFArrayAppendValue CFArrayCreateMutable CFArrayGetCount CFArrayGetValueAtIndex CFBundleCopyBundleURL
CFBundleCopyResourceURL CFBundleGetMainBundle CFBundleGetValueForInfoDictionaryKey CFDataCreate CFDataGetBytePtr
CFDataGetLength CFDateCreate CFDictionaryGetValueIfPresent CFEqual CFErrorCopyDescription CFErrorGetCode
CFNumberGetValue CFRelease CFStringCreateExternalRepresentation CFStringCreateWithBytes CFStringCreateWithCString
CFStringGetCString CFURLGetFileSystemRepresentation SecCertificateCopyData SecCertificateCreateWithData
SecPolicyCopyProperties SecPolicyCreateSSL SecTrustCopyCertificateChain SecTrustCreateWithCertificates
SecTrustEvaluate SecTrustEvaluateWithError SecTrustGetCertificateAtIndex SecTrustGetCertificateCount
SecTrustGetResult SecTrustSetVerifyDate SecTrustSettingsCopyCertificates SecTrustSettingsCopyTrustSettings
_Block_object_assign _Block_object_dispose _NSConcreteStackBlock _NSGetArgv _NSGetEnviron _NSGetExecutablePath
__bzero __error __fork __mmap __munmap __stack_chk_fail __stack_chk_guard _dyld_get_image_header
_dyld_get_image_name _dyld_get_image_vmaddr_slide _dyld_get_shared_cache_range _dyld_get_shared_cache_uuid
_dyld_image_count _exit _sanitizer_internal_memcpy _sanitizer_internal_memmove _sanitizer_internal_memset abort
accept access adjtime arc4random_buf bind bzero chdir chflags chmod chown chroot clock_gettime close closedir
connect dlsym dup dup2 dyld_shared_cache_iterate_text exchangedata execve exit faccessat fchdir fchflags fchmod
fchmodat fchown fchownat fcntl fdopendir flock fork fpathconf freeaddrinfo fstat fstat$INODE64 fstat64 fstatat
fstatat64 fstatfs fstatfs64 fsync ftruncate futimes gai_strerror getaddrinfo getcwd getdtablesize getegid getentropy
geteuid getfsstat getgid getgrgid_r getgrnam_r getgrouplist getgroups getnameinfo getpeername getpgid getpgrp getpid
getppid getpriority getpwnam_r getpwuid_r getrlimit getrusage getsid getsockname getsockopt gettimeofday getuid
grantpt ioctl isatty issetugid kevent kill kqueue lchown link linkat listen lseek lstat lstat$INODE64 lstat64
mach_absolute_time mach_task_self_ mach_timebase_info mach_vm_region mach_vm_region_recurse madvise malloc_num_zones
malloc_zones memcpy memmove memset memset_pattern16 mkdir mkdirat mkfifo mknod mlock mlockall mmap mprotect msync
munlock munlockall munmap notify_is_valid_token open openat pathconf pipe posix_openpt posix_spawn
posix_spawn_file_actions_addclose posix_spawn_file_actions_adddup2 posix_spawn_file_actions_destroy
posix_spawn_file_actions_init posix_spawnattr_destroy posix_spawnattr_init posix_spawnattr_setflags pread
proc_regionfilename pthread_attr_getstack pthread_attr_getstacksize pthread_attr_init pthread_attr_setdetachstate
pthread_cond_init pthread_cond_signal pthread_cond_timedwait_relative_np pthread_cond_wait pthread_create
pthread_get_stackaddr_np pthread_get_stacksize_np pthread_getspecific pthread_introspection_hook_install
pthread_join pthread_key_create pthread_kill pthread_mutex_init pthread_mutex_lock pthread_mutex_unlock pthread_self
pthread_setspecific pthread_sigmask pthread_threadid_np ptrace ptsname_r pwrite raise read readdir_r readlink
readlinkat realpath$DARWIN_EXTSN recvfrom recvmsg rename renameat res_9_nclose res_9_ninit res_9_nsearch revoke
rmdir sched_yield select sendfile sendmsg sendto setegid seteuid setgid setgroups setitimer setlogin setpgid
setpriority setprivexec setregid setreuid setrlimit setsid setsockopt settimeofday setuid shutdown sigaction
sigaltstack socket socketpair stat stat$INODE64 stat64 statfs statfs64 symlink symlinkat sync sysconf sysctl
sysctlbyname task_info tcgetattr tcsetattr truncate umask undelete unlink unlinkat unlockpt unmount usleep utimensat
utimes vm_region_64 vm_region_recurse_64 wait4 waitpid write writev xpc_date_create_from_current
"""

_OPENBSD = """
__errno __thrsleep __thrwakeup accept accept4 access adjtime arc4random_buf bind chdir chflags chmod chown chroot
clock_gettime close connect dup dup2 dup3 execve exit faccessat fchdir fchflags fchmod fchmodat fchown fchownat
fcntl flock fork fpathconf fstat fstatat fstatfs fsync ftruncate futimes getcwd getdents getegid getentropy geteuid
getfsstat getgid getgroups getpeername getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid
getsockname getsockopt getthrid gettimeofday getuid ioctl issetugid kevent kill kqueue lchown link linkat listen
lseek lstat madvise mkdir mkdirat mkfifo mknod mmap munmap nanosleep open openat pathconf pipe2 pread
pthread_attr_destroy pthread_attr_getstacksize pthread_attr_init pthread_attr_setdetachstate pthread_create
pthread_sigmask ptrace pwrite read readlink readlinkat recvfrom recvmsg rename renameat revoke rmdir sched_yield
select sendmsg sendto setegid seteuid setgid setgroups setitimer setlogin setpgid setpriority setregid setreuid
setrlimit setsid setsockopt settimeofday setuid shutdown sigaction sigaltstack socket socketpair stat statfs symlink
symlinkat sync syscall sysctl thrkill truncate umask unlink unlinkat unmount usleep utimensat utimes wait4 write
writev
"""

_SOLARIS = """
___errno __xnet_bind __xnet_connect __xnet_getsockopt __xnet_listen __xnet_recvmsg __xnet_sendmsg __xnet_sendto
__xnet_socket __xnet_socketpair _exit accept accept4 access adjtime chdir chmod chown chroot clock_gettime close dup
execve exit faccessat fchdir fchmod fchmodat fchown fchownat fcntl flock forkx fpathconf fstat fstatat fsync
ftruncate getcontext getcwd getdents getegid geteuid getexecname getgid getgroups gethostname getpeername getpid
getppid getpriority getrandom getrctl getrlimit getrusage getsockname gettimeofday getuid ioctl issetugid kill
lchown link linkat lseek lstat madvise malloc mkdir mkdirat mknod mmap munmap nanosleep open openat pathconf pipe2
port_alert port_associate port_create port_dissociate port_getn pread pthread_attr_destroy pthread_attr_getstack
pthread_attr_init pthread_attr_setdetachstate pthread_attr_setstack pthread_create pthread_kill pthread_self pwrite
raise rctlblk_get_local_action rctlblk_get_local_flags rctlblk_get_value rctlblk_size read readlink readlinkat
recvfrom rename renameat rmdir sched_yield select sem_init sem_post sem_reltimedwait_np sem_wait sendfile setegid
seteuid setgid setgroups setitimer setpgid setpriority setregid setreuid setrlimit setsid setsockopt setuid shutdown
sigaction sigaltstack sigprocmask stat symlink symlinkat sync syscall sysconf truncate umask uname unlink unlinkat
usleep utimensat utimes wait4 write writev
"""

_WINDOWS = """
AddVectoredContinueHandler AddVectoredExceptionHandler CloseHandle CreateEventA CreateFileA CreateIoCompletionPort
CreateThread CreateWaitableTimerA CreateWaitableTimerExW DuplicateHandle ExitProcess FreeEnvironmentStringsW
GetConsoleMode GetCurrentThreadId GetEnvironmentStringsW GetErrorMode GetProcAddress GetProcessAffinityMask
GetQueuedCompletionStatusEx GetStdHandle GetSystemDirectoryA GetSystemInfo GetThreadContext
IsProcessorFeaturePresent LoadLibraryA LoadLibraryExW LoadLibraryW PostQueuedCompletionStatus
QueryPerformanceCounter QueryPerformanceFrequency RaiseFailFastException ResumeThread RtlLookupFunctionEntry
RtlVirtualUnwind SetConsoleCtrlHandler SetErrorMode SetEvent SetProcessPriorityBoost SetThreadContext
SetThreadPriority SetUnhandledExceptionFilter SetWaitableTimer Sleep SuspendThread SwitchToThread TlsAlloc
VirtualAlloc VirtualFree VirtualQuery WaitForMultipleObjects WaitForSingleObject WerGetFlags WerSetFlags
WriteConsoleW WriteFile
"""

STANDARD_IMPORTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "aix": frozenset(_AIX.split()),
        "darwin": frozenset(_DARWIN.split()),
        "illumos": frozenset(_SOLARIS.split()),
        "ios": frozenset(_DARWIN.split()),
        "openbsd": frozenset(_OPENBSD.split()),
        "solaris": frozenset(_SOLARIS.split()),
        "windows": frozenset(_WINDOWS.split()),
    }
)
