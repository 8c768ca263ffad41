#include "fuse/session.h"

#include <linux/capability.h>
#include <malloc.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <string_view>
#include <thread>

#include "base/text.h"
#include "fuse/cache_trimmer.h"
#include "fuse/libfuse.h"
#include "fuse/server.h"

namespace amberfs {
namespace {

// Decoded data that nobody read for as long, or for at most twice as long, goes.
constexpr std::chrono::seconds kUnused{15};

struct SessionDeleter {
  void operator()(fuse_session* session) const { fuse_session_destroy(session); }
};
struct LoopConfigDeleter {
  void operator()(fuse_loop_config* config) const { fuse_loop_cfg_destroy(config); }
};
struct ArgsDeleter {
  void operator()(fuse_args* args) const { fuse_opt_free_args(args); }
};

// Whether this process has CAP_SYS_ADMIN in the initial user namespace.
bool MaySeeTrustedXattrs() {
  constexpr ino_t kInitialUserNamespace = 0xEFFFFFFD;  // the same on every Linux
  struct stat st;
  if (::stat("/proc/self/ns/user", &st) != 0 || st.st_ino != kInitialUserNamespace) return false;
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) != 0) return false;
  return (data[CAP_SYS_ADMIN / 32].effective >> (CAP_SYS_ADMIN % 32) & 1) != 0;
}

// A comma or backslash in a value would end it, so libfuse wants them escaped.
std::string Escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == ',' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// Adds everything as "-o option", the form in which libfuse takes them.
void AddOptions(fuse_args* args, const MountOptions& options) {
  fuse_opt_add_arg(args, "amberfs");
  const auto add = [&](const std::string& option) {
    fuse_opt_add_arg(args, "-o");
    fuse_opt_add_arg(args, option.c_str());
  };
  add("ro");
  // The server checks nobody's permission: the kernel has to, also where it has no POSIX ACLs, with
  // which this comes by itself.
  add("default_permissions");
  add("subtype=amberfs");
  add("fsname=" + Escaped(options.image_path));
  for (const std::string& option : options.fuse_options) add(option);
  if (options.debug) fuse_opt_add_arg(args, "-d");
}

MountOutcome Serve(fuse_session* session, unsigned threads) {
  if (fuse_set_signal_handlers(session) != 0) return MountOutcome::kServeFailed;
  const std::unique_ptr<fuse_loop_config, LoopConfigDeleter> config(fuse_loop_cfg_create());
  fuse_loop_cfg_set_max_threads(config.get(), threads);
  fuse_loop_cfg_set_idle_threads(config.get(), threads);
  // Positive: a signal asked it to stop, which is a clean end.
  const int result = fuse_session_loop_mt(session, config.get());
  fuse_remove_signal_handlers(session);
  return result < 0 ? MountOutcome::kServeFailed : MountOutcome::kDone;
}

}  // namespace

MountOutcome MountAndServe(const Image& image, const MountOptions& options) {
  // Else malloc learns from the first large block to keep all others, and cuts them up.
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);

  EventLog log("amber mount: " + Printable(options.image_path));
  fuse_session* serving = nullptr;
  std::atomic<bool> unverified = false;
  FuseServer::Options server_options{.show_trusted_xattrs = MaySeeTrustedXattrs(),
                                     .debug = options.debug};
  if (options.stop_when_unverified)
    server_options.on_unverified = [&serving, &unverified] {
      unverified = true;
      fuse_session_exit(serving);  // this thread leaves the loop next, which ends all
    };
  FuseServer server(image, log, std::move(server_options));

  fuse_args args = FUSE_ARGS_INIT(0, nullptr);
  const std::unique_ptr<fuse_args, ArgsDeleter> args_owner(&args);
  AddOptions(&args, options);
  const fuse_lowlevel_ops& ops = FuseServer::Operations();
  const std::unique_ptr<fuse_session, SessionDeleter> session(
      fuse_session_new(&args, &ops, sizeof ops, &server));
  if (!session) return MountOutcome::kBadOption;
  serving = session.get();
  if (fuse_session_mount(session.get(), options.mount_point.c_str()) != 0)
    return MountOutcome::kMountFailed;

  const bool foreground = options.foreground || options.debug;
  MountOutcome outcome = MountOutcome::kServeFailed;
  if (fuse_daemonize(foreground ? 1 : 0) == 0) {
    if (!foreground) {
      log.UseSyslog();
      fuse_set_log_func([](fuse_log_level level, const char* format, va_list values) {
        ::vsyslog(static_cast<int>(level), format, values);  // the levels are syslog's
      });
    }
    const CacheTrimmer trimmer(image.cache(), kUnused);  // a thread: not before the fork
    outcome = Serve(session.get(), std::max(4U, std::thread::hardware_concurrency() * 2));
  }
  fuse_session_unmount(session.get());
  return unverified ? MountOutcome::kUnverified : outcome;
}

}  // namespace amberfs
