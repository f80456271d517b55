// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "chef/client_keys.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "chef/errors.h"
#include "chef/node_name.h"

namespace rehai::chef {
namespace {

using nlohmann::json;

json Parsed(const std::string& body) {
  return json::parse(body, nullptr, /*allow_exceptions=*/false);
}

std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>()
                                                     : "";
}

// The names of a list's keys that have not expired; nullopt if it is no list.
std::optional<std::vector<std::string>> ListedKeys(const std::string& body) {
  const json list = Parsed(body);
  if (!list.is_array()) return std::nullopt;
  std::vector<std::string> names;
  for (const json& entry : list) {
    if (!entry.is_object() || entry.value("expired", json(false)) == true) {
      continue;
    }
    const std::string name = Text(entry, "name");
    if (names.size() < ClientKeys::kMostKeys && CheckNodeName(name).ok()) {
      names.push_back(name);
    }
  }
  return names;
}

// One client's keys, while they are fetched. Lives as long as a request of its
// is under way.
class Fetching : public std::enable_shared_from_this<Fetching> {
 public:
  Fetching(std::string name, Client& client, const Clock& clock,
           ClientKeys::Done done)
      : name_(std::move(name)),
        client_(client),
        clock_(clock),
        done_(std::move(done)) {}

  void Begin() {
    Get("/keys", [this](const absl::StatusOr<Response>& answer) {
      if (answer.ok() && answer->status == 200) {
        if (auto names = ListedKeys(answer->body); names.has_value()) {
          to_fetch_ = *std::move(names);
          return FetchNext();
        }
      }
      // A server that refuses us says so again; one without lists answers.
      FetchFromClient();
    });
  }

 private:
  void Get(const std::string& below,
           absl::AnyInvocable<void(absl::StatusOr<Response>)> then) {
    client_.Send({.method = "GET",
                  .path = absl::StrCat("/clients/", name_, below),
                  .query = {},
                  .body = {}},
                 [self = shared_from_this(), then = std::move(then)](
                     absl::StatusOr<Response> answer) mutable {
                   then(std::move(answer));
                 });
  }

  void FetchNext() {
    if (to_fetch_.empty()) return Finish();
    const std::string key = std::move(to_fetch_.back());
    to_fetch_.pop_back();
    Get(absl::StrCat("/keys/", key),
        [this](const absl::StatusOr<Response>& answer) {
          if (Take(answer)) FetchNext();
        });
  }

  void FetchFromClient() {
    Get("", [this](const absl::StatusOr<Response>& answer) {
      if (Take(answer)) Finish();
    });
  }

  // False if it was no answer, and `done_` has been told so.
  bool Take(const absl::StatusOr<Response>& answer) {
    const Subject subject = {.node = name_,
                             .server_url = client_.server_url(),
                             .client_name = client_.client_name(),
                             .method = "GET",
                             .kind = "client"};
    if (auto failure = FindFailure(answer, subject, clock_.Now())) {
      done_(std::move(failure->status));
      return false;
    }
    if (std::string key = Text(Parsed(answer->body), "public_key");
        !key.empty()) {
      keys_.push_back(std::move(key));
    }
    return true;
  }

  void Finish() {
    if (!keys_.empty()) return done_(std::move(keys_));
    done_(absl::NotFoundError(
        absl::StrCat("client ", name_, " at ", client_.server_url(),
                     ": has no key that is good; run chef-client there, or add "
                     "one with knife client key create")));
  }

  const std::string name_;
  Client& client_;
  const Clock& clock_;
  ClientKeys::Done done_;
  std::vector<std::string> to_fetch_;
  ClientKeys::Keys keys_;
};

}  // namespace

ClientKeys::ClientKeys(Client& client, const Clock& clock)
    : client_(client), clock_(clock) {}

void ClientKeys::Fetch(const std::string& name, Done done) {
  // A client may be named as a node may.
  if (absl::Status named = CheckNodeName(name); !named.ok()) return done(named);
  std::make_shared<Fetching>(name, client_, clock_, std::move(done))->Begin();
}

}  // namespace rehai::chef
