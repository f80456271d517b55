// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_NODE_PAGE_H_
#define CONTROLLER_API_NODE_PAGE_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "controller/api/named_hosts.h"
#include "controller/api/page_token.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/resync_operations.h"
#include "proto/ids.h"
#include "rehai/v1/fleet.pb.h"

// Pages of lists with an entry per host, in the order of their nodes.
namespace rehai {

// Half of what gRPC clients accept by default, so that one more entry fits.
inline constexpr size_t kNodePageBytes = 2 << 20;

// True if the selector means this node. A host's labels are those of its
// Record.
inline bool MeansNode(const v1::HostSelector& selector, const std::string& node,
                      const Inventory& inventory) {
  const RecordPtr record = inventory.Find(HostId{node});
  if (record != nullptr) return Matches(selector, *record);
  // Just found or just forgotten: it has no labels, and nobody can name it.
  return selector.nodes().empty() && selector.labels().empty();
}

// The page that `request` asks for of those `entries` that its selector and
// `is_meant` mean. `entries` are all there are, sorted by node; `list` is where
// Response has them.
template <typename Response, typename Request, typename Entry, typename IsMeant>
absl::StatusOr<Response> NodePage(
    const Request& request, const std::vector<Entry>& entries,
    const Inventory& inventory, const IsMeant& is_meant,
    google::protobuf::RepeatedPtrField<Entry>* (Response::*list)()) {
  // What must be the same from page to page.
  Request question = request;
  question.clear_page_size();
  question.clear_page_token();
  ASSIGN_OR_RETURN(const int page_size, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string last_node,
                   ReadPageToken(request.page_token(), question));
  RETURN_IF_ERROR(CheckNodes(request.selector(), inventory));

  Response response;
  auto& page = *(response.*list)();
  int total = 0;
  size_t bytes = 0;
  bool more = false;
  for (const Entry& entry : entries) {
    if (!is_meant(entry) ||
        !MeansNode(request.selector(), entry.node(), inventory)) {
      continue;
    }
    ++total;
    if (entry.node() <= last_node) continue;
    if (page.size() == page_size || bytes >= kNodePageBytes) {
      more = true;
      continue;
    }
    *page.Add() = entry;
    bytes += entry.ByteSizeLong();
  }
  response.set_total_size(total);
  if (more) {
    response.set_next_page_token(
        MakePageToken(page.Get(page.size() - 1).node(), question));
  }
  return response;
}

}  // namespace rehai

#endif  // CONTROLLER_API_NODE_PAGE_H_
