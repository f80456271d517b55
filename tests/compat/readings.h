// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_COMPAT_READINGS_H_
#define TESTS_COMPAT_READINGS_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "chef/rendering.h"

// One hypervisor as each of its readers sees it. All take its libvirt URI.
namespace rehai {

// The one attribute tree that `options` switch on, read and rendered as the
// controller does it.
absl::StatusOr<nlohmann::json> OurTree(const std::string& uri,
                                       const chef::RenderingOptions& options);

// What Debian's Ohai and its libvirt plugin yield: automatic.libvirt. Needs
// tests/compat/ohai_libvirt.rb among the test's data.
absl::StatusOr<nlohmann::json> OhaiTree(const std::string& uri);

// What kvm_extensions makes of virsh's output, without its failures:
// automatic.virtualization.kvm.
absl::StatusOr<nlohmann::json> VirshTree(const std::string& uri);

}  // namespace rehai

#endif  // TESTS_COMPAT_READINGS_H_
