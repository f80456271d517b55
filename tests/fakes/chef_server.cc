// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/chef_server.h"

#include <dirent.h>
#include <httplib.h>
#include <netinet/in.h>
#include <simdjson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/fakes/chef_search.h"
#include "tests/fakes/self_signed_certificate.h"

namespace rehai::chef {
namespace {

constexpr absl::Duration kAllowedSkew = absl::Minutes(15);

[[noreturn]] void Die(absl::string_view why) {
  fprintf(stderr, "fake Chef server: %s\n", std::string(why).c_str());
  abort();
}

// The library listens with a backlog of five: fewer than a client's
// connections, and one that does not fit costs it a second.
template <typename Base>
class DeepListener final : public Base {
 public:
  using Base::Base;
  int Bind() {
    this->set_tcp_nodelay(true);  // accepted sockets take it from this one
    const int port = this->bind_to_any_port("127.0.0.1");
    ::listen(this->svr_sock_, SOMAXCONN);
    return port;
  }
};

std::string WriteTemporaryFile(const std::string& content) {
  const char* const folder = getenv("TEST_TMPDIR");
  std::string path =
      absl::StrCat(folder == nullptr ? "/tmp" : folder, "/chef-ca-XXXXXX");
  const int fd = mkstemp(path.data());
  if (fd < 0 || write(fd, content.data(), content.size()) !=
                    static_cast<ssize_t>(content.size())) {
    Die(absl::StrCat("cannot write ", path));
  }
  close(fd);
  return path;
}

// Ends the server's side of one connection, or of all if `peer_port` is 0. The
// library has no way to do it, so the sockets are found among this process's
// files.
void EndConnections(int server_port, int peer_port) {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return;
  while (const dirent* const entry = readdir(folder)) {
    const int fd = atoi(entry->d_name);
    sockaddr_in local = {}, peer = {};
    socklen_t local_size = sizeof(local), peer_size = sizeof(peer);
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) ==
            0 &&
        getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) == 0 &&
        local.sin_family == AF_INET && ntohs(local.sin_port) == server_port &&
        (peer_port == 0 || ntohs(peer.sin_port) == peer_port)) {
      shutdown(fd, SHUT_RDWR);
    }
  }
  closedir(folder);
}

std::string ErrorBody(absl::string_view message) {
  return absl::StrCat(R"({"error":[")", message, R"("]})");
}

// The string at a document's top; nullopt if it is not a JSON object with one.
std::optional<std::string> StringIn(const std::string& document,
                                    std::string_view key) {
  thread_local simdjson::dom::parser parser;
  std::string_view text;
  if (parser.parse(document)[key].get(text) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return std::string(text);
}

absl::string_view PathOf(const httplib::Request& request) {
  const absl::string_view target(request.target);
  return target.substr(0, target.find('?'));
}

// "hv1" of ".../nodes/hv1"; empty for other paths.
std::string NodeOf(absl::string_view path) {
  const size_t at = path.rfind("/nodes/");
  if (at == path.npos) return "";
  return std::string(path.substr(at + strlen("/nodes/")));
}

}  // namespace

FakeChefServer::FakeChefServer(Options options)
    : options_(std::move(options)),
      prefix_(options_.organization.empty()
                  ? ""
                  : absl::StrCat("/organizations/", options_.organization)) {}

std::unique_ptr<FakeChefServer> FakeChefServer::Start(Options options) {
  // The constructor is private, so make_unique cannot be used.
  std::unique_ptr<FakeChefServer> fake(new FakeChefServer(std::move(options)));
  if (fake->options_.tls) {
    const SelfSignedCertificate own = MakeSelfSignedCertificate();
    fake->ca_file_ = WriteTemporaryFile(own.certificate_pem);
    const std::string key_file = WriteTemporaryFile(own.key_pem);
    auto server = std::make_unique<DeepListener<httplib::SSLServer>>(
        fake->ca_file_.c_str(), key_file.c_str());
    unlink(key_file.c_str());
    fake->port_ = server->Bind();
    fake->server_ = std::move(server);
  } else {
    auto server = std::make_unique<DeepListener<httplib::Server>>();
    fake->port_ = server->Bind();
    fake->server_ = std::move(server);
  }
  if (!fake->server_->is_valid() || fake->port_ <= 0) Die("cannot listen");

  httplib::Server& server = *fake->server_;
  server.new_task_queue = [count = fake->options_.max_connections] {
    return new httplib::ThreadPool(count);
  };
  server.set_keep_alive_max_count(std::numeric_limits<size_t>::max());
  server.set_keep_alive_timeout(600);
  const auto handle = [raw = fake.get()](const httplib::Request& request,
                                         httplib::Response& response) {
    raw->Handle(request, response);
  };
  server.Get(".*", handle).Put(".*", handle).Post(".*", handle);
  server.Delete(".*", handle);
  fake->thread_ = std::thread([&server] { server.listen_after_bind(); });
  // stop() before it runs would be lost.
  while (!server.is_running()) std::this_thread::yield();
  return fake;
}

