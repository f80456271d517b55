// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_SEARCH_FIXTURE_H_
#define CHEF_SEARCH_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/fake_clock.h"
#include "chef/client.h"
#include "chef/request_signer.h"
#include "tests/fakes/chef_server.h"
#include "tests/fakes/rsa_key_pair.h"

namespace rehai::chef {

// For tests of what asks a server's search: a server and a client of it.
class SearchTest : public testing::Test {
 protected:
  SearchTest() { Serve({}); }

  static const RsaKeyPair& TestKey() {
    static const auto* const key = new RsaKeyPair(MakeRsaKeyPair());
    return *key;
  }

  // Another server, without nodes, in the place of the last.
  void Serve(FakeChefServer::Options options) {
    client_.reset();
    options.clock = &clock_;
    server_ = FakeChefServer::Start(options);
    server_->AddClient("rehai", TestKey().public_pem);
    Client::Options client_options;
    client_options.server_url = server_->url();
    client_ =
        *Client::Create(client_options,
                        *RequestSigner::Create("rehai", TestKey().private_pkcs1,
                                               SignVersion::k1_3),
                        clock_);
  }

  // What the next search is answered with.
  void AnswerNext(int status, const std::string& body) {
    FakeChefServer::Fault fault;
    fault.method = "POST";
    fault.status = status;
    fault.body = body;
    server_->AddFault(fault);
  }

  FakeClock clock_;
  std::unique_ptr<FakeChefServer> server_;
  std::unique_ptr<Client> client_;
};

}  // namespace rehai::chef

#endif  // CHEF_SEARCH_FIXTURE_H_
