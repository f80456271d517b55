// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/controller_credentials.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "agent/enrolment.h"
#include "agent/kept_identity.h"
#include "agent/tls_identity.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "chef/key_file.h"
#include "chef/rsa_key.h"

namespace rehai::agent {
namespace {

using Options = ControllerCredentials::Options;
using CredentialsPtr = std::shared_ptr<grpc::ChannelCredentials>;

constexpr size_t kMostPemBytes = 1 << 20;
// A certificate with its chain is some kilobytes.
constexpr int kMostAnswerBytes = 256 << 10;

constexpr absl::Duration kLeastRetryWait = absl::Minutes(1);

absl::Status Missing(absl::string_view flag, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(flag, ": missing; ", why));
}

// An error about a file, with the flag that named it.
absl::Status Named(absl::string_view flag, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(flag, " ", status.message()));
}
absl::Status Named(absl::string_view flag, const std::string& path,
                   const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(flag, " ", path, ": ", status.message()));
}

absl::StatusOr<std::string> ReadTrust(const std::string& path) {
  absl::StatusOr<std::string> pem = ReadFile(path, kMostPemBytes);
  if (!pem.ok()) return Named("--controller_ca", pem.status());
  if (absl::Status checked = CheckCertificate(*pem); !checked.ok()) {
    return Named("--controller_ca", path, checked);
  }
  return pem;
}

// gRPC's SslCredentials, whose API is stable, talk TLS 1.2 or 1.3, and compare
// the controller's name with its certificate.
CredentialsPtr MakeTls(std::string trust, const TlsIdentity* identity) {
  grpc::SslCredentialsOptions ssl;
  ssl.pem_root_certs = std::move(trust);
  if (identity != nullptr) {
    ssl.pem_private_key = identity->key_pem();
    ssl.pem_cert_chain = identity->chain_pem();
  }
  CredentialsPtr credentials = grpc::SslCredentials(ssl);
  chef::Wipe(ssl.pem_private_key);
  return credentials;
}

gpr_timespec DeadlineIn(absl::Duration timeout) {
  return gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(timeout), GPR_TIMESPAN));
}

class Plaintext final : public ControllerCredentials {
 public:
  absl::StatusOr<CredentialsPtr> Get(absl::Duration) override {
    return grpc::InsecureChannelCredentials();
  }
  grpc::ChannelArguments arguments() const override { return {}; }
  absl::Time renew_at() const override { return absl::InfiniteFuture(); }
  absl::Status Renew(absl::Duration) override { return absl::OkStatus(); }
};

grpc::ChannelArguments TlsArguments(const Options& options) {
  grpc::ChannelArguments arguments;
  if (!options.tls_server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls_server_name);
  }
  return arguments;
}

class StaticFiles final : public ControllerCredentials {
 public:
  StaticFiles(Options options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  absl::Status Read() {
    ASSIGN_OR_RETURN(std::string trust, ReadTrust(options_.ca_file));
    ASSIGN_OR_RETURN(const TlsIdentity identity, ReadIdentity());
    credentials_ = MakeTls(std::move(trust), &identity);
    ends_at_ = identity.ends_at();
    return absl::OkStatus();
  }

  // Files that are no good leave what was read before in use: certificate and
  // key are replaced one after the other, and do not fit in between.
  absl::StatusOr<CredentialsPtr> Get(absl::Duration) override {
    const absl::Status status = Read();
    if (status.ok()) {
      complaint_.clear();
    } else if (ends_at_ <= clock_.Now()) {
      return status;
    } else if (complaint_ != status.message()) {
      complaint_ = std::string(status.message());
      log::Warning(
          "certificate for the controller is no good, the one read "
          "before stays in use",
          {{"why", status.message()}});
    }
    return credentials_;
  }

  grpc::ChannelArguments arguments() const override {
    return TlsArguments(options_);
  }
  absl::Time renew_at() const override { return absl::InfiniteFuture(); }
  absl::Status Renew(absl::Duration) override { return absl::OkStatus(); }

 private:
  absl::StatusOr<TlsIdentity> ReadIdentity() const {
    absl::StatusOr<std::string> chain =
        ReadFile(options_.certificate_file, kMostPemBytes);
    if (!chain.ok()) return Named("--certificate", chain.status());
    if (absl::Status checked = CheckCertificate(*chain); !checked.ok()) {
      return Named("--certificate", options_.certificate_file, checked);
    }
    absl::StatusOr<std::string> key = chef::ReadKeyFile(options_.key_file);
    if (!key.ok()) return Named("--certificate_key", key.status());
    absl::StatusOr<TlsIdentity> identity =
        TlsIdentity::Create(*std::move(chain), *std::move(key));
    if (!identity.ok()) {
      return Named("--certificate_key", options_.key_file, identity.status());
    }
    if (identity->ends_at() <= clock_.Now()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--certificate ", options_.certificate_file, ": ended at ",
          absl::FormatTime(identity->ends_at(), absl::UTCTimeZone()),
          "; replace it"));
    }
    return identity;
  }

  const Options options_;
  const Clock& clock_;
  CredentialsPtr credentials_;
  absl::Time ends_at_ = absl::InfinitePast();
  std::string complaint_;  // what was last complained of
};

