// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/goiardi.h"

#include <signal.h>

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/lab/loopback.h"

namespace rehai::lab {
namespace {

// The answer's body, or its error with the usual code for it.
absl::StatusOr<std::string> BodyOf(absl::StatusOr<Knife::Answer> answer) {
  if (!answer.ok()) return answer.status();
  const std::string message = absl::StrCat(
      "goiardi answered ", answer->http_status, ": ", answer->body);
  switch (answer->http_status) {
    case 200:
    case 201:
      return std::move(answer->body);
    case 401:
      return absl::UnauthenticatedError(message);
    case 403:
      return absl::PermissionDeniedError(message);
    case 404:
      return absl::NotFoundError(message);
    case 409:
      return absl::AlreadyExistsError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Goiardi>> Goiardi::Start() {
  return Start(Options());
}

absl::StatusOr<std::unique_ptr<Goiardi>> Goiardi::Start(Options options) {
  ASSIGN_OR_RETURN(std::unique_ptr<TempFolder> folder,
                   TempFolder::Create("goiardi"));
  std::unique_ptr<Goiardi> goiardi(new Goiardi(options, std::move(folder)));
  RETURN_IF_ERROR(goiardi->MakeCertificate());
  absl::Status launched;
  for (int attempt = 0; attempt < 3; ++attempt) {
    ASSIGN_OR_RETURN(goiardi->port_, FreePort());
    launched = goiardi->Launch();
    // It ended at once: somebody else took the port first. Try another.
    if (!absl::IsUnavailable(launched)) break;
  }
  RETURN_IF_ERROR(launched);
  return goiardi;
}

Goiardi::Goiardi(Options options, std::unique_ptr<TempFolder> folder)
    : options_(options), folder_(std::move(folder)) {}

Goiardi::~Goiardi() {
  // What it would save on SIGTERM goes with the folder.
  if (process_ != nullptr) process_->Signal(SIGKILL);
}

absl::Status Goiardi::MakeCertificate() {
  return OutputOf({{"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                    "-days", "30", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out",
                    ca_file(), "-keyout", *folder_ / "server.key"}})
      .status();
}

absl::Status Goiardi::Launch() {
  url_ = absl::StrCat(options_.tls ? "https" : "http", "://localhost:", port_);
  std::vector<std::string> argv = {
      "goiardi", "--use-auth", "--ipaddress=127.0.0.1",
      absl::StrCat("--port=", port_), "--hostname=localhost",
      absl::StrCat("--conf-root=", folder_->path()),
      // Data are kept over a restart: saved when asked to end.
      absl::StrCat("--data-file=", *folder_ / "data.bin"),
      absl::StrCat("--index-file=", *folder_ / "index.bin"),
      "--freeze-interval=3600"};
  if (options_.tls) {
    argv.insert(argv.end(),
                {"--use-ssl", absl::StrCat("--ssl-cert=", ca_file()),
                 absl::StrCat("--ssl-key=", *folder_ / "server.key")});
  }
  ASSIGN_OR_RETURN(process_, Process::Start({.argv = std::move(argv),
                                             .log_file = *folder_ / "log"}));
  return process_->WaitUntilReady(absl::Seconds(20), [&]() -> absl::Status {
    RETURN_IF_ERROR(CanConnect(port_));
    ASSIGN_OR_RETURN(admin_,
                     Knife::Create({.server_url = url_,
                                    .ca_file = ca_file(),
                                    .client_name = admin_name(),
                                    .client_key_file = admin_key_file()}));
    return BodyOf(admin_->Send("GET", "/nodes")).status();
  });
}

absl::StatusOr<std::string> Goiardi::CreateClient(const std::string& name,
                                                  bool admin) {
  const nlohmann::json request = {
      {"name", name}, {"admin", admin}, {"create_key", true}};
  ASSIGN_OR_RETURN(const std::string body,
                   BodyOf(admin_->Send("POST", "/clients", request.dump())));
  const nlohmann::json answer =
      nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto key =
      answer.is_object() ? answer.find("private_key") : answer.end();
  if (key == answer.end() || !key->is_string()) {
    return absl::InternalError(
        absl::StrCat("client ", name, ": goiardi sent no private key: ", body));
  }
  const std::string file = *folder_ / absl::StrCat("client-", name, ".pem");
  RETURN_IF_ERROR(WriteFileAtomically(file, key->get<std::string>(), 0600));
  return file;
}

absl::Status Goiardi::CreateNode(absl::string_view json) {
  return BodyOf(admin_->Send("POST", "/nodes", json)).status();
}

absl::StatusOr<std::string> Goiardi::GetNode(const std::string& name) {
  return BodyOf(admin_->Send("GET", absl::StrCat("/nodes/", name)));
}

absl::Status Goiardi::PutNode(const std::string& name, absl::string_view json) {
  return BodyOf(admin_->Send("PUT", absl::StrCat("/nodes/", name), json))
      .status();
}

absl::Status Goiardi::DeleteNode(const std::string& name) {
  return BodyOf(admin_->Send("DELETE", absl::StrCat("/nodes/", name))).status();
}

absl::Status Goiardi::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait(absl::Seconds(30)).status();
}

absl::Status Goiardi::Resume() { return Launch(); }

absl::Status Goiardi::Restart() {
  RETURN_IF_ERROR(Stop());
  return Resume();
}

}  // namespace rehai::lab
