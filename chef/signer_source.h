// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CHEF_SIGNER_SOURCE_H_
#define CHEF_SIGNER_SOURCE_H_

#include <memory>
#include <utility>

#include "chef/request_signer.h"

namespace rehai::chef {

// Where a client's signer comes from: keys are replaced while we run. The name
// in the signers never changes. Thread-safe.
class SignerSource {
 public:
  virtual ~SignerSource() = default;

  // The signer for the next request. Never null. Returns soon; may look at a
  // file now and then.
  virtual std::shared_ptr<const RequestSigner> Current() = 0;

  // The same, having looked whether there is a newer one: the server has
  // refused what the current one signed.
  virtual std::shared_ptr<const RequestSigner> Renewed() = 0;
};

// One signer for good.
class FixedSigner final : public SignerSource {
 public:
  explicit FixedSigner(RequestSigner signer)
      : signer_(std::make_shared<const RequestSigner>(std::move(signer))) {}

  std::shared_ptr<const RequestSigner> Current() override { return signer_; }
  std::shared_ptr<const RequestSigner> Renewed() override { return signer_; }

 private:
  const std::shared_ptr<const RequestSigner> signer_;
};

}  // namespace rehai::chef

#endif  // CHEF_SIGNER_SOURCE_H_