FakeChefServer::~FakeChefServer() {
  server_->stop();
  // First, so that what waits wakes up with nobody left to answer.
  EndConnections(port_, 0);
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
  if (!ca_file_.empty()) unlink(ca_file_.c_str());
}

std::string FakeChefServer::url() const {
  return absl::StrCat(options_.tls ? "https" : "http", "://127.0.0.1:", port_,
                      prefix_);
}

void FakeChefServer::AddClient(const std::string& name,
                               const std::string& public_key_pem) {
  PublicKey key = ParsePublicKey(public_key_pem);
  if (key == nullptr) Die(absl::StrCat("not a public key for ", name));
  MutexLock lock(mu_);
  clients_[name] = std::move(key);
}

void FakeChefServer::SetNode(const std::string& name, std::string document) {
  auto bytes = std::make_shared<const std::string>(std::move(document));
  MutexLock lock(mu_);
  nodes_[name] = std::move(bytes);
}

std::optional<std::string> FakeChefServer::Node(const std::string& name) const {
  MutexLock lock(mu_);
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return std::nullopt;
  return *found->second;
}

void FakeChefServer::RemoveNode(const std::string& name) {
  MutexLock lock(mu_);
  nodes_.erase(name);
}

void FakeChefServer::AddDataBag(const std::string& bag) {
  MutexLock lock(mu_);
  data_bags_[bag];
}

void FakeChefServer::SetItem(const std::string& bag, const std::string& item,
                             std::string document) {
  auto bytes = std::make_shared<const std::string>(std::move(document));
  MutexLock lock(mu_);
  data_bags_[bag][item] = std::move(bytes);
}

std::optional<std::string> FakeChefServer::Item(const std::string& bag,
                                                const std::string& item) const {
  MutexLock lock(mu_);
  const auto found = data_bags_.find(bag);
  if (found == data_bags_.end()) return std::nullopt;
  const auto document = found->second.find(item);
  if (document == found->second.end()) return std::nullopt;
  return *document->second;
}

void FakeChefServer::HoldIndex() {
  MutexLock lock(mu_);
  held_index_ = data_bags_;
  (*held_index_)["node"] = nodes_;
}

void FakeChefServer::ReleaseIndex() {
  MutexLock lock(mu_);
  held_index_.reset();
}

void FakeChefServer::AddFault(Fault fault) {
  MutexLock lock(mu_);
  faults_.push_back(std::move(fault));
}

void FakeChefServer::ClearFaults() {
  MutexLock lock(mu_);
  faults_.clear();
}

void FakeChefServer::Pause() {
  MutexLock lock(mu_);
  paused_ = true;
}

void FakeChefServer::Resume() {
  MutexLock lock(mu_);
  paused_ = false;
  changed_.NotifyAll();
}

void FakeChefServer::AwaitRequests(int64_t count) const {
  MutexLock lock(mu_);
  while (counters_.requests < count) changed_.Wait(mu_);
}

std::vector<FakeChefServer::RecordedRequest> FakeChefServer::Requests() const {
  MutexLock lock(mu_);
  return requests_;
}

FakeChefServer::Counters FakeChefServer::counters() const {
  MutexLock lock(mu_);
  return counters_;
}

