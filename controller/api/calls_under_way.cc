// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/calls_under_way.h"

namespace rehai {

// Lives as long as its call.
class CallsUnderWay::Call final : public grpc::experimental::Interceptor {
 public:
  explicit Call(CallsUnderWay& calls) : calls_(calls) {
    MutexLock lock(calls_.mu_);
    ++calls_.count_;
  }
  ~Call() override {
    MutexLock lock(calls_.mu_);
    --calls_.count_;
    calls_.ended_.NotifyAll();
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* call) override {
    call->Proceed();
  }

 private:
  CallsUnderWay& calls_;
};

class CallsUnderWay::Counter final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Counter(CallsUnderWay& calls) : calls_(calls) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo*) override {
    return new Call(calls_);  // gRPC's from here on
  }

 private:
  CallsUnderWay& calls_;
};

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
CallsUnderWay::MakeCounter() {
  return std::make_unique<Counter>(*this);
}

void CallsUnderWay::AwaitNone(const Clock& clock, absl::Duration deadline) {
  MutexLock lock(mu_);
  while (count_ > 0 && clock.Uptime() < deadline) {
    clock.WaitUntil(deadline, mu_, ended_);
  }
}

}  // namespace rehai
