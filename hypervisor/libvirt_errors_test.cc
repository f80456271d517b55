// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "hypervisor/libvirt_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/matchers.h"

namespace rehai::hypervisor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kUri[] = "qemu+ssh://root@hv1/system";

absl::Status FromText(int code, std::string text) {
  virError error = {};
  error.code = code;
  error.domain = VIR_FROM_RPC;
  error.message = text.data();
  return FromLibvirtError(error, kUri);
}

constexpr char kChangedHostKey[] =
    "Cannot recv data: "
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"
    "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\n"
    "Offending ED25519 key in /root/.ssh/known_hosts:3\n"
    "Host key verification failed.: Connection reset by peer";

TEST(LibvirtErrorsTest, AChangedHostKeyIsOneSentenceWithItsRemedy) {
  const absl::Status status = FromText(VIR_ERR_SYSTEM_ERROR, kChangedHostKey);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  const std::string message(status.message());
  EXPECT_THAT(message, AllOf(StartsWith(std::string(kUri) + ": "),
                             HasSubstr("ssh-keygen -R"), Not(HasSubstr("@@")),
                             Not(HasSubstr("\n"))));
}

TEST(LibvirtErrorsTest, AnUnknownHostKeyIsToldFromAChangedOne) {
  EXPECT_THAT(
      FromText(VIR_ERR_SYSTEM_ERROR,
               "Cannot recv data: No ED25519 host key is known for "
               "[hv1]:22 and you have requested strict checking.\nHost "
               "key verification failed.: Connection reset by peer"),
      StatusIs(absl::StatusCode::kUnauthenticated,
               AllOf(HasSubstr("is not known"), HasSubstr("ssh-keyscan"))));
}

TEST(LibvirtErrorsTest, ARefusedLoginKeepsSshsWordsWithoutLibvirtsWrapping) {
  EXPECT_THAT(
      FromText(VIR_ERR_SYSTEM_ERROR,
               "Cannot recv data: root@hv1: Permission denied "
               "(publickey,password).: Connection reset by peer"),
      StatusIs(absl::StatusCode::kUnauthenticated,
               AllOf(HasSubstr("root@hv1: Permission denied (publickey"),
                     HasSubstr("authorized_keys"),
                     Not(HasSubstr("Connection reset")),
                     Not(HasSubstr("Cannot recv data")))));
  EXPECT_THAT(FromText(VIR_ERR_AUTH_FAILED, "authentication failed"),
              StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST(LibvirtErrorsTest, ASocketThatMayNotBeOpenedIsNotAnSshKeyProblem) {
  EXPECT_THAT(
      FromText(VIR_ERR_SYSTEM_ERROR,
               "Failed to connect socket to "
               "'/var/run/libvirt/libvirt-sock': Permission denied"),
      StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("group libvirt")));
}

TEST(LibvirtErrorsTest, WhatTimeMayHealIsUnavailable) {
  for (const char* text :
       {"Cannot recv data: ssh: connect to host hv1 port 22: Connection "
        "refused: Connection reset by peer",
        "Cannot recv data: ssh: Could not resolve hostname hv1: Name or "
        "service not known: Connection reset by peer",
        "End of file while reading data: nc: /run/libvirt/libvirt-sock: No "
        "such file or directory: Input/output error",
        "End of file while reading data: sh: 1: nc: not found: Input/output "
        "error",
        "Cannot recv data: kex_exchange_identification: Connection closed by "
        "remote host: Connection reset by peer",
        "Cannot write data: Broken pipe",
        "End of file while reading data: Input/output error"}) {
    EXPECT_THAT(FromText(VIR_ERR_SYSTEM_ERROR, text),
                StatusIs(absl::StatusCode::kUnavailable))
        << text;
  }
  EXPECT_THAT(
      FromText(VIR_ERR_INTERNAL_ERROR,
               "internal error: connection closed due to keepalive "
               "timeout"),
      StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopped answering")));
  EXPECT_THAT(FromText(VIR_ERR_NO_CONNECT,
                       "no connection driver available for SSH session "
                       "handshake failed: Failed getting banner"),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(LibvirtErrorsTest, AUriThatCanNeverWorkIsInvalid) {
  EXPECT_THAT(FromText(VIR_ERR_INVALID_ARG,
                       "invalid argument: remote_open: transport in URL not "
                       "recognised"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("correct the URI")));
  EXPECT_THAT(FromText(VIR_ERR_NO_CONNECT,
                       "no connection driver available for foo:///"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(FromText(VIR_ERR_INTERNAL_ERROR,
                       "internal error: Unable to parse URI qemu+ssh://h:x/"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      FromText(VIR_ERR_SYSTEM_ERROR,
               "Cannot recv data: libvirt:  error : cannot execute "
               "binary /no/ssh: No such file or directory: Connection "
               "reset by peer"),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("command=")));
}

TEST(LibvirtErrorsTest, CodesOfSingleObjectsAreKept) {
  EXPECT_THAT(FromText(VIR_ERR_NO_DOMAIN, "Domain not found"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(FromText(VIR_ERR_NO_SUPPORT, "not supported"),
              StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_THAT(FromText(VIR_ERR_OPERATION_DENIED, "read only access"),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST(LibvirtErrorsTest, AnErrorWithoutWordsStillHasASubject) {
  virError error = {};
  error.code = VIR_ERR_INTERNAL_ERROR;
  EXPECT_THAT(FromLibvirtError(error, kUri),
              StatusIs(absl::StatusCode::kUnavailable, StartsWith(kUri)));
}

}  // namespace
}  // namespace rehai::hypervisor
