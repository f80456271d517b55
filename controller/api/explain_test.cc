// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/proto_time.h"
#include "chef/node_document.h"
#include "controller/api/attribute_path.h"
#include "controller/inventory/record.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr char kUuid[] = "11111111-1111-1111-1111-111111111111";
constexpr char kEmptyNode[] = R"({"name":"hv1","automatic":{"kernel":{}}})";

v1::Record Hv1() {
  v1::Record record;
  record.set_node("hv1");
  record.set_revision(7);
  record.set_presence(v1::PRESENCE_CURRENT);
  *record.mutable_confirmed_at() = ToProto(kNow);
  record.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
  record.mutable_provenance()->set_origin("qemu+ssh://hv1/system");
  record.mutable_facts()->set_hostname("hv1.example.com");
  v1::Guest& guest = *record.add_guests();
  guest.set_uuid(kUuid);
  guest.set_name("web01.example.com");
  guest.set_state(v1::GUEST_STATE_RUNNING);
  return record;
}

// A host whose node is as it should be.
ExplainFacts InPlace() {
  ExplainFacts facts;
  facts.host = HostId{"hv1"};
  facts.record = std::make_shared<v1::Record>(Hv1());
  facts.renderings.kvm_extensions = true;
  const chef::Rendering rendering =
      chef::Render(*facts.record, facts.renderings);
  facts.document = *chef::Splice(
      kEmptyNode,
      chef::Stamped(rendering, {.digest = rendering.digest, .revision = 7}));
  facts.sync.set_state(v1::SYNC_STATE_SYNCED);
  *facts.sync.mutable_verified_at() = ToProto(kNow - absl::Minutes(1));
  facts.next_check_at = kNow + absl::Seconds(30);
  return facts;
}

void Change(ExplainFacts& facts, const std::function<void(v1::Record&)>& how) {
  auto record = std::make_shared<v1::Record>(*facts.record);
  how(*record);
  facts.record = std::move(record);
}

chef::NodePath Path(const std::string& text) {
  return *ParseAttributePath(text);
}

v1::Explanation ExplainPath(const std::string& path,
                            const ExplainFacts& facts) {
  return ExplainAttribute(Joined(Path(path), facts), facts);
}

std::vector<std::string> Reasons(const v1::Explanation& explanation) {
  std::vector<std::string> reasons;
  for (const v1::ExplainReason& reason : explanation.reasons()) {
    EXPECT_FALSE(reason.message().empty());
    reasons.push_back(v1::ExplainReasonType_Name(reason.type())
                          .substr(std::string("EXPLAIN_REASON_TYPE_").size()));
  }
  return reasons;
}

std::string Verdict(const v1::Explanation& explanation) {
  return v1::ExplainVerdict_Name(explanation.verdict())
      .substr(std::string("EXPLAIN_VERDICT_").size());
}

const std::string kState =
    absl::StrCat("automatic.rehai.guests.", kUuid, ".state");
const std::string kKvmState =
    "automatic.virtualization.kvm.guests.web01.example.com.State";

TEST(ExplainTest, AValueInPlaceHasItsFact) {
  const v1::Explanation explanation = ExplainPath(kKvmState, InPlace());
  EXPECT_EQ(Verdict(explanation), "IN_PLACE");
  EXPECT_EQ(explanation.chef_value(), "\"running\"");
  EXPECT_EQ(explanation.wanted_value(), "\"running\"");
  EXPECT_EQ(explanation.fact().field(), "guests[web01.example.com].state");
  EXPECT_EQ(explanation.fact().provenance().origin(), "qemu+ssh://hv1/system");
  EXPECT_EQ(explanation.fact().revision(), 7);
  EXPECT_THAT(Reasons(explanation), IsEmpty());
  EXPECT_TRUE(explanation.has_next_check_at());
}

TEST(ExplainTest, AGuestIsCalledByItsName) {
  ExplainFacts facts = InPlace();
  facts.guest = kUuid;
  EXPECT_EQ(ExplainPath(kState, facts).fact().field(),
            "guests[web01.example.com].state");
}

// What the facts are made to be, and what is then said of the path.
struct Case {
  const char* name;
  std::string path;
  std::function<void(ExplainFacts&)> change;
  const char* verdict;
  const char* reason;  // one of them
};

class ExplainCaseTest : public testing::TestWithParam<Case> {};

TEST_P(ExplainCaseTest, IsToldSo) {
  ExplainFacts facts = InPlace();
  GetParam().change(facts);
  const v1::Explanation explanation = ExplainPath(GetParam().path, facts);
  EXPECT_EQ(Verdict(explanation), GetParam().verdict);
  EXPECT_THAT(Reasons(explanation), Contains(GetParam().reason));
  EXPECT_FALSE(explanation.summary().empty());
}

