// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/folder_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/mutex.h"
#include "controller/discovery/hosts_folder_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

namespace fs = std::filesystem;

class FolderWatchTest : public testing::Test {
 protected:
  // Waits, for as long as the test may take, until `act` is noticed.
  template <typename Act>
  void ExpectNoticed(Act act) {
    {
      MutexLock lock(mu_);
      calls_ = 0;
    }
    act();
    MutexLock lock(mu_);
    while (calls_ == 0) called_.Wait(mu_);
  }

  std::string Path(const std::string& file) const { return folder_ / file; }

  const HostsFolder folder_;
  Mutex mu_;
  CondVar called_;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
  FolderWatch watch_{[this] {
    MutexLock lock(mu_);
    ++calls_;
    called_.NotifyAll();
  }};
};

TEST_F(FolderWatchTest, NoticesWhatHappensToFiles) {
  watch_.Watch({folder_.path()});
  ExpectNoticed([this] { std::ofstream(Path("a")) << "new"; });
  ExpectNoticed([this] { std::ofstream(Path("a")) << "changed"; });
  ExpectNoticed([this] {
    ASSERT_THAT(WriteFileAtomically(Path("a"), "replaced", 0600), IsOk());
  });
  ExpectNoticed([this] { fs::rename(Path("a"), Path("b")); });
  ExpectNoticed([this] { fs::create_symlink("b", Path("c")); });
  ExpectNoticed([this] { fs::remove(Path("b")); });
}

TEST_F(FolderWatchTest, AFolderThatWasMadeAnewIsWatchedAnew) {
  const std::set<std::string> folders = {Path("d"), Path("missing")};
  fs::create_directory(Path("d"));
  watch_.Watch(folders);
  ExpectNoticed([this] { fs::remove(Path("d")); });
  watch_.Watch(folders);
  fs::create_directory(Path("d"));
  watch_.Watch(folders);
  ExpectNoticed([this] { std::ofstream(Path("d/a")) << "x"; });
}

TEST_F(FolderWatchTest, EndsWithoutHavingSeenAnything) {
  FolderWatch watch([] { FAIL(); });
  watch.Watch({folder_.path()});
}

}  // namespace
}  // namespace rehai
