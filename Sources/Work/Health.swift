import Admission
import Providers

/// What an answer says of the provider, apart from the job. Pure.
enum Health: Equatable {
  case serves
  case fails
  case rests(Duration)
  case account
  case funds
  case gone
  /// Says nothing about the provider.
  case unsaid

  func tell(_ report: inout BreakerReport) {
    switch self {
    case .serves: report.successes += 1
    case .fails: report.failures += 1
    case .rests(let pause):
      report.shut = .rate
      report.pause = pause
    case .account: report.shut = .account
    case .funds: report.shut = .funds
    case .gone: report.shut = .gone
    case .unsaid: break
    }
  }

  /// What a probe says of its own scope, and nothing else. That a provider answers says nothing of a model that was gone.
  func report(on probe: (scope: String, holder: String), modelScope: String) -> BreakerReport {
    var report = BreakerReport(scope: probe.scope, probe: probe.holder)
    let isOfModel = probe.scope == modelScope
    switch self {
    case .serves: report.successes = 1
    case .unsaid: break  // somebody else may probe
    case .gone where !isOfModel: report.successes = 1
    case .gone: tell(&report)
    case .fails, .rests, .account, .funds:
      if !isOfModel { tell(&report) }
    }
    return report
  }

  init(_ answer: ProviderAnswer) {
    guard case .failure(let failure) = answer else {
      self = .serves
      return
    }
    self =
      switch failure.kind {
      case .caller, .contentRefused, .contextTooLong: .serves
      case .server, .unreachable, .lost, .malformed: .fails
      case .rateLimited: failure.retryAfter.map { .rests($0) } ?? .fails
      case .account: .account
      case .funds: .funds
      case .notFound: .gone
      case .cancelled, .local: .unsaid
      }
  }
}