// The node has nothing of ours.
void Bare(ExplainFacts& facts) { facts.document = std::string(kEmptyNode); }

INSTANTIATE_TEST_SUITE_P(
    All, ExplainCaseTest,
    testing::Values(
        Case{"HostUnknown", kState,
             [](ExplainFacts& f) {
               f.record = nullptr;
               f.document = absl::NotFoundError("host hv1: unknown");
             },
             "UNREADABLE", "HOST_UNKNOWN"},
        Case{"HostNeverSeen", kState,
             [](ExplainFacts& f) {
               Bare(f);
               Change(f, [](v1::Record& r) {
                 r.clear_facts();
                 r.clear_guests();
                 r.set_presence(v1::PRESENCE_NEVER_SEEN);
               });
             },
             "NOTHING", "HOST_NEVER_SEEN"},
        Case{"HostUnreachable", kState,
             [](ExplainFacts& f) {
               Change(f, [](v1::Record& r) {
                 r.set_presence(v1::PRESENCE_STALE);
                 r.add_conditions()->set_type(kUnreachable);
               });
             },
             "IN_PLACE", "HOST_UNREACHABLE"},
        Case{"IdentityInDoubt", kState,
             [](ExplainFacts& f) {
               Bare(f);
               f.sync.set_state(v1::SYNC_STATE_HELD);
               Change(f, [](v1::Record& r) {
                 v1::Condition& c = *r.add_conditions();
                 c.set_type(kDuplicateHostUuid);
                 c.set_message("hv2 answers with the same UUID");
               });
             },
             "MISSING", "IDENTITY_IN_DOUBT"},
        Case{"GuestUnknown", "automatic.rehai.guests.nobody",
             [](ExplainFacts& f) { f.guest = "nobody"; }, "NOTHING",
             "GUEST_UNKNOWN"},
        Case{"GuestElsewhere", "automatic.rehai.guests.22",
             [](ExplainFacts& f) {
               f.guest = "22";
               auto other = std::make_shared<v1::Record>();
               other->set_node("hv2");
               f.places.push_back({other, &v1::Guest::default_instance()});
             },
             "NOTHING", "GUEST_ELSEWHERE"},
        Case{"GuestHeld", kState,
             [](ExplainFacts& f) {
               f.guest = kUuid;
               Change(f, [](v1::Record& r) { r.add_missing_uuids(kUuid); });
             },
             "IN_PLACE", "GUEST_HELD"},
        Case{"RenderingOff", "automatic.libvirt.domains", [](ExplainFacts&) {},
             "NOTHING", "RENDERING_OFF"},
        Case{"VolatileOff", "automatic.virtualization.kvm.hardware.freecell",
             [](ExplainFacts&) {}, "NOTHING", "RENDERING_OFF"},
        Case{"NoFact", absl::StrCat("rehai.guests.", kUuid, ".title"),
             [](ExplainFacts&) {}, "NOTHING", "NO_FACT"},
        Case{"NotOurs", "automatic.kernel", [](ExplainFacts&) {}, "NOT_OURS",
             "NOT_OURS"},
        Case{"Pending", kState,
             [](ExplainFacts& f) {
               Bare(f);
               f.sync.set_state(v1::SYNC_STATE_PENDING);
             },
             "MISSING", "WRITE_PENDING"},
        Case{"Failed", kState,
             [](ExplainFacts& f) {
               Bare(f);
               f.sync.set_state(v1::SYNC_STATE_PENDING);
               f.sync.set_last_error("server: 503");
             },
             "MISSING", "WRITE_FAILED"},
        Case{"Parked", kState,
             [](ExplainFacts& f) {
               Bare(f);
               f.sync.set_state(v1::SYNC_STATE_PARKED);
               f.sync.set_last_error("node hv1: forbidden");
             },
             "MISSING", "WRITE_PARKED"},
        Case{"DryRun", kState,
             [](ExplainFacts& f) {
               Bare(f);
               f.sync.set_state(v1::SYNC_STATE_DRY_RUN);
             },
             "MISSING", "DRY_RUN"},
        Case{"Drift", kState, Bare, "MISSING", "DRIFT_NOT_FOUND_YET"},
        Case{"Differs", kKvmState,
             [](ExplainFacts& f) {
               Change(f, [](v1::Record& r) {
                 r.mutable_guests(0)->set_state(v1::GUEST_STATE_PAUSED);
               });
               f.sync.set_state(v1::SYNC_STATE_PENDING);
             },
             "DIFFERS", "WRITE_PENDING"},
        Case{"LeftOver", kKvmState,
             [](ExplainFacts& f) {
               Change(f, [](v1::Record& r) { r.clear_guests(); });
               f.guest = "web01.example.com";
               f.sync.set_state(v1::SYNC_STATE_PENDING);
             },
             "LEFT_OVER", "GUEST_UNKNOWN"},
        Case{"SwitchedOffAndStillOurs", kKvmState,
             [](ExplainFacts& f) { f.renderings.kvm_extensions = false; },
             "LEFT_OVER", "RENDERING_OFF"},
        Case{"Overwritten", kState,
             [](ExplainFacts& f) {
               f.sync.set_overwrites(2);
               f.sync.set_last_overwriter(v1::OVERWRITER_CHEF_CLIENT);
               *f.sync.mutable_last_overwrite_at() =
                   ToProto(kNow - absl::Minutes(5));
             },
             "IN_PLACE", "OVERWRITTEN"},
        Case{"NodeMissing", kState,
             [](ExplainFacts& f) {
               f.document = absl::NotFoundError("node hv1: no such node");
               f.sync.set_state(v1::SYNC_STATE_PARKED);
             },
             "UNREADABLE", "NODE_MISSING"},
        Case{"Unreadable", kState,
             [](ExplainFacts& f) {
               f.document = absl::UnavailableError("server: no answer");
             },
             "UNREADABLE", "NODE_UNREADABLE"}),
    [](const auto& info) { return info.param.name; });

