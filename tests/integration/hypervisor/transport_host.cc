// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/integration/hypervisor/transport_host.h"

#include <signal.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/loopback.h"

namespace rehai::hypervisor {
namespace {

// Bazel's PATH has no sbin, where the daemons' own helpers are.
constexpr char kPath[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// $1 is the folder. libvirtd takes the shell's place, so that its process is
// the one that the test has; sshd and all sessions end with it. It looks up in
// /proc who connects.
constexpr char kLaunch[] = R"(
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 rehai-test /run
mkdir -p /run/sshd /run/libvirt
mount --bind "$1/run" /run/libvirt
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/shadow" /etc/shadow
/usr/sbin/sshd -f "$1/sshd_config" -E "$1/sshd.log"
exec /usr/sbin/libvirtd -l -f "$1/libvirtd.conf" -p "$1/libvirtd.pid"
)";

constexpr char kOpensslConf[] = R"([req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[server]
basicConstraints = critical,CA:FALSE
subjectAltName = IP:127.0.0.1
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = serverAuth
[client]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature,keyEncipherment
extendedKeyUsage = clientAuth
)";

std::string LibvirtdConf(const lab::TempFolder& folder, int tcp_port,
                         int tls_port) {
  return absl::StrCat(
      "unix_sock_rw_perms = \"0700\"\n"
      "auth_unix_rw = \"none\"\n"
      "auth_unix_ro = \"none\"\n"
      "listen_addr = \"127.0.0.1\"\n"
      "listen_tcp = 1\n"
      "auth_tcp = \"none\"\n"
      "tcp_port = \"",
      tcp_port, "\"\nlisten_tls = 1\nauth_tls = \"none\"\ntls_port = \"",
      tls_port, "\"\nca_file = \"", folder / "pki/cacert.pem",
      "\"\ncert_file = \"", folder / "pki/servercert.pem", "\"\nkey_file = \"",
      folder / "pki/serverkey.pem",
      "\"\nmin_workers = 2\n"
      "max_workers = 5\n"
      "audit_level = 0\n");
}

std::string SshdConf(const lab::TempFolder& folder, int port) {
  return absl::StrCat("ListenAddress 127.0.0.1\nPort ", port, "\nHostKey ",
                      folder / "host_key", "\nAuthorizedKeysFile ",
                      folder / "client_key.pub",
                      "\nPidFile none\n"
                      "UsePAM no\n"
                      "UseDNS no\n"
                      "StrictModes no\n"
                      "PermitRootLogin prohibit-password\n"
                      "PasswordAuthentication no\n"
                      "KbdInteractiveAuthentication no\n");
}

absl::Status Run(std::vector<std::string> argv) {
  return lab::OutputOf({.argv = std::move(argv)}).status();
}

absl::Status MakeKey(const std::string& file) {
  return Run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file});
}