class Enrolled final : public ControllerCredentials {
 public:
  Enrolled(Options options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  // Takes what an earlier process kept, if it is of use.
  absl::Status Load() {
    RETURN_IF_ERROR(PrepareStateFolder(options_.state_folder));
    absl::StatusOr<TlsIdentity> kept = LoadKept(options_.state_folder);
    if (absl::IsNotFound(kept.status())) return absl::OkStatus();
    std::string why;
    if (!kept.ok()) {
      why = std::string(kept.status().message());
    } else if (!kept->IsIssuedTo(options_.node)) {
      why = "it is for another node";
    } else if (kept->ends_at() <= clock_.Now()) {
      why = absl::StrCat("it ended at ", absl::FormatTime(kept->ends_at()));
    } else {
      const absl::Time begins_at = kept->begins_at();
      Take(*std::move(kept), begins_at);
      return absl::OkStatus();
    }
    log::Warning("kept certificate is of no use, the host enrols anew",
                 {{"file", KeptFile(options_.state_folder)}, {"why", why}});
    return absl::OkStatus();
  }

  absl::StatusOr<CredentialsPtr> Get(absl::Duration timeout) override {
    ASSIGN_OR_RETURN(std::string trust, ReadTrust(options_.ca_file));
    if (!IsGood()) RETURN_IF_ERROR(EnrolAnew(trust, DeadlineIn(timeout)));
    return MakeTls(std::move(trust), &*identity_);
  }

  grpc::ChannelArguments arguments() const override {
    return TlsArguments(options_);
  }

  absl::Time renew_at() const override { return renew_at_; }

  absl::Status Renew(absl::Duration timeout) override {
    absl::Status status = TryToRenew(DeadlineIn(timeout));
    if (!status.ok()) {
      const absl::Time now = clock_.Now();
      const absl::Duration left =
          identity_ ? identity_->ends_at() - now : absl::ZeroDuration();
      renew_at_ = now + std::max(left / 10, kLeastRetryWait) *
                            absl::Uniform(random_, 1.0, 1.5);
    }
    return status;
  }

 private:
  bool IsGood() const {
    return identity_ && clock_.Now() < identity_->ends_at();
  }

  absl::Status TryToRenew(gpr_timespec deadline) {
    ASSIGN_OR_RETURN(std::string trust, ReadTrust(options_.ca_file));
    // Ended: nothing is left to renew it with.
    if (!IsGood()) return EnrolAnew(trust, deadline);
    absl::StatusOr<TlsIdentity> renewed = RenewCertificate(
        Controller(MakeTls(std::move(trust), &*identity_), deadline),
        options_.node);
    return TakeIssued(std::move(renewed), "certificate renewed");
  }

  absl::Status EnrolAnew(const std::string& trust, gpr_timespec deadline) {
    absl::StatusOr<TlsIdentity> issued =
        Enrol(Controller(MakeTls(trust, nullptr), deadline), options_.node,
              options_.client_key_file);
    return TakeIssued(std::move(issued), "enrolled with the controller");
  }

  Certifier Controller(const CredentialsPtr& credentials,
                       gpr_timespec deadline) const {
    grpc::ChannelArguments arguments = this->arguments();
    arguments.SetMaxReceiveMessageSize(kMostAnswerBytes);
    // A connection of its own, and one try: who calls knows when to try again.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    return {.address = options_.controller,
            .channel = grpc::CreateCustomChannel(options_.controller,
                                                 credentials, arguments),
            .deadline = deadline};
  }