void FakeChefServer::Handle(const httplib::Request& request,
                            httplib::Response& response) {
  using Effect = Fault::Effect;
  const std::string path(PathOf(request));
  const size_t record = Record(request, path);
  bool up = WaitWhilePaused();
  const std::optional<Fault> fault = TakeFault(request.method, NodeOf(path));
  const Effect effect = fault ? fault->effect : Effect::kDelayOnly;
  if (fault) up = WaitFor(fault->delay) && up;
  if (!up) return;

  Answer answer;
  if (effect != Effect::kDropBefore && effect != Effect::kAnswer) {
    answer = CarryOut(request, path);
  }
  if (effect == Effect::kDropBefore || effect == Effect::kDropAfter) {
    EndConnections(port_, request.remote_port);
    return;
  }
  if (effect == Effect::kAnswer || effect == Effect::kApplyThenAnswer) {
    answer = {fault->status, fault->content_type, fault->body,
              fault->retry_after};
  }
  {
    MutexLock lock(mu_);
    if (record < requests_.size()) requests_[record].status = answer.status;
    if (answer.status == 401) ++counters_.refused;
  }
  Reply(std::move(answer), response);
}

void FakeChefServer::Reply(Answer answer, httplib::Response& response) const {
  response.status = answer.status;
  response.set_header(
      "Date", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT",
                               options_.clock->Now(), absl::UTCTimeZone()));
  if (!answer.retry_after.empty()) {
    response.set_header("Retry-After", answer.retry_after);
  }
  if (options_.compress || answer.body.empty()) {
    response.set_content(std::move(answer.body), answer.content_type);
    return;
  }
  // The library compresses all but what a provider of known length yields.
  const size_t size = answer.body.size();
  response.set_content_provider(
      size, answer.content_type,
      [body = std::move(answer.body)](size_t offset, size_t length,
                                      httplib::DataSink& sink) {
        return sink.write(body.data() + offset, length);
      });
}

size_t FakeChefServer::Record(const httplib::Request& request,
                              const std::string& path) {
  RecordedRequest record;
  if (options_.record_requests) {
    record.method = request.method;
    record.path = path;
    const size_t query = request.target.find('?');
    if (query != std::string::npos) {
      record.query = request.target.substr(query + 1);
    }
    for (const auto& [name, value] : request.headers) {
      record.headers[absl::AsciiStrToLower(name)] = value;
    }
    record.body_bytes = request.body.size();
    record.client_port = request.remote_port;
    record.received_at = options_.clock->Now();
  }
  MutexLock lock(mu_);
  ++counters_.requests;
  if (request.method == "GET") ++counters_.gets;
  if (request.method == "PUT") ++counters_.puts;
  if (absl::StrContains(path, "/search/")) ++counters_.searches;
  const size_t index = requests_.size();
  if (options_.record_requests) requests_.push_back(std::move(record));
  changed_.NotifyAll();
  return index;
}

bool FakeChefServer::WaitWhilePaused() {
  MutexLock lock(mu_);
  while (paused_ && !stopping_) changed_.Wait(mu_);
  return !stopping_;
}

bool FakeChefServer::WaitFor(absl::Duration delay) {
  const Clock& clock = Clock::Real();
  const absl::Duration until = clock.Uptime() + delay;
  MutexLock lock(mu_);
  while (!stopping_ && clock.Uptime() < until) {
    clock.WaitUntil(until, mu_, changed_);
  }
  return !stopping_;
}

std::optional<FakeChefServer::Fault> FakeChefServer::TakeFault(
    const std::string& method, const std::string& node) {
  MutexLock lock(mu_);
  for (auto it = faults_.begin(); it != faults_.end(); ++it) {
    if (!it->method.empty() && it->method != method) continue;
    if (!it->node.empty() && it->node != node) continue;
    Fault fault = *it;
    ++counters_.faults;
    if (--it->times <= 0) faults_.erase(it);
    return fault;
  }
  return std::nullopt;
}

