// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/client.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "cli/client_connection.h"

namespace rehai::cli {
namespace {

// A host with very many guests makes a large Record.
constexpr int kMaxResponseBytes = 64 << 20;

// A file named on the command line; whatever is wrong with it, the command is.
absl::StatusOr<std::string> ReadPem(absl::string_view flag,
                                    const std::string& path) {
  absl::StatusOr<std::string> pem = ReadFile(path);
  if (pem.ok()) return pem;
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " ", pem.status().message()));
}

// The system's reason at the end of gRPC's "failed to connect to all addresses;
// last error: UNKNOWN: ipv4:...: Connection refused".
std::string Cause(const std::string& message) {
  const size_t at = message.rfind(": ");
  if (!absl::StrContains(message, "last error: ") || at == message.npos) {
    return message;
  }
  return message.substr(at + 2);
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const Client::Options& options) {
  const bool has_certificate = !options.certificate_file.empty();
  if (has_certificate != !options.key_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(has_certificate ? "--key" : "--cert",
                     ": missing; a certificate and its key go together"));
  }
  if (!has_certificate && options.ca_file.empty()) {
    return grpc::InsecureChannelCredentials();
  }
  grpc::SslCredentialsOptions ssl;
  if (has_certificate) {
    ASSIGN_OR_RETURN(ssl.pem_cert_chain,
                     ReadPem("--cert", options.certificate_file));
    ASSIGN_OR_RETURN(ssl.pem_private_key, ReadPem("--key", options.key_file));
  }
  if (!options.ca_file.empty()) {
    ASSIGN_OR_RETURN(ssl.pem_root_certs, ReadPem("--ca", options.ca_file));
  }
  return grpc::SslCredentials(ssl);
}

// True if what is sent there stays on this machine.
bool IsLocal(absl::string_view server) {
  if (absl::StartsWith(server, "unix:")) return true;
  const absl::string_view host = server.substr(0, server.rfind(':'));
  return host == "localhost" || host == "[::1]" ||
         (absl::StartsWith(host, "127.") &&
          host.find_first_not_of("0123456789.") == host.npos);
}

// What says who we are; "" without a token.
absl::StatusOr<std::string> MakeAuthorization(const Client::Options& options) {
  if (options.token_file.empty()) return "";
  const bool in_clear =
      options.certificate_file.empty() && options.ca_file.empty();
  if (in_clear && !IsLocal(options.server)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--token-file ", options.token_file, ": would go in clear to ",
        options.server, "; give --ca, or a loopback or unix: address"));
  }
  ASSIGN_OR_RETURN(const std::string content,
                   ReadPem("--token-file", options.token_file));
  const absl::string_view token = absl::StripAsciiWhitespace(content);
  const auto is_graphic = [](char c) { return absl::ascii_isgraph(c); };
  if (token.empty() || !absl::c_all_of(token, is_graphic)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--token-file ", options.token_file,
                     ": not a token; it has to be one word in one line"));
  }
  return absl::StrCat("Bearer ", token);
}

}  // namespace

absl::Status Client::Connection::Translate(const grpc::Status& status,
                                           absl::Duration timeout) {
  const std::string& message = status.error_message();
  const std::string server = absl::StrCat("server ", options.server);
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      // Said by the server itself, about somebody else.
      if (channel->GetState(false) == GRPC_CHANNEL_READY) break;
      return absl::UnavailableError(
          absl::StrCat(server, ": cannot be reached (", Cause(message), "); ",
                       Remedy(message)));
    case grpc::StatusCode::DEADLINE_EXCEEDED: {
      // The server's own deadlines have messages of their own.
      if (message != "Deadline Exceeded") break;
      absl::Status late = absl::DeadlineExceededError(absl::StrCat(
          server, ": no answer within ", absl::FormatDuration(timeout),
          "; --timeout allows more"));
      late.SetPayload(kNoAnswer, absl::Cord());
      return late;
    }
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(
          absl::StrCat(server, ": does not know this command (", message,
                       "); is it a Rehai controller, and not an older one?"));
    default:
      break;
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      message);
}

std::string Client::Connection::Remedy(const std::string& message) const {
  if (!options.certificate_file.empty() || !options.ca_file.empty()) {
    return "does it use TLS, does --ca sign its certificate, and does it "
           "trust the one of --cert?";
  }
  // What a server with TLS does to a client without.
  if (absl::StrContains(message, "closed") ||
      absl::StrContains(message, "reset")) {
    return "does it use TLS? then give --cert, --key and --ca";
  }
  return "is the controller running there? --server or REHAI_SERVER names "
         "another";
}

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const Options& options) {
  // What gRPC would log is in its statuses, too, where we put it into words.
  gpr_set_log_function([](gpr_log_func_args*) {});
  auto connection = std::make_unique<Connection>();
  connection->options = options;
  ASSIGN_OR_RETURN(const auto credentials, MakeCredentials(options));
  ASSIGN_OR_RETURN(connection->authorization, MakeAuthorization(options));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  // A watch notices within a minute that the server's machine is gone.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  connection->channel =
      grpc::CreateCustomChannel(options.server, credentials, arguments);
  connection->fleet = v1::Fleet::NewStub(connection->channel);
  connection->resync = v1::Resync::NewStub(connection->channel);
  connection->chef = v1::Chef::NewStub(connection->channel);
  connection->source = v1::Source::NewStub(connection->channel);
  connection->history = v1::History::NewStub(connection->channel);
  connection->visibility = v1::Visibility::NewStub(connection->channel);
  connection->explanations = v1::Explanations::NewStub(connection->channel);
  connection->checks = v1::Checks::NewStub(connection->channel);
  connection->audit = v1::Audit::NewStub(connection->channel);
  return std::unique_ptr<Client>(new Client(std::move(connection)));
}

Client::Client(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

Client::~Client() = default;

void Client::CancelWatch() {
  MutexLock lock(connection_->mu);
  connection_->watch_canceled = true;
  if (connection_->watch != nullptr) connection_->watch->TryCancel();
}

}  // namespace rehai::cli