  absl::Status TakeIssued(absl::StatusOr<TlsIdentity> issued,
                          absl::string_view event) {
    RETURN_IF_ERROR(issued.status());
    const absl::Time now = clock_.Now();
    if (issued->ends_at() <= now) {
      return absl::InternalError(absl::StrCat(
          "controller ", options_.controller,
          ": the certificate that it issued ended at ",
          absl::FormatTime(issued->ends_at(), absl::UTCTimeZone()),
          ", and here it is ", absl::FormatTime(now, absl::UTCTimeZone()),
          "; set this host's clock, or the controller's"));
    }
    if (absl::Status kept = Keep(options_.state_folder, *issued); !kept.ok()) {
      log::Warning("certificate not kept, a restart enrols anew",
                   {{"why", kept.message()}});
    }
    log::Info(event, {{"node", options_.node},
                      {"until", absl::FormatTime(issued->ends_at())}});
    Take(*std::move(issued), now);
    return absl::OkStatus();
  }

  // `begins_at`: of its life, which for a new one is now; what is before is for
  // clocks that are behind.
  void Take(TlsIdentity identity, absl::Time begins_at) {
    identity_.emplace(std::move(identity));
    const absl::Duration life = identity_->ends_at() - begins_at;
    renew_at_ =
        begins_at + life * 2 / 3 - life * absl::Uniform(random_, 0.0, 0.1);
  }

  const Options options_;
  const Clock& clock_;
  absl::BitGen random_;
  std::optional<TlsIdentity> identity_;
  absl::Time renew_at_ = absl::InfiniteFuture();
};

absl::Status CheckClientKey(const std::string& path) {
  if (path.empty()) {
    return Missing("--client_key", "the host proves with it who it is");
  }
  absl::StatusOr<std::string> pem = chef::ReadKeyFile(path);
  if (!pem.ok()) return Named("--client_key", pem.status());
  const absl::Status parsed = chef::ParseRsaPrivateKey(*pem).status();
  chef::Wipe(*pem);
  return parsed.ok() ? parsed : Named("--client_key", path, parsed);
}

absl::StatusOr<std::unique_ptr<ControllerCredentials>> MakeStatic(
    Options options, const Clock& clock) {
  if (options.certificate_file.empty()) {
    return Missing("--certificate", "it goes with --certificate_key");
  }
  if (options.key_file.empty()) {
    return Missing("--certificate_key", "it goes with --certificate");
  }
  auto credentials = std::make_unique<StaticFiles>(std::move(options), clock);
  RETURN_IF_ERROR(credentials->Read());
  return credentials;
}

absl::StatusOr<std::unique_ptr<ControllerCredentials>> MakeEnrolled(
    Options options, const Clock& clock) {
  if (options.node.empty()) {
    return Missing("--node_name", "the host enrols as that Chef client");
  }
  RETURN_IF_ERROR(CheckClientKey(options.client_key_file));
  auto credentials = std::make_unique<Enrolled>(std::move(options), clock);
  RETURN_IF_ERROR(credentials->Load());
  return credentials;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ControllerCredentials>>
ControllerCredentials::Create(Options options, const Clock& clock) {
  if (options.plaintext) return std::make_unique<Plaintext>();
  if (options.ca_file.empty()) {
    return Missing("--controller_ca",
                   "it says who signed the controller's certificate");
  }
  RETURN_IF_ERROR(ReadTrust(options.ca_file).status());
  if (options.certificate_file.empty() && options.key_file.empty()) {
    return MakeEnrolled(std::move(options), clock);
  }
  return MakeStatic(std::move(options), clock);
}

}  // namespace rehai::agent