TEST(ExplainTest, TheStampIsOursWhateverItSays) {
  EXPECT_EQ(Verdict(ExplainPath("rehai.revision", InPlace())), "IN_PLACE");
  ExplainFacts bare = InPlace();
  Bare(bare);
  EXPECT_EQ(Verdict(ExplainPath("rehai.digest", bare)), "MISSING");
}

TEST(ExplainTest, AParentIsComparedWithAllThatIsOursBelow) {
  ExplainFacts facts = InPlace();
  v1::Explanation explanation = ExplainPath("automatic.virtualization", facts);
  EXPECT_EQ(Verdict(explanation), "IN_PLACE");
  EXPECT_THAT(explanation.wanted_value(), HasSubstr("{\"kvm\":{"));
  Bare(facts);
  EXPECT_EQ(Verdict(ExplainPath("automatic.virtualization", facts)), "MISSING");
}

TEST(ExplainTest, OfTheNodeAsAWholeTheDifferencesAreTold) {
  ExplainFacts facts = InPlace();
  v1::Explanation explanation = ExplainPath("", facts);
  EXPECT_EQ(Verdict(explanation), "IN_PLACE");
  EXPECT_THAT(explanation.differences(), IsEmpty());

  Change(facts, [](v1::Record& r) {
    r.mutable_guests(0)->set_state(v1::GUEST_STATE_PAUSED);
  });
  facts.sync.set_state(v1::SYNC_STATE_PENDING);
  explanation = ExplainPath("", facts);
  EXPECT_EQ(Verdict(explanation), "DIFFERS");
  EXPECT_EQ(explanation.difference_count(), explanation.differences_size());
  std::vector<std::string> values;
  for (const v1::ExplainDifference& one : explanation.differences()) {
    values.push_back(absl::StrCat(one.chef_value(), " ", one.wanted_value()));
  }
  EXPECT_THAT(values, Contains("\"running\" \"paused\""));
}

TEST(ExplainTest, PathsAreReadAsPeopleWriteThem) {
  EXPECT_THAT(Path("automatic.rehai.guests"),
              ElementsAre("automatic", "rehai", "guests"));
  EXPECT_THAT(Path("rehai.host"), ElementsAre("automatic", "rehai", "host"));
  EXPECT_THAT(Path("normal.a\\.b"), ElementsAre("normal", "a.b"));
  EXPECT_THAT(Path(""), IsEmpty());
  EXPECT_THAT(ParseAttributePath("automatic..x"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseAttributePath("rehai."),
              StatusIs(absl::StatusCode::kInvalidArgument));
  // A dot inside a key needs no escape where there is such a key.
  EXPECT_THAT(Joined(Path(kKvmState), InPlace()),
              ElementsAre("automatic", "virtualization", "kvm", "guests",
                          "web01.example.com", "State"));
}

TEST(ExplainTest, AGuestIsLookedForWhereGuestsAreShown) {
  chef::RenderingOptions options;
  EXPECT_EQ(absl::StrJoin(PathOfGuest("u", "web01", options), "/"),
            "automatic/rehai/guests/u");
  options.kvm_extensions = true;
  EXPECT_EQ(absl::StrJoin(PathOfGuest("", "web01", options), "/"),
            "automatic/virtualization/kvm/guests/web01");
  options = {.ohai_libvirt = true,
             .rehai = false,
             .places = {.automatic = false, .normal_prefix = {"inv"}}};
  EXPECT_EQ(absl::StrJoin(PathOfGuest("u", "web01", options), "/"),
            "normal/inv/libvirt/domains/web01");
  options.places.normal_prefix.clear();
  EXPECT_THAT(PathOfGuest("u", "web01", options), IsEmpty());
}

}  // namespace
}  // namespace rehai
