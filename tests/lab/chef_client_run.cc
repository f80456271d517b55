// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/chef_client_run.h"

#include <curl/curl.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/lab/exact_json.h"

namespace rehai::lab {
namespace {

using ::nlohmann::json;

// As Ruby writes Time.now.to_f: 1795527759.2440631
std::string OhaiTime(absl::Time now) {
  return absl::StrFormat("%d.%07d", absl::ToUnixSeconds(now),
                         absl::ToUnixNanos(now) % 1'000'000'000 / 100);
}

std::string WholeSeconds(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// What Ohai finds now. It knows nothing of what others keep in `automatic`.
absl::StatusOr<json> Ohai(const ChefClientRun::Host& host,
                          const std::string& ohai_time) {
  ASSIGN_OR_RETURN(json automatic, ParseExactly(host.automatic));
  automatic["ohai_time"] = ExactNumber(ohai_time);
  automatic.erase("rehai");
  automatic.erase("libvirt");
  json& virtualization = automatic["virtualization"];
  if (virtualization.is_null()) virtualization = json::object();
  virtualization.erase("kvm");
  if (host.kvm != nullptr) {
    ASSIGN_OR_RETURN(virtualization["kvm"], ParseExactly(host.kvm()));
  }
  return automatic;
}

size_t Ignore(char* /*data*/, size_t size, size_t count, void* /*to*/) {
  return size * count;
}

}  // namespace

ChefClientRun::ChefClientRun(const Host& host, Plan plan) : host_(host) {
  log_.node = host.node;
  log_.plan = std::move(plan);
}

ChefClientRun::~ChefClientRun() = default;

void ChefClientRun::Begin() {
  started_at_ = Clock::Real().Now();
  log_.ohai_time = OhaiTime(started_at_);
  log_.status = ReadNode();
  if (!log_.status.ok() || host_.data_collector_url.empty()) return;
  log_.start_reported = Send(Message("run_start", "1.0.0").dump());
}

absl::Status ChefClientRun::ReadNode() {
  ASSIGN_OR_RETURN(json automatic, Ohai(host_, log_.ohai_time));
  ASSIGN_OR_RETURN(server_, Knife::Create(host_.account));
  ASSIGN_OR_RETURN(const Knife::Answer answer,
                   server_->Send("GET", absl::StrCat("/nodes/", host_.node)));
  log_.got_at = Clock::Real().Now();
  if (answer.http_status != 200) {
    return absl::InternalError(absl::StrCat("GET ", host_.node, ": answered ",
                                            answer.http_status, ": ",
                                            answer.body));
  }
  ASSIGN_OR_RETURN(json node, ParseExactly(answer.body));
  node["automatic"] = std::move(automatic);
  node["default"] = {{"kvm", {{"bridges", {"br0", "br1"}}}}};
  node["override"] = json::object();
  if (!log_.plan.new_secret.empty()) {
    node["normal"]["secrets"][log_.plan.new_secret] =
        absl::StrCat("made in ", log_.plan.run_id);
  }
  run_list_ = log_.plan.kind == Kind::kOverride ? json({"recipe[hotfix]"})
                                                : node["run_list"];
  view_ = DumpExactly(node);
  return absl::OkStatus();
}

void ChefClientRun::Save() {
  if (!log_.status.ok() || log_.plan.kind != Kind::kGood) return;
  log_.put_begin = Clock::Real().Now();
  const auto answer =
      server_->Send("PUT", absl::StrCat("/nodes/", host_.node),
                    absl::string_view(view_.data(), view_.size()));
  log_.put_end = Clock::Real().Now();
  if (!answer.ok()) {
    log_.status = answer.status();
  } else if (answer->http_status != 200) {
    log_.status = absl::InternalError(
        absl::StrCat("PUT ", host_.node, ": answered ", answer->http_status,
                     ": ", answer->body));
  } else {
    log_.saved = view_;
  }
}

void ChefClientRun::Report() {
  if (!log_.start_reported) return;
  const bool failed = log_.plan.kind == Kind::kFailed || !log_.status.ok();
  json message = Message("run_converge", "1.1.0");
  message["end_time"] = WholeSeconds(Clock::Real().Now());
  message["status"] = failed ? "failure" : "success";
  message["run_list"] = run_list_;
  message["expanded_run_list"] = {{"id", "_default"}, {"run_list", json()}};
  message["resources"] = json::array();
  message["total_resource_count"] = 0;
  message["updated_resource_count"] = 0;
  message["cookbooks"] = json::object();
  message["deprecations"] = json::array();
  message["policy_name"] = nullptr;
  message["policy_group"] = nullptr;
  if (failed) {
    message["error"] = {{"class", "RuntimeError"},
                        {"message", "the recipe failed"},
                        {"backtrace", json::array()},
                        {"description", json::object()}};
  }
  // The node goes in as text: it is identical to the PUT's body.
  std::string text = message.dump();
  text.pop_back();
  absl::StrAppend(&text, ",\"node\":", view_, "}");
  log_.end_reported = Send(text);
}

json ChefClientRun::Message(absl::string_view type,
                            absl::string_view version) const {
  return {{"chef_server_fqdn", "localhost"},
          {"entity_uuid", "8a2e30aa-5b0c-4b5e-9a57-6f7f9b1c2d3e"},
          {"id", log_.plan.run_id},
          {"message_type", std::string(type)},
          {"message_version", std::string(version)},
          {"node_name", host_.node},
          {"organization_name", "unknown_organization"},
          {"run_id", log_.plan.run_id},
          {"source", "chef_client"},
          {"start_time", WholeSeconds(started_at_)}};
}

bool ChefClientRun::Send(const std::string& message) const {
  // A new connection each, as chef-client's.
  CURL* const curl = curl_easy_init();
  curl_slist* headers = nullptr;
  for (const std::string& header : {
           std::string("Content-Type: application/json"),
           std::string("Accept: application/json"),
           std::string("Expect:"),
           std::string("X-Chef-Version: 18.8.54"),
           std::string("X-Data-Collector-Auth: version=1.0"),
           absl::StrCat("X-Data-Collector-Token: ", host_.data_collector_token),
           absl::StrCat("X-Remote-Request-Id: ", log_.plan.run_id),
       }) {
    headers = curl_slist_append(headers, header.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_URL, host_.data_collector_url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_CAINFO, host_.account.ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Ignore);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, message.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                   static_cast<curl_off_t>(message.size()));
  long http_status = 0;
  if (curl_easy_perform(curl) == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http_status);
  }
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
  return http_status / 100 == 2;
}

}  // namespace rehai::lab
