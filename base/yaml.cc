// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/yaml.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "base/spelling.h"
#include "base/utf8.h"

namespace rehai {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string KindOf(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a group of keys";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return absl::StrCat("\"", node.Scalar(), "\"");
    default:
      return "nothing";
  }
}

// Walks a document and a message side by side and gathers what is wrong.
class Reader {
 public:
  explicit Reader(std::string file_name) : file_name_(std::move(file_name)) {}

  void ReadMessage(const YAML::Node& node, const std::string& path,
                   Message& message) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      return Complain(node, path,
                      absl::StrCat("is ", KindOf(node),
                                   "; expected keys, one a line: key: value"));
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      const std::string key_path =
          path.empty() ? key : absl::StrCat(path, ".", key);
      const FieldDescriptor* field =
          message.GetDescriptor()->FindFieldByName(key);
      if (field == nullptr) {
        Complain(entry.first, key_path,
                 UnknownKey(key, *message.GetDescriptor()));
      } else if (!seen.insert(key).second) {
        Complain(entry.first, key_path, "is given twice; keep one");
      } else if (!entry.second.IsNull()) {
        ReadField(entry.second, key_path, *field, message);
      }
    }
  }

  absl::Status status() const {
    return problems_.empty()
               ? absl::OkStatus()
               : absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }

  void Complain(const YAML::Mark& mark, const std::string& path,
                const std::string& problem) {
    problems_.push_back(absl::StrCat(file_name_, ":", mark.line + 1, ": ", path,
                                     path.empty() ? "" : ": ", problem));
  }

 private:
  void Complain(const YAML::Node& node, const std::string& path,
                const std::string& problem) {
    Complain(node.Mark(), path, problem);
  }

  static std::string UnknownKey(const std::string& key,
                                const Descriptor& descriptor) {
    std::vector<std::string> known;
    known.reserve(descriptor.field_count());
    for (int i = 0; i < descriptor.field_count(); ++i) {
      known.push_back(descriptor.field(i)->name());
    }
    const std::string closest = ClosestWord(key, known);
    return closest.empty()
               ? absl::StrCat("unknown key; known here: ",
                              absl::StrJoin(known, ", "))
               : absl::StrCat("unknown key; did you mean ", closest, "?");
  }

  void ReadField(const YAML::Node& node, const std::string& path,
                 const FieldDescriptor& field, Message& message) {
    const auto* reflection = message.GetReflection();
    if (field.is_map()) return ReadMap(node, path, field, message);
    if (field.is_repeated()) return ReadList(node, path, field, message);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      return ReadScalar(node, path, field, message);
    }
    Message* sub = reflection->MutableMessage(&message, &field);
    if (field.message_type() == google::protobuf::Duration::descriptor()) {
      return ReadDuration(node, path,
                          *static_cast<google::protobuf::Duration*>(sub));
    }
    ReadMessage(node, path, *sub);
  }

  void ReadList(const YAML::Node& node, const std::string& path,
                const FieldDescriptor& field, Message& message) {
    if (!node.IsSequence()) {
      return Complain(
          node, path,
          absl::StrCat("is ", KindOf(node),
                       "; expected a list, each entry beginning with \"- \""));
    }
    int index = 0;
    for (const YAML::Node& entry : node) {
      const std::string entry_path = absl::StrCat(path, "[", index++, "]");
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        ReadMessage(entry, entry_path,
                    *message.GetReflection()->AddMessage(&message, &field));
      } else if (entry.IsScalar()) {
        message.GetReflection()->AddString(&message, &field, entry.Scalar());
      } else {
        Complain(entry, entry_path, "expected one value");
      }
    }
  }

  // Maps are from string to string, which is all that a configuration needs.
  void ReadMap(const YAML::Node& node, const std::string& path,
               const FieldDescriptor& field, Message& message) {
    if (!node.IsMap()) {
      return Complain(node, path,
                      absl::StrCat("is ", KindOf(node),
                                   "; expected keys, one a line: key: value"));
    }
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.Scalar();
      const std::string key_path = absl::StrCat(path, ".", key);
      if (!entry.second.IsScalar()) {
        Complain(
            entry.second, key_path,
            absl::StrCat("is ", KindOf(entry.second), "; expected one value"));
      } else if (!seen.insert(key).second) {
        Complain(entry.first, key_path, "is given twice; keep one");
      } else {
        Message* pair = message.GetReflection()->AddMessage(&message, &field);
        const auto& type = *pair->GetDescriptor();
        pair->GetReflection()->SetString(pair, type.FindFieldByNumber(1), key);
        pair->GetReflection()->SetString(pair, type.FindFieldByNumber(2),
                                         entry.second.Scalar());
      }
    }
  }

  void ReadScalar(const YAML::Node& node, const std::string& path,
                  const FieldDescriptor& field, Message& message) {
    if (!node.IsScalar()) {
      return Complain(
          node, path,
          absl::StrCat("is ", KindOf(node), "; expected one value"));
    }
    if (const char* expected = SetScalar(node.Scalar(), field, message)) {
      Complain(node, path,
               absl::StrCat("is ", KindOf(node), "; expected ", expected));
    }
  }

  // Null if it went well, else what was expected.
  static const char* SetScalar(const std::string& text,
                               const FieldDescriptor& field, Message& message) {
    const auto* reflection = message.GetReflection();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        reflection->SetString(&message, &field, text);
        return nullptr;
      case FieldDescriptor::CPPTYPE_BOOL:
        if (text != "true" && text != "false") return "true or false";
        reflection->SetBool(&message, &field, text == "true");
        return nullptr;
      case FieldDescriptor::CPPTYPE_INT32: {
        int32_t value = 0;
        if (!absl::SimpleAtoi(text, &value)) return "a whole number";
        reflection->SetInt32(&message, &field, value);
        return nullptr;
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t value = 0;
        if (!absl::SimpleAtoi(text, &value)) return "a whole number";
        reflection->SetInt64(&message, &field, value);
        return nullptr;
      }
      case FieldDescriptor::CPPTYPE_DOUBLE: {
        double value = 0;
        // "inf" and "nan" are numbers too, with which nobody can count.
        if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) {
          return "a number";
        }
        reflection->SetDouble(&message, &field, value);
        return nullptr;
      }
      default:
        return "a type that configuration files do not have";
    }
  }

  void ReadDuration(const YAML::Node& node, const std::string& path,
                    google::protobuf::Duration& out) {
    absl::Duration value;
    if (!node.IsScalar() || !absl::ParseDuration(node.Scalar(), &value) ||
        value < absl::ZeroDuration() || value > absl::Hours(24 * 366)) {
      return Complain(
          node, path,
          absl::StrCat("is ", KindOf(node),
                       "; expected a duration like 200ms, 10s, 5m or 1h"));
    }
    const int64_t seconds = absl::ToInt64Seconds(value);
    out.set_seconds(seconds);
    out.set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(value - absl::Seconds(seconds))));
  }

  const std::string file_name_;
  std::vector<std::string> problems_;
};

// Takes no notice.
class NoEvents final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// YAML::LoadAll() would not do: yaml-cpp 0.7 finds another empty document, and
// another, for ever, before a comma that nothing precedes.
bool HoldsMoreThanOneDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  NoEvents none;
  return parser.HandleNextDocument(none) && parser.HandleNextDocument(none);
}

}  // namespace

absl::Status ParseYaml(const std::string& file_name, const std::string& text,
                       Message& message) {
  // What is said of hosts is made of it, and could not be read by anyone. A
  // zero byte has yaml-cpp think of other encodings.
  if (!IsUtf8(text) || absl::StrContains(text, '\0')) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_name, ": is not UTF-8; save it as that"));
  }
  Reader reader(file_name);
  try {
    if (HoldsMoreThanOneDocument(text)) {
      return absl::InvalidArgumentError(absl::StrCat(
          file_name,
          ": holds more than one document; keep one, without a --- between, "
          "and see that it does not begin with a comma or a bracket"));
    }
    reader.ReadMessage(YAML::Load(text), "", message);
  } catch (const YAML::Exception& error) {
    reader.Complain(error.mark, "", absl::StrCat("not YAML: ", error.msg));
  }
  return reader.status();
}

}  // namespace rehai