FakeChefServer::Answer FakeChefServer::CarryOut(const httplib::Request& request,
                                                const std::string& path) {
  if (request.body.size() > options_.max_body_bytes) {
    return {413, "application/json",
            absl::StrCat(R"({"error":"JSON must be no more than )",
                         options_.max_body_bytes, R"( bytes."})")};
  }
  absl::string_view below(path);
  if (!absl::ConsumePrefix(&below, prefix_) || below.empty() ||
      below[0] != '/') {
    return {404, "text/html",
            "<html><head><title>404 Not Found</title></head></html>"};
  }
  if (std::optional<Answer> refusal = RefuseSender(request, path)) {
    return *std::move(refusal);
  }
  if (below == "/nodes" && request.method == "POST") {
    return CreateNode(request.body);
  }
  if (absl::ConsumePrefix(&below, "/search/") && request.method == "POST") {
    return Search(request, std::string(below));
  }
  if (absl::ConsumePrefix(&below, "/data/")) {
    return CarryOutOnData(request, below);
  }
  if (!absl::ConsumePrefix(&below, "/nodes/")) {
    return {404, "text/html",
            "<html><head><title>404 Not Found</title></head></html>"};
  }
  const std::string name(below);
  if (request.method == "GET") return GetNode(name);
  if (request.method == "PUT") return ReplaceNode(name, request.body);
  if (request.method == "DELETE") return DeleteNode(name);
  return {405, "application/json", ErrorBody("method not allowed")};
}

std::optional<FakeChefServer::Answer> FakeChefServer::RefuseSender(
    const httplib::Request& request, const std::string& path) const {
  if (!options_.check_signatures) return std::nullopt;
  for (const char* const name :
       {"X-Ops-Userid", "X-Ops-Timestamp", "X-Ops-Sign", "X-Ops-Content-Hash",
        "X-Ops-Authorization-1"}) {
    if (!request.has_header(name)) {
      return Answer{
          400, "application/json",
          ErrorBody(absl::StrCat("missing required authentication header(s) '",
                                 name, "'"))};
    }
  }
  const std::string user = request.get_header_value("X-Ops-Userid");
  absl::Time signed_at;
  if (!absl::ParseTime(absl::RFC3339_full,
                       request.get_header_value("X-Ops-Timestamp"), &signed_at,
                       nullptr) ||
      absl::AbsDuration(options_.clock->Now() - signed_at) >= kAllowedSkew) {
    return Answer{
        401, "application/json",
        ErrorBody(absl::StrCat("Failed to authenticate as ", user,
                               ". Synchronize the clock on your host."))};
  }
  PublicKey key;
  {
    MutexLock lock(mu_);
    const auto found = clients_.find(user);
    if (found != clients_.end()) key = found->second;
  }
  if (key == nullptr) {
    return Answer{401, "application/json",
                  ErrorBody(absl::StrCat(
                      "Failed to authenticate as '", user,
                      "'. Ensure that your node_name and client key are "
                      "correct."))};
  }
  const SignedParts parts = {.method = request.method,
                             .path = path,
                             .body = request.body,
                             .header = [&](const std::string& name) {
                               return request.get_header_value(name);
                             }};
  if (SignatureIsGood(parts, key)) return std::nullopt;
  return Answer{401, "application/json",
                ErrorBody(absl::StrCat("Invalid signature for user or client '",
                                       user, "'"))};
}

FakeChefServer::Answer FakeChefServer::GetNode(const std::string& name) const {
  std::shared_ptr<const std::string> document;
  {
    MutexLock lock(mu_);
    const auto found = nodes_.find(name);
    if (found != nodes_.end()) document = found->second;
  }
  if (document == nullptr) {
    return {404, "application/json",
            ErrorBody(absl::StrCat("node '", name, "' not found"))};
  }
  return {200, "application/json", *document};
}

FakeChefServer::Answer FakeChefServer::ReplaceNode(
    const std::string& name, const std::string& document) {
  const std::optional<std::string> name_inside = StringIn(document, "name");
  if (!name_inside.has_value()) {
    return {400, "application/json", ErrorBody("invalid JSON")};
  }
  if (*name_inside != name) {
    return {400, "application/json", ErrorBody("Node name mismatch.")};
  }
  auto bytes = std::make_shared<const std::string>(document);
  {
    MutexLock lock(mu_);
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) {
      return {404, "application/json",
              ErrorBody(absl::StrCat("node '", name, "' not found"))};
    }
    found->second = bytes;
    ++counters_.puts_applied;
  }
  if (options_.on_put) options_.on_put(name, bytes);
  return {200, "application/json", document};
}

FakeChefServer::Answer FakeChefServer::CreateNode(const std::string& document) {
  const std::optional<std::string> name = StringIn(document, "name");
  if (!name.has_value()) {
    return {400, "application/json", ErrorBody("invalid JSON")};
  }
  auto bytes = std::make_shared<const std::string>(document);
  MutexLock lock(mu_);
  if (!nodes_.try_emplace(*name, std::move(bytes)).second) {
    return {409, "application/json", ErrorBody("Node already exists")};
  }
  return {201, "application/json",
          absl::StrCat(R"({"uri":")", url(), "/nodes/", *name, R"("})")};
}

