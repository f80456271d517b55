// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// A disk that is full, or read-only, costs what would be kept and nothing else:
// Chef is written all the same, the operator is told why, and once the disk is
// well again, all is kept again. docs/state.md.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "tests/integration/eventually.h"
#include "tests/integration/front_end.h"
#include "tests/integration/node_view.h"
#include "tests/lab/controller_process.h"
#include "tests/lab/flat_libvirtd.h"
#include "tests/lab/goiardi.h"
#include "tests/lab/loopback.h"
#include "tests/lab/temp_folder.h"
#include "tests/matchers.h"

namespace rehai::restart {
namespace {

using integration::Eventually;
using integration::FrontEnd;
using integration::kShownPaused;
using integration::kShownRunning;
using integration::ShownIn;
using integration::SmallNode;
using testing::AllOf;
using testing::HasSubstr;

constexpr char kNode[] = "hv0";
constexpr absl::Duration kPatience = absl::Minutes(1);

class BadDiskTest : public testing::Test {
 protected:
  // Before a program is started: they all come from one thread, which stays
  // where it is.
  static void SetUpTestSuite() {
    ASSERT_EQ(unshare(CLONE_NEWNS), 0);
    ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  }

  void SetUp() override {
    auto folder = lab::TempFolder::Create("bad-disk");
    ASSERT_THAT(folder, IsOk());
    folder_ = *std::move(folder);
    // A small disk that only these tests and what they start can see.
    disk_ = *folder_ / "disk";
    ASSERT_EQ(mkdir(disk_.c_str(), 0700), 0);
    ASSERT_EQ(mount("none", disk_.c_str(), "tmpfs", 0, "size=4m"), 0);

    auto chef = lab::Goiardi::Start();
    ASSERT_THAT(chef, IsOk());
    chef_ = *std::move(chef);
    auto libvirtd = lab::FlatLibvirtd::Start();
    ASSERT_THAT(libvirtd, IsOk());
    libvirtd_ = *std::move(libvirtd);
    ASSERT_THAT(chef_->CreateNode(SmallNode(kNode)), IsOk());
    auto port = lab::ReservedPort::Take();
    ASSERT_THAT(port, IsOk());
    http_port_ = std::make_unique<lab::ReservedPort>(*std::move(port));
    lab::ControllerProcess::Options options;
    options.hosts = {{.node = kNode, .uri = libvirtd_->uri()}};
    options.more_config = absl::StrCat(
        "state:\n  dir: ", disk_,
        "/state\nhttp:\n  listen: ", "127.0.0.1:", http_port_->number(), "\n");
    auto controller = lab::ControllerProcess::Start(*chef_, std::move(options));
    ASSERT_THAT(controller, IsOk());
    controller_ = *std::move(controller);
    ExpectShown(kShownRunning);
    ExpectHealth("ok\n");
  }

  void TearDown() override {
    controller_.reset();
    if (!disk_.empty()) umount(disk_.c_str());
  }

  void ExpectShown(const std::string& state) {
    EXPECT_TRUE(Eventually(
        [&] { return ShownIn(chef_->GetNode(kNode).value_or(""), "test"); },
        state, kPatience));
  }
  std::string Page(const std::string& path) {
    httplib::Client client("127.0.0.1", http_port_->number());
    const httplib::Result page = client.Get(path.c_str());
    return page ? page->body : "";
  }
  template <typename Matcher>
  void ExpectHealth(Matcher matcher) {
    EXPECT_TRUE(
        Eventually([&] { return Page("/healthz"); }, matcher, kPatience));
  }
  void ExpectNotKept() {
    ExpectHealth(AllOf(HasSubstr("state is not kept: "), HasSubstr(disk_)));
    EXPECT_THAT(Page("/metrics"), HasSubstr("\nrehai_state_healthy 0\n"));
  }
  // A change reaches Chef although nothing can be kept.
  void ExpectChangeShown() {
    ASSERT_THAT(libvirtd_->Virsh({"suspend", "test"}), IsOk());
    ExpectShown(kShownPaused);
  }
  // The host cannot be read any more when the controller starts anew, so what
  // it answers is what was kept.
  void ExpectChangeKept() {
    ExpectHealth("ok\n");
    EXPECT_THAT(Page("/metrics"), HasSubstr("\nrehai_state_healthy 1\n"));
    libvirtd_->process().Signal(SIGSTOP);
    ASSERT_THAT(controller_->Restart(), IsOk());
    EXPECT_EQ(FrontEnd(controller_->address()).StateOf("test"),
              "GUEST_STATE_PAUSED");
    libvirtd_->process().Signal(SIGCONT);
  }

  std::unique_ptr<lab::TempFolder> folder_;
  std::string disk_;
  std::unique_ptr<lab::Goiardi> chef_;
  std::unique_ptr<lab::FlatLibvirtd> libvirtd_;
  std::unique_ptr<lab::ReservedPort> http_port_;
  std::unique_ptr<lab::ControllerProcess> controller_;
};

TEST_F(BadDiskTest, FullDiskKeepsNothingUntilThereIsRoom) {
  const std::string hog = absl::StrCat(disk_, "/hog");
  const int fd = open(hog.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  const std::string block(4096, 'x');
  while (write(fd, block.data(), block.size()) > 0) {
  }
  close(fd);
  ExpectChangeShown();
  ExpectNotKept();
  ASSERT_EQ(unlink(hog.c_str()), 0);
  ExpectChangeKept();
}

// As after a machine's reboot with a disk that failed.
TEST_F(BadDiskTest, StartOnAReadOnlyDiskAnswersFromItAndWritesToChef) {
  controller_->process().Stop();
  ASSERT_EQ(
      mount("none", disk_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr),
      0);
  libvirtd_->process().Signal(SIGSTOP);
  ASSERT_THAT(controller_->Restart(), IsOk());
  EXPECT_EQ(FrontEnd(controller_->address()).StateOf("test"),
            "GUEST_STATE_RUNNING");
  ExpectNotKept();
  libvirtd_->process().Signal(SIGCONT);
  ExpectChangeShown();
  ASSERT_EQ(mount("none", disk_.c_str(), nullptr, MS_REMOUNT, "size=4m"), 0);
  ExpectChangeKept();
}

}  // namespace
}  // namespace rehai::restart