absl::Status MakeFolder(const std::string& path) {
  return mkdir(path.c_str(), 0755) == 0 ? absl::OkStatus()
                                        : absl::ErrnoToStatus(errno, path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TransportHost>> TransportHost::Start() {
  ASSIGN_OR_RETURN(std::unique_ptr<lab::TempFolder> folder,
                   lab::TempFolder::Create("transport"));
  std::unique_ptr<TransportHost> host(new TransportHost(std::move(folder)));
  ASSIGN_OR_RETURN(host->tcp_port_, lab::FreePort());
  ASSIGN_OR_RETURN(host->tls_port_, lab::FreePort());
  ASSIGN_OR_RETURN(host->ssh_port_, lab::FreePort());
  RETURN_IF_ERROR(host->MakeSshFiles());
  RETURN_IF_ERROR(host->MakeCertificates());
  RETURN_IF_ERROR(host->Launch());
  return host;
}

TransportHost::TransportHost(std::unique_ptr<lab::TempFolder> folder)
    : folder_(std::move(folder)) {}

TransportHost::~TransportHost() {
  // Nothing that a hung daemon might still do is waited for.
  if (libvirtd_ != nullptr) libvirtd_->Signal(SIGKILL);
}

absl::Status TransportHost::MakeSshFiles() {
  for (const char* key : {"host_key", "client_key", "strange_key"}) {
    RETURN_IF_ERROR(MakeKey(*folder_ / key));
  }
  const auto write = [this](const std::string& file, const std::string& key) {
    std::string lines;
    for (const char* name : {"127.0.0.1", "localhost"}) {
      absl::StrAppend(&lines, "[", name, "]:", ssh_port_, " ", key);
    }
    return WriteFileAtomically(file, lines, 0600);
  };
  ASSIGN_OR_RETURN(const std::string right,
                   ReadFile(*folder_ / "host_key.pub"));
  ASSIGN_OR_RETURN(const std::string wrong,
                   ReadFile(*folder_ / "strange_key.pub"));
  RETURN_IF_ERROR(write(known_hosts(), right));
  RETURN_IF_ERROR(write(wrong_hosts(), wrong));
  RETURN_IF_ERROR(WriteFileAtomically(no_hosts(), "", 0600));
  return WriteFileAtomically(*folder_ / "sshd_config",
                             SshdConf(*folder_, ssh_port_), 0600);
}

absl::Status TransportHost::MakeCertificates() {
  RETURN_IF_ERROR(MakeFolder(*folder_ / "pki"));
  RETURN_IF_ERROR(
      WriteFileAtomically(*folder_ / "openssl.cnf", kOpensslConf, 0600));
  RETURN_IF_ERROR(MakeCertificate("ca", "ca"));
  RETURN_IF_ERROR(MakeCertificate("server", "server"));
  return MakeCertificate("client", "client");
}

// Signed by the CA, or by itself if it is that.
absl::Status TransportHost::MakeCertificate(const std::string& name,
                                            const std::string& section) {
  const std::string file = *folder_ / absl::StrCat("pki/", name);
  std::vector<std::string> argv = {"openssl",
                                   "req",
                                   "-x509",
                                   "-newkey",
                                   "ec",
                                   "-pkeyopt",
                                   "ec_paramgen_curve:P-256",
                                   "-nodes",
                                   "-days",
                                   "2",
                                   "-config",
                                   *folder_ / "openssl.cnf",
                                   "-subj",
                                   "/CN=" + name,
                                   "-extensions",
                                   section,
                                   "-keyout",
                                   file + "key.pem",
                                   "-out",
                                   file + "cert.pem"};
  if (section != "ca") {
    argv.insert(argv.end(), {"-CA", *folder_ / "pki/cacert.pem", "-CAkey",
                             *folder_ / "pki/cakey.pem"});
  }
  return Run(std::move(argv));
}

absl::Status TransportHost::Launch() {
  for (const char* folder : {"run", "drivers"}) {
    RETURN_IF_ERROR(MakeFolder(*folder_ / folder));
  }
  const std::pair<const char*, std::string> files[] = {
      {"passwd",
       "root:x:0:0:root:/:/bin/sh\n"
       "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"},
      {"shadow", "root:*:20000:0:99999:7:::\n"},
      {"libvirtd.conf", LibvirtdConf(*folder_, tcp_port_, tls_port_)}};
  for (const auto& [name, content] : files) {
    RETURN_IF_ERROR(WriteFileAtomically(*folder_ / name, content, 0644));
  }
  ASSIGN_OR_RETURN(
      libvirtd_,
      lab::Process::Start(
          {.argv = {"sh", "-c", kLaunch, "launch", folder_->path()},
           // An empty folder of drivers leaves it the built-in test driver.
           .environment = {{"PATH", kPath},
                           {"LIBVIRT_DRIVER_DIR", *folder_ / "drivers"}},
           .log_file = *folder_ / "log",
           .new_namespaces = true}));
  return libvirtd_->WaitUntilReady(absl::Seconds(20), [&]() -> absl::Status {
    RETURN_IF_ERROR(lab::CanConnect(*folder_ / "run/libvirt-sock"));
    RETURN_IF_ERROR(lab::CanConnect(tcp_port_));
    RETURN_IF_ERROR(lab::CanConnect(tls_port_));
    return lab::CanConnect(ssh_port_);
  });
}

std::string TransportHost::Uri(absl::string_view transport) const {
  const std::string start = absl::StrCat("test+", transport, "://");
  if (transport == "tcp") {
    return absl::StrCat(start, "127.0.0.1:", tcp_port_, "/default");
  }
  if (transport == "tls") {
    return absl::StrCat(start, "127.0.0.1:", tls_port_,
                        "/default?pkipath=", *folder_ / "pki");
  }
  if (transport == "ssh") return start + "127.0.0.1/default";
  if (transport == "libssh2") {
    return absl::StrCat(start, "root@127.0.0.1:", ssh_port_,
                        "/default?sshauth=privkey&known_hosts_verify=normal&"
                        "known_hosts=",
                        known_hosts(), "&keyfile=", client_key());
  }
  return absl::StrCat(start, "/default?socket=", *folder_ / "run/libvirt-sock");
}

}  // namespace rehai::hypervisor