FakeChefServer::Answer FakeChefServer::DeleteNode(const std::string& name) {
  Answer answer = GetNode(name);
  MutexLock lock(mu_);
  nodes_.erase(name);
  return answer;
}

FakeChefServer::Answer FakeChefServer::CarryOutOnData(
    const httplib::Request& request, absl::string_view below) {
  const std::pair<std::string, std::string> names =
      absl::StrSplit(below, absl::MaxSplits('/', 1));
  const auto& [bag, item] = names;
  const bool creates = request.method == "POST" && item.empty();
  auto bytes = std::make_shared<const std::string>(request.body);
  const std::string id = StringIn(request.body, "id").value_or("");
  MutexLock lock(mu_);
  const auto found = data_bags_.find(bag);
  if (creates && found == data_bags_.end()) {
    return {404, "application/json",
            ErrorBody(absl::StrCat("No data bag '", bag,
                                   "' could be found. Please create this data "
                                   "bag before adding items to it."))};
  }
  if (found == data_bags_.end() || (!creates && !found->second.count(item))) {
    return {404, "application/json",
            ErrorBody(absl::StrCat("Cannot load data bag item ", item,
                                   " for data bag ", bag))};
  }
  Objects& items = found->second;
  if (request.method == "GET") return {200, "application/json", *items[item]};
  if (creates) {
    if (id.empty()) return {400, "application/json", ErrorBody("no id")};
    if (!items.try_emplace(id, std::move(bytes)).second) {
      return {
          409, "application/json",
          ErrorBody(absl::StrCat("Data Bag Item '", id,
                                 "' already exists in Data Bag '", bag, "'."))};
    }
    return {201, "application/json", request.body};
  }
  if (request.method == "PUT") {
    if (id != item) {
      return {400, "application/json", ErrorBody("DataBagItem name mismatch.")};
    }
    items[item] = std::move(bytes);
    ++counters_.puts_applied;
    return {200, "application/json", request.body};
  }
  return {405, "application/json", ErrorBody("method not allowed")};
}

std::vector<std::shared_ptr<const std::string>> FakeChefServer::Matching(
    const std::string& index, const std::string& query) const {
  Objects known;
  Objects now;
  {
    MutexLock lock(mu_);
    const auto items = data_bags_.find(index);
    if (index == "node") {
      now = nodes_;
    } else if (items != data_bags_.end()) {
      now = items->second;
    }
    known = now;
    if (held_index_.has_value()) {
      const auto held = held_index_->find(index);
      known = held == held_index_->end() ? Objects() : held->second;
    }
  }
  std::vector<std::shared_ptr<const std::string>> matching;
  for (const auto& [name, document] : known) {
    const auto current = now.find(name);
    if (current != now.end() && SearchMatches(*document, query)) {
      matching.push_back(current->second);
    }
  }
  return matching;
}

FakeChefServer::Answer FakeChefServer::Search(const httplib::Request& request,
                                              const std::string& index) {
  const auto matching = Matching(index, request.get_param_value("q"));
  size_t start = 0;
  size_t rows = 0;
  if (!absl::SimpleAtoi(request.get_param_value("start"), &start) ||
      !absl::SimpleAtoi(request.get_param_value("rows"), &rows)) {
    return {400, "application/json", ErrorBody("start and rows are wanted")};
  }
  if (options_.search_like_goiardi && start > matching.size()) {
    EndConnections(port_, request.remote_port);
    return {500, "text/plain", ""};
  }
  std::string page;
  size_t count = 0;
  for (size_t i = start; i < matching.size() && count < rows; ++i, ++count) {
    absl::StrAppend(&page, page.empty() ? "" : ",", R"({"url":"","data":)",
                    SearchRow(*matching[i], request.body), "}");
  }
  const size_t total = options_.search_like_goiardi ? count : matching.size();
  return {200, "application/json",
          absl::StrCat(R"({"total":)", total, R"(,"start":)", start,
                       R"(,"rows":[)", page, "]}")};
}

}  // namespace rehai::chef
